"""What training takes in place of the plain form answers, and differentiates, as the plain form does."""

import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.models.sequence_encoder import SequencePooling

MASK = np.array([[1, 1, 1, 0], [1, 0, 1, 1], [0, 0, 0, 0], [0, 1, 1, 1]], bool)


@pytest.mark.parametrize("mode", ["mean", "max", "mean_max"])
@pytest.mark.parametrize("mask", [None, MASK], ids=["no mask", "masked"])
def test_pooling_while_training_has_the_value_and_gradient_of_the_plain_form(mode, mask):
    rng = np.random.default_rng(0)
    sequences = tf.constant(rng.normal(size=(4, 4, 3)), tf.float32)
    weight = rng.normal(size=(4, 6 if mode == "mean_max" else 3)).astype("float32")
    layer, results = SequencePooling(mode), []

    def step(training):
        with tf.GradientTape() as tape:
            tape.watch(sequences)
            pooled = layer(sequences, mask=None if mask is None else tf.constant(mask), training=training)
            loss = tf.reduce_sum(pooled * weight)
        return pooled, tape.gradient(loss, sequences)

    for training in (False, True, True, True):  # the fourth use is XLA's
        results.append(tf.function(step, autograph=False)(training))
    for pooled, gradient in results[1:]:
        np.testing.assert_allclose(pooled, results[0][0], atol=1e-6)
        np.testing.assert_allclose(gradient, results[0][1], atol=1e-6)


def test_steps_that_share_the_highest_value_share_its_gradient():
    sequences = tf.constant([[[2.0], [1.0], [2.0]]])
    with tf.GradientTape() as tape:
        tape.watch(sequences)
        pooled = SequencePooling("max")(sequences, training=True)
    np.testing.assert_allclose(tape.gradient(pooled, sequences), [[[0.5], [0.0], [0.5]]])
