import keras
import numpy as np
import pytest
import tensorflow as tf
from oracles import sequences
from user_cells import MinGRUCell

from rnn_apps.layers import GRU, LSTM, RecurrentLayer, StackedRNN, VanillaRNN


def linear(**options):
    """h_t = x_t + h_{t-1}, so that a mask shows in the numbers."""
    starts = {"kernel_initializer": "identity", "recurrent_initializer": "identity", "activation": "linear"}
    return VanillaRNN(64, return_sequences=True, compile=False, seed=1, **starts, **options)


def test_one_input_mask_serves_all_steps_of_a_sequence_and_differs_between_rows():
    layer = linear(dropout=0.25)
    seen = np.diff(np.asarray(layer(np.ones((4, 6, 64), "float32"), training=True)), axis=1, prepend=0)
    np.testing.assert_allclose(seen, np.repeat(seen[:, :1], 6, axis=1), atol=1e-5)
    np.testing.assert_allclose(np.unique(seen[:, 0].round(4)), [0, 4 / 3], atol=1e-4)
    assert (seen[0, 0] != seen[1, 0]).any()
    assert 0.1 < (seen[:, 0] == 0).mean() < 0.4


def test_one_recurrent_mask_serves_all_steps():
    layer = linear(recurrent_dropout=0.5)
    start = np.ones((4, 64), "float32")
    outputs = np.asarray(layer(np.zeros((4, 3, 64), "float32"), initial_state=[start], training=True))
    mask = outputs[:, 0]
    assert set(np.unique(mask)) == {0.0, 2.0}
    np.testing.assert_allclose(outputs[:, 1], mask**2)
    np.testing.assert_allclose(outputs[:, 2], mask**3)


def test_the_recurrent_mask_touches_nothing_but_the_recurrent_product():
    gru = GRU(8, recurrent_dropout=0.5, recurrent_initializer="zeros", compile=False)
    gru.build((None, None, 3))
    bias = np.zeros((2, 24), "float32")
    bias[0, :8] = 50.0  # the update gate is shut: the state is carried on as it is
    gru.cell.bias.assign(bias)
    start = np.linspace(0.1, 1, 32, dtype="float32").reshape(4, 8)
    kept = gru(sequences(batch=4), initial_state=[start], training=True)
    np.testing.assert_allclose(kept, start, atol=1e-6)


@pytest.mark.parametrize("layer_class", [VanillaRNN, LSTM, GRU])
def test_dropout_is_for_training_alone(layer_class):
    layer = layer_class(4, dropout=0.5, recurrent_dropout=0.5, compile=False)
    plain = layer_class(4, compile=False)
    x = sequences()
    layer.build(x.shape)
    plain.build(x.shape)
    plain.set_weights([w for w, v in zip(layer.get_weights(), layer.weights) if "seed" not in v.path][:3])
    np.testing.assert_array_equal(layer(x), plain(x))
    assert np.abs(layer(x, training=True) - plain(x)).max() > 0.01


def test_every_call_draws_a_new_mask_and_a_seed_repeats_them():
    x = np.ones((2, 3, 64), "float32")
    first, second = linear(dropout=0.5), linear(dropout=0.5)
    drawn = [np.asarray(first(x, training=True)) for _ in range(2)]
    assert (drawn[0] != drawn[1]).any()
    np.testing.assert_array_equal(second(x, training=True), drawn[0])


def test_a_cell_without_recurrence_ignores_the_recurrent_rate():
    layer = RecurrentLayer(MinGRUCell(4, recurrent_dropout=0.5), compile=False)
    x = sequences()
    np.testing.assert_allclose(layer(x, training=True), layer(x), atol=1e-6)


def test_dropout_is_applied_before_every_level():
    layer = StackedRNN((8, 8), dropout=0.5, compile=False, seed=1)
    x = sequences()
    rates = [level.cell.dropout for (level,) in layer.layers]
    assert rates == [0.5, 0.5]
    assert np.abs(layer(x, training=True) - layer(x)).max() > 0.01


def test_the_mask_is_the_same_in_the_traced_graph_and_has_the_mean_it_should():
    layer = linear(recurrent_dropout=0.5)
    traced = tf.function(lambda x, h: layer(x, initial_state=[h], training=True))
    zeros, ones = np.zeros((500, 1, 64), "float32"), np.ones((500, 64), "float32")
    assert float(tf.reduce_mean(traced(zeros, ones))) == pytest.approx(1.0, abs=0.02)
    assert keras.ops.shape(traced(zeros[:2], ones[:2])) == (2, 1, 64)
