"""What training takes in place of the plain form answers, and differentiates, as the plain form does."""

import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.models.sequence_encoder import PairEmbedding, SequencePooling, sequence_encoder

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


def test_a_pair_has_the_vector_of_its_two_words_in_their_order():
    layer = PairEmbedding(1000, 4, seed=1)
    vectors = layer(tf.constant([[5, 6, 5, 6], [6, 5, 6, 0]])).numpy()
    np.testing.assert_array_equal(vectors[0, 1], vectors[0, 3])  # 5 6 twice
    np.testing.assert_array_equal(vectors[0, 2], vectors[1, 1])  # 6 5
    assert not np.array_equal(vectors[0, 1], vectors[0, 2])
    assert not np.array_equal(vectors[0, 0], vectors[0, 2])  # 5 at the start has nothing before it


def test_pairs_are_seen_by_the_network():
    plain = sequence_encoder(50, 2, embedding=4, units=(4,), seed=1)
    paired = sequence_encoder(50, 2, embedding=4, units=(4,), pair_buckets=64, pair_embedding=3, seed=1)
    assert paired.count_params() - plain.count_params() == 64 * 3 + 2 * 3 * 4  # the table, and W_xh both ways


def test_padding_never_changes_the_answer_of_a_network_with_pairs():
    network = sequence_encoder(50, 2, embedding=4, units=(4,), pair_buckets=64, pair_embedding=3, seed=1)
    numbers = np.array([[5, 6, 7], [8, 9, 0]], "int32")
    np.testing.assert_allclose(network(numbers), network(np.pad(numbers, [[0, 0], [0, 5]])), atol=1e-6)
