import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from user_cells import IndRNNCell, LayerNormCell, MinGRUCell

from rnn_apps.layers import (
    GRU,
    LSTM,
    GRUCell,
    LSTMCell,
    RecurrentCell,
    VanillaRNN,
    VanillaRNNCell,
    get_cell,
    list_cells,
    register_cell,
)

CELLS = [VanillaRNNCell, LSTMCell, GRUCell, LayerNormCell, IndRNNCell, MinGRUCell]


def built(cell_class, **options):
    cell = cell_class(4, **options)
    cell.build((None, 3))
    return cell


@pytest.mark.parametrize("cell_class", [c for c in CELLS if c.additive])
def test_a_cell_that_says_it_is_additive_is(cell_class):
    cell = built(cell_class)
    rng = np.random.default_rng(0)
    z, r = (tf.constant(rng.normal(size=(2, cell.gates * 4)), tf.float32) for _ in range(2))
    states = [tf.constant(rng.normal(size=(2, 4)), tf.float32) for _ in cell.state_sizes]
    own = [tf.convert_to_tensor(w) for w in cell.own_weights]
    for apart, summed in zip(cell.step(z, r, states, *own), cell.step(z + r, 0.0, states, *own)):
        np.testing.assert_allclose(apart, summed, atol=1e-6)


@pytest.mark.parametrize("cell_class", CELLS)
def test_a_cell_obeys_keras_contract(cell_class):
    cell = built(cell_class)
    states = cell.get_initial_state(batch_size=2)
    sizes = cell.state_size if isinstance(cell.state_size, list) else [cell.state_size]
    assert [tuple(s.shape) for s in states] == [(2, size) for size in sizes]
    output, new = cell(np.ones((2, 3), "float32"), states)
    assert output.shape == (2, cell.output_size)
    assert [s.shape for s in new] == [s.shape for s in states]


@pytest.mark.parametrize(
    ("ours", "peer"),
    [
        (VanillaRNNCell, keras.layers.SimpleRNNCell),
        (LSTMCell, keras.layers.LSTMCell),
        (GRUCell, keras.layers.GRUCell),
    ],
)
def test_one_step_of_a_cell_is_that_of_keras(ours, peer):
    ours, peer = built(ours), built(peer)
    rng = np.random.default_rng(0)
    peer.set_weights([rng.normal(size=w.shape) for w in peer.get_weights()])
    ours.set_weights(peer.get_weights())
    x = rng.normal(size=(2, 3)).astype("float32")
    states = [rng.normal(size=(2, 4)).astype("float32") for _ in ours.state_sizes]
    for left, right in zip(tf.nest.flatten(ours(x, states)), tf.nest.flatten(peer(x, states))):
        np.testing.assert_allclose(left, right, atol=1e-5)


def test_without_a_bias_there_is_none():
    for cell_class in CELLS:
        cell = built(cell_class, use_bias=False)
        assert cell.bias is None
        assert not [w for w in cell.trainable_variables if w.name == "bias"]


def test_the_shape_of_the_recurrent_weight_follows_the_kind():
    assert built(LayerNormCell).recurrent_kernel.shape == (4, 4)
    assert built(IndRNNCell).recurrent_kernel.shape == (8,)
    assert built(MinGRUCell).recurrent_kernel is None


def test_registered_cells_are_listed_and_found():
    assert list_cells()[:3] == ["vanilla", "lstm", "gru"]
    assert get_cell("test_min_gru") is MinGRUCell


def test_a_name_that_is_taken_is_refused_and_the_same_class_may_come_again():
    assert register_cell("test_min_gru")(MinGRUCell) is MinGRUCell
    with pytest.raises(ValueError, match=re.escape("('gru'): the name is already registered for GRUCell")):
        register_cell("gru")(MinGRUCell)
    assert get_cell("gru") is GRUCell


@pytest.mark.parametrize("thing", [keras.layers.GRUCell, "a name", lambda x: x])
def test_only_a_recurrent_cell_can_be_registered(thing):
    with pytest.raises(ValueError, match=r"register_cell\('other'\): received .*expected a subclass"):
        register_cell("other")(thing)
    assert "other" not in list_cells()


def test_a_users_class_with_the_name_of_ours_takes_nothing_over():
    ours = keras.saving.get_registered_name(GRUCell)

    @register_cell("test_other_gru")
    class GRUCell_(RecurrentCell):
        def step(self, z, r, states):
            return (z + r,)

    GRUCell_.__name__ = GRUCell_.__qualname__ = "GRUCell"
    register_cell("test_other_gru_again")(GRUCell_)
    assert keras.saving.get_registered_object(ours) is GRUCell


def test_a_step_that_is_not_written_says_so():
    with pytest.raises(NotImplementedError):
        built(RecurrentCell)(np.ones((2, 3), "float32"), [np.zeros((2, 4), "float32")])


def test_help_lists_every_argument_of_a_layer_once():
    import inspect

    for layer in (VanillaRNN, LSTM, GRU):
        names = list(inspect.signature(layer).parameters)
        assert names[0] == "units"
        assert len(names) == len(set(names))
        assert {"activation", "dropout", "compile", "recompute_every", "return_sequences", "stateful"} <= set(
            names
        )
