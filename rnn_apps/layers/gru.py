"""The GRU layer."""

import logging

import keras

from rnn_apps.layers.cells import GRUCell
from rnn_apps.layers.named_cell_layer import NamedCellLayer

_log = logging.getLogger("rnn_apps.layers")


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

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not self.cell.reset_after:
            cost = "needs a second matrix product in every step, and cuDNN does not support it"
            _log.info("%s: reset_after=False %s.", self.name, cost)
