"""What the speed scripts share: shapes, one layer by rnn_apps, Keras and torch, and interleaved timing."""

import os
import statistics
import time

import numpy as np
import tensorflow as tf

__all__ = [
    "CELLS",
    "SHAPES",
    "cores",
    "interleaved_medians",
    "make_peers",
    "table",
    "tf_layer",
    "tf_run",
    "torch_run",
]

SHAPES = (
    (1, 1000, 64, 128),
    (8, 200, 128, 128),
    (32, 100, 64, 128),
    (32, 200, 128, 256),
    (64, 200, 256, 512),
)  # batch, steps, features, units
CELLS = {"vanilla": 1, "lstm": 4, "gru": 3}  # how many times units wide the gates are


def cores():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def arrays(shape, seed=0):
    """The inputs (batch, steps, features) and the gradient of the outputs (batch, steps, units)."""
    batch, steps, features, units = shape
    rng = np.random.default_rng(seed)
    sizes = ((batch, steps, features), (batch, steps, units))
    return [rng.normal(size=size).astype("float32") for size in sizes]


def tf_layer(peer, cell, units, **options):
    """The layer of ``rnn_apps`` or ``keras`` for a cell."""
    if peer == "keras":
        import keras

        layers = {"vanilla": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
    else:
        from rnn_apps.layers import GRU, LSTM, VanillaRNN

        layers = {"vanilla": VanillaRNN, "lstm": LSTM, "gru": GRU}
    return layers[cell](units, return_sequences=True, **options)


def tf_run(peer, cell, shape, training=True, **options):
    """Forward and backward of one layer as a function without arguments, all of it in one `tf.function`.

    The layer is called with `training`, or without it where that is None.
    """
    layer = tf_layer(peer, cell, shape[3], **options)
    layer.build((None, None, shape[2]))
    weights = [w.value for w in layer.trainable_variables]
    inputs, upstream = (tf.constant(a) for a in arrays(shape))

    call = {} if training is None else {"training": training}

    @tf.function
    def train(inputs, upstream):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, **call)
        return outputs, tape.gradient(outputs, [inputs, *weights], output_gradients=upstream)

    def run():
        outputs, gradients = train(inputs, upstream)
        for tensor in (outputs, *gradients):
            tf.reshape(tensor, [-1])[0].numpy()  # a GPU must have ended its work

    return run


def torch_run(cell, shape, device="cpu"):
    """The same in torch, in its own layout (steps, batch, features); None where torch is not installed."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(cores())
    kinds = {"vanilla": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    layer = kinds[cell](shape[2], shape[3]).to(device)
    inputs, upstream = (torch.tensor(a.swapaxes(0, 1).copy(), device=device) for a in arrays(shape))
    inputs.requires_grad_(True)

    def run():
        inputs.grad = None
        layer.zero_grad(set_to_none=True)
        outputs, _ = layer(inputs)
        outputs.backward(upstream)
        inputs.grad[-1, -1, -1].item()

    return run


def bare_products(gates, shape):
    """The matrix products of one layer alone, forward and backward, with nothing between them.

    ``x @ W`` and its two gradients, the recurrent kernel's gradient, and the chain of all steps: h @ U one
    way and the gradient times U^T the other, each waiting for the last as they must. U has orthogonal rows,
    so that no number in the chain grows or vanishes.
    """
    batch, steps, features, units = shape
    rng = np.random.default_rng(0)
    blocks = [np.linalg.qr(rng.normal(size=(units, units)))[0] for _ in range(gates)]
    recurrent = tf.constant(np.concatenate(blocks, 1) / np.sqrt(gates), tf.float32)
    rows = [tf.random.normal([batch * steps, n]) for n in (features, units, gates * units)]
    kernel, start = tf.random.normal([features, gates * units]), tf.random.normal([batch, units])

    @tf.function
    def products(x, h, d, kernel, recurrent, state):
        z = x @ kernel
        with tf.control_dependencies([z]):
            state = tf.identity(state)
        for _ in range(steps):
            state = tf.matmul(state @ recurrent, recurrent, transpose_b=True)
        with tf.control_dependencies([state]):
            d = tf.identity(d)
        into = [tf.matmul(left, d, transpose_a=True) for left in (x, h)]
        return z, state, tf.matmul(d, kernel, transpose_b=True), into

    return lambda: products(*rows, kernel, recurrent, start)


def make_peers(cell, shape, torch_device="cpu", **options):
    """Name to function without arguments: rnn_apps, keras, torch if there is one, the bare products.

    ``unset`` and ``False`` are rnn_apps called with `training` so.
    """
    peers = {"rnn_apps": tf_run("rnn_apps", cell, shape, **options), "keras": tf_run("keras", cell, shape)}
    for name, training in (("unset", None), ("False", False)):
        peers[name] = tf_run("rnn_apps", cell, shape, training, **options)
    in_torch = torch_run(cell, shape, torch_device)
    if in_torch is not None:
        peers["torch"] = in_torch
    return {**peers, "products": bare_products(CELLS[cell], shape)}


def interleaved_medians(runs, rounds, warm_up=4):
    """Milliseconds of each run: the median over rounds in which all take turns, after a warm-up."""
    for run in runs.values():
        for _ in range(warm_up):  # a shape is compiled on its third use
            run()
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}


def table(head, rows):
    """A markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
