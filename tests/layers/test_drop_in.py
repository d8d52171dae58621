"""Ours in place of Keras' layers: any arguments, any call, configurations and files of either."""

import os

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracles import KERAS, MASKS, answers, assert_close, mask_of, randomize, sequences, states

from rnn_apps.layers import GRU, LSTM, VanillaRNN

OURS = {"vanilla": VanillaRNN, "lstm": LSTM, "gru": GRU}
EXAMPLES = int(os.environ.get("RNN_APPS_EXAMPLES", "12"))
ACTIVATIONS = st.sampled_from(["tanh", "relu", "sigmoid", "linear", "softsign", "hard_sigmoid", "elu", None])
FLAGS = ("return_sequences", "return_state", "go_backwards", "zero_output_for_mask", "use_bias", "unroll")
GATED = {"recurrent_activation": ACTIVATIONS, "implementation": st.sampled_from([1, 2])}
GATED["use_cudnn"] = st.sampled_from(["auto", False])
OWN = {
    "vanilla": {},
    "lstm": {**GATED, "unit_forget_bias": st.booleans()},
    "gru": {**GATED, "reset_after": st.booleans()},
}


@st.composite
def calls(draw):
    """A layer, its arguments, and the arguments of a call."""
    name = draw(st.sampled_from(list(OURS)))
    options = {flag: draw(st.booleans()) for flag in FLAGS}
    options |= {"units": draw(st.integers(1, 5)), "activation": draw(ACTIVATIONS)}
    options |= {key: draw(strategy) for key, strategy in OWN[name].items()}
    options["kernel_regularizer"] = draw(st.sampled_from([None, "l2"]))
    options["dtype"] = draw(st.sampled_from(["float32", "float64"]))
    rates = {
        "dropout": draw(st.sampled_from([0.0, 0.5])),
        "recurrent_dropout": draw(st.sampled_from([0.0, 0.5])),
    }
    has_dropout = any(rates.values())
    call = {"mask": draw(st.sampled_from(list(MASKS))), "training": not has_dropout and draw(st.booleans())}
    return name, {**options, **rates}, call, draw(st.booleans())


@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES < 50, suppress_health_check=list(HealthCheck)
)
@given(calls())
def test_any_arguments_and_any_call_give_what_keras_gives(drawn):
    name, options, call, has_states = drawn
    peer = dict(options)
    if options["zero_output_for_mask"] and options["go_backwards"]:
        peer["unroll"] = False  # Keras' own unrolled loop forgets to reverse the mask there
    layers = [OURS[name](**options), KERAS[name](**peer)]
    for layer in layers:
        layer.build((None, None, 3) if not options["unroll"] else (None, 5, 3))
    randomize(layers[1])
    layers[0].set_weights(layers[1].get_weights())
    sizes = layers[0].cell.state_sizes
    initial = states(sizes, dtype=options["dtype"]) if has_states else None
    mask, x = mask_of(call["mask"]), sequences(dtype=options["dtype"])
    (ours, our_gradients), (theirs, gradients) = (
        answers(layer, x, mask, initial, call["training"]) for layer in layers
    )
    assert_close(ours, theirs)
    assert_close(our_gradients, gradients)
    assert_close([sum(layers[0].losses, 0.0)], [sum(layers[1].losses, 0.0)])


@pytest.mark.parametrize("name", OURS)
def test_a_configuration_of_either_makes_the_other(name):
    options = {
        "units": 4,
        "go_backwards": True,
        "dropout": 0.2,
        "kernel_regularizer": "l2",
        "activation": "relu",
    }
    options |= {} if name == "vanilla" else {"use_cudnn": False}
    ours, theirs = OURS[name](**options), KERAS[name](**options)
    shared = set(ours.get_config()) & set(theirs.get_config()) - {"dtype", "name"}
    assert shared >= {"units", "go_backwards", "dropout", "kernel_regularizer", "activation", "seed"} - (
        {"seed"} if name == "vanilla" else set()
    )
    for made in (KERAS[name].from_config(ours.get_config()), OURS[name].from_config(theirs.get_config())):
        config = made.get_config()
        assert {key: config[key] for key in shared} == {key: ours.get_config()[key] for key in shared}


def model_of(layer):
    return keras.Sequential([keras.Input((None, 3)), layer, keras.layers.Dense(2)])


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_weight_files_of_either_load_in_the_other(name, tmp_path):
    models = [model_of(one[name](4)) for one in (OURS, KERAS)]
    for source, target in (models, models[::-1]):
        randomize(source, seed=len(source.name))
        source.save_weights(tmp_path / "model.weights.h5")
        target.load_weights(tmp_path / "model.weights.h5")
        assert_close([target(sequences())], [source(sequences())])


@pytest.mark.parametrize("name", OURS)
def test_a_saved_model_of_keras_becomes_ours_and_back(name, tmp_path):
    from rnn_apps.layers import from_keras, to_keras

    theirs = model_of(KERAS[name](4, **({"reset_after": False} if name == "gru" else {})))
    theirs.save(tmp_path / "theirs.keras")
    ours = from_keras(keras.models.load_model(tmp_path / "theirs.keras"))
    assert isinstance(ours.layers[0], OURS[name])
    ours.save(tmp_path / "ours.keras")
    back = to_keras(keras.models.load_model(tmp_path / "ours.keras"))
    assert isinstance(back.layers[0], KERAS[name])
    assert_close([back(sequences()), ours(sequences())], [theirs(sequences())] * 2)


def test_cudnn_is_demanded_refused_or_left_to_the_layer(monkeypatch):
    from rnn_apps.layers import cudnn

    layers = {value: LSTM(4, use_cudnn=value) for value in ("auto", True, False)}
    paths = {value: cudnn.choose_path(layer, True, gpus=1)[0] for value, layer in layers.items()}
    assert paths == {"auto": "cudnn", True: "cudnn", False: "xla"}
    assert cudnn.choose_path(GRU(4, reset_after=False), True, gpus=1)[0] == "xla"
    layers[True](sequences())  # an answer never needs it
    with pytest.raises(ValueError, match=r'use_cudnn=True, but: .*no GPU. Use use_cudnn="auto"'):
        layers[True](sequences(), training=True)


def test_the_log_says_what_an_option_costs_or_does_not_do(caplog):
    with caplog.at_level("INFO", "rnn_apps.layers"):
        GRU(4, reset_after=False, name="old")
        LSTM(4, implementation=1, name="first")
    assert "old: reset_after=False needs a second matrix product in every step" in caplog.text
    assert "first: implementation has no effect" in caplog.text


def test_the_reset_before_the_product_compiles_and_trains():
    layer, x = GRU(4, reset_after=False, return_sequences=True, compile=True), sequences()
    peer = keras.layers.GRU(4, reset_after=False, return_sequences=True)
    for one in (layer, peer):
        one.build(x.shape)
    layer.set_weights(peer.get_weights())
    for _ in range(2):
        for left, right in zip(answers(layer, x), answers(peer, x)):
            assert_close(left, right)
    assert tf.function(lambda: layer(x), jit_compile=True)().shape == (4, 5, 4)
    np.testing.assert_allclose(layer(x), peer(x), atol=1e-5)
