"""What a network that labels steps sees of each: scaled numbers of a sensor, or features of a frame."""

import keras

from rnn_apps.models.encoder_decoder import FrameEncoder

__all__ = ["feature_front", "frame_front", "scaled_front"]


def scaled_front(features, dropout=0.0, seed=None):
    """Return a `keras.Model` from numbers as they are measured to numbers of mean 0 and variance 1, and mask.

    Args:
        features: float (all steps, features) of train, from which it learns mean and variance.
        dropout: part of the features dropped.
        seed: of the dropout.

    Returns:
        A model from float (batch, steps, features) and bool (batch, steps), which steps are there.
    """
    scaling = keras.layers.Normalization(name="scaling")
    scaling.adapt(features)
    steps = keras.Input((None, features.shape[1]), name="features")
    return _front(steps, scaling(steps), dropout, seed)


def feature_front(width, dropout=0.0, seed=None):
    """As `scaled_front`, from features of so many numbers that need no scaling."""
    steps = keras.Input((None, width), name="features")
    return _front(steps, steps, dropout, seed)


def frame_front(encoder, dropout=0.0, seed=None):
    """As `scaled_front`, from frames (batch, steps, height, width, 3), 0 to 255.

    Args:
        encoder: `keras.Model` from images to regions (images, places, features).
    """
    frames = keras.Input((None, *encoder.input_shape[1:]), name="frames")
    return _front(frames, FrameEncoder(encoder, name="each_frame")(frames), dropout, seed)


def _front(given, x, dropout, seed):
    there = keras.Input((None,), dtype="bool", name="there")
    x = keras.layers.Dropout(dropout, seed=seed, name="input_dropout")(x)
    return keras.Model([given, there], [x, there])
