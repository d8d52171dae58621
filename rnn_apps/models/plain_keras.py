"""A network on layers of Keras alone, which loads where this package is not installed."""

import keras
from keras import ops

from rnn_apps.layers import NotConvertible, plain_layer, rebuilt
from rnn_apps.models.forecaster import Frames
from rnn_apps.models.sequence_encoder import SequencePooling, WordDropout
from rnn_apps.models.word_reader import CharacterEncoder


def plain_model(model):
    """Return the same `keras.Model` for answers, not for training, without any layer of this package.

    Recurrent layers become Keras' own, pooling and frames the operations that they are made of; word dropout
    goes.

    Args:
        model: functional `keras.Model`; it stays as it is.

    Raises:
        NotConvertible: a layer has no counterpart in Keras.
    """
    plain = rebuilt(model, _plain)
    left = [layer.name for layer in plain._flatten_layers() if type(layer).__module__.startswith("rnn_apps")]
    if left:
        raise NotConvertible(f"{model.name}: {', '.join(left)} has no counterpart in Keras.")
    return plain


def _plain(layer):
    if isinstance(layer, WordDropout):
        return [lambda numbers: numbers]
    if isinstance(layer, SequencePooling):
        return [lambda sequences: _pooled(layer.mode, sequences)]
    if isinstance(layer, Frames):
        return [_frames_model(layer)]
    if isinstance(layer, CharacterEncoder):
        return _each_word(layer)
    return plain_layer(layer)


def _each_word(encoder):
    """What `CharacterEncoder` does, a word at a time."""
    embedding = keras.layers.Embedding(encoder.num_characters, encoder.embedding, mask_zero=True)
    reader = plain_layer(encoder.reader)
    levels = reader.layers if isinstance(reader, keras.Sequential) else [reader]
    word = keras.Sequential([embedding, *levels])  # one in the other would lose the mask
    word.build((None, encoder.longest))
    return keras.layers.TimeDistributed(word)


def _pooled(mode, sequences):
    """What `SequencePooling` gives: (batch, steps, features) to (batch, features) or twice that."""
    mask = getattr(sequences, "_keras_mask", None)
    real = ops.not_equal(ops.sum(ops.zeros_like(sequences), -1), 1) if mask is None else mask
    real = ops.expand_dims(ops.cast(real, sequences.dtype), -1)
    pooled = []
    if "mean" in mode:
        pooled.append(ops.sum(sequences * real, axis=1) / ops.maximum(ops.sum(real, axis=1), 1.0))
    if "max" in mode:
        lowest = ops.max(sequences * real + (real - 1.0) * 1e30, axis=1)
        pooled.append(ops.where(ops.max(real, axis=1) > 0, lowest, 0.0))
    return ops.concatenate(pooled, axis=-1) if len(pooled) > 1 else pooled[0]


def _frames_model(layer):
    """What `Frames` gives, as slices side by side, in a model of its own."""
    given = keras.Input((None, layer.output.shape[-1]))
    series, length = given, layer.length
    if layer.padded:
        series = ops.pad(series, ((0, 0), (length - 1, 0), (0, 0)), constant_values=float("nan"))
    ends = (last - length or None for last in range(1, length + 1))
    frames = ops.stack([series[:, begin:end] for begin, end in enumerate(ends)], axis=2)
    return keras.Model(given, frames, name=layer.name)
