"""Settings of the language model task. Does not import TensorFlow."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from rnn_apps.settings import Settings, SteppedTrainingSettings, TaskSettings, TbpttSettings
from rnn_apps.tasks.settings import RecurrentSettings, SampleSettings, SourceSettings, sample_field


class SayingsSample(SampleSettings):
    """Synthetic sentences."""

    name: Literal["sayings"] = Field("sayings", description="Kind of synthetic data.")


class LanguageModelData(SourceSettings):
    """Source of the text, and its tokens."""

    unit: Literal["character", "token"] = Field(
        "character", description="character, or token: split at whitespace; each line end is a token as well."
    )
    vocabulary_size: int = Field(
        10_004,
        ge=5,
        le=1_000_000,
        description="Number of most frequent tokens to keep, including 4 reserved ones.",
    )
    min_count: int = Field(
        1, ge=1, le=1_000_000, description="Occurrences in train that a token needs to be kept."
    )
    sample: SayingsSample | None = sample_field(SayingsSample)


class GenerationSettings(Settings):
    """Default sampling settings of the trained network."""

    length: int = Field(200, ge=1, le=100_000, description="Number of tokens to generate.")
    temperature: float = Field(
        0.8, ge=0, le=100, description="Sampling temperature; 0 always takes the most likely token."
    )


class LanguageModelModel(RecurrentSettings):
    """An embedding, a stack of recurrent layers, and an output over the vocabulary."""

    generation: GenerationSettings = Field(
        default_factory=GenerationSettings, description="How the trained network generates text."
    )


class LanguageModelTraining(SteppedTrainingSettings):
    """Training settings of language models: truncated backpropagation by default."""

    tbptt: TbpttSettings | None = Field(
        default_factory=TbpttSettings,
        description="Truncated backpropagation: the text is cut into batch_size streams, read window by "
        "window. null: backpropagate through whole streams.",
    )


class LanguageModelSettings(TaskSettings):
    """A recipe for the language model task."""

    shape: ClassVar[str] = "one output at every step"
    summary: ClassVar[str] = "the beginning of a text in, what comes next out"

    task: Literal["language_model"] = Field("language_model", description="Name of the task.")
    data: LanguageModelData = Field(description="Source of the text.")
    model: LanguageModelModel = Field(default_factory=LanguageModelModel, description="The network.")
    training: LanguageModelTraining = Field(
        default_factory=LanguageModelTraining, description="How to train."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields a conflict if the network is too large for any machine."""
        yield from self.model.too_large(self.data.vocabulary_size)
