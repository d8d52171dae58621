"""Keras' recurrent layers to ours and back: the same weights, the same answers, masked and unmasked."""

import keras
import numpy as np
import pytest

import rnn_apps
from rnn_apps.layers import (
    GRU,
    LSTM,
    GRUCell,
    NotConvertible,
    RecurrentLayer,
    StackedRNN,
    VanillaRNN,
    from_keras,
    to_keras,
    why_not,
)

L = keras.layers
RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 7, 5)).astype("float32")
X[1, 4:] = 0  # padded on the right
X[2, :2] = 0  # and on the left

THEIRS = {
    "SimpleRNN": lambda: L.SimpleRNN(4, activation="relu", return_sequences=True, kernel_regularizer="l2"),
    "LSTM": lambda: L.LSTM(4, dropout=0.1, go_backwards=True, unit_forget_bias=False),
    "GRU": lambda: L.GRU(4, zero_output_for_mask=True, return_sequences=True, use_bias=False),
    "GRU, reset first": lambda: L.GRU(4, reset_after=False, return_sequences=True),
    "RNN of a cell": lambda: L.RNN(L.LSTMCell(4), return_sequences=True),
    "RNN of cells": lambda: L.RNN([L.GRUCell(4), L.GRUCell(3)], return_sequences=True),
    "Bidirectional": lambda: L.Bidirectional(L.LSTM(4, return_sequences=True), merge_mode="sum"),
    "two of different size": lambda: L.Bidirectional(L.GRU(4), backward_layer=L.GRU(3, go_backwards=True)),
}
LEFT = {
    "is no recurrent layer": lambda: L.Dense(3),
    "is not in the engine's form": lambda: L.RNN(OwnCell()),
    "differ in more than their units": lambda: L.RNN([L.GRUCell(4), L.LSTMCell(3)]),
    "has no stateful": lambda: L.RNN([L.GRUCell(4), L.GRUCell(3)], stateful=True),
    "options that StackedRNN has not": lambda: L.RNN([L.GRUCell(u, activation="relu") for u in (4, 3)]),
    "ours already": lambda: LSTM(3),
}
OURS = {
    "VanillaRNN": lambda: VanillaRNN(4, return_sequences=True),
    "with W_hy": lambda: VanillaRNN(4, output_units=2),
    "LSTM": lambda: LSTM(4),
    "a layer of a cell": lambda: RecurrentLayer(GRUCell(4), go_backwards=True),
    "a stack": lambda: StackedRNN((4, 3), cell="gru", return_sequences=True),
    "a stack of both directions": lambda: StackedRNN((4, 3), cell="lstm", bidirectional=True),
}


@keras.saving.register_keras_serializable(package="test_conversion")
class OwnCell(L.SimpleRNNCell):
    """A cell that only its user knows."""

    def __init__(self, units=2, **kwargs):
        super().__init__(units, **kwargs)


def model_of(layer, sequential=False):
    if sequential:
        return keras.Sequential([keras.Input((None, 5)), L.Masking(), layer])
    given = keras.Input((None, 5))
    model = keras.Model(given, layer(L.Masking()(given)))
    model.set_weights([w + 0.1 * RNG.normal(size=w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize("name", THEIRS)
def test_a_model_of_keras_answers_the_same_on_our_layers_and_back(name, sequential):
    theirs = model_of(THEIRS[name](), sequential)
    ours = from_keras(theirs)
    recurrent = ours.layers[-1]
    inner = recurrent.forward_layer if isinstance(recurrent, L.Bidirectional) else recurrent
    assert isinstance(inner, (RecurrentLayer, StackedRNN))
    assert recurrent.name == theirs.layers[-1].name
    np.testing.assert_allclose(ours(X), theirs(X), atol=1e-6)
    back = to_keras(ours)
    assert not any(type(layer).__module__.startswith("rnn_apps") for layer in back._flatten_layers())
    np.testing.assert_allclose(back(X), theirs(X), atol=1e-6)


@pytest.mark.parametrize("name", THEIRS)
def test_a_layer_alone_keeps_its_weights_and_its_arguments(name):
    layer = THEIRS[name]()
    layer.build((None, None, 5))
    ours = from_keras(layer)
    for mine, its in zip(ours.get_weights(), layer.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)
    np.testing.assert_allclose(ours(X), layer(X), atol=1e-6)
    if name in ("SimpleRNN", "LSTM", "GRU", "GRU, reset first"):
        mine, its = ours.get_config(), layer.get_config()
        assert {k: v for k, v in mine.items() if k in its and k != "dtype"} == {
            k: v for k, v in its.items() if k in mine and k != "dtype"
        }


@pytest.mark.parametrize("reason", LEFT)
def test_a_layer_without_a_counterpart_says_why_and_stays(reason):
    layer = LEFT[reason]()
    assert reason in why_not(layer)
    with pytest.raises(NotConvertible, match=reason.split("=")[0]):
        from_keras(layer)
    if isinstance(layer, L.RNN) and not getattr(layer, "stateful", False):
        theirs = model_of(layer)
        np.testing.assert_allclose(from_keras(theirs)(X), theirs(X), atol=1e-6)


@pytest.mark.parametrize("name", OURS)
def test_our_layers_have_counterparts_that_know_nothing_of_us(name, tmp_path):
    model = model_of(OURS[name]())
    theirs = to_keras(model)
    theirs.save(tmp_path / "plain.keras")
    assert b"rnn_apps" not in (tmp_path / "plain.keras").read_bytes()
    np.testing.assert_allclose(theirs(X), model(X), atol=1e-6)
    layer = model.layers[-1]
    alone = layer.to_keras()
    np.testing.assert_allclose(alone(X), layer(X), atol=1e-6)


def test_padded_steps_of_a_bidirectional_stack_are_zeros_in_keras_and_all_others_the_same():
    model = model_of(StackedRNN((4, 3), bidirectional=True, return_sequences=True))
    real = (X != 0).any(-1)
    theirs, ours = np.asarray(to_keras(model)(X)), np.asarray(model(X))
    np.testing.assert_allclose(theirs[real], ours[real], atol=1e-6)
    assert (theirs[~real] == 0).all()


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: StackedRNN((3, 3), residual=True), "residual"),
        (lambda: StackedRNN((3, 3), return_state=True), "return_state"),
        (lambda: VanillaRNN(3, output_units=2, return_state=True), "return_state"),
        (lambda: L.Dense(2), "Keras has no layer for"),
    ],
)
def test_what_keras_lacks_is_refused_by_name(layer, message):
    with pytest.raises(NotConvertible, match=message):
        to_keras(layer())


def test_models_within_models_layers_used_twice_and_states_are_kept():
    shared, inner = L.LSTM(3, return_state=True), keras.Sequential([keras.Input((None, 5)), L.GRU(2)])
    one, other = keras.Input((None, 5)), keras.Input((None, 5))
    out, h, c = shared(one)
    again, _, _ = shared(other, initial_state=[h, c])
    model = keras.Model([one, other], [out, again, inner(one)])
    ours = from_keras(model)
    kinds = [type(layer) for layer in ours._flatten_layers()]
    assert (kinds.count(LSTM), kinds.count(GRU), kinds.count(L.LSTM)) == (1, 1, 0)
    for mine, its in zip(ours([X, X[:, ::-1]]), model([X, X[:, ::-1]])):
        np.testing.assert_allclose(mine, its, atol=1e-6)


def test_a_model_of_code_is_refused():
    class Own(keras.Model):
        """Its graph is not known."""

    with pytest.raises(NotConvertible, match="received a Own, expected a functional or sequential model"):
        rnn_apps.from_keras(Own())
    assert rnn_apps.to_keras is to_keras


def frozen(layer, *names):
    """The layer with parts of it not to be trained."""
    for name in names:
        getattr(layer, name).trainable = False
    return layer


def cells(*trainable):
    return [L.GRUCell(4, trainable=one) for one in trainable]


KEPT = {
    "a frozen layer": lambda: L.LSTM(4, trainable=False),
    "a frozen cell": lambda: L.RNN(L.LSTMCell(4, trainable=False)),
    "a frozen cell within a layer": lambda: frozen(L.GRU(4), "cell"),
    "frozen cells": lambda: L.RNN(cells(False, False)),
    "cells, one of them frozen": lambda: L.RNN(cells(True, False)),
    "one direction frozen": lambda: L.Bidirectional(L.LSTM(4, trainable=False), backward_layer=backward()),
    "both directions frozen": lambda: frozen(L.Bidirectional(L.LSTM(4)), "forward_layer", "backward_layer"),
    "a regularizer of answers": lambda: L.LSTM(4, activity_regularizer="l2"),
    "one of a layer of a cell": lambda: L.RNN(L.LSTMCell(4), activity_regularizer="l2"),
    "one of a direction": lambda: L.Bidirectional(L.GRU(4, activity_regularizer="l2")),
    "one of both directions": lambda: L.Bidirectional(L.GRU(4), activity_regularizer="l2"),
    "ours, frozen": lambda: VanillaRNN(4, trainable=False, output_units=2),
    "ours, its answers regularized": lambda: VanillaRNN(4, activity_regularizer="l2", output_units=2),
    "a stack, frozen": lambda: StackedRNN((4, 3), trainable=False),
    "one of both directions of a stack": lambda: StackedRNN(
        (4, 3), cell="gru", bidirectional=True, activity_regularizer="l1"
    ),
}


def backward():
    return L.LSTM(4, go_backwards=True)


def taught(model):
    """Which weights are trained, and what a call adds to the loss."""
    model(X)
    trained = {id(weight) for weight in model.trainable_weights}
    return [id(weight) in trained for weight in model.weights], sum(map(float, model.losses))


@pytest.mark.parametrize("name", KEPT)
def test_what_is_frozen_and_what_is_regularized_stays_so_both_ways_and_on_disk(name, tmp_path):
    layer = KEPT[name]()
    model = model_of(layer)
    trained, loss = taught(model)
    if "frozen" in name:
        assert not all(trained)
    else:
        assert loss > 0
    ours = from_keras(model)
    assert taught(ours) == (trained, pytest.approx(loss, rel=1e-4))
    ours.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert taught(loaded)[0] == trained
    assert taught(to_keras(loaded)) == (trained, pytest.approx(loss, rel=1e-4))


def test_a_frozen_level_and_what_simple_rnn_would_drop_are_kept():
    """The constructor of `keras.layers.SimpleRNN` takes an activity_regularizer and forgets it."""
    stack = StackedRNN((4, 3), activity_regularizer="l2")
    stack.layers[0][0].trainable = False
    model = model_of(stack)
    trained, loss = taught(model)
    assert (trained, loss > 0) == ([False] * 3 + [True] * 3, True)
    assert taught(to_keras(model)) == (trained, pytest.approx(loss, rel=1e-4))


def test_a_frozen_model_within_a_model_stays_frozen():
    inner = keras.Sequential([keras.Input((None, 5)), L.GRU(2)])
    inner.trainable = False
    given = keras.Input((None, 5))
    model = from_keras(keras.Model(given, L.Dense(1)(inner(given))))
    assert len(model.trainable_weights) == 2
    assert not model.layers[1].trainable


@pytest.mark.parametrize("dtype", ["int32", "bool"])
@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU", "Bidirectional"])
def test_whole_numbers_are_read_as_keras_reads_them(kind, dtype):
    given = keras.Input((None, 5), dtype=dtype)
    layer = L.Bidirectional(L.GRU(4)) if kind == "Bidirectional" else getattr(L, kind)(4)
    theirs = keras.Model(given, layer(given))
    ours, whole = from_keras(theirs), RNG.integers(0, 2, (3, 7, 5)).astype(dtype)
    np.testing.assert_allclose(ours(whole), theirs(whole), atol=1e-6)
    np.testing.assert_allclose(ours(whole), ours.layers[-1](whole.astype("float32")), atol=1e-6)


def test_a_stack_reads_whole_numbers():
    stack, whole = StackedRNN((4, 4), residual=True, dropout=0.1), RNG.integers(0, 9, (3, 7, 5))
    np.testing.assert_allclose(stack(whole), stack(whole.astype("float32")), atol=1e-6)
    assert stack(whole, training=True).dtype == "float32"
