"""An encoder that reads and a decoder that writes, as one network: one-to-many and many-to-many."""

import keras

__all__ = ["PlaceBias", "encoder_decoder", "region_encoder", "with_front"]


@keras.saving.register_keras_serializable(package="rnn_apps")
class PlaceBias(keras.layers.Layer):
    """Adds a learned vector a place.

    Call arguments:
        sequences: ``(batch, places, features)``, the same places in every call.
    """

    def build(self, shape):
        """Make the vectors, zeros at the start."""
        self.bias = self.add_weight(name="bias", shape=shape[1:], initializer="zeros")

    def call(self, sequences):
        """Add."""
        return sequences + self.bias


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
    x = keras.layers.ReLU(name="relu")(PlaceBias(name="place")(x))
    x = keras.layers.Dropout(dropout, seed=seed, name="dropout")(x)
    summary = keras.layers.GlobalAveragePooling1D(name="summary")(x)
    return keras.Model(regions, {"memory": x, "summary": summary}, name="encoder")


def encoder_decoder(encoder, decoder):
    """Return the network that is trained: what `encoder` takes and tokens (batch, steps) to logits.

    Args:
        encoder: `keras.Model` that gives a dict: ``memory``, ``summary`` and, where not all of the memory is
            always there, ``memory_mask``.
        decoder: `SequenceDecoder`.
    """
    given = keras.Input(encoder.input_shape[1:], dtype=encoder.inputs[0].dtype, name="given")
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    logits = decoder(tokens, **encoder(given))
    return keras.Model([given, tokens], logits, name="network")


def with_front(front, network):
    """Return the whole of a network that reads what another one makes of pictures.

    Args:
        front: `keras.Model` from pixels to what `network` is given.
        network: of `encoder_decoder`.
    """
    pixels = keras.Input(front.input_shape[1:], dtype=front.inputs[0].dtype, name="pixels")
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    return keras.Model([pixels, tokens], network([front(pixels), tokens]), name="whole")
