"""What a network that labels steps sees of each: scaled numbers of a sensor, or features of a frame."""

import keras
import numpy as np
from keras import ops

from rnn_apps.models.encoder_decoder import FrameEncoder


def scaled_front(features, dropout=0.0, seed=None):
    """Return a `keras.Model` from numbers as they are measured to numbers of mean 0 and variance 1, and mask.

    Args:
        features: float (all steps, features) of train, whose mean and variance it keeps; a feature that never
            changes is only moved.
        dropout: part of the features dropped.
        seed: of the dropout.

    Returns:
        A model from float (batch, steps, features) and bool (batch, steps), which steps are there.
    """
    mean, spread = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    spread = np.where(spread > 0, spread, 1.0)
    scaling = keras.layers.Rescaling((1 / spread).tolist(), (-mean / spread).tolist(), name="scaling")
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
    return keras.Model([given, there], [x, ops.copy(there)])  # an output that is an input confuses Keras
