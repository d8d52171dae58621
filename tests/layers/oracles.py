"""What the layers are held against: NumPy loops from the equations, and gradients of one fixed loss."""

import keras
import numpy as np
import tensorflow as tf

MASKS = {
    "none": None,
    "right": [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [1, 1, 1, 1, 0]],
    "left": [[1, 1, 1, 1, 1], [0, 0, 1, 1, 1], [0, 0, 0, 0, 1], [0, 1, 1, 1, 1]],
    "holes": [[1, 0, 1, 0, 1], [0, 1, 0, 1, 0], [1, 1, 0, 0, 1], [1, 1, 1, 0, 1]],
    "fully padded": [[0, 0, 0, 0, 0], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]],
}


def mask_of(name):
    return None if MASKS[name] is None else tf.constant(MASKS[name]) > 0


def sequences(batch=4, steps=5, features=3, seed=0, dtype="float32"):
    return np.random.default_rng(seed).normal(size=(batch, steps, features)).astype(dtype)


def states(sizes, batch=4, seed=1, dtype="float32"):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(batch, size)).astype(dtype) * 0.5 for size in sizes]


def randomize(layer, seed=2):
    """Give every weight, biases too, a random value: zeros would hide what they multiply."""
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(size=w.shape) * 0.4 for w in layer.get_weights()])


def answers(layer, x, mask=None, initial=None, training=True):
    """Return all results of the layer and the gradients of one loss over all of them, as NumPy arrays.

    The gradients are of the inputs, the initial states and every trainable weight, in this order.
    """
    results, gradients = tensors(layer, x, mask, initial, training)
    return [np.asarray(r, "float64") for r in results], [np.asarray(g, "float64") for g in gradients]


def tensors(layer, x, mask=None, initial=None, training=True):
    """As `answers`, in tensors, so that it can be traced."""
    x = tf.convert_to_tensor(x)
    flat = [tf.convert_to_tensor(s) for s in tf.nest.flatten(initial)] if initial is not None else []
    packed = tf.nest.pack_sequence_as(initial, flat) if initial is not None else None
    options = {} if packed is None else {"initial_state": packed}
    if mask is not None:
        options["mask"] = mask
    weights = [w.value for w in layer.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch([x, *flat])
        results = tf.nest.flatten(layer(x, training=training, **options))
        loss = tf.add_n([weighted_sum(r, i) for i, r in enumerate(results)])
    sources = [x, *flat, *weights]
    return results, tape.gradient(loss, sources, unconnected_gradients="zero")


def weighted_sum(tensor, shift):
    """A sum in which every element counts differently and nonlinearly."""
    tensor = tf.cast(tensor, tf.float64 if tensor.dtype == tf.float64 else tf.float32)
    flat = tf.reshape(tensor, [-1])
    weights = tf.cos(tf.cast(tf.range(tf.size(flat)), flat.dtype) + float(shift))
    return tf.reduce_sum(weights * flat + 0.5 * flat * flat)


def assert_close(ours, theirs, tolerance=1e-5):
    """Equal to `tolerance` relative to the scale of each array."""
    assert len(ours) == len(theirs)
    for index, (a, b) in enumerate(zip(ours, theirs)):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape, (index, a.shape, b.shape)
        scale = max(1.0, np.abs(b).max(initial=0.0))
        worst = np.abs(a - b).max(initial=0.0)
        assert worst <= tolerance * scale, f"array {index}: differs by {worst:.2e} at scale {scale:.2e}"


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def vanilla_step(x, states, kernel, recurrent_kernel, bias):
    (h,) = states
    return (np.tanh(recurrent_kernel.T @ h + kernel.T @ x + bias),)


def lstm_step(x, states, kernel, recurrent_kernel, bias):
    h, c = states
    i, f, g, o = np.split(kernel.T @ x + recurrent_kernel.T @ h + bias, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_step(x, states, kernel, recurrent_kernel, bias):
    (h,) = states
    x_u, x_s, x_h = np.split(kernel.T @ x + bias[0], 3)
    h_u, h_s, h_h = np.split(recurrent_kernel.T @ h + bias[1], 3)
    update, reset = sigmoid(x_u + h_u), sigmoid(x_s + h_s)
    return (update * h + (1 - update) * np.tanh(x_h + reset * h_h),)


def numpy_loop(step, weights, x, initial, mask=None, zero_output_for_mask=False):
    """Row by row and step by step: (outputs, final states) with outputs of padded steps as Keras has them."""
    outputs, finals = [], []
    for row in range(len(x)):
        current, shown = tuple(s[row] for s in initial), np.zeros_like(initial[0][row])
        outputs.append([])
        for t in range(x.shape[1]):
            real = mask is None or bool(mask[row][t])
            if real:
                current = step(x[row, t], current, *weights)
                shown = current[0]
            outputs[-1].append(shown if real or not zero_output_for_mask else np.zeros_like(shown))
        finals.append(current)
    return np.array(outputs), [np.array(s) for s in zip(*finals)]


KERAS = {"vanilla": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
NUMPY_STEPS = {"vanilla": vanilla_step, "lstm": lstm_step, "gru": gru_step}
