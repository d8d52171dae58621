"""The part of a recurrence that depends on the input only, for all steps in one product."""

import tensorflow as tf


def project(inputs, kernel, bias=()):
    """Return ``inputs @ kernel + bias`` in one product: (..., features) to (..., gates * units)."""
    shape = tf.shape(inputs)
    flat = tf.matmul(tf.reshape(inputs, [-1, inputs.shape[-1]]), kernel)
    for vector in bias:
        flat = tf.nn.bias_add(flat, vector)
    result = tf.reshape(flat, tf.concat([shape[:-1], [kernel.shape[-1]]], 0))
    return tf.ensure_shape(result, inputs.shape[:-1] + [kernel.shape[-1]])
