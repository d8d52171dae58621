"""Settings that several tasks share: data sources, recurrent layers, decoders. Does not import TensorFlow."""

import re
import sys
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, ValidationInfo

from rnn_apps.errors import nearest, shown
from rnn_apps.settings import Fraction, Settings, SteppedTrainingSettings, TaskSettings, refusal

GATES = {"vanilla": 1, "gru": 3, "lstm": 4, "min_gru": 2, "ind_rnn": 1, "layer_norm_lstm": 4}
MOST_WEIGHTS = 2_000_000_000
OWN_CELL = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def _cell_name(name: str, info: ValidationInfo) -> str:
    """Checks the form of a cell's name; whether a module has the class is checked when layers are built."""
    known = [*GATES, *_registered()]
    of_a_run = bool(info.context) and info.context.get("of_a_run")
    if name in known or OWN_CELL.fullmatch(name) or (of_a_run and name.isidentifier()):
        return name
    guess = nearest(name, known)
    advice = f' Did you mean "{guess}"?' if guess else ""
    raise refusal(
        f"received {shown(name)}, expected the name of a cell.{advice} Built in: {', '.join(GATES)}; "
        "a cell of your own is written module:Class, or in Python registered first."
    )


def _registered() -> list[str]:
    """Returns the cells registered in this process; none unless the layers are imported."""
    layers = sys.modules.get("rnn_apps.layers.recurrent_cell")
    return layers.list_cells() if layers else []


CellName = Annotated[
    str,
    AfterValidator(_cell_name),
    Field(
        max_length=200,
        description="vanilla, gru, lstm, min_gru, ind_rnn, layer_norm_lstm, a registered cell, or "
        "module:Class.",
        examples=["vanilla", "gru", "lstm", "min_gru", "ind_rnn", "layer_norm_lstm"],
    ),
]


def _invalid_record_limit(value: float) -> float:
    """Checks that a value is a number of records or a fraction of them."""
    if value >= 1 and not float(value).is_integer():
        raise refusal(f"received {value:g}, expected a whole number, or a fraction below 1.")
    return int(value) if value == 0 or value >= 1 else value


InvalidRecordLimit = Annotated[float, Field(ge=0, le=1_000_000_000), AfterValidator(_invalid_record_limit)]
Column = Annotated[str, Field(min_length=1, max_length=200)]
Units = Annotated[
    list[Annotated[int, Field(ge=1, le=16_384)]],
    Field(min_length=1, max_length=16, description="Size of the state, one entry per layer."),
]


class RecurrentLayers(Settings):
    """A stack of recurrent layers."""

    cell: CellName = "gru"
    units: Units = [128]
    residual: bool = Field(False, description="Add each layer's input to its output.")
    layer_dropout: Fraction = Field(0.0, description="Dropout rate of each layer's input.")
    recurrent_dropout: Fraction = Field(0.0, description="Dropout rate of the recurrent state.")

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields residual connections between layers of different sizes."""
        if self.residual and len(set(self.units)) > 1:
            yield ("residual",), f"received true, but units are {self.units}; expected layers of equal size."


def recurrent_weights(cell: str, units: list[int], features: int, directions: int = 1) -> int:
    """Returns the number of weights of a stack of recurrent layers, without biases."""
    inputs = [features, *(directions * width for width in units[:-1])]
    per_gate = sum((wide + width) * width for wide, width in zip(inputs, units))
    return directions * GATES.get(cell, 4) * per_gate


def too_many_weights(embedding: int, recurrent: int) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yields a conflict if the network has too many weights for any machine."""
    if embedding + recurrent > MOST_WEIGHTS:
        key = "embedding" if embedding > recurrent else "units"
        yield (
            ("model", key),
            f"these settings make {embedding + recurrent:,} weights ({embedding:,} in the embedding, "
            f"{recurrent:,} in the recurrent layers), expected at most {MOST_WEIGHTS:,}.",
        )


class SampleSettings(Settings):
    """Synthetic data that is used if the data set is unavailable; each task has its own."""

    name: str = Field(description="Kind of synthetic data.")
    size: int = Field(6000, ge=100, le=1_000_000, description="Number of examples in all splits.")
    set: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="Recipe overrides (dotted path: value) that apply when the sample is used.",
    )


def sample_field(
    kind: type[SampleSettings],
    description: str = "Synthetic data to use if the data set is unavailable; null: fail instead.",
) -> Any:
    """Returns the field ``sample`` of a task, whose default is the task's own kind of synthetic data."""
    return Field(default_factory=kind, description=description)


LocalSource = Annotated[
    str,
    Field(
        pattern="^(files|sample)$",
        description="files (your own data) or sample (synthetic data).",
        json_schema_extra={"patternErrorMessage": "files or sample"},
    ),
]


class SourceSettings(Settings):
    """The data source, and how invalid records are handled."""

    source: str = Field(
        pattern=r"^(tfds:[A-Za-z0-9_]+(/[A-Za-z0-9_][A-Za-z0-9_.-]*)?(:[0-9.*]+)?|files|sample)$",
        description="tfds:NAME (TensorFlow Datasets), files (your own data) or sample (synthetic data).",
        json_schema_extra={"patternErrorMessage": "tfds:NAME (such as tfds:imdb_reviews), files or sample"},
    )
    path: str | None = Field(
        None,
        min_length=1,
        max_length=4096,
        pattern=r"^[^\u0000]+$",
        description="File or folder to read if source is files.",
        json_schema_extra={"patternErrorMessage": "the path of a file or a folder"},
    )
    validation_fraction: float = Field(
        0.1,
        gt=0,
        lt=0.9,
        description="Fraction of train to split off if there is no validation split.",
    )
    on_invalid_record: Literal["fail", "skip"] = Field("fail", description="How to handle invalid records.")
    max_invalid_records: InvalidRecordLimit = Field(
        100, description="Maximum number of invalid records to skip; below 1 it is a fraction."
    )
    shuffle: Literal["shards", "examples"] = Field(
        "shards",
        description="How to shuffle prepared data: a few shards at a time, or all examples at once, as data "
        "that is not prepared; the latter is slow for data that is larger than memory.",
    )
    sample: SampleSettings | None = Field(
        None, description="Synthetic data to use if the data set is unavailable."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields keys that the source requires or does not take."""
        if self.source == "files" and self.path is None:
            yield ("path",), "missing; source is files, expected the file or folder to read."
        if self.source != "files" and self.path is not None:
            conflict = f"received {shown(self.path)}, but source is {self.source}, which takes no path."
            yield ("path",), f"{conflict} Set data.source to files."
        if self.source == "sample" and self.sample is None:
            yield ("sample",), "received null, but source is sample, expected a mapping with name and size."

    @property
    def sample_size(self) -> int:
        """Number of synthetic examples, 0 if there are none."""
        return self.sample.size if self.sample else 0


class DecodingSettings(Settings):
    """Beam search settings of the trained network."""

    beam: int = Field(5, ge=1, le=100, description="Beam width; 1 is greedy search.")
    length_penalty: float = Field(
        0.7, ge=0, le=10, description="Exponent of the length penalty; 0 favours short texts."
    )
    max_length: int = Field(30, ge=1, le=10_000, description="Maximum number of generated tokens.")


class RecurrentSettings(RecurrentLayers):
    """A recurrent network that predicts the next token."""

    embedding: int = Field(256, ge=1, le=4096, description="Embedding dimension of tokens.")
    units: Units = [512]
    tied: bool = Field(False, description="Share one matrix between embedding and output (weight tying).")
    dropout: Fraction = Field(0.3, description="Dropout rate of the embedded tokens and before the output.")

    def too_large(self, vocabulary_size: int, before: int = 0) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields a conflict if the network is too large; `before`: recurrent weights of an encoder."""
        recurrent = before + recurrent_weights(self.cell, self.units, self.embedding)
        yield from too_many_weights(vocabulary_size * (self.embedding + self.units[-1]), recurrent)


class DecoderSettings(RecurrentSettings):
    """A recurrent decoder that generates text from encoded inputs."""

    attention: Literal["dot", "additive"] | None = Field(
        "additive",
        description="Attention over the encoded input; null: only the initial state depends on it.",
    )
    decoding: DecodingSettings = Field(
        default_factory=DecodingSettings, description="How the trained network generates text."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields residual connections that the sizes or the number of layers do not allow."""
        yield from super().cross_checks()
        between = len(self.units) > 2 or self.embedding == self.units[0] or not self.attention
        if self.residual and len(set(self.units)) == 1 and not between:
            expected = "expected at least three layers, because the attention enters the second"
            yield ("residual",), f"received true with attention and {len(self.units)} layers, {expected}."


class LabellingModel(RecurrentLayers):
    """A stack of recurrent layers, and a classifier at every step."""

    bidirectional: bool = Field(True, description="Read in both directions; false can stream.")
    dropout: Fraction = Field(0.3, description="Dropout rate before and after the recurrent layers.")


class LabellingSettings(TaskSettings):
    """A recipe of a task that labels every step."""

    training: SteppedTrainingSettings = Field(
        default_factory=SteppedTrainingSettings, description="How to train."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields truncated backpropagation in a bidirectional network."""
        if self.training.tbptt is not None and self.model.bidirectional:
            fix = "Set model.bidirectional to false, or training.tbptt to null."
            yield (
                ("training", "tbptt"),
                f"received windows, but the network is bidirectional and needs whole sequences. {fix}",
            )
