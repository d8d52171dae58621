import functools
import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
from oracles import KERAS, MASKS, answers, assert_close, mask_of, randomize, sequences, states

from rnn_apps.layers import GRU, LSTM, RecurrentLayer, VanillaRNN, VanillaRNNCell

OURS = {"vanilla": VanillaRNN, "lstm": LSTM, "gru": GRU}
OPTIONS = {
    "all outputs": {"return_sequences": True},
    "last output": {},
    "backwards, zeros for masked": {
        "return_sequences": True,
        "go_backwards": True,
        "zero_output_for_mask": True,
    },
}


@functools.cache  # loops are traced once a layer
def pair(name, options):
    peer = KERAS[name](4, return_state=True, **OPTIONS[options])
    peer.build((None, None, 3))
    randomize(peer)
    ours = OURS[name](4, return_state=True, compile=False, **OPTIONS[options])
    ours.build((None, None, 3))
    ours.set_weights(peer.get_weights())
    return ours, peer


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", OURS)
def test_outputs_states_and_every_gradient_are_those_of_keras(name, options, mask):
    ours, peer = pair(name, options)
    x, initial = sequences(), states(ours.cell.state_sizes)
    (our_results, our_gradients), (results, gradients) = (
        answers(layer, x, mask_of(mask), initial) for layer in (ours, peer)
    )
    assert len(results) == 1 + len(initial)
    assert len(gradients) == 1 + len(initial) + 3
    assert_close(our_results, results)
    assert_close(our_gradients, gradients)


@pytest.mark.parametrize("name", OURS)
def test_answers_without_training_are_those_of_keras(name):
    ours, peer = pair(name, "all outputs")
    both = [answers(layer, sequences(), mask_of("left"), training=False) for layer in (ours, peer)]
    for left, right in zip(*both):
        assert_close(left, right)


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("name", OURS)
def test_the_last_output_is_zero_where_the_last_step_read_is_masked_and_zeros_are_asked_for(
    name, go_backwards
):
    options = {"zero_output_for_mask": True, "go_backwards": go_backwards}
    ours, peer = OURS[name](4, **options), KERAS[name](4, **options)
    for layer in (ours, peer):
        layer.build((None, None, 3))
    ours.set_weights(peer.get_weights())
    for mask in map(mask_of, ("right", "left")):
        assert_close([ours(sequences(), mask=mask)], [peer(sequences(), mask=mask)])


@pytest.mark.parametrize("name", OURS)
def test_a_mask_of_whole_numbers_counts_as_bool(name):
    ours, peer = pair(name, "last output")
    mask = np.array(MASKS["left"], "int32")
    assert_close(ours(sequences(), mask=mask), peer(sequences(), mask=tf.cast(mask, tf.bool)))


@pytest.mark.parametrize("return_state", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("name", OURS)
def test_results_have_the_form_of_keras(name, return_sequences, return_state):
    options = {"return_sequences": return_sequences, "return_state": return_state}
    ours, peer = OURS[name](4, **options), KERAS[name](4, **options)
    x = keras.Input((5, 3))
    shapes = [tf.nest.map_structure(lambda t: tuple(t.shape), layer(x)) for layer in (ours, peer)]
    assert tf.nest.flatten(shapes[0]) == tf.nest.flatten(shapes[1])
    real = ours(sequences())
    found = [tuple(t.shape)[1:] for t in tf.nest.flatten(real)]
    assert found == [tuple(t.shape)[1:] for t in tf.nest.flatten(ours(x))]


@pytest.mark.parametrize("name", OURS)
def test_stateful_calls_continue_the_sequence_until_reset(name):
    x = sequences(steps=6)
    whole = OURS[name](4, return_sequences=True, compile=False)
    stateful = OURS[name](4, return_sequences=True, stateful=True, compile=False)
    whole.build(x.shape)
    stateful.build(x.shape)
    randomize(whole)
    stateful.set_weights(whole.get_weights())
    expected = whole(x)
    for _ in range(2):
        assert_close([tf.concat([stateful(x[:, :2]), stateful(x[:, 2:])], 1)], [expected])
        stateful.reset_state()


@pytest.mark.parametrize("name", OURS)
def test_switching_from_keras_takes_one_word(name):
    """Every argument exists, and positional ones mean the same."""

    def arguments(cls):
        return [p for p in inspect.signature(cls).parameters if p not in ("kwargs", "self")]

    theirs = arguments(KERAS[name])
    ours = set(arguments(OURS[name])) | {"activity_regularizer"}  # of keras.layers.Layer
    assert set(theirs) <= ours
    gate = [] if name == "vanilla" else ["hard_sigmoid"]
    positional = (8, "relu", *gate, False, "he_normal", "zeros", "ones")
    names = theirs[: len(positional)]
    configs = [layer(*positional).get_config() for layer in (OURS[name], KERAS[name])]
    for argument in names:
        assert configs[0][argument] == configs[1][argument], argument
    forget = [False] if name == "lstm" else []
    positional = (*positional, *forget, "l1", "l2", "l1", None, "non_neg", "non_neg", "unit_norm", 0.1, 0.2)
    layers = [layer(*positional) for layer in (OURS[name], KERAS[name])]
    for argument in theirs[: len(positional)]:
        ours, peers = (getattr(layer, argument) for layer in layers)
        same = [keras.saving.serialize_keras_object(one) for one in (ours, peers)]
        assert same[0] == same[1], argument
    with pytest.raises(TypeError, match="several values for units"):
        OURS[name](4, units=4)
    with pytest.raises(TypeError, match="positional arguments, expected at most"):
        OURS[name](*range(len(theirs) + 1))


@pytest.mark.parametrize("name", OURS)
def test_weights_and_their_starts_are_those_of_keras(name):
    ours, peer = OURS[name](4), KERAS[name](4)
    for layer in (ours, peer):
        layer.build((None, None, 3))
    assert [w.shape for w in ours.weights] == [w.shape for w in peer.weights]
    assert [w.name for w in ours.weights] == [w.name for w in peer.weights]
    for our, their in zip(ours.get_weights()[2:], peer.get_weights()[2:]):
        np.testing.assert_array_equal(our, their)  # biases
    recurrent = ours.get_weights()[1]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(4), atol=1e-5)  # orthogonal


def test_our_cell_runs_in_keras_own_layer():
    x = sequences()
    ours = RecurrentLayer(VanillaRNNCell(4, output_units=2), return_sequences=True, compile=False)
    peer = keras.layers.RNN(VanillaRNNCell(4, output_units=2), return_sequences=True)
    for layer in (ours, peer):
        layer.build(x.shape)
    randomize(peer)
    ours.set_weights(peer.get_weights())
    for mask in ("none", "left"):
        for left, right in zip(answers(ours, x, mask_of(mask)), answers(peer, x, mask_of(mask))):
            assert_close(left, right)


@pytest.mark.parametrize("name", OURS)
def test_regularizers_and_constraints_act_as_in_keras(name):
    options = {
        "kernel_regularizer": "l2",
        "recurrent_regularizer": keras.regularizers.L1(0.1),
        "bias_constraint": "non_neg",
    }
    ours, peer = OURS[name](4, **options), KERAS[name](4, **options)
    for layer in (ours, peer):
        layer.build((None, None, 3))
    ours.set_weights(peer.get_weights())
    x = sequences()
    losses = []
    for layer in (ours, peer):
        layer(x)
        losses.append(float(sum(layer.losses)))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert ours.cell.bias.constraint is not None


def test_the_activity_regularizer_acts_on_the_output():
    layer = VanillaRNN(4, activity_regularizer=keras.regularizers.L2(0.1))
    output = layer(sequences())
    assert float(sum(layer.losses)) == pytest.approx(0.1 * np.sum(np.square(output)) / 4, rel=1e-5)


def test_a_cell_that_is_not_ours_is_refused_and_told_where_it_runs():
    with pytest.raises(
        ValueError, match=r"RecurrentLayer: cell: received .*expected a RecurrentCell.*keras.layers.RNN"
    ):
        RecurrentLayer(keras.layers.SimpleRNNCell(4))
