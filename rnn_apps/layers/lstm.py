"""The LSTM layer."""

import keras

from rnn_apps.layers.cells import LSTMCell
from rnn_apps.layers.named_cell_layer import NamedCellLayer


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
