"""Encoders, and encoder-decoder networks: one-to-many and many-to-many."""

import math

import keras
from keras import ops

from rnn_apps.layers import StackedRNN


@keras.saving.register_keras_serializable(package="rnn_apps")
class PositionEmbedding(keras.layers.Layer):
    """Adds a learned vector to each position.

    Args:
        seed: random seed of the initializer.

    Call arguments:
        sequences: ``(batch, positions, features)``, with a fixed number of positions.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed

    def build(self, shape):
        """Create the vectors, initially of the same magnitude as the inputs."""
        initializer = keras.initializers.RandomNormal(stddev=1.0, seed=self.seed)
        self.bias = self.add_weight(name="bias", shape=shape[1:], initializer=initializer)

    def call(self, sequences):
        """Add the vectors."""
        return sequences + self.bias

    def get_config(self):
        """Return all constructor arguments."""
        return {**super().get_config(), "seed": self.seed}


def region_encoder(regions, features, projection, dropout=0.0, seed=None):
    """Return the encoder of image regions: a `keras.Model` on regions (batch, regions, features).

    Each region is projected and gets a position embedding before the activation, so that the mean of all
    regions still depends on what is where.

    Args:
        regions: number of regions.
        features: features per region.
        projection: features per region after the projection.
        dropout: dropout rate of the projected regions.
        seed: random seed of initializers and dropout.

    Returns:
        A model with outputs ``memory`` (batch, regions, projection) and ``summary`` (batch, projection).
    """
    inputs = keras.Input((regions, features), name="regions")
    initializer = keras.initializers.GlorotUniform(seed=seed)
    x = keras.layers.LayerNormalization(name="norm")(inputs)
    x = keras.layers.Dense(projection, use_bias=False, kernel_initializer=initializer, name="project")(x)
    x = keras.layers.ReLU(name="relu")(PositionEmbedding(seed, name="position")(x))
    x = keras.layers.Dropout(dropout, seed=seed, name="dropout")(x)
    summary = keras.layers.GlobalAveragePooling1D(name="summary")(x)
    return keras.Model(inputs, {"memory": x, "summary": summary}, name="encoder")


def frame_sequence_encoder(features, projection, dropout=0.0, layer_dropout=0.0, seed=None, **recurrence):
    """Return the encoder of a clip: a `keras.Model` on features of its frames (batch, frames, features).

    Frames of zeros are padding.

    Args:
        features: features per frame.
        projection: features per frame after the projection, the inputs of the recurrent layers.
        dropout: dropout rate of the projected frames and of the memory.
        layer_dropout, seed, **recurrence: as in `token_encoder`.

    Returns:
        A model with the outputs of `token_encoder`.
    """
    frames = keras.Input((None, features), name="frames")
    mask = ops.any(ops.not_equal(frames, 0), axis=-1)
    initializer = keras.initializers.GlorotUniform(seed=seed)
    x = keras.layers.LayerNormalization(name="norm")(frames)
    x = keras.layers.Dense(projection, "relu", kernel_initializer=initializer, name="project")(x)
    x = keras.layers.Dropout(dropout, seed=seed, name="frame_dropout")(x)
    return _bidirectional_encoder(frames, x, mask, dropout, layer_dropout, seed, recurrence)


@keras.saving.register_keras_serializable(package="rnn_apps")
class FrameEncoder(keras.layers.Wrapper):
    """Applies a CNN to every frame of a clip.

    Args:
        layer: `keras.Model` from images (images, height, width, 3) to (images, regions, features).

    Call arguments:
        frames: ``(batch, frames, height, width, 3)``, 0 to 255; frames of zeros are padding.

    Returns:
        ``(batch, frames, regions * features)``, zeros for padding.
    """

    def build(self, shape=None):
        """The CNN is built already."""
        self.built = True

    def call(self, frames, training=False):
        """Apply the CNN to all frames at once."""
        shape = ops.shape(frames)
        features = self.layer(ops.reshape(frames, (-1, *frames.shape[2:])), training=training)
        mask = ops.any(ops.reshape(frames, (shape[0], shape[1], -1)) > 0, axis=-1)
        features = ops.reshape(features, (shape[0], shape[1], math.prod(self.layer.output_shape[1:])))
        return ops.where(mask[:, :, None], features, 0.0)

    def compute_output_shape(self, shape):
        """The features of all regions of a frame are concatenated."""
        return (*shape[:2], math.prod(self.layer.output_shape[1:]))


def clip_feature_extractor(cnn):
    """Return a `keras.Model` from clips (batch, frames, height, width, 3) to the outputs of `FrameEncoder`.

    Args:
        cnn: `keras.Model`, as in `FrameEncoder`.
    """
    frames = keras.Input((None, *cnn.input_shape[1:]), name="frames")
    return keras.Model(frames, FrameEncoder(cnn, name="each_frame")(frames), name="clip_encoder")


def token_encoder(vocabulary_size, embedding, dropout=0.0, layer_dropout=0.0, seed=None, **recurrence):
    """Return the encoder of a text: a `keras.Model` on token ids int (batch, steps), 0 for padding.

    Args:
        vocabulary_size: number of token ids.
        embedding: embedding dimension.
        dropout: dropout rate of the embedded tokens and of the memory.
        layer_dropout: dropout rate of the inputs of each recurrent layer.
        seed: random seed of initializers and dropout.
        **recurrence: further arguments of `StackedRNN`, which is bidirectional.

    Returns:
        A model with outputs ``memory`` (batch, steps, 2 * units), ``memory_mask`` (batch, steps), and
        ``summary`` (batch, 2 * units), the last states of both directions.
    """
    ids = keras.Input((None,), dtype="int32", name="ids")
    initializer = keras.initializers.RandomUniform(-0.05, 0.05, seed=seed)
    x = keras.layers.Embedding(vocabulary_size, embedding, initializer, mask_zero=True, name="embedding")(ids)
    x = keras.layers.Dropout(dropout, seed=seed, name="embedding_dropout")(x)
    return _bidirectional_encoder(ids, x, ops.not_equal(ids, 0), dropout, layer_dropout, seed, recurrence)


def _bidirectional_encoder(inputs, x, mask, dropout, layer_dropout, seed, recurrence):
    recurrent = StackedRNN(
        bidirectional=True,
        return_sequences=True,
        return_state=True,
        dropout=layer_dropout,
        seed=seed,
        name="recurrent",
        **recurrence,
    )
    x, states = recurrent(x, mask=mask)
    last = states[-1]
    summary = ops.concatenate([last[0], last[len(last) // 2]], axis=-1)  # h of both directions
    memory = keras.layers.Dropout(dropout, seed=seed, name="dropout")(x)
    return keras.Model(inputs, {"memory": memory, "summary": summary, "memory_mask": mask}, name="encoder")


def encoder_decoder(encoder, decoder):
    """Return the training network: ``[inputs, source_index, tokens]`` to logits (texts, steps, vocabulary).

    ``inputs`` (inputs, ...) are those of the encoder. ``source_index`` int (texts,) is the index of the input
    that each row of ``tokens`` int (texts, steps) belongs to, so that an input with several texts is encoded
    once.

    Args:
        encoder: `keras.Model` with outputs ``memory``, ``summary`` and, if the memory may be padded,
            ``memory_mask``.
        decoder: `SequenceDecoder`.
    """
    inputs = keras.Input(encoder.input_shape[1:], dtype=encoder.inputs[0].dtype, name="inputs")
    source_index, tokens = _text_inputs()
    encoded = encoder(inputs)
    if decoder.attention is None:
        encoded = {"summary": encoded["summary"]}
    encoded = {name: ops.take(tensor, source_index, axis=0) for name, tensor in encoded.items()}
    return keras.Model([inputs, source_index, tokens], decoder(tokens, **encoded), name="network")


def _text_inputs():
    source_index = keras.Input((), dtype="int32", name="source_index")
    return source_index, keras.Input((None,), dtype="int32", name="tokens")


def with_feature_extractor(extractor, network):
    """Return an encoder-decoder network on pixels.

    Args:
        extractor: `keras.Model` from pixels to the inputs of `network`.
        network: model of `encoder_decoder`.
    """
    pixels = keras.Input(extractor.input_shape[1:], dtype=extractor.inputs[0].dtype, name="pixels")
    source_index, tokens = _text_inputs()
    logits = network([extractor(pixels), source_index, tokens])
    return keras.Model([pixels, source_index, tokens], logits, name="whole")
