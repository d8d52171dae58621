"""Decodes images: checked by their header first, decoded with TensorFlow operations that exports share."""

import io
import re

import numpy as np
import tensorflow as tf
from PIL import Image, UnidentifiedImageError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
MAX_PIXELS = 50_000_000
MAX_BYTES = 64 * 2**20
_FORMATS = ("JPEG", "PNG", "GIF", "BMP")


class InvalidImage(ValueError):
    """An image that cannot or must not be decoded; the message says why."""


def check_image(encoded):
    """Check the header of an image, before it is decoded.

    Args:
        encoded: Bytes of a JPEG, PNG, GIF or BMP file, whatever its name.

    Returns:
        (width, height) in pixels.

    Raises:
        InvalidImage: empty, above 64 MiB, not an image of these formats, above 50 million pixels, or a BMP
            with a palette, whose colours TensorFlow's decoder loses.
    """
    if not encoded:
        raise InvalidImage("the file is empty, expected an image")
    if len(encoded) > MAX_BYTES:
        raise InvalidImage(f"{len(encoded):,} bytes, expected at most {MAX_BYTES:,}")
    try:
        with Image.open(io.BytesIO(encoded), formats=_FORMATS) as image:
            width, height = image.size
            kind = (image.format, image.mode)
    except UnidentifiedImageError:
        raise InvalidImage(f"begins with {encoded[:12]!r}, expected a JPEG, PNG, GIF or BMP image") from None
    except Image.DecompressionBombError:
        raise InvalidImage(f"too many pixels, expected at most {MAX_PIXELS:,}") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise InvalidImage(f"its header cannot be read ({error})") from None
    if kind == ("BMP", "P"):
        raise InvalidImage("a BMP image with a palette, expected one with three channels; save it as PNG")
    if width * height > MAX_PIXELS:
        raise InvalidImage(f"{width:,} x {height:,} pixels, expected at most {MAX_PIXELS:,} in all")
    return width, height


def encode_png(pixels):
    """Return an image, uint8 (height, width, 3), as the bytes of a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def decode_image(encoded, size):
    """Return an image as float32 (height, width, 3), RGB, 0 to 255, from a scalar string tensor.

    Grey, palette, CMYK, 16-bit and transparent images become 8-bit RGB; of an animation only the first frame
    is read. The aspect ratio is not kept, and the EXIF orientation is ignored.

    Args:
        encoded: Bytes of a JPEG, PNG, GIF or BMP file.
        size: (height, width) in pixels.
    """
    pixels = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    pixels.set_shape([None, None, 3])
    return tf.clip_by_value(tf.round(tf.image.resize(pixels, size, antialias=True)), 0.0, 255.0)


def decode_images(encoded, size):
    """Return float32 (batch, height, width, 3) from a string tensor (batch,); see `decode_image`."""
    spec = tf.TensorSpec([*size, 3], tf.float32)
    return tf.map_fn(lambda image: decode_image(image, size), encoded, fn_output_signature=spec)


def read_image(encoded, size):
    """Return a checked image as uint8 (height, width, 3).

    Args:
        encoded: Bytes.
        size: (height, width) in pixels.

    Raises:
        InvalidImage: as `check_image`, or the pixels after a valid header are damaged or cut off.
    """
    width, height = check_image(encoded)
    try:
        pixels = decode_image(tf.constant(encoded), size)
    except tf.errors.InvalidArgumentError as error:
        reason = re.sub(r"\{\{.*?\}\}|\[Op:.*", "", error.message).strip()
        raise InvalidImage(f"{width} x {height} pixels that cannot be decoded: {reason}") from None
    return pixels.numpy().astype(np.uint8)
