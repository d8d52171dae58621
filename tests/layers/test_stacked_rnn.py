import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from oracles import KERAS, answers, assert_close, mask_of, randomize, sequences
from user_cells import IndRNNCell, PlainKerasCell

from rnn_apps.layers import StackedRNN

OPTIONS = {"return_sequences": True, "return_state": True, "compile": False}


def hand_made_stack(ours, cell, units, bidirectional):
    """keras.layers with the weights of `ours`: a function of (x, mask) giving outputs and flat states."""
    levels = []
    for level, width in zip(ours.layers, units):
        layers = [
            KERAS[cell](width, return_sequences=True, return_state=True, go_backwards=backwards)
            for backwards in ((False, True) if bidirectional else (False,))
        ]
        for layer, source in zip(layers, level):
            layer.build((None, None, source.cell.kernel.shape[0]))
            layer.set_weights([np.asarray(w) for w in source.cell.trainable_variables])
        levels.append(layers)

    def run(x, mask):
        states = []
        for layers in levels:
            outputs = []
            for layer in layers:
                result, *final = layer(x, mask=mask)
                outputs.append(tf.reverse(result, [1]) if layer.go_backwards else result)
                states += final
            x = tf.concat(outputs, -1)
        return [x, *states]

    return run


@pytest.mark.parametrize(("cell", "bidirectional"), [("vanilla", False), ("lstm", True), ("gru", True)])
def test_a_stack_is_what_keras_layers_make_by_hand(cell, bidirectional):
    ours = StackedRNN((4, 3), cell=cell, bidirectional=bidirectional, **OPTIONS)
    ours.build((None, None, 3))
    randomize(ours)
    peer = hand_made_stack(ours, cell, (4, 3), bidirectional)
    for mask in ("none", "right", "left", "fully padded"):
        results = tf.nest.flatten(ours(sequences(), mask=mask_of(mask)))
        assert_close(results, peer(sequences(), mask_of(mask)))


@pytest.mark.parametrize("residual", [False, True])
def test_the_last_output_is_what_each_direction_read_last(residual):
    options = {"bidirectional": True, "residual": residual, "seed": 1, "compile": False}
    whole, last = StackedRNN((2, 2), **options, return_sequences=True), StackedRNN((2, 2), **options)
    x = sequences(features=4)
    for mask in map(mask_of, ("left", "holes", "fully padded")):
        outputs, expected = np.asarray(whole(x, mask=mask)), np.zeros((4, 4))
        for row, real in enumerate(mask.numpy()):
            if real.any():
                first_step, last_step = np.flatnonzero(real)[[0, -1]]
                expected[row] = [*outputs[row, last_step, :2], *outputs[row, first_step, 2:]]
        assert_close([last(x, mask=mask)], [expected])
    outputs = np.asarray(whole(x))
    assert_close([last(x)], [np.concatenate([outputs[:, -1, :2], outputs[:, 0, 2:]], 1)])


def test_a_residual_level_adds_its_input_where_widths_agree():
    options = {"units": (4, 4), "seed": 1, "return_sequences": True, "compile": False}
    plain, residual = StackedRNN(**options), StackedRNN(**options, residual=True)
    x = sequences(features=3)
    first = plain.layers[0][0]
    plain(x), residual(x)
    residual.set_weights(plain.get_weights())
    hidden, _ = first(x)
    expected = plain.layers[1][0](hidden)[0] + hidden
    assert_close([residual(x)], [expected])


def test_a_residual_output_does_not_see_the_padding():
    layer = StackedRNN(3, residual=True, return_sequences=True, compile=False)
    x = sequences()
    rubbish = np.where(mask_of("right").numpy()[:, :, None], x, np.nan).astype("float32")
    expected = layer(np.nan_to_num(rubbish), mask=mask_of("right"))
    np.testing.assert_array_equal(layer(rubbish, mask=mask_of("right")), expected)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("cell", "states"), [("gru", 1), ("lstm", 2), (IndRNNCell, 1)])
@pytest.mark.parametrize("units", [4, (4, 3)])
def test_the_state_has_one_entry_a_level_at_every_depth(units, cell, states, bidirectional):
    layer = StackedRNN(units, cell=cell, bidirectional=bidirectional, return_state=True)
    widths = (units,) if isinstance(units, int) else units
    output, state = layer(keras.Input((5, 3)))
    directions = 1 + bidirectional
    assert output.shape == (None, widths[-1] * directions)
    assert isinstance(state, tuple)
    assert [[tuple(s.shape) for s in level] for level in state] == [
        [(None, width)] * (states * directions) for width in widths
    ]


@pytest.mark.parametrize(("cell", "units"), [("lstm", 4), ("vanilla", (4, 3))])
def test_carrying_the_state_over_a_cut_gives_one_pass(cell, units):
    layer = StackedRNN(units, cell=cell, **OPTIONS)
    x = sequences()
    layer.build(x.shape)
    randomize(layer)
    outputs, state = layer(x)
    head, carried = layer(x[:, :2])
    tail, final = layer(x[:, 2:], initial_state=carried)
    assert_close([tf.concat([head, tail], 1)], [outputs])
    assert_close(tf.nest.flatten(final), tf.nest.flatten(state))


def test_gradients_reach_every_initial_state():
    layer = StackedRNN((4, 3), cell="lstm", **OPTIONS)
    x = sequences()
    _, state = layer(x)
    _, gradients = answers(layer, x, initial=state)
    assert len(gradients) == 1 + 4 + 6
    assert all(g.any() for g in gradients)


def test_the_mask_goes_on_with_all_outputs_and_stops_with_the_last():
    x = keras.layers.Masking()(keras.Input((5, 3)))
    outputs, state = StackedRNN(4, return_sequences=True, return_state=True)(x)
    assert outputs._keras_mask is not None
    assert getattr(StackedRNN(4)(x), "_keras_mask", None) is None
    assert len(state) == 1


def test_a_cell_of_keras_own_contract_works_and_is_reported(caplog):
    layer = StackedRNN((4, 4), cell=PlainKerasCell, bidirectional=True, return_state=True)
    x = sequences()
    output, state = layer(x)
    assert output.shape == (4, 8)
    assert [len(level) for level in state] == [2, 2]
    names = ["layer_0_forward", "layer_0_backward", "layer_1_forward", "layer_1_backward"]
    assert layer.slow_layers() == names
    assert "layer_1_backward: PlainKerasCell is not a RecurrentCell: slow path" in caplog.text
    assert StackedRNN(4).slow_layers() == []
    again = StackedRNN.from_config(layer.get_config())
    again.build(x.shape)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x)[0], output)


def test_a_cell_class_that_is_not_registered_is_asked_for_on_loading():
    config = {**StackedRNN(4).get_config(), "cell": {"registered_name": "Custom>NotThere"}}
    with pytest.raises(ValueError, match="'Custom>NotThere', expected a class that register_cell or"):
        StackedRNN.from_config(config)


def test_every_kind_of_cell_survives_the_config():
    for cell in ("gru", IndRNNCell, PlainKerasCell, keras.layers.GRUCell):
        config = json.loads(json.dumps(StackedRNN(4, cell=cell).get_config()))
        assert StackedRNN.from_config(config).cell is cell or cell == "gru"


def test_a_keras_cell_gets_the_options_it_takes_and_others_are_refused():
    layer = StackedRNN(4, cell=keras.layers.GRUCell, dropout=0.25, seed=3, dtype="mixed_bfloat16")
    cell = layer.layers[0][0].cell
    assert (cell.dropout, cell.seed, cell.compute_dtype) == (0.25, 3, "bfloat16")
    with pytest.raises(ValueError, match="dropout: received 0.5, .* PlainKerasCell has no such argument"):
        StackedRNN(4, cell=PlainKerasCell, dropout=0.5)


def test_a_seed_fixes_the_start_and_levels_differ():
    first, second = (StackedRNN((3, 3), bidirectional=True, seed=1) for _ in range(2))
    for layer in (first, second):
        layer.build((None, None, 6))
    for left, right in zip(first.get_weights(), second.get_weights()):
        np.testing.assert_array_equal(left, right)
    kernels = [np.asarray(layer.cell.kernel) for level in first.layers for layer in level]
    assert all((a != b).any() for i, a in enumerate(kernels) for b in kernels[:i])
