"""All common kinds of images, and bytes that are not images."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from rnn_apps.data import images
from rnn_apps.data.images import InvalidImage, check_image, decode_images, read_image

RED, SIZE = (200, 40, 20), (8, 8)


def encoded(mode="RGB", kind="PNG", color=RED, size=(20, 10), **options):
    file = io.BytesIO()
    Image.new("RGB", size, color).convert(mode).save(file, kind, **options)
    return file.getvalue()


def deep_png():
    """16 bits a channel, grey 0x8000, which Pillow writes as I;16."""
    file = io.BytesIO()
    Image.fromarray(np.full((10, 20), 0x8000, np.uint16)).save(file, "PNG")
    return file.getvalue()


def animation():
    first, second = Image.new("RGB", (20, 10), RED), Image.new("RGB", (20, 10), (0, 0, 255))
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=[second])
    return file.getvalue()


def huge_png(width=20_000, height=20_000):
    """A header of 400 million pixels and hardly one behind it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(100)))]
    chunks = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("data", "color", "tolerance"),
    [
        (encoded(), RED, 0),
        (encoded(kind="JPEG", quality=95), RED, 3),
        (encoded("RGBA"), RED, 0),
        (encoded("P"), RED, 30),
        (encoded("L"), (86, 86, 86), 1),  # 0.299 * 200 + 0.587 * 40 + 0.114 * 20
        (encoded("CMYK", "JPEG", quality=95), RED, 5),
        (encoded("1", color=(255, 255, 255)), (255, 255, 255), 0),
        (encoded(kind="BMP"), RED, 0),
        (encoded(kind="GIF"), RED, 30),
        (animation(), RED, 30),
        (deep_png(), (128, 128, 128), 1),
        (encoded(size=(1, 1)), RED, 0),
    ],
    ids="png jpeg alpha palette grey cmyk bits bmp gif animation 16-bit one-pixel".split(),  # noqa: SIM905
)
def test_every_kind_of_image_becomes_rgb(data, color, tolerance):
    pixels = read_image(data, SIZE)
    assert pixels.shape == (8, 8, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - color).max() <= tolerance


def test_height_comes_before_width_and_the_whole_image_is_kept():
    left = Image.new("RGB", (40, 10), (255, 255, 255))
    left.paste((0, 0, 0), (0, 0, 20, 10))
    file = io.BytesIO()
    left.save(file, "PNG")
    assert check_image(file.getvalue()) == (40, 10)
    pixels = read_image(file.getvalue(), (4, 12))
    assert pixels.shape == (4, 12, 3)
    assert pixels[:, :5].max() == 0
    assert pixels[:, 7:].min() == 255


CUT = encoded(kind="JPEG", size=(200, 200))
CUT = CUT[: len(CUT) // 2]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"<html>not found</html>", "begins with b'<html>not fo', expected a JPEG, PNG, GIF or BMP image"),
        (b"\x00" * 100, "expected a JPEG, PNG, GIF or BMP"),
        (encoded(kind="TIFF"), "expected a JPEG, PNG, GIF or BMP"),
        (CUT, "200 x 200 pixels that cannot be decoded"),
        (encoded(size=(99, 50))[:80], "99 x 50 pixels that cannot be decoded"),
        (encoded("P", "BMP"), "a BMP image with a palette"),
        (encoded()[:20], "begins with|cannot be"),
        (huge_png(), r"expected at most 50,000,000"),
        (huge_png(9_000, 9_000), "9,000 x 9,000 pixels, expected at most 50,000,000 in all"),
    ],
    ids="empty html zeros tiff cut-jpeg cut-png palette-bmp header-only huge large".split(),  # noqa: SIM905
)
def test_what_is_no_image_is_named(data, message):
    with pytest.raises(InvalidImage, match=message):
        read_image(data, SIZE)


def test_a_file_of_too_many_bytes_is_refused_before_it_is_opened(monkeypatch):
    monkeypatch.setattr(images, "MAX_BYTES", 10)
    with pytest.raises(InvalidImage, match="expected at most 10"):
        check_image(encoded())


def test_the_graph_decodes_what_reading_gives():
    data = [encoded(), encoded(kind="JPEG"), animation()]
    batch = tf.function(lambda e: decode_images(e, SIZE))(tf.constant(data))
    assert batch.shape == (3, 8, 8, 3)
    for one, pixels in zip(data, batch):
        np.testing.assert_allclose(pixels, read_image(one, SIZE), atol=0.51)


def test_no_images_give_none():
    assert decode_images(tf.constant([], tf.string), SIZE).shape == (0, 8, 8, 3)
