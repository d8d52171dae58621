"""Settings of the sentiment task; no TensorFlow here."""

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, JsonValue

from rnn_apps.errors import nearest, shown
from rnn_apps.settings import Distinct, Fraction, Settings, TaskSettings, refusal

__all__ = ["ReviewsSample", "SentimentData", "SentimentModel", "SentimentSettings"]

GATES = {"vanilla": 1, "gru": 3, "lstm": 4}
MOST_WEIGHTS = 2_000_000_000
OWN_CELL = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")

Label = Annotated[str, Field(min_length=1, max_length=200)]
Column = Annotated[str, Field(min_length=1, max_length=200)]


def _cell_name(name: str) -> str:
    """Refuses what cannot be a cell; whether a cell of the user's own exists is for the layers to say."""
    if name in GATES or OWN_CELL.fullmatch(name):
        return name
    guess = nearest(name, GATES, cutoff=0.8)
    if guess or not name.isidentifier():
        advice = f' Did you mean "{guess}"?' if guess else ""
        raise refusal(
            f"received {shown(name)}, expected the name of a cell.{advice} "
            f"Built in: {', '.join(GATES)}; a cell of your own is written module:Class."
        )
    return name


class ReviewsSample(Settings):
    """Generated reviews that stand in when the set cannot be had."""

    name: Literal["reviews"] = Field("reviews", description="Which generated data.")
    size: int = Field(6000, ge=100, le=1_000_000, description="Reviews, over all parts.")
    set: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="Dotted path -> value, applied to the recipe when the sample is used.",
    )


class SentimentData(Settings):
    """Where the labelled texts come from, and how they are read."""

    source: str = Field(
        pattern=r"^(tfds:[A-Za-z0-9_]+(/[A-Za-z0-9_][A-Za-z0-9_.-]*)?(:[0-9.*]+)?|files|sample)$",
        description="A TensorFlow Datasets name, the user's own files, or generated data.",
        json_schema_extra={"patternErrorMessage": "tfds:NAME (such as tfds:imdb_reviews), files or sample"},
    )
    path: str | None = Field(
        None,
        min_length=1,
        max_length=4096,
        pattern=r"^[^\u0000]+$",
        description="File or folder to read, where source is files.",
        json_schema_extra={"patternErrorMessage": "the path of a file or a folder"},
    )
    text: Column = Field("text", description="Column that holds the text.")
    label: Column = Field("label", description="Column that holds the label.")
    class_names: Distinct[Label] | None = Field(
        None, min_length=2, max_length=1000, description="Classes in order; null takes those of the data."
    )
    validation_fraction: float = Field(
        0.1, gt=0, lt=0.9, description="Part of train that becomes validation, where there is none."
    )
    vocabulary_size: int = Field(20_000, ge=2, le=1_000_000, description="Most frequent words that are kept.")
    max_length: int = Field(400, ge=1, le=100_000, description="Words of a text that are read.")
    keep: Literal["start", "end", "both"] = Field(
        "start", description="Part of a too long text that is kept; both keeps half from each end."
    )
    on_bad_record: Literal["fail", "skip"] = Field("fail", description="What an unreadable record does.")
    max_bad_records: int = Field(
        100, ge=0, le=1_000_000_000, description="Bad records skipped before the run fails after all."
    )
    sample: ReviewsSample | None = Field(
        default_factory=ReviewsSample, description="Stand-in when the set cannot be had; null allows none."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields what the source needs and lacks, and columns that coincide."""
        if self.source == "files" and self.path is None:
            yield ("path",), "missing; source is files, expected the file or folder to read."
        if self.source != "files" and self.path is not None:
            conflict = f"received {shown(self.path)}, but source is {self.source}, which takes no path."
            yield ("path",), f"{conflict} Set data.source to files, or use --data PATH."
        if self.source == "sample" and self.sample is None:
            yield ("sample",), "received null, but source is sample, expected a mapping with name and size."
        if self.text == self.label:
            yield ("label",), f"received {shown(self.label)}, expected another column than that of the text."


class SentimentModel(Settings):
    """An embedding, a stack of recurrent layers over it, pooling over the steps, and a classifier."""

    embedding: int = Field(128, ge=1, le=4096, description="Numbers a word.")
    cell: Annotated[str, AfterValidator(_cell_name)] = Field(
        "vanilla",
        max_length=200,
        description="vanilla, gru, lstm, a registered cell, or module:Class.",
        examples=["vanilla", "gru", "lstm"],
    )
    units: list[Annotated[int, Field(ge=1, le=16_384)]] = Field(
        [128], min_length=1, max_length=16, description="Size of the state, one entry a level."
    )
    bidirectional: bool = Field(True, description="Read each text from both ends.")
    residual: bool = Field(False, description="Add each level's input to its output.")
    pooling: Literal["last", "mean", "max", "mean_max"] = Field(
        "mean_max", description="How the outputs of all steps become one vector."
    )
    dropout: Fraction = Field(0.5, description="Part of the pooled features dropped before the classifier.")
    recurrent_dropout: Fraction = Field(0.0, description="Part of the state dropped from step to step.")
    level_dropout: Fraction = Field(
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

    def recurrent_weights(self) -> int:
        """Returns how many weights the recurrent levels have, biases apart."""
        directions = 2 if self.bidirectional else 1
        inputs = [self.embedding, *(directions * units for units in self.units[:-1])]
        per_gate = sum((features + units) * units for features, units in zip(inputs, self.units))
        return directions * GATES.get(self.cell, 4) * per_gate


class SentimentSettings(TaskSettings):
    """A recipe for the sentiment task."""

    shape: ClassVar[str] = "many-to-one"
    summary: ClassVar[str] = "a text in, its class and a probability for each class out"

    task: Literal["sentiment"] = Field("sentiment", description="Name of the task.")
    data: SentimentData = Field(description="Where the labelled texts come from.")
    model: SentimentModel = Field(default_factory=SentimentModel, description="The network.")

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields networks that no machine could hold."""
        embedding = self.data.vocabulary_size * self.model.embedding
        recurrent = self.model.recurrent_weights()
        if embedding + recurrent > MOST_WEIGHTS:
            key = "embedding" if embedding > recurrent else "units"
            yield (
                ("model", key),
                f"these settings make {embedding + recurrent:,} weights ({embedding:,} in the embedding, "
                f"{recurrent:,} in the recurrent levels), expected at most {MOST_WEIGHTS:,}.",
            )
