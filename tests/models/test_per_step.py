"""Networks with an output at every step: chunks are the whole, windows differentiate as the whole does."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.layers import StackedRNN
from rnn_apps.models.per_step import PerStepNetwork, per_step_model, window_model
from rnn_apps.models.step_features import numeric_feature_extractor, precomputed_feature_extractor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 12, 4)).astype("float32")
THERE = np.arange(12) < np.array([[12], [7], [0]])


def network(cell="gru", units=(6, 5), **options):
    recurrent = StackedRNN(units, cell=cell, return_sequences=True, seed=1, **options)
    head = keras.layers.Dense(2, kernel_initializer=keras.initializers.GlorotUniform(seed=2))
    return per_step_model(precomputed_feature_extractor(4), recurrent, head)


def cut(*arrays, sizes):
    """The arrays in chunks of these numbers of steps."""
    ends = np.cumsum(sizes)
    return [[array[:, end - size : end] for array in arrays] for size, end in zip(sizes, ends)]


@pytest.mark.parametrize("cell", ["vanilla", "gru", "lstm"])
@pytest.mark.parametrize("sizes", [[12], [5, 7], [1] * 12])
def test_chunks_of_any_size_are_the_whole(cell, sizes):
    model = network(cell)
    whole, reader, states, found = model([X, THERE]), PerStepNetwork(model), None, []
    for chunk in cut(X, THERE, sizes=sizes):
        outputs, states = reader.forward_from_state(chunk, states)
        found.append(outputs)
    there = THERE[:, :, None]
    np.testing.assert_allclose(np.concatenate(found, 1) * there, whole * there, atol=1e-6)


def test_the_states_of_a_stream_that_has_ended_stay():
    reader = PerStepNetwork(network())
    _, states = reader.forward_from_state([X[:, :7], THERE[:, :7]])
    _, later = reader.forward_from_state([X[:, 7:], THERE[:, 7:]], states)
    for before, after in zip(tf.nest.flatten(states), tf.nest.flatten(later)):
        np.testing.assert_array_equal(before[1], after[1])
        assert (before[0].numpy() != after[0].numpy()).any()


def test_a_saved_network_reads_on_as_before(tmp_path):
    model = network("lstm")
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)
    (first, second) = cut(X, THERE, sizes=[4, 8])
    expected, states = PerStepNetwork(model).forward_from_state(first)
    np.testing.assert_array_equal(PerStepNetwork(again).forward_from_state(first)[0], expected)
    after, _ = PerStepNetwork(again).forward_from_state(second, states)
    np.testing.assert_array_equal(after, PerStepNetwork(model).forward_from_state(second, states)[0])


def test_windows_carry_states_forget_where_fresh_and_share_the_weights():
    model = network()
    windows, whole = window_model(model, 3), model([X, THERE]).numpy()
    found = [
        windows([*chunk, np.array([number == 0] * 3)])
        for number, chunk in enumerate(cut(X, THERE, sizes=[4, 4, 4]))
    ]
    there = THERE[:, :, None]
    np.testing.assert_allclose(np.concatenate(found, 1) * there, whole * there, atol=1e-6)
    again = windows([X[:, :4], THERE[:, :4], np.array([True, False, True])]).numpy()
    np.testing.assert_allclose(again[0], whole[0, :4], atol=1e-6)
    assert np.abs(again[1] - whole[1, :4]).max() > 1e-4
    assert {id(w) for w in model.trainable_weights} == {id(w) for w in windows.trainable_weights}


def gradients_of(model, inputs):
    variables = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(inputs, training=True) ** 2)
    return [tf.convert_to_tensor(g).numpy() for g in tape.gradient(loss, variables)]


@pytest.mark.parametrize("cell", ["vanilla", "gru", "lstm"])
def test_a_window_as_long_as_the_sequence_has_the_gradients_of_full_backpropagation(cell):
    model, all_there = network(cell), np.ones((3, 12), bool)
    full = gradients_of(model, [X, all_there])
    windows = window_model(model, 3)
    for ours, expected in zip(gradients_of(windows, [X, all_there, np.array([True] * 3)]), full):
        np.testing.assert_array_equal(ours, expected)


def test_shorter_windows_truncate_the_gradient():
    model, there = network(), np.ones((3, 12), bool)
    full, windows = gradients_of(model, [X, there]), window_model(model, 3)
    parts = [
        gradients_of(windows, [*chunk, np.array([number == 0] * 3)])
        for number, chunk in enumerate(cut(X, there, sizes=[6, 6]))
    ]
    summed = [first + second for first, second in zip(*parts)]
    assert max(np.abs(a - b).max() for a, b in zip(summed, full)) > 1e-4


@pytest.mark.parametrize("every", [5])
def test_recomputing_states_changes_no_gradient(every):
    model, again = network(), network(recompute_every=every)
    again.set_weights(model.get_weights())
    for ours, expected in zip(gradients_of(again, [X, THERE]), gradients_of(model, [X, THERE])):
        np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_numbers_are_scaled_by_train_and_what_never_changes_is_moved():
    train = np.array([[1, 10, 7], [3, 30, 7]], np.float32)
    features, there = numeric_feature_extractor(train)([train[None], np.ones((1, 2), bool)])
    np.testing.assert_allclose(features[0], [[-1, -1, 0], [1, 1, 0]], atol=1e-6)
    assert there.numpy().all()
