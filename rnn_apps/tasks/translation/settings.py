"""Settings of the translation task; no TensorFlow here."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from rnn_apps.errors import shown
from rnn_apps.settings import TaskSettings
from rnn_apps.tasks.decoder_settings import DecoderSettings, DecodingSettings
from rnn_apps.tasks.settings import (
    SampleSettings,
    SourceSettings,
    Units,
    recurrent_weights,
    too_many_weights,
)

LEAST_SUBWORDS = 260  # the bytes and the four reserved numbers
Language = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,30}$",
        json_schema_extra={"patternErrorMessage": "the code of a language, such as en"},
    ),
]

FileName = Annotated[str, Field(min_length=1, max_length=4096)]


class BilingualSample(SampleSettings):
    """Generated sentence pairs that stand in when the set cannot be had."""

    name: Literal["bilingual"] = Field("bilingual", description="Which generated data.")


class TranslationData(SourceSettings):
    """Where the sentence pairs come from, and how they become tokens."""

    source_language: Language = Field("en", description="Ending of the files that are read, or the feature.")
    target_language: Language = Field("de", description="Ending of the files that are written.")
    source_file: FileName | None = Field(
        None, description="File of the folder with the sentences that are read; null: train.LANGUAGE."
    )
    target_file: FileName | None = Field(
        None,
        description="File with their translations, line by line, or the same table; null: train.LANGUAGE.",
    )
    max_examples: int | None = Field(
        None,
        ge=10,
        le=1_000_000_000,
        description="First pairs of train that are used; null is all.",
    )
    unit: Literal["subword", "character"] = Field("subword", description="What a token is.")
    vocabulary_size: int = Field(8000, ge=5, le=1_000_000, description="Tokens of each language.")
    max_length: int = Field(80, ge=1, le=10_000, description="Tokens of a sentence that are read.")
    sample: BilingualSample | None = Field(
        default_factory=BilingualSample, description="Stand-in when the set cannot be had; null allows none."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields what the source needs and lacks, and languages and sizes that cannot be."""
        yield from super().cross_checks()
        if self.source_language == self.target_language:
            received = shown(self.target_language)
            yield ("target_language",), f"received {received}, expected another language than the source."
        if (self.source_file is None) != (self.target_file is None):
            key = "source_file" if self.source_file is None else "target_file"
            yield (key,), "received null, expected the name of a file, as the other of the two is named."
        if self.unit == "subword" and self.vocabulary_size < LEAST_SUBWORDS:
            expected = f"expected at least {LEAST_SUBWORDS} for subwords."
            yield ("vocabulary_size",), f"received {self.vocabulary_size}, {expected}"

    @property
    def named_files(self) -> tuple[str, str] | None:
        """Names of the source and the target file; None where the folder has the usual layout."""
        return (self.source_file, self.target_file) if self.source_file and self.target_file else None


class TranslationModel(DecoderSettings):
    """A recurrent encoder that reads from both ends, and a decoder that looks at what it read."""

    encoder_units: Units = [256]
    decoding: DecodingSettings = Field(
        default_factory=lambda: DecodingSettings(max_length=80),
        description="How the trained network writes.",
    )


class TranslationSettings(TaskSettings):
    """A recipe for the translation task."""

    shape: ClassVar[str] = "many-to-many"
    summary: ClassVar[str] = "a sentence in, its translation out"

    task: Literal["translation"] = Field("translation", description="Name of the task.")
    data: TranslationData = Field(description="Where the sentence pairs come from.")
    model: TranslationModel = Field(default_factory=TranslationModel, description="The network.")

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields networks that no machine could hold."""
        model = self.model
        recurrent = recurrent_weights(model.cell, model.units, model.embedding)
        recurrent += recurrent_weights(model.cell, model.encoder_units, model.embedding, directions=2)
        yield from too_many_weights(self.data.vocabulary_size * 3 * model.embedding, recurrent)
