"""A recurrent network folded and unrolled through time, drawn from the model itself.

Reference: Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 10.1.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import keras

from rnn_apps.reporting.views.readout import Readout, readout, weight_shapes
from rnn_apps.reporting.views.recording import Network, first_size, recurrent_layers

ATTENTION = (keras.layers.Attention, keras.layers.MultiHeadAttention)  # additive attention is of the first
DECODER = "decoder"
STEP_BY_STEP, TO_ONE = "one output at every step", "many-to-one"
WRITES = {True: "many-to-many", False: "one-to-many"}  # whether what is read is a sequence


@dataclass(frozen=True)
class Level:
    """One level of recurrence.

    Attributes:
        name: of its layer.
        cell: name of the cell's class.
        features: of what it reads at a step, None where the cell does not say.
        units: size of its state, of each direction.
        directions: 1, or 2 where a second layer reads from the end.
        weights: name to shape, of one direction.
        backwards: whether it reads from the end alone.
    """

    name: str
    cell: str
    features: int | None
    units: int
    directions: int
    weights: dict[str, list[int]]
    backwards: bool = False


@dataclass(frozen=True)
class Part:
    """Levels that read the same steps: a whole network, or its encoder or decoder.

    Attributes:
        name: of the layer that holds them.
        levels: the lowest first.
    """

    name: str
    levels: list[Level] = field(default_factory=list)


@dataclass(frozen=True)
class Unrolled:
    """The recurrence of a network.

    Attributes:
        shape: many-to-one, one-to-many, many-to-many, or one output at every step.
        parts: one, or an encoder and a decoder.
        output: size of an output, None where it is not one array.
        attends: whether a layer attends to what was read.
        readout: how the output is computed from the states; None where the model does not say.
    """

    shape: str
    parts: list[Part]
    output: int | None
    attends: bool
    readout: Readout | None = None

    @property
    def decodes(self) -> bool:
        """Whether the last part writes: its outputs are its next inputs."""
        return self.parts[-1].name == DECODER and self.shape in WRITES.values()

    @property
    def every_step(self) -> bool:
        """Whether every step of the last part has an output."""
        if self.decodes or self.readout is None:
            return self.decodes or self.shape == STEP_BY_STEP
        return not self.readout.pooling

    def as_dict(self) -> dict[str, Any]:
        """Returns it as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Unrolled":
        """Returns what `as_dict` gave."""
        parts = [Part(p["name"], [Level(**level) for level in p["levels"]]) for p in value["parts"]]
        given = value.get("readout")  # runs of before it was read have none
        return cls(value["shape"], parts, value["output"], value["attends"], given and Readout(**given))


def unrolled(network: Network, shape: str | None = None, within: Sequence[str] = ("",)) -> Unrolled:
    """Returns the recurrence of a built Keras model: its levels, their weights, what goes in and out.

    Args:
        network: as for `hidden_states`.
        shape: of the recurrence, where it is known; else it is read off the model: a decoder writes, a last
            level that gives its outputs at all steps to an output with steps answers at every step.
        within: first layers of the paths that are taken, "" for all.

    Raises:
        ValueError: there is no recurrent layer in it.
    """
    found = recurrent_layers(network)
    found = [one for one in found if "" in within or one[0].split("/")[0] in within]
    if not found:
        raise ValueError(f"{network.name}: received no recurrent layer, expected one.")
    parts: dict[str, dict[str, Level]] = {}
    for path, layer in found:
        for name, level in _levels(path, layer).items():
            levels = parts.setdefault(_part_of(path, network), {})
            seen = levels.get(name)
            levels[name] = replace(level, directions=2, backwards=False) if seen else level
    listed = [Part(name, list(levels.values())) for name, levels in parts.items()]
    listed.sort(key=lambda part: part.name == DECODER)
    output = getattr(network, "output_shape", None)
    output = output if isinstance(output, tuple) else None
    attends = any(isinstance(layer, ATTENTION) for layer in network._flatten_layers())
    read = readout(network)
    shape = shape or _shape_of(listed, found[-1][1], output, read, network)
    drawn = Unrolled(shape, listed, None, attends, read)
    sizes = [size for size in (output or ())[2 if drawn.every_step else 1 :] if size is not None]
    return replace(drawn, output=math.prod(sizes) if sizes else None)


def _part_of(path: str, network: Network) -> str:
    """Encoder or decoder where a layer above is called so; the same for all levels otherwise."""
    above = path.split("/")[:-1]
    return next((name for name in above if name in ("encoder", DECODER)), network.name)


def _levels(path: str, layer: keras.layers.RNN) -> dict[str, Level]:
    """Levels by a name that both directions share."""
    name = (
        path.replace("_backward", "").replace("_forward", "").replace("backward_", "").replace("forward_", "")
    )
    cells = layer.cell.cells if isinstance(layer.cell, keras.layers.StackedRNNCells) else [layer.cell]
    found = {}
    for number, cell in enumerate(cells):
        label = f"{name}/cell_{number}" if len(cells) > 1 else name
        weights = weight_shapes(cell)
        features = weights["kernel"][0] if "kernel" in weights else None
        kind, units = type(cell).__name__, first_size(cell)
        found[label] = Level(label, kind, features, units, 1, weights, bool(layer.go_backwards))
    return found


def _shape_of(parts, last, output, read, network) -> str:
    reads_more = len(parts) > 1 or len(getattr(network, "inputs", None) or ()) > 1
    if parts[-1].name == DECODER and reads_more:  # otherwise it is a language model
        return WRITES[len(parts) > 1]
    every_step = last.return_sequences and output is not None and len(output) > 2
    if read is not None:
        every_step = not read.pooling
    return STEP_BY_STEP if every_step else TO_ONE
