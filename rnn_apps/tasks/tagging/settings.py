"""Settings of the tagging task. Does not import TensorFlow."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from rnn_apps.settings import Fraction, Settings
from rnn_apps.tasks.settings import (
    Column,
    LabellingModel,
    LabellingSettings,
    SampleSettings,
    SourceSettings,
    recurrent_weights,
    sample_field,
    too_many_weights,
)


class TaggedSample(SampleSettings):
    """Synthetic sentences with part-of-speech tags."""

    name: Literal["tagged_sentences"] = Field("tagged_sentences", description="Kind of synthetic data.")


class TaggingData(SourceSettings):
    """Source of the tagged sentences, and their vocabulary."""

    tokens: Column = Field(
        "tokens", description="Key of the words in JSON lines, or feature of a TFDS data set."
    )
    tags: Column | None = Field(
        None,
        description="Column with the tags (its name in CoNLL-U, its number in other CoNLL files) or key in "
        "JSON lines; null: upos in CoNLL-U, the last column of other CoNLL files, tags in JSON lines.",
    )
    vocabulary_size: int = Field(
        50_000, ge=2, le=1_000_000, description="Number of most frequent words to keep."
    )
    min_count: int = Field(
        1, ge=1, le=1_000_000, description="Occurrences in train that a word needs to be kept."
    )
    sample: TaggedSample | None = sample_field(TaggedSample)


class CharacterSettings(Settings):
    """A recurrent network over the characters of every word."""

    embedding: int = Field(32, ge=1, le=1024, description="Embedding dimension of characters.")
    units: int = Field(64, ge=1, le=4096, description="Size of the state in each direction.")
    max_length: int = Field(
        20, ge=2, le=200, description="Characters to read per word; of longer words, half from each end."
    )


class TaggingModel(LabellingModel):
    """Word and character embeddings, recurrent layers, and a classifier at every word."""

    embedding: int = Field(128, ge=1, le=4096, description="Embedding dimension of words.")
    characters: CharacterSettings | None = Field(
        default_factory=CharacterSettings,
        description="Network over the characters of each word; null: words only.",
    )
    word_dropout: Fraction = Field(
        0.1, description="Probability of replacing a word by the unknown word; its characters stay."
    )
    word_vectors: Literal["random", "cooccurrence"] = Field(
        "random",
        description="Initial embedding: random, or computed from word co-occurrences in train.",
    )


class TaggingSettings(LabellingSettings):
    """A recipe for the tagging task."""

    shape: ClassVar[str] = "one output at every step"
    summary: ClassVar[str] = "a sentence in, a tag for every word out"

    task: Literal["tagging"] = Field("tagging", description="Name of the task.")
    data: TaggingData = Field(description="Source of the tagged sentences.")
    model: TaggingModel = Field(default_factory=TaggingModel, description="The network.")

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields conflicting keys, and networks that are too large for any machine."""
        yield from super().cross_checks()
        model, directions = self.model, 2 if self.model.bidirectional else 1
        features = model.embedding + (2 * model.characters.units if model.characters else 0)
        recurrent = recurrent_weights(model.cell, model.units, features, directions)
        yield from too_many_weights(self.data.vocabulary_size * model.embedding, recurrent)
