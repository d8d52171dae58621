"""What recurrent layers do at every step, written down while a network answers; for any Keras RNN."""

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
        name: of the layer, and of the level where one layer holds several.
        layer: the `keras.layers.RNN`.
        inputs: what the layer read, (batch, steps, features).
        states: the states after every step, h first, (batch, units) each, in the order of reading; what a
            cell makes of padding is among them.
        real: bool (batch, steps), in the order of reading; False for padding.
    """

    name: str
    layer: keras.layers.RNN
    inputs: tf.Tensor
    states: list[list[tf.Tensor]]
    real: np.ndarray


class HiddenStates(NamedTuple):
    """The states of one level over an input.

    Attributes:
        name: of the level.
        values: h, (batch, steps, units), in the order of time whatever the order of reading; NaN for padding.
        inputs: what the level's layer read, (batch, steps, features), in the order of time.
        real: bool (batch, steps), False for padding.
    """

    name: str
    values: np.ndarray
    inputs: np.ndarray
    real: np.ndarray


def recurrent_layers(network: Network) -> list[tuple[str, keras.layers.RNN]]:
    """Returns path and layer of every `keras.layers.RNN` within a network, itself among them.

    The path joins the names of what the layer stands in with "/"; that of the network is left out.
    """
    if isinstance(network, keras.layers.RNN):
        return [(network.name, network)]
    found: dict[int, tuple[str, keras.layers.RNN]] = {}
    for path, layer in _below(network, ""):
        found.setdefault(id(layer), (path, layer))
    return list(found.values())


def _below(parent: Network, prefix: str) -> Iterator[tuple[str, keras.layers.RNN]]:
    for layer in parent._flatten_layers(recursive=False, include_self=False):
        path = prefix + layer.name
        if isinstance(layer, keras.layers.RNN):
            yield path, layer
        elif isinstance(layer, keras.layers.Layer):
            yield from _below(layer, f"{path}/")


def hidden_states(network: Network, inputs: Any, **call: Any) -> list[HiddenStates]:
    """Returns the hidden state of every recurrent level at every step.

    Args:
        network: `keras.Model` or recurrent layer; any `keras.layers.RNN` in it, ours and Keras' own, alone,
            stacked, or in `Bidirectional`.
        inputs: as the network is called with.
        **call: further arguments of the call, such as ``mask``.

    Returns:
        One entry a level, in the order of the calls; of a layer that is called again, "NAME call 2".

    Raises:
        ValueError: the network has no recurrent layer, or states that are no vectors (`ConvLSTM2D`).
    """
    with recorded(network) as recordings:
        network(inputs, training=False, **call)
    return [_in_time(recording) for recording in recordings]


def _in_time(recording: Recording) -> HiddenStates:
    values = np.stack([ops.convert_to_numpy(h) for h, *_ in recording.states], axis=1)
    real = recording.real
    values = np.where(real[:, :, None], values, np.nan)
    if recording.layer.go_backwards:
        values, real = values[:, ::-1], real[:, ::-1]
    inputs = ops.convert_to_numpy(recording.inputs)
    return HiddenStates(recording.name, values.astype(np.float32), inputs, real)


@contextmanager
def recorded(network: Network, watch: Callable[[tf.Tensor], None] | None = None) -> Iterator[list[Recording]]:
    """Within this context every recurrent layer of a network steps its cell in plain sight.

    The answers are those of the network, at the pace of a Python loop; so call it eagerly.

    Args:
        network: as for `hidden_states`.
        watch: called with every new state: `tf.GradientTape.watch` where gradients are wanted.

    Yields:
        A list that fills with a `Recording` for every level of every layer that is called.

    Raises:
        ValueError: the network has no recurrent layer.
    """
    layers = recurrent_layers(network)
    if not layers:
        raise ValueError(
            f"{network.name}: received no recurrent layer, expected a network with a keras.layers.RNN in it."
        )
    recordings: list[Recording] = []
    carried = [state for _, layer in layers if layer.stateful for state in keras.tree.flatten(layer.states)]
    before = [ops.copy(state) for state in carried]
    for path, layer in layers:
        object.__setattr__(layer, "inner_loop", _loop_of(layer, path, recordings, watch))
    try:
        yield recordings
    finally:
        for _, layer in layers:
            object.__delattr__(layer, "inner_loop")
        for state, value in zip(carried, before):
            state.assign(value)  # a stateful layer has not read what it was shown


def _loop_of(layer, path, recordings, watch):
    """A loop in place of the layer's own, as `keras.layers.RNN.inner_loop` is asked for."""
    cell = layer.cell
    options = ["training"] if getattr(cell, "_call_has_training_arg", False) else []

    def inner_loop(sequences, initial_state, mask, training=False):
        if any(len(state.shape) != 2 for state in keras.tree.flatten(initial_state)):
            raise ValueError(f"{path}: received states of more than two sides, expected (batch, units).")
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        sequences = ops.cast(sequences, cell.compute_dtype)
        real = np.ones(sequences.shape[:2], bool) if mask is None else ops.convert_to_numpy(mask)
        order = range(sequences.shape[1])[:: -1 if layer.go_backwards else 1]
        states, output, outputs, kept = initial_state, None, [], []
        for step in order:
            now, new = cell(sequences[:, step], states, **dict.fromkeys(options, training))
            new = keras.tree.pack_sequence_as(states, keras.tree.flatten(new))
            kept.append(_by_level(cell, new))
            if watch is not None:
                keras.tree.map_structure(watch, kept[-1])
            if mask is not None:
                here = ops.convert_to_tensor(real[:, step, None])
                before = ops.zeros_like(now) if output is None or layer.zero_output_for_mask else output
                now = ops.where(here, now, before)
                new = keras.tree.map_structure(lambda a, b, here=here: ops.where(here, a, b), new, states)
            states, output = new, now
            outputs.append(output)
        for level, of_level in enumerate(zip(*kept)):
            name = f"{path}/cell_{level}" if len(kept[0]) > 1 else path
            calls = sum(one.name.split(" call ")[0] == name for one in recordings)
            name = f"{name} call {calls + 1}" if calls else name
            recordings.append(Recording(name, layer, sequences, list(of_level), real[:, list(order)]))
        return output, ops.stack(outputs, axis=1), states

    return inner_loop


def first_size(cell: Network) -> int:
    """Returns the size of a cell's first state, 0 where it is no vector."""
    sizes = keras.tree.flatten(getattr(cell, "state_size", 0))
    return sizes[0] if sizes and isinstance(sizes[0], int) else 0


def _by_level(cell, states):
    """A list of states for every level that a cell holds."""
    if isinstance(cell, keras.layers.StackedRNNCells):
        return [keras.tree.flatten(of_level) for of_level in states]
    return [keras.tree.flatten(states)]
