"""Creates the Keras counterparts of this package's recurrent layers."""

import keras

from rnn_apps.layers.arguments import constructor_arguments, serialized_arguments
from rnn_apps.layers.cells import GRUCell, LSTMCell, VanillaRNNCell

LAYER_OPTIONS = (
    "return_sequences",
    "return_state",
    "go_backwards",
    "stateful",
    "unroll",
    "zero_output_for_mask",
)
_BY_CELL = {
    VanillaRNNCell: keras.layers.SimpleRNN,
    LSTMCell: keras.layers.LSTM,
    GRUCell: keras.layers.GRU,
}


class NotConvertible(ValueError):
    """Raised for a layer without an equivalent in Keras."""


def keras_class(cell_class):
    """Return the Keras layer that has a cell of this class of ours, or None."""
    return _BY_CELL.get(cell_class)


def keras_layer(layer):
    """Return the Keras counterpart of a `RecurrentLayer`, without weights.

    Raises:
        NotConvertible: there is none.
    """
    cell = layer.cell
    cls = keras_class(type(cell))
    if cls is None:
        raise NotConvertible(f"{layer.name}: received {type(layer).__name__}, which Keras has no layer for.")
    options = serialized_arguments(cell, constructor_arguments(type(cell)))
    width = options.pop("output_units", None)
    config, arguments = {**options, **layer_config(layer)}, constructor_arguments(cls, keras.layers.RNN)
    if width is None:
        return made_from(cls, config, arguments)
    if layer.return_state:
        raise NotConvertible(f"{layer.name}: output_units with return_state has no counterpart in Keras.")
    start = keras.initializers.get(cell.kernel_initializer)
    common = common_config(layer, cell.trainable)
    last = {key: value for key, value in common.items() if key != "name"}
    plain = made_from(cls, {**config, "activity_regularizer": None}, arguments)
    readout = keras.layers.Dense(width, use_bias=False, kernel_initializer=start, **last)
    return keras.Sequential([plain, readout], name=layer.name)


def keras_stack(stack):
    """Return a `keras.Sequential` equivalent to a `StackedRNN`, without weights.

    Raises:
        NotConvertible: it has a residual connection, returns its state, or has cells of the user's own.
    """
    if stack.residual or stack.return_state:
        option = "residual" if stack.residual else "return_state"
        raise NotConvertible(f"{stack.name}: StackedRNN with {option} has no single layer in Keras.")
    if stack.slow_layers():
        raise NotConvertible(f"{stack.name}: its cell {stack.cell.__name__} is the user's own.")
    layers = []
    for index, directions in enumerate(stack.layers):
        plain = [keras_layer(layer) for layer in directions]
        for layer in plain:
            layer.return_state = False
            layer.return_sequences = stack.return_sequences or index + 1 < len(stack.layers)
            layer.trainable = layer.trainable and stack.trainable
        if len(plain) > 1:
            forward, backward = plain
            plain = [keras.layers.Bidirectional(forward, backward_layer=backward, name=f"layer_{index}")]
        layers += plain
    layers[-1].activity_regularizer = stack.activity_regularizer
    return keras.Sequential(layers, name=stack.name)


def layer_config(layer):
    """Return the config entries of a recurrent layer that do not belong to its cell."""
    options = {name: getattr(layer, name) for name in LAYER_OPTIONS}
    unroll = getattr(layer, "unroll_requested", layer.unroll)
    return {**options, "unroll": unroll, **common_config(layer, layer.cell.trainable)}


def common_config(layer, trainable=True):
    """Return the config entries of any layer, trainable only if its cells (`trainable`) are."""
    names = {"name": layer.name, "dtype": layer.dtype_policy}
    regularizer = {"activity_regularizer": layer.activity_regularizer}
    return {**names, **regularizer, "trainable": layer.trainable and trainable}


def made_from(cls, config, arguments):
    """Create a layer of a class from those entries of its counterpart's config that it accepts.

    Args:
        cls: layer class.
        config: configuration of the counterpart.
        arguments: names of the constructor arguments of `cls`.
    """
    taken = {*arguments, "name", "trainable", "dtype", "activity_regularizer", *LAYER_OPTIONS}
    layer = cls.from_config({key: value for key, value in config.items() if key in taken})
    regularizer = config.get("activity_regularizer")  # SimpleRNN drops it
    layer.activity_regularizer = keras.regularizers.get(regularizer)
    return layer


def with_weights(new, old):
    """Build a layer like an existing one, copy the weights, and return it."""
    if old.built and old.weights:
        features = old.weights[0].shape[0]
        new.build((None, None, features))
        new.set_weights(old.get_weights())
    return new
