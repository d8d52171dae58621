"""Tests that the drawing of a network shows W_hy and the pooling of the model."""

import json

import keras
import pytest

from rnn_apps import views
from rnn_apps.layers import StackedRNN, VanillaRNN
from rnn_apps.models.encoder_decoder import encoder_decoder, region_encoder, token_encoder
from rnn_apps.models.sequence_decoder import SequenceDecoder
from rnn_apps.models.sequence_encoder import sequence_encoder
from rnn_apps.reporting.views.unrolled_steps import columns_of, pooling_of

L = keras.layers


def reading(*layers):
    return keras.Sequential([keras.Input((6, 4)), *layers])


def joined(*ways):
    """Several ways from the states of an LSTM to one vector, side by side."""
    given = keras.Input((6, 4))
    states, *last = L.LSTM(5, return_sequences=True, return_state=True)(given)
    vectors = [way(states, *last) for way in ways]
    vector = keras.ops.concatenate(vectors, axis=-1) if len(vectors) > 1 else vectors[0]
    return keras.Model(given, L.Dense(2, name="out")(vector))


def decoding(encoder):
    decoder = SequenceDecoder(20, 4, (6, 6), "gru", attention="additive", name="decoder")
    return encoder_decoder(encoder, decoder)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.read, self.out = L.LSTM(4, return_sequences=True), L.Dense(2)
        self(keras.ops.ones((1, 6, 4)))

    def call(self, series):
        return self.out(keras.ops.mean(self.read(series), axis=1))


def encoder(pooling, bidirectional=True):
    return lambda: sequence_encoder(9, 2, 4, units=(5, 5), pooling=pooling, bidirectional=bidirectional)


ALL = ("1", "2", "3", "T")
MEAN_MAX = "mean and max over all steps"
OF_EACH = "last state of each direction"
GATHERED = {  # label, and the times of the columns that lead into the box
    "mean": (encoder("mean"), "mean over all steps", ALL),
    "max": (encoder("max"), "max over all steps", ALL),
    "mean_max": (encoder("mean_max", bidirectional=False), MEAN_MAX, ALL),
    "last_of_both": (encoder("last"), OF_EACH, ("T", "1")),
    "keras_both": (lambda: reading(L.Bidirectional(L.GRU(3)), L.Dense(2)), OF_EACH, ("T", "1")),
    "keras_pooling": (
        lambda: reading(L.GRU(3, return_sequences=True), L.GlobalMaxPooling1D(keepdims=True), L.Dense(2)),
        "max over all steps",
        ALL,
    ),
    "flat": (
        lambda: reading(L.GRU(3, return_sequences=True), L.Flatten(), L.Dense(2)),
        "concatenation of all steps",
        ALL,
    ),
    "operations": (
        lambda: joined(
            lambda states, h, c: keras.ops.max(states, axis=1),
            lambda states, h, c: keras.ops.mean(states, axis=1),
            lambda states, h, c: h,
        ),
        "max and mean over all steps; last state",
        ALL,
    ),
    "layer_of_ones_own": (
        lambda: joined(lambda states, *_: L.Lambda(lambda x: x[:, 0], name="pick")(states)),
        "pick",
        ALL,
    ),
    "subclassed": (Subclassed, "unknown", ALL),
}


@pytest.mark.parametrize("name", GATHERED)
def test_pooling_is_drawn_over_the_steps_that_it_reads(name):
    network, label, times = GATHERED[name]
    found = views.unrolled(network())
    pooling = pooling_of(found.parts[-1], found)
    assert (pooling.label, (*pooling.forward, *pooling.backward)) == (label, times)
    assert not any(column.output for column in columns_of(found.parts[-1], found))
    assert label in texts_of(found)
    assert views.Unrolled.from_dict(json.loads(json.dumps(found.as_dict()))) == found


ONE_STEP = {
    "last": (lambda: reading(L.LSTM(5), L.Dense(2)), "T"),
    "last_of_a_stack": (encoder("last", bidirectional=False), "T"),
    "last_read_from_the_end": (lambda: reading(L.LSTM(5, go_backwards=True), L.Dense(2)), "1"),
    "state": (lambda: joined(lambda states, h, c: h), "T"),
    "final_step": (lambda: joined(lambda states, *_: states[:, -1]), "T"),
    "first_step": (lambda: joined(lambda states, *_: states[:, 0]), "1"),
}


@pytest.mark.parametrize("name", ONE_STEP)
def test_an_output_of_one_step_is_drawn_above_that_step(name):
    network, time = ONE_STEP[name]
    found = views.unrolled(network())
    assert pooling_of(found.parts[-1], found) is None
    assert [c.time for c in columns_of(found.parts[-1], found) if c.output == "y"] == [time]
    assert f"$t={time}$" in texts_of(found)


LOGITS = {"logits": {"kernel": [20, 2], "bias": [2]}}
OUT = {"out": {"kernel": [5, 2], "bias": [2]}}
HEADS = {  # weights before the pooling, weights to the output
    "pooled": (encoder("mean_max"), {}, LOGITS),
    "one_step": (lambda: joined(lambda states, h, c: h), {}, OUT),
    "every_step": (lambda: reading(L.LSTM(5, return_sequences=True), L.Dense(2, name="out")), {}, OUT),
    "two_layers": (
        lambda: reading(L.LSTM(5), L.Dense(3, use_bias=False, name="hidden"), L.Dense(2, name="out")),
        {},
        {"hidden": {"kernel": [5, 3]}, "out": {"kernel": [3, 2], "bias": [2]}},
    ),
    "model_within": (
        lambda: reading(reading(L.GRU(3, return_sequences=True), L.LSTM(5)), L.Dense(2, name="out")),
        {},
        OUT,
    ),
    "before": (
        lambda: reading(L.LSTM(5, return_sequences=True), L.Dense(2, name="out"), L.GlobalAveragePooling1D()),
        OUT,
        {},
    ),
    "image_to_text": (
        lambda: decoding(region_encoder(9, 4, 3)),
        {},
        {"output_projection": {"kernel": [12, 6], "bias": [6]}, "logits": {"kernel": [6, 20], "bias": [20]}},
    ),
    "text_to_text": (
        lambda: decoding(token_encoder(20, 4, units=(6,), cell="gru")),
        {},
        {"output_projection": {"kernel": [12, 6], "bias": [6]}, "logits": {"kernel": [6, 20], "bias": [20]}},
    ),
}


@pytest.mark.parametrize("name", HEADS)
def test_w_hy_is_drawn_with_the_weights_from_the_states_to_the_output(name):
    network, before, weights = HEADS[name]
    found = views.unrolled(network())
    assert (found.readout.before, found.readout.weights) == (before, weights)
    texts = texts_of(found)
    assert "$W_{hy}$" in texts
    lines = " ".join(texts)
    for layer, shapes in (before | weights).items():
        assert f"{layer}: kernel {'×'.join(map(str, shapes['kernel']))}" in lines


def test_w_hy_of_a_cell_is_drawn_and_none_where_the_state_is_the_output():
    inside = views.unrolled(reading(VanillaRNN(5, output_units=2, return_sequences=True)))
    assert "$W_{hy}$" in texts_of(inside)
    bare = views.unrolled(reading(StackedRNN((5, 5))))
    texts = texts_of(bare)
    assert "$W_{hy}$" not in texts
    assert "the output is the state itself" in texts
    assert {"$W^{(1)}_{hh}$", "$W^{(2)}_{hh}$", "$W^{(1)}_{xh}$", "$W^{(2)}_{xh}$"} <= set(texts)


def test_a_decoder_is_drawn_with_its_input_and_the_context_of_attention():
    texts = texts_of(views.unrolled(decoding(region_encoder(9, 4, 3))))
    assert {"$x$", "$h_0$", "$c_{1}$", "$c_{U}$"} <= set(texts)
    assert "c_t: attention over the encoder's outputs, also an input of layer 2" in texts


def test_a_context_of_all_steps_leaves_every_step_its_output():
    given = keras.Input((6, 4))
    states = L.LSTM(5, return_sequences=True)(given)
    context = keras.ops.mean(states, axis=1, keepdims=True)
    found = views.unrolled(keras.Model(given, L.Dense(2, name="out")(states + context)))
    assert found.shape == "one output at every step"
    assert (found.readout.pooling, found.readout.weights) == ([], OUT)


def test_indexing_features_keeps_the_steps():
    given = keras.Input((6, 4))
    states = L.LSTM(5, return_sequences=True)(given)
    wide = L.Dense(6, name="out")(states)
    pairs = keras.ops.reshape(wide, (-1, 6, 3, 2))
    network = keras.Model(given, keras.ops.max(pairs[..., 0] + pairs[:, :, :, 1], axis=-1))
    found = views.unrolled(network, "many-to-many")
    assert (found.readout.pooling, list(found.readout.weights)) == ([], ["out"])
    assert [column.output for column in columns_of(found.parts[0], found)] == ["y1", "y2", "y3", "yT"]


def test_a_language_model_is_a_decoder_without_anything_to_read():
    tokens = keras.Input((None,), dtype="int32")
    network = keras.Model(tokens, SequenceDecoder(9, 4, (6,), name="decoder")(tokens))
    found = views.unrolled(network)
    assert found.shape == "one output at every step"
    texts = texts_of(found)
    assert {"$x_{1}$", "$y_{T}$", "$W_{hy}$"} <= set(texts)
    assert not {"$h_0$", "$x$", "start"} & set(texts)


def texts_of(found):
    figure = views.unrolled_figure(found)
    return [text.get_text() for axes in figure.axes for text in axes.texts]
