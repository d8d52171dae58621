"""Converts networks to stock Keras layers, so that they load without this package."""

import keras
from keras import ops

from rnn_apps.layers import NotConvertible, plain_layer, rebuilt
from rnn_apps.models.forecaster import SlidingWindow
from rnn_apps.models.sequence_encoder import SequencePooling, WordDropout
from rnn_apps.models.word_features import CharacterEncoder


def plain_model(model):
    """Return an equivalent `keras.Model` for inference, without any layer of this package.

    Recurrent layers become Keras' own, pooling and sliding windows become stock operations, and word dropout
    is removed.

    Args:
        model: functional `keras.Model`, which is not changed.

    Raises:
        NotConvertible: if a layer has no counterpart in Keras.
    """
    plain = rebuilt(model, _plain)
    custom = [x.name for x in plain._flatten_layers() if type(x).__module__.startswith("rnn_apps")]
    if custom:
        raise NotConvertible(f"{model.name}: {', '.join(custom)} has no counterpart in Keras.")
    return plain


def _plain(layer):
    if isinstance(layer, WordDropout):
        return [lambda numbers: numbers]
    if isinstance(layer, SequencePooling):
        return [lambda sequences: _pooled(layer.mode, sequences)]
    if isinstance(layer, SlidingWindow):
        return [_sliding_window_model(layer)]
    if isinstance(layer, CharacterEncoder):
        return _word_by_word(layer)
    return plain_layer(layer)


def _word_by_word(encoder):
    """A `CharacterEncoder` as a model of one word, applied to every word."""
    embedding = keras.layers.Embedding(encoder.num_characters, encoder.embedding, mask_zero=True)
    recurrent = plain_layer(encoder.recurrent)
    layers = recurrent.layers if isinstance(recurrent, keras.Sequential) else [recurrent]
    word = keras.Sequential([embedding, *layers])  # a nested model would lose the mask
    word.build((None, encoder.max_length))
    return keras.layers.TimeDistributed(word)


def _pooled(mode, sequences):
    """`SequencePooling` in stock operations: (batch, steps, features) to (batch, features) or twice that."""
    mask = getattr(sequences, "_keras_mask", None)
    valid = ops.not_equal(ops.sum(ops.zeros_like(sequences), -1), 1) if mask is None else mask
    valid = ops.expand_dims(ops.cast(valid, sequences.dtype), -1)
    pooled = []
    if "mean" in mode:
        pooled.append(ops.sum(sequences * valid, axis=1) / ops.maximum(ops.sum(valid, axis=1), 1.0))
    if "max" in mode:
        highest = ops.max(sequences * valid + (valid - 1.0) * 1e30, axis=1)
        pooled.append(ops.where(ops.max(valid, axis=1) > 0, highest, 0.0))
    return ops.concatenate(pooled, axis=-1) if len(pooled) > 1 else pooled[0]


def _sliding_window_model(layer):
    """`SlidingWindow` as a model that stacks slices of the series."""
    inputs = keras.Input((None, layer.output.shape[-1]))
    series, length = inputs, layer.length
    if layer.padded:
        series = ops.pad(series, ((0, 0), (length - 1, 0), (0, 0)), constant_values=float("nan"))
    stops = (last - length or None for last in range(1, length + 1))
    windows = ops.stack([series[:, start:stop] for start, stop in enumerate(stops)], axis=2)
    return keras.Model(inputs, windows, name=layer.name)
