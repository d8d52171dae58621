"""Settings of the language model task; no TensorFlow here."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from rnn_apps.settings import Settings, SteppedTrainingSettings, TaskSettings, TbpttSettings
from rnn_apps.tasks.decoder_settings import RecurrentSettings
from rnn_apps.tasks.settings import SampleSettings, SourceSettings


class SayingsSample(SampleSettings):
    """Generated sentences that stand in when the set cannot be had."""

    name: Literal["sayings"] = Field("sayings", description="Which generated data.")


class LanguageModelData(SourceSettings):
    """Where the text comes from, and what a token of it is."""

    unit: Literal["character", "token"] = Field(
        "character", description="character, or token: what stands between blanks, and the end of each line."
    )
    vocabulary_size: int = Field(10_004, ge=5, le=1_000_000, description="Most frequent tokens, 4 reserved.")
    min_count: int = Field(1, ge=1, le=1_000_000, description="How often train must have a token to keep it.")
    sample: SayingsSample | None = Field(
        default_factory=SayingsSample, description="Stand-in when the set cannot be had; null allows none."
    )


class GenerationSettings(Settings):
    """How the trained network writes where nobody says otherwise."""

    length: int = Field(200, ge=1, le=100_000, description="Tokens that are written.")
    temperature: float = Field(0.8, ge=0, le=100, description="0 always takes the likeliest token.")


class LanguageModelModel(RecurrentSettings):
    """An embedding, a stack of recurrent levels, and an output for every token."""

    generation: GenerationSettings = Field(
        default_factory=GenerationSettings, description="How the trained network writes."
    )


class LanguageModelTraining(SteppedTrainingSettings):
    """How a language model is trained: by windows, unless it is told otherwise."""

    tbptt: TbpttSettings | None = Field(
        default_factory=TbpttSettings,
        description="Windows of as many streams as batch_size, into which the text is cut; gradients through "
        "one window. null goes back through whole streams.",
    )


class LanguageModelSettings(TaskSettings):
    """A recipe for the language model task."""

    shape: ClassVar[str] = "one output at every step"
    summary: ClassVar[str] = "the beginning of a text in, what comes next out"

    task: Literal["language_model"] = Field("language_model", description="Name of the task.")
    data: LanguageModelData = Field(description="Where the text comes from.")
    model: LanguageModelModel = Field(default_factory=LanguageModelModel, description="The network.")
    training: LanguageModelTraining = Field(
        default_factory=LanguageModelTraining, description="How to train."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields networks that no machine could hold."""
        yield from self.model.too_large(self.data.vocabulary_size)
