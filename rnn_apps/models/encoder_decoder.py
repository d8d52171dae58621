"""An encoder that reads and a decoder that writes, as one network: one-to-many and many-to-many."""

import keras
from keras import ops

from rnn_apps.layers import StackedRNN


@keras.saving.register_keras_serializable(package="rnn_apps")
class PlaceBias(keras.layers.Layer):
    """Adds a learned vector a place.

    Args:
        seed: of the start.

    Call arguments:
        sequences: ``(batch, places, features)``, the same places in every call.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed

    def build(self, shape):
        """Make the vectors, as large at the start as what they are added to."""
        start = keras.initializers.RandomNormal(stddev=1.0, seed=self.seed)
        self.bias = self.add_weight(name="bias", shape=shape[1:], initializer=start)

    def call(self, sequences):
        """Add."""
        return sequences + self.bias

    def get_config(self):
        """Return all constructor arguments."""
        return {**super().get_config(), "seed": self.seed}


def region_encoder(places, features, projection, dropout=0.0, seed=None):
    """Return a `keras.Model` from the regions of a picture (batch, places, features) to what a decoder reads.

    Each region passes one layer, which knows its place, so that what is where is still told apart in their
    mean.

    Args:
        places, features: of the regions.
        projection: width of a region afterwards.
        dropout: part of each region dropped.
        seed: of start and masks.

    Returns:
        A model that gives ``memory`` (batch, places, projection) and ``summary`` (batch, projection).
    """
    regions = keras.Input((places, features), name="regions")
    start = keras.initializers.GlorotUniform(seed=seed)
    x = keras.layers.LayerNormalization(name="norm")(regions)
    x = keras.layers.Dense(projection, use_bias=False, kernel_initializer=start, name="project")(x)
    x = keras.layers.ReLU(name="relu")(PlaceBias(seed, name="place")(x))
    x = keras.layers.Dropout(dropout, seed=seed, name="dropout")(x)
    summary = keras.layers.GlobalAveragePooling1D(name="summary")(x)
    return keras.Model(regions, {"memory": x, "summary": summary}, name="encoder")


def frame_reader(features, projection, dropout=0.0, layer_dropout=0.0, seed=None, **recurrence):
    """Return a `keras.Model` from the features of a clip's frames (batch, frames, features) to what is read.

    A frame of nothing but zeros is padding.

    Args:
        features: of a frame.
        projection: width of a frame as the recurrence reads it.
        dropout: part of the frames and of what is remembered that is dropped.
        layer_dropout, seed, **recurrence: as in `text_reader`.

    Returns:
        A model as `text_reader` gives it.
    """
    frames = keras.Input((None, features), name="frames")
    mask = ops.any(ops.not_equal(frames, 0), axis=-1)
    start = keras.initializers.GlorotUniform(seed=seed)
    x = keras.layers.LayerNormalization(name="norm")(frames)
    x = keras.layers.Dense(projection, "relu", kernel_initializer=start, name="project")(x)
    x = keras.layers.Dropout(dropout, seed=seed, name="frame_dropout")(x)
    return _reader(frames, x, mask, dropout, seed, {**recurrence, "dropout": layer_dropout})


@keras.saving.register_keras_serializable(package="rnn_apps")
class FrameEncoder(keras.layers.Wrapper):
    """Applies a network for pictures to every frame of a clip.

    Args:
        layer: `keras.Model` from images (images, height, width, 3) to (images, places, features).

    Call arguments:
        frames: ``(batch, frames, height, width, 3)``, 0 to 255; frames of nothing but zeros are padding.

    Returns:
        ``(batch, frames, places * features)``, zeros for padding.
    """

    def build(self, shape=None):
        """The network is there already."""
        self.built = True

    def call(self, frames, training=False):
        """See all frames at once."""
        shape = ops.shape(frames)
        regions = self.layer(ops.reshape(frames, (-1, *frames.shape[2:])), training=training)
        real = ops.any(ops.reshape(frames, (shape[0], shape[1], -1)) > 0, axis=-1)
        places, features = self.layer.output_shape[1:]
        regions = ops.reshape(regions, (shape[0], shape[1], places * features))
        return ops.where(real[:, :, None], regions, 0.0)

    def compute_output_shape(self, shape):
        """The regions of a frame side by side."""
        places, features = self.layer.output_shape[1:]
        return (*shape[:2], places * features)


def clip_front(front):
    """Return a `keras.Model` from the frames of clips (batch, frames, height, width, 3) to `FrameEncoder`'s.

    Args:
        front: as for `FrameEncoder`.
    """
    frames = keras.Input((None, *front.input_shape[1:]), name="frames")
    return keras.Model(frames, FrameEncoder(front, name="each_frame")(frames), name="clip_encoder")


def text_reader(vocabulary_size, embedding, dropout=0.0, layer_dropout=0.0, seed=None, **recurrence):
    """Return a `keras.Model` from token numbers int (batch, steps), 0 for padding, to what a decoder reads.

    Args:
        vocabulary_size: token numbers.
        embedding: width of a token's vector.
        dropout: part of the embedded tokens and of what is remembered that is dropped.
        layer_dropout: of what enters each level.
        seed: of starts and masks.
        **recurrence: of `StackedRNN`; the sequence is read from both ends.

    Returns:
        A model that gives ``memory`` (batch, steps, 2 * units), ``memory_mask`` (batch, steps), and as
        ``summary`` (batch, 2 * units) the last state of both directions.
    """
    numbers = keras.Input((None,), dtype="int32", name="numbers")
    start = keras.initializers.RandomUniform(-0.05, 0.05, seed=seed)
    x = keras.layers.Embedding(vocabulary_size, embedding, start, mask_zero=True, name="embedding")(numbers)
    x = keras.layers.Dropout(dropout, seed=seed, name="embedding_dropout")(x)
    recurrence = {**recurrence, "dropout": layer_dropout}
    return _reader(numbers, x, ops.not_equal(numbers, 0), dropout, seed, recurrence)


def _reader(inputs, x, mask, dropout, seed, recurrence):
    stack = StackedRNN(
        bidirectional=True, return_sequences=True, return_state=True, seed=seed, name="reader", **recurrence
    )
    x, states = stack(x, mask=mask)
    last = states[-1]
    summary = ops.concatenate([last[0], last[len(last) // 2]], axis=-1)  # h of both directions
    memory = keras.layers.Dropout(dropout, seed=seed, name="dropout")(x)
    return keras.Model(inputs, {"memory": memory, "summary": summary, "memory_mask": mask}, name="encoder")


def encoder_decoder(encoder, decoder):
    """Return the network that is trained: ``[given, owners, tokens]`` to logits (texts, steps, vocabulary).

    given (inputs, ...) is what `encoder` reads; owners int (texts,) says to which input each row of tokens,
    int (texts, steps), belongs, so that an input with several texts is read once.

    Args:
        encoder: `keras.Model` that gives a dict: ``memory``, ``summary`` and, where not all of the memory is
            always there, ``memory_mask``.
        decoder: `SequenceDecoder`.
    """
    given = keras.Input(encoder.input_shape[1:], dtype=encoder.inputs[0].dtype, name="given")
    owners, tokens = _texts()
    read = encoder(given)
    if decoder.attention is None:
        read = {"summary": read["summary"]}
    read = {name: ops.take(part, owners, axis=0) for name, part in read.items()}
    return keras.Model([given, owners, tokens], decoder(tokens, **read), name="network")


def _texts():
    owners = keras.Input((), dtype="int32", name="owners")
    return owners, keras.Input((None,), dtype="int32", name="tokens")


def with_front(front, network):
    """Return the whole of a network that reads what another one makes of pictures.

    Args:
        front: `keras.Model` from pixels to what `network` is given.
        network: of `encoder_decoder`.
    """
    pixels = keras.Input(front.input_shape[1:], dtype=front.inputs[0].dtype, name="pixels")
    owners, tokens = _texts()
    logits = network([front(pixels), owners, tokens])
    return keras.Model([pixels, owners, tokens], logits, name="whole")
