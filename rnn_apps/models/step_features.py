"""Feature extractors of networks with an output at every step."""

import keras
import numpy as np
from keras import ops

from rnn_apps.models.encoder_decoder import FrameEncoder


def numeric_feature_extractor(features, dropout=0.0, seed=None):
    """Return a `keras.Model` that standardizes features.

    Args:
        features: float (all steps, features) of train, whose mean and variance are used; constant features
            are only shifted.
        dropout: dropout rate of the features.
        seed: random seed of dropout.

    Returns:
        A model from features (batch, steps, features) and a bool mask (batch, steps) to a list of both.
    """
    mean, spread = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    spread = np.where(spread > 0, spread, 1.0)
    scaling = keras.layers.Rescaling((1 / spread).tolist(), (-mean / spread).tolist(), name="scaling")
    steps = keras.Input((None, features.shape[1]), name="features")
    return _with_mask(steps, scaling(steps), dropout, seed)


def precomputed_feature_extractor(width, dropout=0.0, seed=None):
    """As `numeric_feature_extractor`, for `width` features that need no scaling."""
    steps = keras.Input((None, width), name="features")
    return _with_mask(steps, steps, dropout, seed)


def frame_feature_extractor(encoder, dropout=0.0, seed=None):
    """As `numeric_feature_extractor`, for frames (batch, steps, height, width, 3), 0 to 255.

    Args:
        encoder: `keras.Model` from images to regions (images, regions, features).
        dropout, seed: as in `numeric_feature_extractor`.
    """
    frames = keras.Input((None, *encoder.input_shape[1:]), name="frames")
    return _with_mask(frames, FrameEncoder(encoder, name="each_frame")(frames), dropout, seed)


def _with_mask(inputs, x, dropout, seed):
    mask = keras.Input((None,), dtype="bool", name="mask")
    x = keras.layers.Dropout(dropout, seed=seed, name="input_dropout")(x)
    return keras.Model([inputs, mask], [x, ops.copy(mask)])  # Keras fails on outputs that are inputs
