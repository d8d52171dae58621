"""Describes a recurrent network folded and unrolled through time, read from the model itself.

Reference: Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 10.1.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import keras

from rnn_apps.reporting.views.readout import Readout, readout, weight_shapes
from rnn_apps.reporting.views.recording import Network, cells_of, recurrent_layers, state_units

ATTENTION = (keras.layers.Attention, keras.layers.MultiHeadAttention)  # AdditiveAttention is an Attention
DECODER = "decoder"
STEP_BY_STEP, TO_ONE = "one output at every step", "many-to-one"
DECODER_SHAPES = {True: "many-to-many", False: "one-to-many"}  # by whether the input is a sequence
DIRECTION = re.compile("_(back|for)ward|(back|for)ward_")


@dataclass(frozen=True)
class UnrolledLayer:
    """One recurrent layer of a stack.

    Attributes:
        name: name of the layer.
        cell: name of the cell's class.
        features: size of its input at a step, or None if unknown.
        units: size of its state in each direction.
        directions: 1, or 2 if a second layer reads from the end.
        weights: name to shape, for one direction.
        backwards: whether it reads from the end only.
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
    """A stack of recurrent layers over the same steps: a whole network, or its encoder or decoder.

    Attributes:
        name: name of the enclosing layer.
        layers: the lowest first.
    """

    name: str
    layers: list[UnrolledLayer] = field(default_factory=list)


@dataclass(frozen=True)
class Unrolled:
    """The recurrence of a network.

    Attributes:
        shape: many-to-one, one-to-many, many-to-many, or one output at every step.
        parts: one part, or an encoder and a decoder.
        output: size of an output, or None if it is not a single array.
        attends: whether the network has an attention layer.
        readout: how the output is computed from the states, or None if unknown.
    """

    shape: str
    parts: list[Part]
    output: int | None
    attends: bool
    readout: Readout | None = None

    @property
    def decodes(self) -> bool:
        """Whether the last part is a decoder, whose outputs are its next inputs."""
        return self.parts[-1].name == DECODER and self.shape in DECODER_SHAPES.values()

    @property
    def every_step(self) -> bool:
        """Whether every step of the last part has an output."""
        if self.decodes or self.readout is None:
            return self.decodes or self.shape == STEP_BY_STEP
        return not self.readout.pooling

    def as_dict(self) -> dict[str, Any]:
        """Return a dictionary that JSON can represent."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Unrolled":
        """Return the `Unrolled` of a dictionary of `as_dict`."""
        parts = [
            Part(part["name"], [UnrolledLayer(**layer) for layer in part["layers"]])
            for part in value["parts"]
        ]
        stored = value.get("readout")  # older runs have none
        return cls(value["shape"], parts, value["output"], value["attends"], stored and Readout(**stored))


def unrolled(network: Network, shape: str | None = None, within: Sequence[str] = ("",)) -> Unrolled:
    """Return the recurrence of a built Keras model: its layers, their weights, its inputs and outputs.

    Args:
        network: see `hidden_states`.
        shape: shape of the recurrence, if known. By default it is derived from the model: a decoder generates
            a sequence, and a last layer whose outputs at all steps lead to outputs with steps has an output
            at every step.
        within: names of the top-level layers to include, "" for all.

    Raises:
        ValueError: the network has no recurrent layer.
    """
    layers = recurrent_layers(network)
    layers = [(path, layer) for path, layer in layers if "" in within or path.split("/")[0] in within]
    if not layers:
        raise ValueError(f"{network.name}: received no recurrent layer, expected one.")
    found: dict[str, dict[str, UnrolledLayer]] = {}
    for path, layer in layers:
        parents = path.split("/")[:-1]
        part = next((name for name in parents if name in ("encoder", DECODER)), network.name)
        in_part = found.setdefault(part, {})
        for one in _unrolled_layers(path, layer):
            is_second = one.name in in_part
            in_part[one.name] = replace(one, directions=2, backwards=False) if is_second else one
    parts = [Part(name, list(in_part.values())) for name, in_part in found.items()]
    parts.sort(key=lambda part: part.name == DECODER)
    output = getattr(network, "output_shape", None)
    output = output if isinstance(output, tuple) else None
    attends = any(isinstance(layer, ATTENTION) for layer in network._flatten_layers())
    output_path = readout(network)
    shape = shape or _shape_of(parts, layers[-1][1], output, output_path, network)
    result = Unrolled(shape, parts, None, attends, output_path)
    sizes = [size for size in (output or ())[2 if result.every_step else 1 :] if size is not None]
    return replace(result, output=math.prod(sizes) if sizes else None)


def _unrolled_layers(path: str, layer: keras.layers.RNN) -> list[UnrolledLayer]:
    """Return an entry for every cell of a layer, with names that both directions share."""
    name, cells, layers = DIRECTION.sub("", path), cells_of(layer), []
    for number, cell in enumerate(cells):
        weights = weight_shapes(cell)
        one = UnrolledLayer(
            name=f"{name}/cell_{number}" if len(cells) > 1 else name,
            cell=type(cell).__name__,
            features=weights["kernel"][0] if "kernel" in weights else None,
            units=state_units(cell),
            directions=1,
            weights=weights,
            backwards=bool(layer.go_backwards),
        )
        layers.append(one)
    return layers


def _shape_of(parts, last, output, output_path, network) -> str:
    has_encoder = len(parts) > 1 or len(getattr(network, "inputs", None) or ()) > 1
    if parts[-1].name == DECODER and has_encoder:  # otherwise it is a language model
        return DECODER_SHAPES[len(parts) > 1]
    every_step = last.return_sequences and output is not None and len(output) > 2
    if output_path is not None:
        every_step = not output_path.pooling
    return STEP_BY_STEP if every_step else TO_ONE
