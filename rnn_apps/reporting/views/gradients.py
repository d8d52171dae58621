"""Measures the gradient norm by time step, which shows vanishing and exploding gradients.

Reference: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2013).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rnn_apps.layers import StackedRNN
from rnn_apps.reporting import drawing
from rnn_apps.reporting.views.recording import Network, Recording, record_steps

DEFAULT_CELLS = ("vanilla", "gru", "lstm")
MIN_RATIO = 1e-12  # smallest norm that is drawn, relative to the last step's


def gradient_norms(
    network: Network,
    inputs: Any,
    targets: Any,
    loss: str | Callable[[Any, Any], tf.Tensor],
    **call: Any,
) -> dict[str, np.ndarray]:
    """Return for every recurrent layer the norm of d loss / d state_t by the distance of t from the end.

    The state is everything that a cell carries: h, and for an LSTM h and c.

    Args:
        network: `keras.Model` or recurrent layer, see `hidden_states`.
        inputs, **call: input and further arguments of the call.
        targets: targets of the loss.
        loss: name of a Keras loss, or ``f(targets, outputs)``.

    Returns:
        Name of the layer to (steps,): entry 0 is the last step without padding that the layer reads, entry k
        is k steps earlier; the mean over the rows of at least that length.
    """
    loss_function = loss if callable(loss) else keras.losses.get(loss)
    with tf.GradientTape() as tape, record_steps(network, tape.watch) as recordings:
        value = tf.reduce_mean(loss_function(targets, network(inputs, training=False, **call)))
    gradients = tape.gradient(value, [recording.states for recording in recordings])
    return {recording.name: _by_distance(recording, g) for recording, g in zip(recordings, gradients)}


def _by_distance(recording: Recording, gradients: Sequence[Sequence[tf.Tensor | None]]) -> np.ndarray:
    squares = np.zeros(recording.mask.shape)
    for step, states in enumerate(gradients):
        for gradient in states:
            if gradient is not None:
                squares[:, step] += np.square(ops.convert_to_numpy(gradient).astype(np.float64)).sum(axis=-1)
    norms = np.sqrt(squares)
    reverse = np.full(norms.shape, np.nan)
    for row, mask in enumerate(recording.mask):
        reverse[row, : mask.sum()] = norms[row, mask][::-1]
    return np.nanmean(reverse[:, : recording.mask.sum(axis=1).max()], axis=0)


def untrained_gradient_norms(
    sequences: Any,
    units: int | Sequence[int],
    cells: Sequence[str | type] = DEFAULT_CELLS,
    mask: Any = None,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Return the gradient norms of untrained cells, for a random projection of the last state.

    Args:
        sequences: inputs, (batch, steps, features).
        units: size of the state, or one per layer; the result is that of the lowest layer.
        cells: names or classes, as for `StackedRNN`.
        mask: bool (batch, steps), False for padding.
        seed: seed of the initial weights and of the projection.

    Returns:
        Name of the cell to norms, see `gradient_norms`.
    """
    sizes = [units] if isinstance(units, int) else list(units)
    projection = np.random.default_rng(seed).normal(size=sizes[-1]) / np.sqrt(sizes[-1])
    projection = tf.constant(projection, tf.float32)

    def loss(_, last):
        return tf.reduce_sum(last * projection, axis=-1)

    call = {} if mask is None else {"mask": tf.constant(mask)}
    result = {}
    for cell in cells:
        stack = StackedRNN(sizes, cell=cell, compile=False, seed=seed)
        norms = gradient_norms(stack, tf.cast(sequences, tf.float32), None, loss, **call)
        result[cell if isinstance(cell, str) else cell.__name__] = next(iter(norms.values()))
    return result


def gradient_figure(curves: Mapping[str, Sequence[float]], highlighted: Sequence[str] = ()) -> Figure:
    """Return gradient norms by distance from the last step, relative to it, on a logarithmic scale.

    Args:
        curves: name to (steps,), see `gradient_norms`.
        highlighted: names of the curves to draw with thick lines.
    """
    figure, axes = drawing.new_figure((5.6, 3.8))
    for (name, norms), (colour, style) in zip(curves.items(), drawing.line_styles()):
        ratios = np.asarray(norms, float) / (norms[0] or 1.0)
        ratios[ratios <= MIN_RATIO] = np.nan
        axes.plot(ratios, style, color=colour, label=name, linewidth=2.6 if name in highlighted else 1.5)
    axes.axhline(1, color=drawing.INK, linewidth=0.8, linestyle=":")
    axes.set(yscale="log", xlabel="steps back from the last", ylabel="gradient norm / that of the last step")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(frameon=False, fontsize=8, loc="outside upper center", ncols=2)
    return figure
