"""Image captioning: one-to-many, a picture in and a sentence about it out."""

from pathlib import Path

import tensorflow as tf

from rnn_apps.data.caption_files import CaptionsLayout
from rnn_apps.data.caption_sources import load_pictures
from rnn_apps.data.images import BadImage, decode_images, read_image
from rnn_apps.errors import UserError
from rnn_apps.models.encoder_decoder import region_encoder
from rnn_apps.tasks.writing.captioning import CaptioningTask

__all__ = ["ImageCaptioningTask"]


class ImageCaptioningTask(CaptioningTask):
    """A picture in, a sentence out; see `ImageCaptioningSettings` for the recipe.

    Args:
        recipe: `Recipe` of the task ``image_captioning``.
    """

    def load(self, bad, whole):
        """Pictures of TFDS, of a folder, or generated ones."""
        data, seed = self.recipe.data, self.recipe.seed
        fraction, layout = data.validation_fraction, CaptionsLayout(*data.layout)
        return load_pictures(data.source, data.path, data.sample_size, seed, bad, fraction, whole, layout)

    def read(self, one):
        """The picture."""
        (name,) = one.frames
        return read_image(self.store.read(name), self.recipe.model.encoder.image_size)[None]

    def make_encoder(self, places, features):
        """A layer over every region."""
        model = self.recipe.model
        return region_encoder(places, features, model.projection, model.dropout, self.recipe.seed)

    def writer(self):
        """From the bytes of JPEG, PNG, GIF and BMP files to captions."""
        size, front = self.recipe.model.encoder.image_size, self.front

        def read_raw(encoded):
            return front(decode_images(encoded, size), training=False)

        return self.writer_of(read_raw, tf.TensorSpec([None], tf.string, name="image"))

    def raw(self, inputs):
        """The bytes of image files.

        Args:
            inputs: paths.
        """
        size = self.recipe.model.encoder.image_size
        return tf.constant([_checked(path, size) for path in inputs])

    def export_examples(self):
        """A grey, a coloured and a one-pixel picture."""
        shapes = ((32, 32, 3), (20, 30, 3), (1, 1, 3))
        pixels = [tf.cast(tf.random.stateless_uniform(s, (1, 2), 0, 255), tf.uint8) for s in shapes]
        return tf.stack(
            [tf.io.encode_png(pixels[0]), tf.io.encode_jpeg(pixels[1]), tf.io.encode_png(pixels[2])]
        )


def _checked(path, size):
    """Return the bytes of an image file; UserError if it is none."""
    try:
        encoded = Path(path).read_bytes()
        read_image(encoded, size)
    except OSError as error:
        raise UserError(str(path), f"cannot be read: {error.strerror}", expected="an image file") from error
    except BadImage as error:
        raise UserError(str(path), str(error)) from error
    return encoded
