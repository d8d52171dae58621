"""How far back a loss reaches: the norm of its gradient by time step, vanishing or exploding at a glance.

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
from rnn_apps.reporting.views.recording import Network, Recording, recorded

USUAL_CELLS = ("vanilla", "gru", "lstm")
SMALLEST = 1e-12  # of what is drawn, as a part of the newest step's


def gradient_norms(
    network: Network,
    inputs: Any,
    targets: Any,
    loss: str | Callable[[Any, Any], tf.Tensor],
    **call: Any,
) -> dict[str, np.ndarray]:
    """Returns for every recurrent level the norm of d loss / d state_t by how many steps t lies back.

    The state is all that a cell carries: h, and of an LSTM h and c.

    Args:
        network: `keras.Model` or recurrent layer, as for `hidden_states`.
        inputs, **call: as the network is called with.
        targets: as `loss` takes them.
        loss: name of a Keras loss, or ``f(targets, outputs)``.

    Returns:
        Name of the level to (steps,): entry 0 belongs to the last real step that the level read, entry k to
        the one k steps earlier; the mean over the rows that are so long.
    """
    found = loss if callable(loss) else keras.losses.get(loss)
    with tf.GradientTape() as tape, recorded(network, tape.watch) as recordings:
        value = tf.reduce_mean(found(targets, network(inputs, training=False, **call)))
    gradients = tape.gradient(value, [recording.states for recording in recordings])
    return {
        recording.name: _by_distance(recording, of_states)
        for recording, of_states in zip(recordings, gradients)
    }


def _by_distance(recording: Recording, gradients: Sequence[Sequence[tf.Tensor | None]]) -> np.ndarray:
    rows, steps = recording.real.shape
    squares = np.zeros((rows, steps))
    for step, of_states in enumerate(gradients):
        for gradient in of_states:
            if gradient is not None:
                squares[:, step] += np.square(ops.convert_to_numpy(gradient).astype(np.float64)).sum(axis=-1)
    norms = np.sqrt(squares)
    back = np.full((rows, steps), np.nan)
    for row, real in enumerate(recording.real):
        back[row, : real.sum()] = norms[row, real][::-1]
    return np.nanmean(back[:, : recording.real.sum(axis=1).max()], axis=0)


def fresh_gradient_norms(
    sequences: Any,
    units: int | Sequence[int],
    cells: Sequence[str | type] = USUAL_CELLS,
    mask: Any = None,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Returns how the gradient of a number made of the last state reaches back in untrained cells.

    Args:
        sequences: what they read, (batch, steps, features).
        units: size of the state, or one a level; of several levels the lowest is reported.
        cells: names or classes, as `StackedRNN` takes them.
        mask: bool (batch, steps), False for padding.
        seed: of the starts, and of the weights that make the number.

    Returns:
        Name of the cell to norms by steps back, as of `gradient_norms`.
    """
    sizes = [units] if isinstance(units, int) else list(units)
    weights = np.random.default_rng(seed).normal(size=sizes[-1]) / np.sqrt(sizes[-1])
    weights = tf.constant(weights, tf.float32)
    found = {}
    for cell in cells:
        stack = StackedRNN(sizes, cell=cell, compile=False, seed=seed)
        call = {} if mask is None else {"mask": tf.constant(mask)}

        def number(_, last):
            return tf.reduce_sum(last * weights, axis=-1)

        norms = gradient_norms(stack, tf.cast(sequences, tf.float32), None, number, **call)
        found[cell if isinstance(cell, str) else cell.__name__] = next(iter(norms.values()))
    return found


def gradient_figure(curves: Mapping[str, Sequence[float]], highlighted: Sequence[str] = ()) -> Figure:
    """Returns gradient norms by steps back, each as a part of its newest, on a logarithmic scale.

    Args:
        curves: name to (steps,), as of `gradient_norms`.
        highlighted: names that are drawn thick.
    """
    figure, axes = drawing.new_figure((5.6, 3.8))
    for (name, norms), (colour, style) in zip(curves.items(), drawing.line_styles()):
        relative = np.asarray(norms, float) / (norms[0] or 1.0)
        drawn = np.where(relative > SMALLEST, relative, np.nan)
        axes.plot(drawn, style, color=colour, label=name, linewidth=2.6 if name in highlighted else 1.5)
    axes.axhline(1, color=drawing.INK, linewidth=0.8, linestyle=":")
    axes.set(yscale="log", xlabel="steps back from the last", ylabel="gradient norm / that of the last step")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(frameon=False, fontsize=8, loc="outside upper center", ncols=2)
    return figure
