"""Tests the views into the recurrence of Keras networks."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest

from rnn_apps import views
from rnn_apps.layers import LSTM, RecurrentCell, StackedRNN, VanillaRNN
from rnn_apps.models.encoder_decoder import encoder_decoder, region_encoder, token_encoder
from rnn_apps.models.sequence_decoder import SequenceDecoder
from rnn_apps.reporting.view_figures import view_plots
from rnn_apps.reporting.views.recording import describe_layer, record_steps, recurrent_layers

L = keras.layers
NUMBERS = np.array([[1, 2, 3, 0, 0], [4, 5, 1, 2, 3]])
SERIES = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")


def reading_numbers(*layers):
    given = keras.Input((None,), dtype="int32")
    return keras.Sequential([given, L.Embedding(9, 4, mask_zero=True), *layers, L.Dense(2)])


NETWORKS = {
    "keras_lstm": lambda: reading_numbers(L.LSTM(5)),
    "keras_gru_of_all_steps": lambda: reading_numbers(L.GRU(5, return_sequences=True)),
    "from_the_end": lambda: reading_numbers(L.SimpleRNN(5, go_backwards=True)),
    "both_directions": lambda: reading_numbers(L.Bidirectional(L.LSTM(3))),
    "stacked_cells": lambda: reading_numbers(L.RNN([L.LSTMCell(5), L.SimpleRNNCell(3)])),
    "zeros_for_padding": lambda: reading_numbers(LSTM(4, return_sequences=True, zero_output_for_mask=True)),
    "our_stack": lambda: reading_numbers(StackedRNN((5, 5), cell="gru", bidirectional=True, residual=True)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_recording_changes_neither_the_outputs_nor_the_network(name):
    network = NETWORKS[name]()
    before = network(NUMBERS).numpy()
    with record_steps(network) as recordings:
        during = network(NUMBERS).numpy()
    np.testing.assert_allclose(during, before, atol=1e-6)
    assert len(recordings) >= len(recurrent_layers(network))
    assert all("inner_loop" not in vars(layer) for _, layer in recurrent_layers(network))


def test_hidden_states_equal_the_outputs_at_every_valid_step():
    layer = L.SimpleRNN(3, return_sequences=True)
    mask = NUMBERS > 0
    outputs = layer(SERIES, mask=mask).numpy()
    (found,) = views.hidden_states(layer, SERIES, mask=mask)
    np.testing.assert_allclose(found.values[mask], outputs[mask], atol=1e-6)
    assert np.isnan(found.values[~mask]).all()
    np.testing.assert_array_equal(found.mask, mask)


def test_states_read_from_the_end_come_in_the_order_of_time():
    layer = VanillaRNN(3, go_backwards=True, return_sequences=True)
    (found,) = views.hidden_states(layer, SERIES)
    np.testing.assert_allclose(found.values[:, ::-1], layer(SERIES).numpy(), atol=1e-6)


def linear_loop(weight):
    """h_t = weight * h_{t-1} + x_t, so that d h_T / d h_{T-k} is weight to the k."""
    layer = L.SimpleRNN(1, activation="linear", use_bias=False)
    layer.build((None, None, 1))
    layer.set_weights([np.ones((1, 1)), np.full((1, 1), weight)])
    return layer


@pytest.mark.parametrize("weight", [0.5, 1.0, 1.5])
def test_the_gradient_of_a_linear_loop_goes_back_by_the_powers_of_its_weight(weight):
    norms = views.gradient_norms(linear_loop(weight), SERIES[:, :, :1], None, lambda _, last: last)
    (found,) = norms.values()
    np.testing.assert_allclose(found / found[0], weight ** np.arange(5), rtol=1e-5)


def test_padding_does_not_count_as_a_step():
    layer, mask = linear_loop(0.5), NUMBERS[:1] > 0
    norms = views.gradient_norms(layer, SERIES[:1, :, :1], None, lambda _, last: last, mask=mask)
    np.testing.assert_allclose(next(iter(norms.values())), [1, 0.5, 0.25], rtol=1e-5)


def test_the_gradient_of_an_lstm_is_that_of_both_its_states():
    layer = L.LSTM(1, use_bias=False, unit_forget_bias=False)
    layer.build((None, None, 1))
    layer.set_weights([np.zeros((1, 4)), np.zeros((1, 4))])  # all gates one half, the candidate zero
    norms = views.gradient_norms(layer, SERIES[:1, :, :1], None, lambda _, last: last)
    # h_T = c_T / 2 near c = 0, c_T = c_{T-1} / 2: one and a half beside each other, then only c's halves
    np.testing.assert_allclose(next(iter(norms.values()))[:3], [np.hypot(1, 0.5), 0.25, 0.125], rtol=1e-5)


def test_untrained_cells_have_their_names_and_all_steps():
    found = views.untrained_gradient_norms(SERIES, 3, mask=NUMBERS > 0)
    assert list(found) == ["vanilla", "gru", "lstm"]
    assert {len(norms) for norms in found.values()} == {5}


def test_eigenvalues_of_a_rotation_lie_on_its_circle():
    layer = VanillaRNN(2)
    layer.build((None, None, 4))
    turn = 0.9 * np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]])
    layer.cell.recurrent_kernel.assign(turn)
    (found,) = views.recurrent_eigenvalues(layer).values()
    np.testing.assert_allclose(sorted(found.imag), 0.9 * np.sin([-1, 1]), atol=1e-6)
    np.testing.assert_allclose(np.abs(found), 0.9, atol=1e-6)


@pytest.mark.parametrize(("layer", "gates"), [(L.GRU, 3), (L.LSTM, 4)])
def test_eigenvalues_of_a_gated_cell_are_those_of_its_candidate(layer, gates):
    layer = layer(2)
    layer.build((None, None, 4))
    kernel = np.zeros((2, 2 * gates))
    kernel[:, 4:6] = np.diag([0.25, 0.75])
    layer.cell.recurrent_kernel.assign(kernel)
    (found,) = views.recurrent_eigenvalues(layer).values()
    np.testing.assert_allclose(found, [0.75, 0.25])


class FourGates(RecurrentCell):
    gates = 4

    def step(self, z, r, states):
        *_, new = keras.ops.split(z + r, 4, axis=-1)
        return (keras.ops.tanh(new),)


def test_of_another_cell_with_gates_the_last_block_is_the_candidate():
    layer = L.RNN(FourGates(2))
    layer.build((None, None, 4))
    kernel = np.zeros((2, 8))
    kernel[:, 6:] = np.diag([0.25, 0.75])
    layer.cell.recurrent_kernel.assign(kernel)
    (found,) = views.recurrent_eigenvalues(layer).values()
    np.testing.assert_allclose(found, [0.75, 0.25])


class OddCell(L.SimpleRNNCell):
    """A cell of one's own whose recurrent kernel is no square matrix."""

    def build(self, shape):
        super().build(shape)
        self.recurrent_kernel = self.add_weight(name="odd", shape=(self.units, 2), initializer="zeros")

    def call(self, x, states, training=False):
        h = keras.ops.tanh(x @ self.kernel + states[0])
        return h, [h]


def test_a_recurrent_kernel_that_is_no_square_matrix_has_no_eigenvalues():
    layer = L.RNN(OddCell(5))
    layer.build((None, None, 4))
    assert views.recurrent_eigenvalues(layer) == {}
    convolution = L.ConvLSTM1D(2, 3)
    convolution.build((None, None, 6, 4))
    assert views.recurrent_eigenvalues(convolution) == {}
    with pytest.raises(ValueError, match="states of more than 2 dimensions"):
        views.hidden_states(convolution, np.ones((1, 2, 6, 4), "float32"))


def test_recording_keeps_the_state_of_a_stateful_layer():
    layer = L.GRU(3, stateful=True)
    given = keras.ops.convert_to_tensor(SERIES)
    layer(given)
    before = [state.numpy() for state in layer.states]
    first, second = (views.hidden_states(layer, given)[0].values for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(before[0], layer.states[0].numpy())


def test_two_calls_of_a_layer_have_different_names():
    given = keras.Input((None, 4))
    layer = L.GRU(4, return_sequences=True, name="twice")
    network = keras.Model(given, layer(layer(given)))
    assert [layer.name for layer in views.hidden_states(network, SERIES)] == ["twice", "twice call 2"]


def test_the_history_of_eigenvalues_continues_in_a_resumed_training(tmp_path):
    network = keras.Sequential([keras.Input((5, 4)), VanillaRNN(3, compile=False), L.Dense(1)])
    network.compile("sgd", "mse", run_eagerly=True)
    path = tmp_path / "eigenvalues.json"
    history = views.EigenvalueHistory(path=path)
    network.fit(SERIES, np.ones((2, 1)), epochs=3, verbose=0, callbacks=[history])
    assert sorted(history.epochs) == [0, 1, 2, 3]
    resumed = views.EigenvalueHistory(path=path)
    network.fit(SERIES, np.ones((2, 1)), epochs=3, initial_epoch=2, verbose=0, callbacks=[resumed])
    assert sorted(resumed.epochs) == [0, 1, 2, 3]
    (name,) = resumed.epochs[3]
    np.testing.assert_allclose(resumed.epochs[1][name], history.epochs[1][name], atol=1e-4)
    assert not np.allclose(resumed.epochs[3][name], history.epochs[3][name], atol=1e-5)
    again = views.EigenvalueHistory(path=path)
    np.testing.assert_allclose(again.epochs[3][name], resumed.epochs[3][name], atol=1e-4)
    late = views.EigenvalueHistory()
    network.fit(SERIES, np.ones((2, 1)), epochs=1, verbose=0, callbacks=[late])
    assert sorted(late.epochs) == [1]  # a network that has taken steps has no start to show


def test_the_plot_of_eigenvalues_names_a_matrix_that_every_cell_has():
    """A vanilla cell has no candidate state; the report says which matrix is shown of a GRU or an LSTM."""
    plots = view_plots({"eigenvalues": {"layer_0_forward": {"0": [[0.5, 0.1]], "1": [[1.0, 0.0]]}}}, [], "")
    _, caption, description = plots["eigenvalues_1"]
    assert caption.startswith("Eigenvalues of the recurrent matrix, ")
    assert description == "largest modulus 0.51 at the start, 1.00 after epoch 1"


def test_units_that_move_together_become_neighbours():
    rng, steps = np.random.default_rng(1), 40
    up, down = rng.normal(size=(2, steps))
    units = [up, down, up + 0.01, np.zeros(steps), down * 2, up * 3]
    order = views.unit_order(np.stack(units, axis=1)).tolist()
    assert order[-1] == 3
    assert {frozenset(order[:3]), frozenset(order[3:5])} == {frozenset({0, 2, 5}), frozenset({1, 4})} or {
        frozenset(order[:2]),
        frozenset(order[2:5]),
    } == {frozenset({1, 4}), frozenset({0, 2, 5})}


def test_the_heat_map_leaves_out_padding():
    values = np.full((5, 3), np.nan)
    values[2:] = np.random.default_rng(0).uniform(-0.5, 0.5, (3, 3))
    axes, _ = views.state_figure(values, list("..abc")).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "c"]
    (image,) = axes.images
    assert image.get_clim()[1] == pytest.approx(np.nanmax(np.abs(values)))
    assert image.get_array().shape == (3, 3)


def test_the_score_by_step_is_that_of_every_prefix():
    network = keras.Sequential([keras.Input((None, 4)), L.Bidirectional(L.GRU(3)), L.Dense(1)])
    found = views.score_by_step(network, SERIES)
    assert found.shape == (2, 5, 1)
    np.testing.assert_allclose(found[:, 2], network(SERIES[:, :3]).numpy(), atol=1e-6)


def test_word_effects_are_ranked_by_the_mean_change():
    traces = [[("good", 0.8), ("but", 0.6), ("bad", 0.2)], [("good", 0.7), ("film", 0.7)]]
    found = views.word_effects(traces, start=0.5)
    assert [effect.word for effect in found] == ["good", "film", "but", "bad"]
    assert found[0].change == pytest.approx(0.25)
    assert [effect.word for effect in views.word_effects(traces, start=0.5, min_count=2)] == ["good"]


def test_a_network_without_recurrence_is_refused():
    with pytest.raises(ValueError, match="no recurrent layer"):
        views.hidden_states(keras.Sequential([keras.Input((4,)), L.Dense(1)]), SERIES[:, 0])
    with pytest.raises(ValueError, match="no recurrent layer"):
        views.unrolled(keras.Sequential([keras.Input((4,)), L.Dense(1)]))


def test_the_unrolled_network_has_the_levels_and_weights_of_the_model():
    found = views.unrolled(reading_numbers(StackedRNN((5, 6), cell="lstm", bidirectional=True)))
    assert (found.shape, found.output) == ("many-to-one", 2)
    (part,) = found.parts
    assert [(layer.features, layer.units, layer.directions) for layer in part.layers] == [
        (4, 5, 2),
        (10, 6, 2),
    ]
    assert part.layers[1].weights == {"kernel": [10, 24], "recurrent_kernel": [6, 24], "bias": [24]}
    assert views.Unrolled.from_dict(json.loads(json.dumps(found.as_dict()))) == found


class OfLayers(L.Layer):
    """A cell that is made of layers."""

    state_size = output_size = 5

    def __init__(self):
        super().__init__()
        self.read, self.carry = L.Dense(5, name="read"), L.Dense(5, name="carry", use_bias=False)

    def build(self, shape):
        self.read.build(shape)
        self.carry.build((None, 5))

    def call(self, x, states):
        h = keras.ops.tanh(self.read(x) + self.carry(states[0]))
        return h, [h]


def test_weights_of_a_cell_that_is_made_of_layers_go_by_their_names():
    (layer,) = views.unrolled(reading_numbers(L.RNN(OfLayers()))).parts[0].layers
    assert layer.weights == {"read/kernel": [4, 5], "read/bias": [5], "carry/kernel": [5, 5]}


def test_a_layer_that_reads_from_the_end_alone_is_drawn_so():
    found = views.unrolled(NETWORKS["from_the_end"]())
    assert found.parts[0].layers[0].backwards
    both = views.unrolled(NETWORKS["both_directions"]()).parts[0].layers[0]
    assert (both.directions, both.backwards) == (2, False)
    forwards = replace(found, parts=[replace(found.parts[0], layers=[replace(both, directions=1)])])
    outputs = [
        [
            round(text.get_position()[0])
            for text in views.unrolled_figure(one).axes[0].texts
            if text.get_text() == "$y$"
        ]
        for one in (found, forwards)
    ]
    assert outputs[0][-1] < outputs[1][-1]  # above the first step, not above the last
    assert any("reads from the end" in text.get_text() for text in views.unrolled_figure(found).axes[0].texts)


def decoder_behind(encoder, attention="additive"):
    decoder = SequenceDecoder(20, 4, (6, 6), "gru", attention=attention, name="decoder")
    return encoder_decoder(encoder, decoder)


@pytest.mark.parametrize(
    ("network", "shape", "parts"),
    [
        (lambda: reading_numbers(L.GRU(5, return_sequences=True)), "one output at every step", 1),
        (lambda: decoder_behind(region_encoder(9, 4, 3)), "one-to-many", 1),
        (lambda: decoder_behind(token_encoder(20, 4, units=(6,), cell="gru")), "many-to-many", 2),
    ],
)
def test_the_shape_of_the_recurrence_is_read_off_the_model(network, shape, parts):
    found = views.unrolled(network())
    assert found.shape == shape
    assert len(found.parts) == parts
    assert found.attends == (found.parts[-1].name == "decoder")
    assert views.unrolled_figure(found).axes


IMAGE = np.full((20, 30, 3), 128, np.uint8)
HOSTILE = "$x^{\0\n文" + "<b>" * 20
FIGURES = {
    "states": lambda: views.state_figure(SERIES[0], [HOSTILE] * 5, HOSTILE),
    "states_of_one_step": lambda: views.state_figure(SERIES[0, :1]),
    "gradients": lambda: views.gradient_figure({"a": [1, 0.1, 0], HOSTILE: [0.0, 0, 0]}, ["a"]),
    "eigenvalues": lambda: views.eigenvalue_figure({0: np.array([1 + 1j]), 2: np.array([0.5 + 0j])}),
    "attention": lambda: views.attention_figure(np.eye(3), [HOSTILE] * 3, ["a", HOSTILE, "c"]),
    "over_an_image": lambda: views.image_attention_figure(np.eye(4)[:3], [HOSTILE] * 3, IMAGE, (2, 2)),
    "over_frames": lambda: views.frame_attention_figure(np.eye(3), [HOSTILE] * 3, [IMAGE] * 3),
    "word_effects": lambda: views.word_effects_figure(
        [views.WordEffect(HOSTILE, 0.3, 2), views.WordEffect("b", -0.2, 1)], HOSTILE
    ),
    "score": lambda: views.score_figure([(HOSTILE, 0.5), ("b", 0.7)], HOSTILE),
}


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_displayed_and_saved_as_png_and_svg_with_any_text(name, tmp_path):
    figure = FIGURES[name]()
    shown, size = figure._repr_png_()
    png, svg = views.save_figure(figure, tmp_path / "figure.of.it")
    assert shown.startswith(b"\x89PNG")
    assert size["width"] == round(100 * figure.get_size_inches()[0])
    assert (png.name, svg.name) == ("figure.of.it.png", "figure.of.it.svg")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in svg.read_bytes()[:600]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("rnn/layer_1_backward", "layer 2, backward"),
        ("network/decoder/recurrent/layer_0_forward", "decoder, layer 1"),
        ("network/decoder/upper/layer_0_forward", "decoder, layer 2"),
        ("my_gru", "my_gru"),
    ],
)
def test_a_layer_is_described_by_its_part_and_its_number_from_1(path, expected):
    assert describe_layer(path) == expected
