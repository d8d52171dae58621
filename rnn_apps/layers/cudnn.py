"""The cuDNN kernel on GPUs: when it can be used, weight packing, and the call.

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

_KERNEL = tf.raw_ops.CudnnRNNV3
_GATE_ORDER = {"lstm": (0, 1, 2, 3), "gru": (1, 0, 2), "rnn_tanh": (0,), "rnn_relu": (0,)}


def choose_path(layer, differentiated, has_mask=False, gpus=None):
    """Return ``(path, reason)`` of a layer: ``cudnn``, ``xla`` or ``graph``.

    Args:
        layer: `RecurrentLayer`.
        differentiated: bool; inference and exports take the graph.
        has_mask: bool; only the run can tell whether a mask is right-padded.
        gpus: number of GPUs, looked up where None.
    """
    if in_graph_form():
        return "graph", "an export contains only standard operations"
    if inside_xla():
        return "xla", "the whole model is compiled (jit_compile=True)"
    if layer.compile is True:
        return "xla", "compile=True"
    if not differentiated:
        return "graph", "no gradient is computed"
    gpus = len(tf.config.list_logical_devices("GPU")) if gpus is None else gpus
    obstacle = _obstacle(layer) if gpus else "no GPU"
    if obstacle is None:
        masked = "; the plain loop for batches whose mask is not right-padded" if has_mask else ""
        return "cudnn", "a GPU, and cuDNN supports every option" + masked
    if layer.compile is False:
        return "graph", f"compile=False; no cuDNN: {obstacle}"
    return "xla", f"from the third use of a shape on, graph path until then; no cuDNN: {obstacle}"


def _obstacle(layer):
    """Return the first option that cuDNN does not support, or None."""
    cell = layer.cell
    checks = (
        (layer.use_cudnn is False, "use_cudnn=False"),
        (mode(cell) is None, f"{type(cell).__name__} with these activations has no kernel"),
        (not cell.use_bias, "use_bias=False"),
        (cell.recurrent_dropout > 0, "recurrent_dropout"),
        (layer.recompute_every is not None, "recompute_every"),
        (layer.compute_dtype not in ("float32", "float16"), layer.compute_dtype),
    )
    return next((text for holds, text in checks if holds), None)


def mode(cell):
    """Return cuDNN's name of the cell, or None if cuDNN does not support it."""
    tanh, sigmoid = cell.activation is keras.activations.tanh, True
    if hasattr(cell, "recurrent_activation"):
        sigmoid = cell.recurrent_activation is keras.activations.sigmoid
    if type(cell) is LSTMCell and tanh and sigmoid:
        return "lstm"
    if type(cell) is GRUCell and tanh and sigmoid and cell.reset_after:
        return "gru"
    if type(cell) is VanillaRNNCell:
        relu = cell.activation is keras.activations.relu
        return "rnn_tanh" if tanh else "rnn_relu" if relu else None
    return None


def pack(cell):
    """Return all weights as one vector for cuDNN: input kernels, recurrent kernels, and both biases.

    Each matrix is (units, inputs), gates in cuDNN's order (a GRU's reset comes before its update).
    """
    order, (bias_z, bias_r) = _GATE_ORDER[mode(cell)], cell.split_bias()
    kernels = [ops.convert_to_tensor(k) for k in (cell.kernel, cell.recurrent_kernel)]
    bias_z = ops.convert_to_tensor(bias_z[0])
    biases = [bias_z, ops.convert_to_tensor(bias_r[0]) if bias_r else tf.zeros_like(bias_z)]
    gates = [tf.split(tensor, len(order), axis=-1) for tensor in (*kernels, *biases)]
    return tf.concat([tf.reshape(tf.transpose(g[i]), [-1]) for g in gates for i in order], axis=0)


def is_right_padded(mask):
    """Return a bool tensor: whether no valid step follows a padded one in any row of ``(batch, steps)``."""
    return tf.reduce_all(tf.equal(mask, tf.sequence_mask(_lengths(mask), tf.shape(mask)[1])))


def _lengths(mask):
    return tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)


def run(cell, sequences, masks, initial, go_backwards):
    """Run cuDNN over ``(batch, steps, features)``: the first state of every step and the final states.

    Args:
        cell: a cell that `mode` knows.
        sequences: ``(batch, steps, features)``.
        masks: right-padded ``(batch, steps)`` bool in a tuple, or ``()``. As in the engine a padded step
            repeats the states; cuDNN itself gives zeros there and takes no row without a real step.
        initial: tuple of states, each ``(batch, units)``.
        go_backwards: read every row from its last step; results come in the order of reading.
    """
    batch, steps = tf.unstack(tf.shape(sequences)[:2])
    lengths = _lengths(masks[0]) if masks else tf.fill([batch], steps)
    at_least_one = tf.maximum(lengths, 1)
    inputs = tf.reverse_sequence(sequences, at_least_one, 1) if go_backwards else sequences
    outputs, finals = _call(cell, tf.transpose(inputs, [1, 0, 2]), at_least_one, initial)
    outputs = tf.transpose(outputs, [1, 0, 2])
    if not masks:
        return outputs, finals
    some = (lengths > 0)[:, None]
    finals = tuple(tf.where(some, new, old) for new, old in zip(finals, initial))
    fill = initial[0] if go_backwards else finals[0]  # read backwards, the padding comes first
    outputs = tf.where(masks[0][:, :, None], outputs, fill[:, None, :])
    if go_backwards:
        outputs = tf.reverse(tf.reverse_sequence(outputs, lengths, 1), [1])
    return outputs, finals


def _call(cell, inputs, lengths, initial):
    """Call the kernel on ``(steps, batch, features)``."""
    h = initial[0][None]
    outputs, h, c, *_ = _KERNEL(
        input=inputs,
        input_h=h,
        input_c=initial[1][None] if len(initial) > 1 else tf.zeros_like(h),
        params=pack(cell),
        sequence_lengths=lengths,
        rnn_mode=mode(cell),
        input_mode="linear_input",
        direction="unidirectional",
        is_training=True,
        time_major=True,
    )
    return outputs, (h[0], c[0])[: len(initial)]
