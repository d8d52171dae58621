"""Base class of the layers `VanillaRNN`, `LSTM` and `GRU`."""

import inspect

from rnn_apps.layers.arguments import constructor_arguments, serialized_arguments
from rnn_apps.layers.keras_counterpart import keras_class
from rnn_apps.layers.recurrent_layer import RecurrentLayer


class NamedCellLayer(RecurrentLayer):
    """A `RecurrentLayer` that creates its cell, and takes the arguments of both."""

    cell_class: type | None = None

    def __init__(self, *args, **kwargs):
        kwargs |= self._named(args, kwargs)
        names = constructor_arguments(self.cell_class)
        cell_options = {key: kwargs.pop(key) for key in list(kwargs) if key in names}
        shared = {key: kwargs[key] for key in ("dtype", "trainable") if key in kwargs}
        super().__init__(self.cell_class(**cell_options, **shared), **kwargs)

    def _named(self, args, kwargs):
        """Return positional arguments by their names in the constructor of the Keras layer."""
        ordered = inspect.signature(keras_class(self.cell_class) or self.cell_class).parameters.values()
        names = [one.name for one in ordered if one.kind == one.POSITIONAL_OR_KEYWORD]
        named, title = dict(zip(names, args)), type(self).__name__
        if len(args) > len(names):
            raise TypeError(
                f"{title}: received {len(args)} positional arguments, expected at most {len(names)}."
            )
        if doubled := named.keys() & kwargs.keys():
            raise TypeError(f"{title}: received several values for {', '.join(sorted(doubled))}.")
        return named

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for name in constructor_arguments(cls.cell_class):
            if not hasattr(cls, name):
                setattr(cls, name, property(lambda self, name=name: getattr(self.cell, name)))
        cls.__signature__ = _signature(cls.cell_class)

    def get_config(self):
        """Return all constructor arguments, the cell's among them."""
        config = {key: value for key, value in super().get_config().items() if key != "cell"}
        arguments = serialized_arguments(self.cell, constructor_arguments(self.cell_class))
        if arguments.get("output_units", 0) is None:
            del arguments["output_units"]  # Keras does not know it
        return {**config, **arguments}

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
