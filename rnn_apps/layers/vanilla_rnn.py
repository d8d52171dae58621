"""The named layers: `VanillaRNN`, `LSTM` and `GRU`, with Keras' arguments and weights, on the engine."""

import inspect

import keras

from rnn_apps.layers.arguments import constructor_arguments
from rnn_apps.layers.cells import GRUCell, LSTMCell, VanillaRNNCell
from rnn_apps.layers.recurrent_layer import NamedCellLayer, RecurrentLayer

__all__ = ["GRU", "LSTM", "VanillaRNN"]


def _show_signature(cls):
    """Let help() and editors show the cell's and the layer's arguments in one list."""
    of_cell = list(constructor_arguments(cls.cell_class).values())
    of_layer = [
        p for n, p in constructor_arguments(RecurrentLayer).items() if n != "cell" and p not in of_cell
    ]
    of_layer = [p.replace(kind=p.KEYWORD_ONLY) for p in of_layer]
    of_cell = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in of_cell if p.name == "units"] + [
        p.replace(kind=p.KEYWORD_ONLY) for p in of_cell if p.name != "units"
    ]
    names = {p.name for p in of_cell}
    cls.__signature__ = inspect.Signature(of_cell + [p for p in of_layer if p.name not in names])
    return cls


@_show_signature
@keras.saving.register_keras_serializable(package="rnn_apps")
class VanillaRNN(NamedCellLayer):
    """The vanilla recurrent network: h_t = tanh(W_hh h_{t-1} + W_xh x_t + b), y_t = W_hy h_t.

    Takes the arguments and the weights of `keras.layers.SimpleRNN`, so that a model switches by changing
    one word; `VanillaRNNCell` has the table of symbols.

    Args:
        units: size of h.
        output_units: size of y_t = W_hy h_t; None gives h_t itself.
        **kwargs: as in `VanillaRNNCell` and `RecurrentLayer`.

    Call arguments and results: as in `RecurrentLayer`.

    Examples:
        >>> VanillaRNN(8, output_units=2, return_sequences=True)(keras.ops.ones((4, 10, 3))).shape
        TensorShape([4, 10, 2])
    """

    cell_class = VanillaRNNCell


@_show_signature
@keras.saving.register_keras_serializable(package="rnn_apps")
class LSTM(NamedCellLayer):
    """Long short-term memory with the arguments and weights of `keras.layers.LSTM`, on the engine.

    Args:
        units: size of h and c.
        **kwargs: as in `LSTMCell` and `RecurrentLayer`.

    Call arguments and results: as in `RecurrentLayer`; the states are h and c.

    Examples:
        >>> LSTM(8, return_state=True)(keras.ops.ones((4, 10, 3)))[2].shape
        TensorShape([4, 8])
    """

    cell_class = LSTMCell


@_show_signature
@keras.saving.register_keras_serializable(package="rnn_apps")
class GRU(NamedCellLayer):
    """Gated recurrent unit with the arguments and weights of `keras.layers.GRU`, on the engine.

    Args:
        units: size of h.
        **kwargs: as in `GRUCell` and `RecurrentLayer`.

    Call arguments and results: as in `RecurrentLayer`.

    Examples:
        >>> GRU(8)(keras.ops.ones((4, 10, 3))).shape
        TensorShape([4, 8])
    """

    cell_class = GRUCell
