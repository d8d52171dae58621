import functools

import numpy as np
import pytest
import tensorflow as tf
from oracles import answers, assert_close, mask_of, randomize, sequences, states, tensors, weighted_sum
from user_cells import IndRNNCell, LayerNormCell, MinGRUCell

from rnn_apps.layers import GRUCell, LSTMCell, RecurrentLayer, VanillaRNNCell, graph_form, recurrent_layer

STEP = 1e-5


class NoRecurrenceCell(VanillaRNNCell):
    recurrent = "none"


class SquaredVanillaCell(VanillaRNNCell):
    """A vanilla cell with a step of its own: the slope of the base would be wrong for it."""

    def step(self, z, r, states):
        return (self.activation(z + r) ** 2 + states[0] / 2,)


def layer_of(cell_class, **options):
    cell = cell_class(3, dtype="float64", seed=1, **options.pop("cell", {}))
    layer = RecurrentLayer(
        cell, return_sequences=True, return_state=True, compile=False, dtype="float64", **options
    )
    layer.build((None, None, 2))
    randomize(layer)
    return layer


def put(layer, values):
    """Set the weights, and the dropout masks back to the first; return inputs and initial states."""
    count = 1 + len(layer.cell.state_sizes)
    for variable, value in zip(layer.trainable_variables, values[count:]):
        variable.assign(value)
    layer.cell.seed_generator.state.assign([0, 1])
    return values[0], list(values[1:count])


def loss(layer, values, mask):
    """The loss whose gradients `tensors` gives."""
    x, initial = put(layer, values)
    results = layer(x, initial_state=initial, mask=mask, training=True)
    return float(tf.add_n([weighted_sum(result, shift) for shift, result in enumerate(results)]))


@pytest.mark.parametrize(
    ("cell_class", "options", "mask"),
    [
        (LayerNormCell, {}, "holes"),
        (IndRNNCell, {}, "right"),
        (IndRNNCell, {"cell": {"recurrent_dropout": 0.5, "dropout": 0.5}}, "none"),
        (MinGRUCell, {}, "left"),
        (VanillaRNNCell, {}, "holes"),
        (VanillaRNNCell, {"cell": {"activation": "relu", "recurrent_dropout": 0.5}}, "left"),
        (VanillaRNNCell, {"cell": {"activation": "sigmoid"}, "recompute_every": 2}, "right"),
        (VanillaRNNCell, {"cell": {"activation": "softsign"}}, "none"),
        (VanillaRNNCell, {"cell": {"output_units": 2}}, "fully padded"),
        (SquaredVanillaCell, {}, "holes"),
        (GRUCell, {"cell": {"recurrent_dropout": 0.5}}, "none"),
        (LSTMCell, {"cell": {"recurrent_dropout": 0.5}, "recompute_every": 3}, "none"),
    ],
)
def test_gradients_are_those_of_finite_differences(cell_class, options, mask):
    layer, mask = layer_of(cell_class, **options), mask_of(mask)
    x, initial = sequences(features=2, dtype="float64"), states(layer.cell.state_sizes, dtype="float64")
    values = [x, *initial, *(np.asarray(w) for w in layer.get_weights())]
    rng = np.random.default_rng(3)
    x, initial = put(layer, values)
    gradients = [np.asarray(g) for g in tensors(layer, x, mask, initial)[1]]
    for index, gradient in enumerate(gradients):
        direction = rng.normal(size=gradient.shape)
        ends = []
        for sign in (1, -1):
            moved = list(values)
            moved[index] = values[index] + sign * STEP * direction
            ends.append(loss(layer, moved, mask))
        slope = (ends[0] - ends[1]) / (2 * STEP)
        assert np.sum(gradient * direction) == pytest.approx(slope, rel=1e-6, abs=1e-7), index
        assert gradient.any()


@pytest.mark.parametrize(
    ("cell_class", "every", "return_sequences"),
    [  # with steps left over and without, with and without the outputs of all steps
        (VanillaRNNCell, 5, True),
        (GRUCell, 2, True),
        (LSTMCell, 2, False),
        (LayerNormCell, 3, True),
        (IndRNNCell, 2, True),
        (MinGRUCell, 4, False),
    ],
)
def test_chunks_computed_again_give_what_the_whole_gives(cell_class, every, return_sequences):
    x, mask = sequences(steps=5, features=2, dtype="float64"), mask_of("holes")
    whole, chunked = layer_of(cell_class), layer_of(cell_class, recompute_every=every)
    whole.return_sequences = chunked.return_sequences = return_sequences
    initial = states(whole.cell.state_sizes, dtype="float64")
    for ours, theirs in zip(tensors(chunked, x, mask, initial), tensors(whole, x, mask, initial)):
        assert_close(ours, theirs, 1e-12)


def test_chunks_in_a_graph_of_unknown_length_give_the_same_however_few_the_steps():
    layer, plain = layer_of(GRUCell, recompute_every=3), layer_of(GRUCell)
    traced = tf.function(
        functools.partial(tensors, layer), input_signature=[tf.TensorSpec([None, None, 2], tf.float64)]
    )
    for steps in (1, 5):
        x = sequences(steps=steps, features=2, dtype="float64")
        for ours, theirs in zip(traced(x), tensors(plain, x)):
            assert_close(ours, theirs, 1e-12)


@pytest.mark.parametrize("parts", [2, 4])
def test_a_batch_in_parts_gives_what_the_whole_gives(parts, monkeypatch):
    x, mask = sequences(batch=3, features=2, dtype="float64"), mask_of("right")[:3]
    answers = []
    for count in (1, parts):  # three rows in four parts: one of them is empty
        monkeypatch.setattr(recurrent_layer, "num_parts", lambda batch, training, count=count: count)
        layer = layer_of(LSTMCell, cell={"recurrent_dropout": 0.5, "dropout": 0.5})
        initial = states(layer.cell.state_sizes, batch=3, dtype="float64")
        layer.cell.seed_generator.state.assign([0, 1])
        answers.append(tensors(layer, x, mask, initial))
    for ours, theirs in zip(*answers):
        assert_close(ours, theirs, 1e-12)


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_a_slope_is_the_derivative_of_its_activation(activation):
    cell = VanillaRNNCell(3, activation)
    z = tf.constant([[-2.0, -0.3, 0.0, 0.4, 3.0]])
    with tf.GradientTape() as tape:
        tape.watch(z)
        h = cell.activation(z)
    assert_close(cell.form().slope(h), tape.gradient(h, z))


def test_only_the_vanilla_step_with_a_known_activation_has_a_slope():
    assert NoRecurrenceCell(3).form().slope is None
    assert VanillaRNNCell(3, "softsign").form().slope is None
    assert SquaredVanillaCell(3).form().slope is None
    assert GRUCell(3).form().slope is None


def test_a_vanilla_step_without_recurrence_has_the_gradients_of_the_plain_loop():
    layer, x = layer_of(NoRecurrenceCell), sequences(features=2, dtype="float64")
    fast = answers(layer, x, mask_of("right"))[1]
    with graph_form():
        plain = answers(layer, x, mask_of("right"), training=False)[1]
    assert_close(fast, plain)
