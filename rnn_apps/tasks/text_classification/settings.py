"""Settings of text classification; no TensorFlow here."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from rnn_apps.errors import shown
from rnn_apps.settings import Distinct, Fraction, Settings, TaskSettings
from rnn_apps.tasks.settings import (
    CellName,
    SampleSettings,
    SourceSettings,
    Units,
    recurrent_weights,
    too_many_weights,
)

Label = Annotated[str, Field(min_length=1, max_length=200)]
Column = Annotated[str, Field(min_length=1, max_length=200)]


class ReviewsSample(SampleSettings):
    """Generated reviews that stand in when the set cannot be had."""

    name: Literal["reviews"] = Field("reviews", description="Which generated data.")


class TextClassificationData(SourceSettings):
    """Where the labelled texts come from, and how they are read."""

    text: Column = Field("text", description="Column that holds the text.")
    label: Column = Field("label", description="Column that holds the label.")
    class_names: Distinct[Label] | None = Field(
        None, min_length=2, max_length=1000, description="Classes in order; null takes those of the data."
    )
    vocabulary_size: int = Field(20_000, ge=2, le=1_000_000, description="Most frequent words that are kept.")
    max_length: int = Field(400, ge=1, le=100_000, description="Words of a text that are read.")
    keep: Literal["start", "end", "both"] = Field(
        "start", description="Part of a too long text that is kept; both keeps half from each end."
    )
    sample: ReviewsSample | None = Field(
        default_factory=ReviewsSample, description="Stand-in when the set cannot be had; null allows none."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields what the source needs and lacks, and columns that coincide."""
        yield from super().cross_checks()
        if self.text == self.label:
            yield ("label",), f"received {shown(self.label)}, expected another column than that of the text."


class TextClassificationModel(Settings):
    """An embedding, a stack of recurrent layers over it, pooling over the steps, and a classifier."""

    embedding: int = Field(128, ge=1, le=4096, description="Numbers a word.")
    cell: CellName = "vanilla"
    units: Units = [128]
    bidirectional: bool = Field(True, description="Read each text from both ends.")
    residual: bool = Field(False, description="Add each level's input to its output.")
    pooling: Literal["last", "mean", "max", "mean_max"] = Field(
        "mean_max", description="How the outputs of all steps become one vector."
    )
    dropout: Fraction = Field(0.5, description="Part of the pooled features dropped before the classifier.")
    recurrent_dropout: Fraction = Field(0.0, description="Part of the state dropped from step to step.")
    layer_dropout: Fraction = Field(
        0.0, description="Part of the features dropped from the input of every level."
    )
    word_dropout: Fraction = Field(0.0, description="Part of the words replaced by the unknown word.")
    word_vectors: Literal["random", "cooccurrence"] = Field(
        "random",
        description="Where the embedding starts: at random, or from which words stand near which in train.",
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields residual connections between levels of different sizes."""
        if self.residual and len(set(self.units)) > 1:
            yield ("residual",), f"received true, but units are {self.units}; expected levels of one size."


class TextClassificationSettings(TaskSettings):
    """A recipe for text classification."""

    shape: ClassVar[str] = "many-to-one"
    summary: ClassVar[str] = "a text in, its class and a probability for each class out"

    task: Literal["text_classification"] = Field("text_classification", description="Name of the task.")
    data: TextClassificationData = Field(description="Where the labelled texts come from.")
    model: TextClassificationModel = Field(
        default_factory=TextClassificationModel, description="The network."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields networks that no machine could hold."""
        model = self.model
        directions = 2 if model.bidirectional else 1
        recurrent = recurrent_weights(model.cell, model.units, model.embedding, directions)
        yield from too_many_weights(self.data.vocabulary_size * model.embedding, recurrent)
