"""Settings that several tasks share: where data comes from, and which cell; no TensorFlow here."""

import re
import sys
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, ValidationInfo

from rnn_apps.errors import nearest, shown
from rnn_apps.settings import Fraction, Settings, refusal

GATES = {"vanilla": 1, "gru": 3, "lstm": 4, "min_gru": 2, "ind_rnn": 1, "layer_norm_lstm": 4}
MOST_WEIGHTS = 2_000_000_000
OWN_CELL = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def _cell_name(name: str, info: ValidationInfo) -> str:
    """Refuses what cannot be a cell; whether a module holds a class is for the layers to say."""
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
    """Returns the cells that were registered in this process, where the layers are loaded at all."""
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


def _bad_record_cap(value: float) -> float:
    """Refuses what is neither a number of records nor a fraction of them."""
    if value >= 1 and not float(value).is_integer():
        raise refusal(f"received {value:g}, expected a whole number, or a fraction below 1.")
    return int(value) if value == 0 or value >= 1 else value


BadRecordCap = Annotated[float, Field(ge=0, le=1_000_000_000), AfterValidator(_bad_record_cap)]
Units = Annotated[
    list[Annotated[int, Field(ge=1, le=16_384)]],
    Field(min_length=1, max_length=16, description="Size of the state, one entry a level."),
]


class RecurrentLevels(Settings):
    """A stack of recurrent levels, whatever stands before and behind it."""

    cell: CellName = "gru"
    units: Units = [128]
    residual: bool = Field(False, description="Add each level's input to its output.")
    layer_dropout: Fraction = Field(
        0.0, description="Part of the features dropped from the input of every level."
    )
    recurrent_dropout: Fraction = Field(0.0, description="Part of the state dropped from step to step.")

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields residual connections between levels of different sizes."""
        if self.residual and len(set(self.units)) > 1:
            yield ("residual",), f"received true, but units are {self.units}; expected levels of one size."


def recurrent_weights(cell: str, units: list[int], features: int, directions: int = 1) -> int:
    """Returns how many weights a stack of recurrent levels has, biases apart."""
    inputs = [features, *(directions * width for width in units[:-1])]
    per_gate = sum((wide + width) * width for wide, width in zip(inputs, units))
    return directions * GATES.get(cell, 4) * per_gate


def too_many_weights(embedding: int, recurrent: int) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yields the conflict of a network that no machine could hold."""
    if embedding + recurrent > MOST_WEIGHTS:
        key = "embedding" if embedding > recurrent else "units"
        yield (
            ("model", key),
            f"these settings make {embedding + recurrent:,} weights ({embedding:,} in the embedding, "
            f"{recurrent:,} in the recurrent levels), expected at most {MOST_WEIGHTS:,}.",
        )


class SampleSettings(Settings):
    """Generated data that stands in when the set cannot be had; a task says which."""

    name: str = Field(description="Which generated data.")
    size: int = Field(6000, ge=100, le=1_000_000, description="Examples, over all parts.")
    set: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="Dotted path -> value, applied to the recipe when the sample is used.",
    )


class SourceSettings(Settings):
    """Where the examples come from, and what a bad one does."""

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
    validation_fraction: float = Field(
        0.1, gt=0, lt=0.9, description="Part of train that becomes validation, where there is none."
    )
    on_invalid_record: Literal["fail", "skip"] = Field("fail", description="What an unreadable record does.")
    max_invalid_records: BadRecordCap = Field(
        100, description="Bad records that may be skipped: a number of them, or below 1 their fraction."
    )
    sample: SampleSettings | None = Field(None, description="Stand-in when the set cannot be had.")

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields what the source needs and lacks."""
        if self.source == "files" and self.path is None:
            yield ("path",), "missing; source is files, expected the file or folder to read."
        if self.source != "files" and self.path is not None:
            conflict = f"received {shown(self.path)}, but source is {self.source}, which takes no path."
            yield ("path",), f"{conflict} Set data.source to files."
        if self.source == "sample" and self.sample is None:
            yield ("sample",), "received null, but source is sample, expected a mapping with name and size."

    @property
    def sample_size(self) -> int:
        """Examples of the generated data, 0 where none may stand in."""
        return self.sample.size if self.sample else 0
