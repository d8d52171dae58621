"""The inputs of image captioning: images."""

from pathlib import Path

import tensorflow as tf

from rnn_apps.data.caption_files import CaptionsLayout
from rnn_apps.data.caption_sources import load_captioned_images
from rnn_apps.data.images import decode_images, read_image
from rnn_apps.models.encoder_decoder import region_encoder
from rnn_apps.tasks.visual import read_checked


class Pictures:
    """Images as inputs of a captioning network.

    Args:
        recipe: `Recipe` of image captioning.

    Attributes:
        frames: None, because images have no frames.
        fingerprint: settings that change how images are read.
        raw_spec: `tf.TensorSpec` of raw inputs, the bytes of JPEG, PNG, GIF and BMP files.
    """

    frames = None
    fingerprint = ()
    raw_spec = tf.TensorSpec([None], tf.string, name="image")

    def __init__(self, recipe):
        self._recipe, self._size = recipe, recipe.model.encoder.image_size

    def load(self, source, request, invalid):
        """Return the `CaptionedSplits` of TFDS, of a folder, or of synthetic data."""
        return load_captioned_images(source, request, invalid, CaptionsLayout(*self._recipe.data.layout))

    def read(self, store, example):
        """Return the image of an example as uint8 (1, height, width, 3)."""
        (name,) = example.frames
        return read_image(store.read(name), self._size)[None]

    def extractor(self, cnn):
        """Return the feature extractor, the CNN itself."""
        return cnn

    def encoder(self, cnn):
        """Return the encoder of image regions."""
        model, (regions, features) = self._recipe.model, cnn.output_shape[1:]
        return region_encoder(regions, features, model.projection, model.dropout, self._recipe.seed)

    def step_names(self, count):
        """Return None, because the encoder is not recurrent."""
        return None

    def raw_tensor(self, paths):
        """Return the bytes of image files."""
        return tf.constant([read_checked(Path(path), self._size) for path in paths])

    def decode(self, encoded):
        """Decode images (batch,) to pixels."""
        return decode_images(encoded, self._size)

    def example_raw(self):
        """Return three images of noise, one of them with a single pixel."""
        shapes = ((32, 32, 3), (20, 30, 3), (1, 1, 3))
        pixels = [tf.cast(tf.random.stateless_uniform(s, (1, 2), 0, 255), tf.uint8) for s in shapes]
        return tf.stack(
            [tf.io.encode_png(pixels[0]), tf.io.encode_jpeg(pixels[1]), tf.io.encode_png(pixels[2])]
        )
