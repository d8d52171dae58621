"""Recurrent layers on one engine: vanilla RNN, LSTM, GRU and custom cells."""

from rnn_apps.layers.cells import GRUCell, LSTMCell, VanillaRNNCell
from rnn_apps.layers.compilation import graph_form
from rnn_apps.layers.conversion import (
    from_keras,
    is_recurrent,
    plain_layer,
    rebuilt,
    to_keras,
    why_not,
)
from rnn_apps.layers.gru import GRU
from rnn_apps.layers.keras_counterpart import NotConvertible
from rnn_apps.layers.lstm import LSTM
from rnn_apps.layers.recurrent_cell import RecurrentCell, get_cell, list_cells, register_cell
from rnn_apps.layers.recurrent_layer import RecurrentLayer
from rnn_apps.layers.research_cells import IndRNNCell, LayerNormLSTMCell, MinGRUCell
from rnn_apps.layers.stacked_rnn import StackedRNN
from rnn_apps.layers.time_distributed import TimeDistributed, with_open_steps
from rnn_apps.layers.vanilla_rnn import VanillaRNN

__all__ = [
    "GRU",
    "LSTM",
    "GRUCell",
    "IndRNNCell",
    "LSTMCell",
    "LayerNormLSTMCell",
    "MinGRUCell",
    "NotConvertible",
    "RecurrentCell",
    "RecurrentLayer",
    "StackedRNN",
    "TimeDistributed",
    "VanillaRNN",
    "VanillaRNNCell",
    "from_keras",
    "get_cell",
    "graph_form",
    "is_recurrent",
    "list_cells",
    "plain_layer",
    "rebuilt",
    "register_cell",
    "to_keras",
    "why_not",
    "with_open_steps",
]
