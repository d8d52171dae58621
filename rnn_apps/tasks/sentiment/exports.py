"""The network of a text classifier for formats that hold no text: word numbers to probabilities."""

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.tasks.task import Part

__all__ = ["network_part"]


def network_part(model, encoder):
    """Return the `Part` that classifies.

    Args:
        model: `keras.Model`, word numbers (batch, steps) to logits (batch, classes).
        encoder: `TextEncoder`, whose `max_length` is the longest input.
    """
    probabilities = keras.layers.Softmax(name="probabilities")(model.output)
    classifier = keras.Model(model.inputs, probabilities)

    def network(numbers):
        return {"probabilities": classifier(numbers, training=False)}

    def examples(batch, steps, seed):
        rng = np.random.default_rng(seed)
        numbers = rng.integers(1, encoder.vocabulary_size, (batch, steps))
        valid = np.arange(steps) < rng.integers(1, steps + 1, (batch, 1))
        return [np.where(valid, numbers, 0).astype("int32")]

    inputs = {"numbers": tf.TensorSpec([None, None], tf.int32, name="numbers")}
    steps = encoder.max_length
    return Part("network", network, inputs, examples, steps, "probabilities", classifier, steps, True)
