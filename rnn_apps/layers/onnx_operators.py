"""The recurrent operators of ONNX, ``RNN``, ``GRU`` and ``LSTM``, in place of the loop of a layer.

Inside `onnx_operators`, a layer that one of them computes adds a placeholder to the graph instead of a loop.
`rnn_apps.export.onnx` replaces the placeholder by the operator; TensorFlow never runs it.

Any mask is exact: the operators take only the number of valid steps of each row, so the valid steps are moved
to the front before, and the outputs back to their places after it.

Reference:
    ONNX, operators RNN, GRU and LSTM: https://onnx.ai/onnx/operators/onnx__LSTM.html
"""

from contextlib import contextmanager
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.layers.cells import GRUCell, LSTMCell, VanillaRNNCell
from rnn_apps.layers.compilation import graph_form
from rnn_apps.layers.recurrent_cell import RecurrentCell

_OPERATORS = {VanillaRNNCell: "RNN", GRUCell: "GRU", LSTMCell: "LSTM"}
_GATE_ORDER = {"RNN": (0,), "GRU": (0, 1, 2), "LSTM": (0, 3, 1, 2)}  # of ours, in the order of ONNX
_ACTIVATIONS = {
    keras.activations.tanh: "Tanh",
    keras.activations.relu: "Relu",
    keras.activations.sigmoid: "Sigmoid",
}
# Batch times units, up to which activations that are computed one by one cost less than a loop does.
MOST_SLOW_VALUES = 1024
_written: list | None = None


class Operator(NamedTuple):
    """A recurrent layer in an ONNX file.

    Args:
        layer: name of the layer.
        form: ``RNN``, ``GRU`` or ``LSTM``; ``Loop``; or ``MatMul``, where a part takes one step.
        note: why it is not, or not always, one of the first three, or "".
        attributes: those of the operator.
        weights: its inputs W ``(1, gates * units, features)``, R ``(1, gates * units, units)`` and
            B ``(1, 2 * gates * units)``.
        masked: whether it takes the number of steps of each row.
        starts: whether it takes initial states; without, they are zeros.
    """

    layer: str
    form: str
    note: str = ""
    attributes: dict | None = None
    weights: tuple = ()
    masked: bool = False
    starts: bool = False


@contextmanager
def onnx_operators():
    """Context manager for tracing; gives a list to which each recurrent layer adds its `Operator`."""
    global _written
    previous, _written = _written, []
    try:
        with graph_form():
            yield _written
    finally:
        _written = previous


def is_active():
    """Whether a graph for ONNX is being traced."""
    return _written is not None


def takes(layer, steps=None):
    """Whether an operator computes this layer; if not, it is listed with the reason.

    Args:
        layer: recurrent layer.
        steps: static number of steps, or None.
    """
    obstacle = obstacle_of(layer)
    if steps == 1 and (obstacle or not is_fast(layer.cell)):
        _written.append(Operator(layer.path, "MatMul", "one step needs no loop"))
        return False
    if obstacle:
        _written.append(Operator(layer.path, "Loop", obstacle))
    return obstacle is None


def obstacle_of(layer):
    """Return why no operator of ONNX computes a recurrent layer, or None."""
    cell = layer.cell
    if not isinstance(cell, RecurrentCell):
        return f"{type(cell).__name__} is not a RecurrentCell"
    if type(cell) not in _OPERATORS:
        return f"ONNX has no operator for {type(cell).__name__}"
    if layer.compute_dtype != "float32":
        return f"ONNX Runtime has no operator in {layer.compute_dtype}"
    for activation in _activations(cell):
        if activation not in _ACTIVATIONS:
            return f"no operator has the activation {getattr(activation, '__name__', activation)}"
    return None


def run(layer, rows, run_loop):
    """Add the operator to the graph: the output of the layer, last or all steps, and the final states.

    Args:
        layer: `RecurrentLayer` that an operator `takes`.
        rows: sequences ``(batch, steps, features)``, a tuple of none or one mask ``(batch, steps)``, and a
            tuple of initial states, each ``(batch, units)``.
        run_loop: function that runs the loop of the layer, as `RecurrentLayer.inner_loop`.
    """
    sequences, masks, initial = rows
    starts = not all(map(_is_zero, initial))

    def operator():
        if masks:
            outputs, finals = _run_masked(layer, sequences, *masks, initial, starts)
        else:
            outputs, finals = _placeholder(layer, sequences, None, initial, starts)
        if layer.return_sequences:
            outputs = tf.reverse(outputs, [1]) if layer.go_backwards else outputs
        elif masks:
            outputs = outputs[:, 0 if layer.go_backwards else -1]
        else:
            return (), finals
        return (layer.cell.output(outputs),), finals

    def loop():
        _, outputs, finals = run_loop()
        return (outputs,) if layer.return_sequences or masks else (), finals

    if is_fast(layer.cell):
        outputs, finals = operator()
    else:
        small = tf.shape(sequences)[0] * layer.units <= MOST_SLOW_VALUES
        outputs, finals = tf.cond(small, operator, loop)
    return outputs[0] if outputs else layer.cell.output(finals[0]), finals


def is_fast(cell):
    """Whether an operator of this cell is fast for any batch: that of RNN computes activations one by one."""
    return not isinstance(cell, VanillaRNNCell) or cell.activation is keras.activations.relu


def _run_masked(layer, sequences, mask, initial, starts):
    """Return the first state of every step in the order of time, and the final states.

    The operators give zeros after the last valid step and for rows without one. Keras has these before the
    first valid step (where ``places`` is -1, or the number of valid steps); at other masked steps it repeats
    an output.
    """
    steps, valid = tf.shape(mask)[1], tf.cast(mask, tf.int32)
    counts = tf.cumsum(valid, axis=1)
    lengths = counts[:, -1]
    valid_first = tf.math.top_k(valid * steps - tf.range(steps), k=steps).indices
    sequences = tf.gather(sequences, valid_first, batch_dims=1)
    outputs, finals = _placeholder(layer, sequences, lengths, initial, starts)
    places = counts - valid if layer.go_backwards else counts - 1
    outputs = tf.gather(outputs, tf.math.floormod(places, steps), batch_dims=1)
    if layer.zero_output_for_mask:
        outputs = tf.where(mask[:, :, None], outputs, tf.zeros_like(outputs))
    if starts:
        some = (lengths > 0)[:, None]
        finals = tuple(tf.where(some, new, old) for new, old in zip(finals, initial))
    return outputs, finals


def _placeholder(layer, sequences, lengths, initial, starts):
    h = initial[0][None]
    _written.append(_operator(layer)._replace(masked=lengths is not None, starts=starts))
    outputs, h, c, *_ = tf.raw_ops.CudnnRNNV3(
        input=tf.transpose(sequences, [1, 0, 2]),
        input_h=h,
        input_c=initial[1][None] if len(initial) > 1 else tf.zeros_like(h),
        params=tf.zeros([1]),
        sequence_lengths=tf.zeros([1], tf.int32) if lengths is None else lengths,
        rnn_mode="lstm",  # gives both states a shape
        seed=len(_written) - 1,
    )
    return tf.transpose(outputs, [1, 0, 2]), (h[0], c[0])[: len(initial)]


def _is_zero(state):
    """Whether a tensor in a graph is known to be zeros, as the initial state of a layer is by default."""
    return state.op.type == "Fill" and tf.get_static_value(state.op.inputs[1]) == 0


def _operator(layer):
    cell, form = layer.cell, _OPERATORS[type(layer.cell)]
    attributes = {
        "hidden_size": cell.units,
        "direction": "reverse" if layer.go_backwards else "forward",
        "activations": [_ACTIVATIONS[one] for one in _activations(cell)],
    }
    if form == "GRU":
        attributes["linear_before_reset"] = int(cell.reset_after)
    note = "" if is_fast(cell) else f"a Loop, faster then, where batch x units is above {MOST_SLOW_VALUES:,}"
    return Operator(layer.path, form, note, attributes, _weights(cell, form))


def _activations(cell):
    """Return the activations of a cell in the order of ONNX."""
    if isinstance(cell, LSTMCell):
        return [cell.recurrent_activation, cell.activation, cell.activation]
    if isinstance(cell, GRUCell):
        return [cell.recurrent_activation, cell.activation]
    return [cell.activation]


def _weights(cell, form):
    with tf.init_scope():
        kernels = [np.asarray(keras.ops.convert_to_numpy(k)) for k in (cell.kernel, cell.recurrent_kernel)]
        zeros = np.zeros(kernels[0].shape[-1], np.float32)
        biases = [keras.ops.convert_to_numpy(b[0]) if b else zeros for b in cell.split_bias()]
    order = _GATE_ORDER[form]

    def ordered(array):
        gates = np.split(np.asarray(array), len(order), axis=-1)
        return np.concatenate([gates[i] for i in order], axis=-1)

    w, r = (ordered(kernel).T[None] for kernel in kernels)
    return w, r, np.concatenate([ordered(bias) for bias in biases])[None]
