"""Base class of the layers `VanillaRNN`, `LSTM` and `GRU`."""

import inspect

from rnn_apps.layers.arguments import constructor_arguments, serialized_arguments
from rnn_apps.layers.recurrent_layer import RecurrentLayer


class NamedCellLayer(RecurrentLayer):
    """A `RecurrentLayer` that creates its cell, and takes the arguments of both."""

    cell_class: type | None = None

    def __init__(self, *args, **kwargs):
        names = constructor_arguments(self.cell_class)
        cell_options = {key: kwargs.pop(key) for key in list(kwargs) if key in names}
        shared = {key: kwargs[key] for key in ("dtype", "trainable") if key in kwargs}
        super().__init__(self.cell_class(*args, **cell_options, **shared), **kwargs)

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for name in constructor_arguments(cls.cell_class):
            if not hasattr(cls, name):
                setattr(cls, name, property(lambda self, name=name: getattr(self.cell, name)))
        cls.__signature__ = _signature(cls.cell_class)

    def get_config(self):
        """Return all constructor arguments, the cell's among them."""
        config = {key: value for key, value in super().get_config().items() if key != "cell"}
        return {**config, **serialized_arguments(self.cell, constructor_arguments(self.cell_class))}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make the layer that `get_config` described."""
        return cls(**config)


def _signature(cell_class):
    """Return the combined signature of a cell and its layer, for help() and editors."""
    of_cell = constructor_arguments(cell_class)
    of_layer = {n: p for n, p in constructor_arguments(RecurrentLayer).items() if n not in {"cell", *of_cell}}
    units = of_cell.pop("units").replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD)
    others = [p.replace(kind=p.KEYWORD_ONLY) for p in (*of_cell.values(), *of_layer.values())]
    return inspect.Signature([units, *others])
