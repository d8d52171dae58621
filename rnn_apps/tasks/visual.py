"""Shared by tasks that read images, clips or frames: the CNN of a recipe, and raw inputs."""

import base64
import hashlib
import io
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from rnn_apps.data.images import IMAGE_SUFFIXES, InvalidImage, decode_image, encode_png, read_image
from rnn_apps.data.video import InvalidVideo
from rnn_apps.errors import Setting, UserError, did_you_mean, printable, shown
from rnn_apps.models.visual_encoder import SMALL_CNN, application_names, visual_encoder

_CLIP = "a video file, or a folder of frames in the order of their names"


def make_visual_encoder(encoder, seed):
    """Return the `keras.Model` from images to regions for `VisualEncoderSettings`.

    Args:
        encoder: the settings.
        seed: random seed of the small CNN's initializers.

    Raises:
        UserError: if there is no such model, option or layer, or its weights are unavailable or do not fit.
    """
    size = tuple(encoder.image_size)
    try:
        return visual_encoder(
            encoder.name, encoder.weights, size, encoder.options, encoder.trainable_from, encoder.pooled, seed
        )
    except Exception as error:  # Keras raises all kinds of errors for files and downloads
        raise _user_error(encoder, error) from error


def _user_error(encoder, error):
    if encoder.name not in (SMALL_CNN, *application_names()):
        fix = did_you_mean(encoder.name, [SMALL_CNN, *application_names()])
        return UserError("model.encoder.name", "no such model", received=shown(encoder.name), fix=fix)
    if str(error).startswith("visual_encoder: "):
        return UserError("model.encoder", str(error).removeprefix("visual_encoder: ").rstrip("."))
    text = (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
    if encoder.weights == "imagenet" and not isinstance(error, ValueError):
        return UserError(
            "model.encoder.weights",
            f"the ImageNet weights of {encoder.name} are not here and cannot be downloaded ({text})",
            fix=[
                "Keras caches downloads in ~/.keras/models.",
                Setting(
                    "Use a file of weights without the top, which Keras calls NAME_no_top.h5",
                    "model.encoder.weights=FILE.weights.h5",
                ),
            ],
        )
    if encoder.weights not in (None, "imagenet"):
        if not Path(encoder.weights).is_file():
            return UserError("model.encoder.weights", "no such file", received=encoder.weights)
        fix = f"Expected a .weights.h5 or .h5 file of {encoder.name} with these options, without its top."
        return UserError("model.encoder.weights", f"{encoder.weights} does not fit: {text}", fix=fix)
    return UserError("model.encoder", text)


def missing_pyav():
    """Return the error of an installation that cannot read video files."""
    return UserError("video files", "PyAV is missing", fix="pip install 'rnn-apps[video]'")


@contextmanager
def input_errors(path, expected=None):
    """Context manager that turns the errors of an image, a video or a table into a `UserError`.

    Args:
        path: path of the file.
        expected: what the file should be, for messages.
    """
    try:
        yield
    except (InvalidVideo, InvalidImage) as error:
        raise UserError(str(path), str(error)) from error
    except ImportError as error:
        raise missing_pyav() from error
    except (OSError, ValueError) as error:
        problem = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise UserError(printable(str(path))[:200], problem, expected=expected) from error


def check_clip(path):
    """Raise UserError if there is neither a file nor a folder."""
    if not path.exists():
        raise UserError(str(path), "no such file or folder", expected=_CLIP, fix="Check the path.")


def list_frames(folder):
    """Return the paths of the images in a folder, in the order of their names.

    Raises:
        UserError: if there are none.
    """
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
    if not paths:
        raise UserError(str(folder), "no images in it", expected=_CLIP)
    return paths


def read_checked(path, size):
    """Return the bytes of an image file; raises UserError if it cannot be decoded."""
    if path.is_dir():
        suffix = next((p.suffix for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES), ".jpg")
        fix = f"Name the images in it: {path / '*'}{suffix}"
        raise UserError(str(path), "is a folder", expected="an image file", fix=fix)
    with input_errors(path, "an image file"):
        encoded = path.read_bytes()
        read_image(encoded, size)
    return encoded


def decode_frames(encoded, size, lowest=0.0):
    """Decode frames (batch, frames), as part of the graph.

    Args:
        encoded: strings, empty for padding.
        size: (height, width) in pixels.
        lowest: value of black pixels, which sets them apart from padding.

    Returns:
        Pixels from `lowest` to 255, (batch, frames, height, width, 3), with 0 for padding.
    """
    shape = [*size, 3]

    def frame(encoded):
        picture = tf.cond(
            tf.strings.length(encoded) > 0,
            lambda: tf.clip_by_value(decode_image(encoded, size), lowest, 255.0),
            lambda: tf.zeros(shape),
        )
        return tf.ensure_shape(picture, shape)

    spec = tf.TensorSpec(shape, tf.float32)
    pixels = tf.map_fn(frame, tf.reshape(encoded, [-1]), fn_output_signature=spec)
    return tf.ensure_shape(tf.reshape(pixels, tf.concat([tf.shape(encoded), shape], 0)), [None, None, *shape])


def noise_frames():
    """Return three frames of noise as PNG files, for example requests."""
    noise = [tf.random.stateless_uniform([24, 32, 3], (1, i), 0, 255) for i in range(3)]
    return [tf.io.encode_png(tf.cast(picture, tf.uint8)) for picture in noise]


def encoder_settings(recipe):
    """Return the settings of the CNN that prepared data depends on, with a digest of frozen weights."""
    settings = {key: value for key, value in recipe.flat().items() if key.startswith("model.encoder.")}
    if not recipe.model.encoder.is_trained:
        cnn = make_visual_encoder(recipe.model.encoder, recipe.seed)
        settings["the weights of model.encoder"] = digest_of_weights(cnn)
    return settings


class FrozenCnn:
    """A frozen CNN as a function, whose graph is traced once.

    Args:
        cnn: `keras.Model` from images (images, height, width, 3) to regions.

    Attributes:
        output_shape: that of the CNN.
    """

    def __init__(self, cnn):
        self.output_shape, self._cnn = cnn.output_shape, cnn
        self._run = tf.function(
            lambda images: cnn(images, training=False), autograph=False, reduce_retracing=True
        )

    @cached_property
    def digest(self):
        """SHA-256 of the weights."""
        return digest_of_weights(self._cnn)

    def __call__(self, images):
        """Return the features of images, a float32 tensor."""
        return self._run(images)


def digest_of_weights(model):
    """Return the SHA-256 of the weights of a `keras.Model`."""
    return digest_of_arrays(model.get_weights())


def digest_of_arrays(arrays):
    """Return the SHA-256 of the bytes of several arrays."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def png_text(pixels):
    """Return an image, uint8 (height, width, 3), as a PNG file in base64."""
    return base64.b64encode(encode_png(pixels)).decode()


def pixels_of(text):
    """Return the image of `png_text`."""
    return np.array(Image.open(io.BytesIO(base64.b64decode(text)), formats=["PNG"]).convert("RGB"))
