"""Converts Keras' recurrent layers to those of this package and back, with arguments and weights."""

import keras

from rnn_apps.layers.arguments import constructor_arguments
from rnn_apps.layers.gru import GRU
from rnn_apps.layers.keras_counterpart import (
    NotConvertible,
    common_config,
    keras_layer,
    keras_stack,
    layer_config,
    made_from,
    with_weights,
)
from rnn_apps.layers.lstm import LSTM
from rnn_apps.layers.recurrent_layer import RecurrentLayer
from rnn_apps.layers.stacked_rnn import StackedRNN
from rnn_apps.layers.time_distributed import TimeDistributed
from rnn_apps.layers.vanilla_rnn import VanillaRNN

_OURS = {keras.layers.SimpleRNN: VanillaRNN, keras.layers.LSTM: LSTM, keras.layers.GRU: GRU}
_CELLS = {
    keras.layers.SimpleRNNCell: VanillaRNN,
    keras.layers.LSTMCell: LSTM,
    keras.layers.GRUCell: GRU,
}
_NAMES = {VanillaRNN: "vanilla", LSTM: "lstm", GRU: "gru"}


def is_recurrent(layer):
    """Return whether a layer is recurrent, in Keras or in this package."""
    inner = layer.forward_layer if isinstance(layer, keras.layers.Bidirectional) else layer
    return isinstance(inner, (keras.layers.RNN, StackedRNN, keras.layers.ConvLSTM2D))


def from_keras(layer_or_model):
    """Return an equivalent layer or model on the recurrent layers of this package, with the same weights.

    `SimpleRNN`, `LSTM`, `GRU`, `RNN` over their cells and `Bidirectional` of these become ours; in a model
    every other layer, and one that has no counterpart, is copied as it is; `why_not` says why.

    Args:
        layer_or_model: layer of Keras, or functional or sequential `keras.Model`; it stays as it is.

    Raises:
        NotConvertible: a layer has no counterpart, or a model is neither functional nor sequential.
    """
    if isinstance(layer_or_model, keras.Model):
        return rebuilt(layer_or_model, lambda layer: _ours(layer) if why_not(layer) is None else None)
    if reason := why_not(layer_or_model):
        raise NotConvertible(f"{layer_or_model.name}: {reason}.")
    return with_weights(_ours(layer_or_model), layer_or_model)


def to_keras(layer_or_model):
    """Return an equivalent layer or model on Keras' recurrent layers, with the same weights.

    Args:
        layer_or_model: one of our layers, or a functional or sequential `keras.Model` that holds them; it
            stays as it is.

    Returns:
        A layer that knows nothing of this package; a `keras.Sequential` for a `StackedRNN` or a layer with
        `output_units`.

    Raises:
        NotConvertible: a layer has no counterpart in Keras.
    """
    if isinstance(layer_or_model, keras.Model):
        return rebuilt(layer_or_model, plain_layer)
    return with_weights(_theirs(layer_or_model), layer_or_model)


def plain_layer(layer):
    """Return the Keras counterpart of a layer of this package, without weights; None for other layers."""
    if isinstance(layer, TimeDistributed):
        return keras.layers.TimeDistributed.from_config(layer.get_config())
    return _theirs(layer) if _holds_ours(layer) else None


def why_not(layer):
    """Return why `from_keras` does not convert a layer, or None if it does."""
    if isinstance(layer, keras.layers.Bidirectional):
        return why_not(layer.forward_layer) or why_not(layer.backward_layer)
    if isinstance(layer, (RecurrentLayer, StackedRNN)):
        return "it is ours already"
    if type(layer) in _OURS:
        return _why_not_cell(layer.cell)
    if type(layer) is not keras.layers.RNN:
        return "it is no recurrent layer that has a counterpart"
    if type(layer.cell) is keras.layers.StackedRNNCells:
        return _why_not_stack(layer)
    return _why_not_cell(layer.cell)


def _why_not_cell(cell):
    if type(cell) not in _CELLS:
        return f"its cell {type(cell).__name__} is not in the engine's form"
    return None


def _why_not_stack(layer):
    cells = layer.cell.cells
    reasons = [reason for cell in cells if (reason := _why_not_cell(cell))]
    options = [_options_of_a_stack(cell) for cell in cells]
    if len({cell.trainable for cell in cells}) > 1:
        return "some of its cells are trainable and others not"
    if reasons or any(one != options[0] for one in options):
        return reasons[0] if reasons else "its cells differ in more than their units"
    if options[0] != _options_of_a_stack(type(cells[0])(1)) or cells[0].recurrent_dropout:
        return "its cells have options that StackedRNN has not"
    flags = ("return_state", "go_backwards", "stateful", "zero_output_for_mask")
    used = [name for name in flags if getattr(layer, name)]
    return f"StackedRNN has no {used[0]} in Keras' form" if used else None


def _options_of_a_stack(cell):
    config = cell.get_config()
    ignored = {"name", "trainable", "dtype", "units", "seed"}
    return type(cell), {key: value for key, value in config.items() if key not in ignored}


def _ours(layer):
    """Return this package's counterpart of a Keras layer, without weights."""
    if isinstance(layer, keras.layers.Bidirectional):
        return _bidirectional(layer, _ours)
    if type(layer) in _OURS:
        config = {**layer.get_config(), **common_config(layer, layer.cell.trainable)}
        return _named_layer(_OURS[type(layer)], config)
    if type(layer.cell) is keras.layers.StackedRNNCells:
        cells = layer.cell.cells
        options = {"dropout": cells[0].dropout, "return_sequences": layer.return_sequences}
        options |= common_config(layer, layer.cell.trainable and cells[0].trainable)
        return StackedRNN([cell.units for cell in cells], _NAMES[_CELLS[type(cells[0])]], **options)
    return _named_layer(_CELLS[type(layer.cell)], {**layer.cell.get_config(), **layer_config(layer)})


def _named_layer(cls, config):
    arguments = (*constructor_arguments(cls.cell_class), *constructor_arguments(RecurrentLayer))
    return made_from(cls, config, arguments)


def _theirs(layer):
    """Return the Keras counterpart of a layer of this package, without weights."""
    if isinstance(layer, keras.layers.Bidirectional):
        return _bidirectional(layer, _theirs)
    if isinstance(layer, StackedRNN):
        return keras_stack(layer)
    if isinstance(layer, RecurrentLayer):
        return keras_layer(layer)
    raise NotConvertible(f"{layer.name}: received {type(layer).__name__}, which Keras has no layer for.")


def _bidirectional(layer, convert):
    inner = [convert(one) for one in (layer.forward_layer, layer.backward_layer)]
    for one in inner:  # Bidirectional puts them before the names again
        one.name = one.name.removeprefix("forward_").removeprefix("backward_")
    options = common_config(layer)
    return keras.layers.Bidirectional(
        inner[0], backward_layer=inner[1], merge_mode=layer.merge_mode, **options
    )


def _holds_ours(layer):
    inner = layer.forward_layer if isinstance(layer, keras.layers.Bidirectional) else layer
    return isinstance(inner, (RecurrentLayer, StackedRNN))


def rebuilt(model, replacement):
    """Return the same model with some layers replaced, and all its weights.

    Args:
        model: functional or sequential `keras.Model`; it stays as it is.
        replacement: ``replacement(layer)`` gives a layer with the same weights, or a list of functions of one
            tensor, which takes the place of a layer without weights in a functional model, or None, and the
            layer is copied.

    Raises:
        NotConvertible: a model is neither functional nor sequential.
    """
    if not isinstance(model, (keras.Sequential, keras.Function)):
        kind = type(model).__name__
        raise NotConvertible(f"{model.name}: received a {kind}, expected a functional or sequential model.")
    pairs, chains = [], {}

    def copied(layer):
        if isinstance(layer, keras.Model):
            new = rebuilt(layer, replacement)
        else:
            replaced = replacement(layer) if isinstance(layer, keras.Layer) else None
            if isinstance(replaced, list):
                new = keras.layers.Identity()
                chains[new] = replaced
            else:
                new = replaced or layer.__class__.from_config(layer.get_config())
            if isinstance(new, keras.Sequential):  # what follows it is to see its mask
                chains[new] = new.layers
        pairs.append((new, layer))
        return new

    def called(layer, *args, **options):
        if layer not in chains:
            return layer(*args, **options)
        result = args[0]
        for number, part in enumerate(chains[layer]):
            more = (args[1:], options) if number == 0 and isinstance(part, keras.Layer) else ((), {})
            result = part(result, *more[0], **more[1])
        return result

    if isinstance(model, keras.Sequential):
        copies = [copied(layer) for layer in model.layers]
        given = [
            keras.Input(batch_shape=x.shape, dtype=x.dtype) for x in (model.inputs if model.built else ())
        ]
        parts = [part for copy in copies for part in chains.get(copy, [copy])]
        result = keras.Sequential([*given, *parts], name=model.name)
    else:
        result = keras.models.clone_model(model, clone_function=copied, call_function=called)
    for new, old in pairs:
        weights = [weight for part in chains.get(new, [new]) for weight in getattr(part, "weights", ())]
        for weight, value in zip(weights, getattr(old, "weights", ()), strict=True):
            weight.assign(value)
    if not model.trainable:
        result.trainable = False
    return result
