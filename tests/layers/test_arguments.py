import re

import keras
import pytest
from user_cells import IndRNNCell

from rnn_apps.layers import GRU, LSTM, RecurrentLayer, StackedRNN, VanillaRNN, VanillaRNNCell, get_cell

WHOLE = "expected a whole number of at least 1."
RATE = "expected a number from 0 to below 1."
BOOL = "expected one of True, False."
REFUSED = [
    (VanillaRNN, {"units": 0}, f"VanillaRNNCell: units: received 0, {WHOLE}"),
    (VanillaRNN, {"units": -3}, f"VanillaRNNCell: units: received -3, {WHOLE}"),
    (VanillaRNN, {"units": 2.5}, f"VanillaRNNCell: units: received 2.5, {WHOLE}"),
    (VanillaRNN, {"units": True}, f"VanillaRNNCell: units: received True, {WHOLE}"),
    (VanillaRNN, {"units": "8"}, f"VanillaRNNCell: units: received '8', {WHOLE}"),
    (LSTM, {"units": None}, f"LSTMCell: units: received None, {WHOLE}"),
    (VanillaRNN, {"units": 4, "output_units": 0}, f"VanillaRNNCell: output_units: received 0, {WHOLE}"),
    (VanillaRNN, {"units": 4, "dropout": 1.0}, f"VanillaRNNCell: dropout: received 1.0, {RATE}"),
    (VanillaRNN, {"units": 4, "dropout": -0.1}, f"VanillaRNNCell: dropout: received -0.1, {RATE}"),
    (GRU, {"units": 4, "dropout": "half"}, f"GRUCell: dropout: received 'half', {RATE}"),
    (GRU, {"units": 4, "dropout": True}, f"GRUCell: dropout: received True, {RATE}"),
    (GRU, {"units": 4, "dropout": float("nan")}, f"GRUCell: dropout: received nan, {RATE}"),
    (LSTM, {"units": 4, "recurrent_dropout": 1.5}, f"LSTMCell: recurrent_dropout: received 1.5, {RATE}"),
    (IndRNNCell, {"units": 4, "recurrent_dropout": 1}, f"IndRNNCell: recurrent_dropout: received 1, {RATE}"),
    (VanillaRNN, {"units": 4, "use_bias": 1}, f"VanillaRNNCell: use_bias: received 1, {BOOL}"),
    (LSTM, {"units": 4, "unit_forget_bias": "yes"}, f"LSTMCell: unit_forget_bias: received 'yes', {BOOL}"),
    (GRU, {"units": 4, "reset_after": 0}, f"GRUCell: reset_after: received 0, {BOOL}"),
    (GRU, {"units": 4, "implementation": 3}, "GRU: implementation: received 3, expected 0, 1 or 2."),
    (LSTM, {"units": 4, "use_cudnn": "no"}, "LSTM: use_cudnn: received 'no', expected one of 'auto', True"),
    (GRU, {"units": 4, "return_sequences": 1}, f"GRU: return_sequences: received 1, {BOOL}"),
    (GRU, {"units": 4, "return_state": None}, f"GRU: return_state: received None, {BOOL}"),
    (GRU, {"units": 4, "go_backwards": "no"}, f"GRU: go_backwards: received 'no', {BOOL}"),
    (GRU, {"units": 4, "stateful": 0}, f"GRU: stateful: received 0, {BOOL}"),
    (GRU, {"units": 4, "zero_output_for_mask": 0}, f"GRU: zero_output_for_mask: received 0, {BOOL}"),
    (GRU, {"units": 4, "unroll": 2}, f"GRU: unroll: received 2, {BOOL}"),
    (
        LSTM,
        {"units": 4, "compile": "xla"},
        "LSTM: compile: received 'xla', expected one of 'auto', True, False.",
    ),
    (LSTM, {"units": 4, "compile": 1}, "LSTM: compile: received 1, expected one of 'auto', True, False."),
    (LSTM, {"units": 4, "recompute_every": 0}, f"LSTM: recompute_every: received 0, {WHOLE}"),
    (
        RecurrentLayer,
        {"cell": "vanilla"},
        "RecurrentLayer: cell: received 'vanilla', expected a RecurrentCell.",
    ),
    (StackedRNN, {"units": ()}, "StackedRNN: units: received an empty list, expected one entry per layer."),
    (StackedRNN, {"units": (4, 0)}, f"StackedRNN: units: received 0, {WHOLE}"),
    (StackedRNN, {"units": "44"}, f"StackedRNN: units: received '44', {WHOLE}"),
    (StackedRNN, {"units": 2.5}, f"StackedRNN: units: received 2.5, {WHOLE}"),
    (StackedRNN, {"units": 4, "dropout": 1}, f"StackedRNN: dropout: received 1, {RATE}"),
    (StackedRNN, {"units": 4, "recurrent_dropout": 2}, f"StackedRNN: recurrent_dropout: received 2, {RATE}"),
    (
        StackedRNN,
        {"units": 4, "bidirectional": "both"},
        f"StackedRNN: bidirectional: received 'both', {BOOL}",
    ),
    (StackedRNN, {"units": 4, "residual": 1}, f"StackedRNN: residual: received 1, {BOOL}"),
    (StackedRNN, {"units": 4, "return_sequences": 1}, f"StackedRNN: return_sequences: received 1, {BOOL}"),
    (StackedRNN, {"units": 4, "return_state": 1}, f"StackedRNN: return_state: received 1, {BOOL}"),
    (
        StackedRNN,
        {"units": 4, "compile": 0},
        "StackedRNN: compile: received 0, expected one of 'auto', True, False.",
    ),
    (StackedRNN, {"units": 4, "recompute_every": 0}, f"StackedRNN: recompute_every: received 0, {WHOLE}"),
    (
        StackedRNN,
        {"units": (4, 5), "residual": True},
        "StackedRNN: residual: received units=(4, 5), expected layers of equal width.",
    ),
    (
        StackedRNN,
        {"units": 4, "cell": "vanila"},
        "cell: received 'vanila', expected one of vanilla, lstm, gru",
    ),
    (StackedRNN, {"units": 4, "cell": 3}, "StackedRNN: cell: received 3, expected a name or a cell class."),
    (
        StackedRNN,
        {"units": 4, "seed": "a"},
        "StackedRNN: seed: received 'a', expected a whole number or None.",
    ),
]


@pytest.mark.parametrize(("layer", "arguments", "message"), REFUSED)
def test_an_argument_that_cannot_be_meant_is_refused_with_a_message(layer, arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        layer(**arguments)


@pytest.mark.parametrize("layer", [VanillaRNN, LSTM, GRU, StackedRNN, VanillaRNNCell])
def test_a_misspelt_argument_is_refused(layer):
    with pytest.raises((TypeError, ValueError), match="unitz"):
        layer(4, unitz=3)


def test_rates_on_the_edge_are_taken_as_they_are():
    cell = VanillaRNNCell(1, dropout=0, recurrent_dropout=0.999)
    assert (cell.dropout, cell.recurrent_dropout) == (0, 0.999)


def test_a_seed_survives_the_config():
    assert VanillaRNN.from_config(VanillaRNN(4, seed=3).get_config()).seed == 3


def test_unroll_is_taken_for_the_sake_of_keras_and_the_log_says_so(caplog):
    with caplog.at_level("INFO", "rnn_apps.layers"):
        layer = VanillaRNN(4, unroll=True)
    assert "unroll has no effect" in caplog.text
    assert layer.get_config()["unroll"] is True
    assert layer(keras.ops.ones((2, 3, 2))).shape == (2, 4)


def test_the_names_known_are_listed_with_an_unknown_one():
    with pytest.raises(ValueError, match=r"'rnn'.*vanilla, lstm, gru.*register_cell"):
        get_cell("rnn")
