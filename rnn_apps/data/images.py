"""Encoded images to pixels: checked by their header, decoded by stock operations that an export shares."""

import io
import re

import numpy as np
import tensorflow as tf
from PIL import Image, UnidentifiedImageError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
MOST_PIXELS = 50_000_000
MOST_BYTES = 64 * 2**20
_FORMATS = ("JPEG", "PNG", "GIF", "BMP")


class BadImage(ValueError):
    """Bytes that are no image, or one that is not decoded; the text says what is wrong with it."""


def check_image(encoded):
    """Refuse by the header alone what must not be decoded.

    Args:
        encoded: bytes of a JPEG, PNG, GIF or BMP file, whatever its name says.

    Returns:
        (width, height) in pixels.

    Raises:
        BadImage: empty, above 64 MiB, no image of these formats, above 50 million pixels, or a BMP with a
            palette, whose colours TensorFlow's decoder loses.
    """
    if not encoded:
        raise BadImage("the file is empty, expected an image")
    if len(encoded) > MOST_BYTES:
        raise BadImage(f"{len(encoded):,} bytes, expected at most {MOST_BYTES:,}")
    try:
        with Image.open(io.BytesIO(encoded), formats=_FORMATS) as image:
            width, height = image.size
            kind = (image.format, image.mode)
    except UnidentifiedImageError:
        beginning = encoded[:12]
        raise BadImage(f"begins with {beginning!r}, expected a JPEG, PNG, GIF or BMP image") from None
    except Image.DecompressionBombError:
        raise BadImage(f"more pixels than fit any memory, expected at most {MOST_PIXELS:,}") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise BadImage(f"its header cannot be read ({error})") from None
    if kind == ("BMP", "P"):
        raise BadImage("a BMP image with a palette, expected one with three channels; save it as PNG")
    if width * height > MOST_PIXELS:
        raise BadImage(f"{width:,} x {height:,} pixels, expected at most {MOST_PIXELS:,} in all")
    return width, height


def encode_png(pixels):
    """Return an image, uint8 (height, width, 3), as the bytes of a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def decode_image(encoded, size):
    """Return an image as float32 (height, width, 3), RGB, 0 to 255, from a scalar string tensor.

    Grey, palette, CMYK, 16-bit and transparent images become 8-bit RGB; of an animation the first frame
    counts. The aspect is not kept, and the camera's note on how to turn the picture (EXIF) is not followed.

    Args:
        encoded: bytes of a JPEG, PNG, GIF or BMP file.
        size: (height, width) in pixels.
    """
    pixels = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    pixels.set_shape([None, None, 3])
    return tf.clip_by_value(tf.round(tf.image.resize(pixels, size, antialias=True)), 0.0, 255.0)


def decode_images(encoded, size):
    """Return float32 (batch, height, width, 3) from a string tensor (batch,); see `decode_image`."""
    spec = tf.TensorSpec([*size, 3], tf.float32)
    return tf.map_fn(lambda one: decode_image(one, size), encoded, fn_output_signature=spec)


def read_image(encoded, size):
    """Return a checked image as uint8 (height, width, 3).

    Args:
        encoded: bytes.
        size: (height, width) in pixels.

    Raises:
        BadImage: as `check_image`, or the pixels behind a good header are broken or cut off.
    """
    width, height = check_image(encoded)
    try:
        pixels = decode_image(tf.constant(encoded), size)
    except tf.errors.InvalidArgumentError as error:
        reason = re.sub(r"\{\{.*?\}\}|\[Op:.*", "", error.message).strip()
        raise BadImage(f"{width} x {height} pixels that cannot be decoded: {reason}") from None
    return pixels.numpy().astype(np.uint8)
