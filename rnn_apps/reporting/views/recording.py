"""Records the states of recurrent layers at every step while a network runs, for any Keras RNN."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

import keras
import numpy as np
import tensorflow as tf
from keras import ops

Network: TypeAlias = keras.layers.Layer


class Recording(NamedTuple):
    """One call of a recurrent layer.

    Attributes:
        name: name of the layer, and of the cell if the layer has several.
        layer: the `keras.layers.RNN`.
        inputs: input of the layer, (batch, steps, features).
        states: the states after every step, h first, (batch, units) each, in reading order; also at padded
            steps.
        mask: bool (batch, steps), in reading order; False for padding.
    """

    name: str
    layer: keras.layers.RNN
    inputs: tf.Tensor
    states: list[list[tf.Tensor]]
    mask: np.ndarray


class HiddenStates(NamedTuple):
    """The hidden states of one layer.

    Attributes:
        name: name of the layer.
        values: h, (batch, steps, units), in time order whatever the reading order; NaN for padding.
        inputs: input of the layer, (batch, steps, features), in time order.
        mask: bool (batch, steps), False for padding.
    """

    name: str
    values: np.ndarray
    inputs: np.ndarray
    mask: np.ndarray


def recurrent_layers(network: Network) -> list[tuple[str, keras.layers.RNN]]:
    """Return the path and layer of every `keras.layers.RNN` in a network, including the network itself.

    A path joins the names of the enclosing layers, except the network's, with "/".
    """
    if isinstance(network, keras.layers.RNN):
        return [(network.name, network)]
    layers: dict[int, tuple[str, keras.layers.RNN]] = {}
    for path, layer in _nested_layers(network, ""):
        layers.setdefault(id(layer), (path, layer))
    return list(layers.values())


def _nested_layers(parent: Network, prefix: str) -> Iterator[tuple[str, keras.layers.RNN]]:
    for layer in parent._flatten_layers(recursive=False, include_self=False):
        path = prefix + layer.name
        if isinstance(layer, keras.layers.RNN):
            yield path, layer
        elif isinstance(layer, keras.layers.Layer):
            yield from _nested_layers(layer, f"{path}/")


def describe_layer(path: str) -> str:
    """Return a path of `recurrent_layers` in words.

    >>> describe_layer("network/decoder/recurrent/layer_0_forward"), describe_layer("rnn/layer_1_backward")
    ('decoder, layer 1', 'layer 2, backward')
    """
    *parents, name = path.split("/")
    part = next((parent for parent in parents if parent in ("encoder", "decoder", "extractor")), None)
    words = name.split("_")
    if words[0] == "layer" and len(words) == 3:
        number = int(words[1]) + 1 + ("upper" in parents)
        name = f"layer {number}" + (", backward" if words[2] == "backward" else "")
    return ", ".join([part, name] if part else [name])


def hidden_states(network: Network, inputs: Any, **call: Any) -> list[HiddenStates]:
    """Return the hidden state of every recurrent layer at every step.

    Args:
        network: `keras.Model` or recurrent layer; any `keras.layers.RNN` in it, from rnn-apps or Keras,
            single, stacked or in `Bidirectional`.
        inputs: input of the network.
        **call: further arguments of the call, such as ``mask``.

    Returns:
        One entry per layer, in call order; later calls of the same layer are named "NAME call 2" and so on.

    Raises:
        ValueError: the network has no recurrent layer, or states that are not vectors (`ConvLSTM2D`).
    """
    with record_steps(network) as recordings:
        network(inputs, training=False, **call)
    return [_in_time_order(recording) for recording in recordings]


def _in_time_order(recording: Recording) -> HiddenStates:
    values = np.stack([ops.convert_to_numpy(h) for h, *_ in recording.states], axis=1)
    mask = recording.mask
    values = np.where(mask[:, :, None], values, np.nan)
    if recording.layer.go_backwards:
        values, mask = values[:, ::-1], mask[:, ::-1]
    inputs = ops.convert_to_numpy(recording.inputs)
    return HiddenStates(recording.name, values.astype(np.float32), inputs, mask)


@contextmanager
def record_steps(
    network: Network, watch: Callable[[tf.Tensor], None] | None = None
) -> Iterator[list[Recording]]:
    """Record every recurrent layer of a network while this context is active.

    The outputs stay the same, but each layer runs its cell in a Python loop; so call the network eagerly.

    Args:
        network: see `hidden_states`.
        watch: called with every new state, such as `tf.GradientTape.watch` for gradients.

    Yields:
        A list that receives a `Recording` for every cell of every layer that is called.

    Raises:
        ValueError: the network has no recurrent layer.
    """
    layers = recurrent_layers(network)
    if not layers:
        raise ValueError(
            f"{network.name}: received no recurrent layer, expected a network with a keras.layers.RNN."
        )
    recordings: list[Recording] = []
    stateful = [state for _, layer in layers if layer.stateful for state in keras.tree.flatten(layer.states)]
    saved = [ops.copy(state) for state in stateful]
    for path, layer in layers:
        object.__setattr__(layer, "inner_loop", _make_loop(layer, path, recordings, watch))
    try:
        yield recordings
    finally:
        for _, layer in layers:
            object.__delattr__(layer, "inner_loop")
        for state, value in zip(stateful, saved):
            state.assign(value)


def _make_loop(layer, path, recordings, watch):
    """Return a replacement of `keras.layers.RNN.inner_loop` that records every step."""
    cell = layer.cell
    options = ["training"] if getattr(cell, "_call_has_training_arg", False) else []

    def inner_loop(sequences, initial_state, mask, training=False):
        if any(len(state.shape) != 2 for state in keras.tree.flatten(initial_state)):
            raise ValueError(f"{path}: received states of more than 2 dimensions, expected (batch, units).")
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        sequences = ops.cast(sequences, cell.compute_dtype)
        valid = np.ones(sequences.shape[:2], bool) if mask is None else ops.convert_to_numpy(mask)
        order = range(sequences.shape[1])[:: -1 if layer.go_backwards else 1]
        states, output, outputs, history = initial_state, None, [], []
        for step in order:
            new_output, new = cell(sequences[:, step], states, **dict.fromkeys(options, training))
            new = keras.tree.pack_sequence_as(states, keras.tree.flatten(new))
            is_stacked = isinstance(cell, keras.layers.StackedRNNCells)
            history.append([keras.tree.flatten(states) for states in (new if is_stacked else [new])])
            if watch is not None:
                keras.tree.map_structure(watch, history[-1])
            if mask is not None:
                keep = ops.convert_to_tensor(valid[:, step, None])
                is_zeroed = output is None or layer.zero_output_for_mask
                previous = ops.zeros_like(new_output) if is_zeroed else output
                new_output = ops.where(keep, new_output, previous)
                new = keras.tree.map_structure(lambda a, b, keep=keep: ops.where(keep, a, b), new, states)
            states, output = new, new_output
            outputs.append(output)
        for number, cell_states in enumerate(zip(*history)):
            name = f"{path}/cell_{number}" if len(history[0]) > 1 else path
            calls = sum(recording.name.split(" call ")[0] == name for recording in recordings)
            name = f"{name} call {calls + 1}" if calls else name
            read_mask = valid[:, list(order)]
            recordings.append(Recording(name, layer, sequences, list(cell_states), read_mask))
        return output, ops.stack(outputs, axis=1), states

    return inner_loop


def cells_of(layer: keras.layers.RNN) -> list[Network]:
    """Return the cells of a layer, the lowest first."""
    return layer.cell.cells if isinstance(layer.cell, keras.layers.StackedRNNCells) else [layer.cell]


def state_units(cell: Network) -> int:
    """Return the size of a cell's first state, or 0 if that is not a vector."""
    sizes = keras.tree.flatten(getattr(cell, "state_size", 0))
    return sizes[0] if sizes and isinstance(sizes[0], int) else 0
