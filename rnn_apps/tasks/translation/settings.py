"""Settings of the translation task. Does not import TensorFlow."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from rnn_apps.errors import shown
from rnn_apps.settings import TaskSettings
from rnn_apps.tasks.settings import (
    DecoderSettings,
    DecodingSettings,
    SampleSettings,
    SourceSettings,
    Units,
    recurrent_weights,
    sample_field,
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
    """Synthetic sentence pairs."""

    name: Literal["bilingual"] = Field("bilingual", description="Kind of synthetic data.")


class TranslationData(SourceSettings):
    """Source of the sentence pairs, and their tokens."""

    source_language: Language = Field("en", description="Suffix of the source files, or TFDS feature.")
    target_language: Language = Field("de", description="Suffix of the target files, or TFDS feature.")
    source_file: FileName | None = Field(
        None, description="File with the source sentences; null: train.LANGUAGE."
    )
    target_file: FileName | None = Field(
        None,
        description="File with the translations, line by line, or the same table; null: train.LANGUAGE.",
    )
    max_examples: int | None = Field(
        None,
        ge=10,
        le=1_000_000_000,
        description="Use only the first pairs of train; null: all of them.",
    )
    unit: Literal["subword", "character"] = Field("subword", description="Unit of the tokens.")
    vocabulary_size: int = Field(8000, ge=5, le=1_000_000, description="Vocabulary size of each language.")
    max_length: int = Field(
        80, ge=1, le=10_000, description="Tokens of a sentence to train on; longer sentences are truncated."
    )
    sample: BilingualSample | None = sample_field(BilingualSample)

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields keys that the source requires or does not take, and invalid languages and sizes."""
        yield from super().cross_checks()
        if self.source_language == self.target_language:
            received = shown(self.target_language)
            yield ("target_language",), f"received {received}, expected a language other than the source."
        if (self.source_file is None) != (self.target_file is None):
            key = "source_file" if self.source_file is None else "target_file"
            yield (key,), "received null, expected a file name, because the other of the two is set."
        if self.unit == "subword" and self.vocabulary_size < LEAST_SUBWORDS:
            expected = f"expected at least {LEAST_SUBWORDS} for subwords."
            yield ("vocabulary_size",), f"received {self.vocabulary_size}, {expected}"

    @property
    def named_files(self) -> tuple[str, str] | None:
        """Names of the source and the target file; None for the usual layout."""
        return (self.source_file, self.target_file) if self.source_file and self.target_file else None


class TranslationModel(DecoderSettings):
    """A bidirectional recurrent encoder, and a decoder with attention over its outputs."""

    encoder_units: Units = [256]
    decoding: DecodingSettings = Field(
        default_factory=lambda: DecodingSettings(max_length=80),
        description="How the trained network generates text.",
    )


class TranslationSettings(TaskSettings):
    """A recipe for the translation task."""

    shape: ClassVar[str] = "many-to-many"
    summary: ClassVar[str] = "a sentence in, its translation out"

    task: Literal["translation"] = Field("translation", description="Name of the task.")
    data: TranslationData = Field(description="Source of the sentence pairs.")
    model: TranslationModel = Field(default_factory=TranslationModel, description="The network.")

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields a conflict if the network is too large for any machine."""
        model = self.model
        recurrent = recurrent_weights(model.cell, model.units, model.embedding)
        recurrent += recurrent_weights(model.cell, model.encoder_units, model.embedding, directions=2)
        yield from too_many_weights(self.data.vocabulary_size * 3 * model.embedding, recurrent)
