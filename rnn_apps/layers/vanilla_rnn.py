"""The vanilla RNN layer."""

import keras

from rnn_apps.layers.cells import VanillaRNNCell
from rnn_apps.layers.named_cell_layer import NamedCellLayer


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
