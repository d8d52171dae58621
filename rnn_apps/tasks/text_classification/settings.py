"""Settings of text classification. Does not import TensorFlow."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from rnn_apps.errors import shown
from rnn_apps.settings import Distinct, Fraction, TaskSettings
from rnn_apps.tasks.settings import (
    CellName,
    Column,
    RecurrentLayers,
    SampleSettings,
    SourceSettings,
    recurrent_weights,
    sample_field,
    too_many_weights,
)


class ReviewsSample(SampleSettings):
    """Synthetic reviews."""

    name: Literal["reviews"] = Field("reviews", description="Kind of synthetic data.")


class TextClassificationData(SourceSettings):
    """Source of the labelled texts, and their vocabulary."""

    text: Column = Field("text", description="Column with the text.")
    label: Column = Field("label", description="Column with the label.")
    class_names: Distinct[Column] | None = Field(
        None, min_length=2, max_length=1000, description="Class names in order; null: those in the data."
    )
    vocabulary_size: int = Field(
        20_000, ge=2, le=1_000_000, description="Number of most frequent words to keep."
    )
    max_length: int = Field(
        400, ge=1, le=100_000, description="Words of a text to read; longer texts are truncated."
    )
    keep: Literal["start", "end", "both"] = Field(
        "start", description="Part of a truncated text to keep; both: half from each end."
    )
    sample: ReviewsSample | None = sample_field(ReviewsSample)

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields keys that the source requires or does not take, and identical columns."""
        yield from super().cross_checks()
        if self.text == self.label:
            yield ("label",), f"received {shown(self.label)}, expected a column other than that of the text."


class TextClassificationModel(RecurrentLayers):
    """An embedding, a stack of recurrent layers, pooling over the steps, and a classifier."""

    embedding: int = Field(128, ge=1, le=4096, description="Embedding dimension of words.")
    cell: CellName = "vanilla"
    bidirectional: bool = Field(True, description="Read in both directions.")
    pooling: Literal["last", "mean", "max", "mean_max"] = Field(
        "mean_max", description="Pooling of the outputs of all steps into one vector."
    )
    dropout: Fraction = Field(0.5, description="Dropout rate before the classifier.")
    word_dropout: Fraction = Field(0.0, description="Probability of replacing a word by the unknown word.")
    word_vectors: Literal["random", "cooccurrence"] = Field(
        "random",
        description="Initial embedding: random, or computed from word co-occurrences in train.",
    )


class TextClassificationSettings(TaskSettings):
    """A recipe for text classification."""

    shape: ClassVar[str] = "many-to-one"
    summary: ClassVar[str] = "a text in, its class and a probability for each class out"

    task: Literal["text_classification"] = Field("text_classification", description="Name of the task.")
    data: TextClassificationData = Field(description="Source of the labelled texts.")
    model: TextClassificationModel = Field(
        default_factory=TextClassificationModel, description="The network."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields a conflict if the network is too large for any machine."""
        model = self.model
        directions = 2 if model.bidirectional else 1
        recurrent = recurrent_weights(model.cell, model.units, model.embedding, directions)
        yield from too_many_weights(self.data.vocabulary_size * model.embedding, recurrent)
