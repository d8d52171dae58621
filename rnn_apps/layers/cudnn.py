"""The cuDNN kernel on a GPU: when it serves, how its weights are packed, and the call.

Never seen on a GPU: selection and packing are tested on CPU, `benchmarks/gpu.py` checks the rest on a
machine that has one.

Reference:
    NVIDIA, cuDNN API, `cudnnRNNForward`: modes, gate order and the layout of the weight space.
"""

import keras
import tensorflow as tf
from keras import ops

from rnn_apps.layers.cells import GRUCell, LSTMCell, VanillaRNNCell
from rnn_apps.layers.compilation import in_graph_form, inside_xla

__all__ = ["choose_path", "pack", "run"]

_GATE_ORDER = {"lstm": (0, 1, 2, 3), "gru": (1, 0, 2), "rnn_tanh": (0,), "rnn_relu": (0,)}


def choose_path(layer, training, mask=None, gpus=None):
    """Return ``(path, reason)`` of a layer: ``cudnn``, ``xla`` or ``graph``.

    Args:
        layer: `RecurrentLayer`.
        training: bool; answers and exports take the graph.
        mask: whether right-padded cannot be known before the run; cuDNN is then chosen for no mask only.
        gpus: number of GPUs, looked up where None.
    """
    if in_graph_form():
        return "graph", "an export holds stock operations only"
    if inside_xla():
        return "xla", "the whole model is compiled (jit_compile=True)"
    if layer.compile is True:
        return "xla", "compile=True"
    if not training:
        return "graph", "not training"
    gpus = len(tf.config.list_logical_devices("GPU")) if gpus is None else gpus
    obstacle = _obstacle(layer, mask) if gpus else "no GPU"
    if obstacle is None:
        return "cudnn", "a GPU, and nothing that cuDNN lacks"
    if layer.compile is False:
        return "graph", f"compile=False; no cuDNN: {obstacle}"
    return "xla", f"for shapes used three times or more, the graph before; no cuDNN: {obstacle}"


def _obstacle(layer, mask):
    """Name the first option that cuDNN cannot serve, or None."""
    cell = layer.cell
    checks = (
        (mode(cell) is None, f"{type(cell).__name__} with these activations has no kernel"),
        (not cell.use_bias, "use_bias=False"),
        (cell.recurrent_dropout > 0, "recurrent_dropout"),
        (layer.recompute_every is not None, "recompute_every"),
        (layer.compile is True, "compile=True"),
        (layer.compute_dtype not in ("float32", "float16"), f"{layer.compute_dtype}"),
        (mask is not None, "a mask, which need not be right-padded"),
    )
    return next((text for holds, text in checks if holds), None)


def mode(cell):
    """Return cuDNN's name of the cell's formula, or None where it has none."""
    tanh, sigmoid = cell.activation is keras.activations.tanh, True
    if hasattr(cell, "recurrent_activation"):
        sigmoid = cell.recurrent_activation is keras.activations.sigmoid
    if type(cell) is LSTMCell and tanh and sigmoid:
        return "lstm"
    if type(cell) is GRUCell and tanh and sigmoid:
        return "gru"
    if type(cell) is VanillaRNNCell:
        relu = cell.activation is keras.activations.relu
        return "rnn_tanh" if tanh else "rnn_relu" if relu else None
    return None


def pack(cell):
    """Return all weights as cuDNN's one vector: input matrices, recurrent matrices, both biases.

    Each matrix is (units, inputs), gates in cuDNN's order (a GRU's reset comes before its update).
    """
    order, (bias_z, bias_r) = _GATE_ORDER[mode(cell)], cell.split_bias()
    kernels = [ops.convert_to_tensor(k) for k in (cell.kernel, cell.recurrent_kernel)]
    bias_z = ops.convert_to_tensor(bias_z[0])
    biases = [bias_z, ops.convert_to_tensor(bias_r[0]) if bias_r else tf.zeros_like(bias_z)]
    gates = [tf.split(tensor, len(order), axis=-1) for tensor in (*kernels, *biases)]
    return tf.concat([tf.reshape(tf.transpose(g[i]), [-1]) for g in gates for i in order], axis=0)


def run(cell, sequences, masks, initial, go_backwards):
    """Run cuDNN over ``(batch, steps, features)``: outputs (batch, steps, units) and final states.

    `masks` must be empty: `choose_path` keeps masked sequences on the other paths.
    """
    assert not masks
    inputs = tf.transpose(tf.reverse(sequences, [1]) if go_backwards else sequences, [1, 0, 2])
    h, c = initial[0], initial[1] if len(initial) > 1 else tf.zeros([0], inputs.dtype)
    lengths = tf.fill([tf.shape(sequences)[0]], tf.shape(sequences)[1])
    c = c[None] if len(initial) > 1 else tf.zeros_like(h)[None]
    outputs, h, c, *_ = tf.raw_ops.CudnnRNNV3(
        input=inputs,
        input_h=h[None],
        input_c=c,
        params=pack(cell),
        sequence_lengths=lengths,
        rnn_mode=mode(cell),
        input_mode="linear_input",
        direction="unidirectional",
        is_training=True,
        time_major=True,
    )
    finals = (h[0], c[0]) if len(initial) > 1 else (h[0],)
    return tf.transpose(outputs, [1, 0, 2]), finals
