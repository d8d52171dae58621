"""Settings of the tagging task; no TensorFlow here."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from rnn_apps.settings import Fraction, Settings
from rnn_apps.tasks.labelling_settings import LabellingModel, LabellingSettings
from rnn_apps.tasks.settings import SampleSettings, SourceSettings, recurrent_weights, too_many_weights

Column = Annotated[str, Field(min_length=1, max_length=200)]


class TaggedSample(SampleSettings):
    """Generated sentences with parts of speech that stand in when a treebank cannot be had."""

    name: Literal["tagged_sentences"] = Field("tagged_sentences", description="Which generated data.")


class TaggingData(SourceSettings):
    """Where tagged sentences come from, and what is read of a word."""

    tokens: Column = Field("tokens", description="Key of the words in JSON lines, or feature of a TFDS set.")
    tags: Column | None = Field(
        None,
        description="Column of the tags in CoNLL-U (upos, xpos, ...) or its number, key in JSON lines; null: "
        "upos in CoNLL-U, the last column of other CoNLL files, else tags.",
    )
    vocabulary_size: int = Field(50_000, ge=2, le=1_000_000, description="Most frequent words that are kept.")
    min_count: int = Field(1, ge=1, le=1_000_000, description="How often train must have a word to keep it.")
    sample: TaggedSample | None = Field(
        default_factory=TaggedSample, description="Stand-in when the set cannot be had; null allows none."
    )


class CharacterSettings(Settings):
    """A recurrent network over the characters of every word."""

    embedding: int = Field(32, ge=1, le=1024, description="Numbers a character.")
    units: int = Field(64, ge=1, le=4096, description="Size of the state, in each direction.")
    max_length: int = Field(20, ge=2, le=200, description="Characters read of a word, from both ends.")


class TaggingModel(LabellingModel):
    """A vector a word, another read from its characters, recurrent levels, and a classifier at every word."""

    embedding: int = Field(128, ge=1, le=4096, description="Numbers a word.")
    characters: CharacterSettings | None = Field(
        default_factory=CharacterSettings,
        description="What is read of a word's letters; null: words alone.",
    )
    word_dropout: Fraction = Field(
        0.1, description="Part of the words replaced by the unknown word; their characters stay."
    )
    word_vectors: Literal["random", "cooccurrence"] = Field(
        "random",
        description="Where the embedding starts: at random, or from which words stand near which in train.",
    )


class TaggingSettings(LabellingSettings):
    """A recipe for the tagging task."""

    shape: ClassVar[str] = "one output at every step"
    summary: ClassVar[str] = "a sentence in, a tag for every word out"

    task: Literal["tagging"] = Field("tagging", description="Name of the task.")
    data: TaggingData = Field(description="Where tagged sentences come from.")
    model: TaggingModel = Field(default_factory=TaggingModel, description="The network.")

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields what does not go together, and networks that no machine could hold."""
        yield from super().cross_checks()
        model, directions = self.model, 2 if self.model.bidirectional else 1
        features = model.embedding + (2 * model.characters.units if model.characters else 0)
        recurrent = recurrent_weights(model.cell, model.units, features, directions)
        yield from too_many_weights(self.data.vocabulary_size * model.embedding, recurrent)
