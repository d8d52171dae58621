"""Synthetic captioned images: two shapes with their sizes, colours and relative position.

Every word of a caption is visible in the image. Word frequencies do not help, and the relation depends on
both positions.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

COLOURS = {
    "red": (214, 39, 40),
    "green": (44, 160, 44),
    "blue": (31, 119, 220),
    "yellow": (250, 210, 30),
    "purple": (148, 60, 200),
    "white": (245, 245, 245),
}
SHAPES = ("circle", "square", "triangle")
SIZES = {"small": 0.085, "large": 0.17}  # half the height, as a fraction of the image height
RELATIONS = {"left of": (-1, 0), "right of": (1, 0), "above": (0, -1), "below": (0, 1)}
_OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
_SUPERSAMPLING = 4  # images are drawn larger and shrunk, which smooths the edges


class CaptionedImage(NamedTuple):
    """An image with captions.

    Args:
        pixels: uint8 (size, size, 3), RGB.
        captions: Four sentences with the same meaning.
        centres: (x, y) of both shapes, as fractions of the image size.
    """

    pixels: np.ndarray
    captions: list
    centres: list


def captioned_images(count, seed, size=64):
    """Return a list of `CaptionedImage`.

    Args:
        count: Number of images. There are 5,184 with different words, each at many positions.
        seed: Random seed.
        size: Height and width in pixels.
    """
    rng = np.random.default_rng(seed)
    return [_captioned_image(rng, size) for _ in range(count)]


def _captioned_image(rng, size):
    objects = [_random_object(rng), _random_object(rng)]
    relation = list(RELATIONS)[rng.integers(len(RELATIONS))]
    centres = _random_centres(rng, RELATIONS[relation])
    grey = int(rng.integers(20, 90))
    shapes = [(shape, colour, at, SIZES[extent]) for (extent, colour, shape), at in zip(objects, centres)]
    return CaptionedImage(draw_shapes(shapes, grey, size), _captions(objects, relation), centres)


def _random_object(rng):
    """Names of (size, colour, shape)."""
    return tuple(options[rng.integers(len(options))] for options in (list(SIZES), list(COLOURS), SHAPES))


def _random_centres(rng, direction):
    """Centres of two shapes: distant along the direction, nearly aligned across it."""
    middle, distance = rng.uniform(0.46, 0.54, 2), rng.uniform(0.23, 0.26)
    across = rng.uniform(-0.06, 0.06, 2)
    along = np.array(direction)
    offset = along * distance + (1 - np.abs(along)) * across
    return [tuple(middle + offset), tuple(middle - offset)]


def _captions(objects, relation):
    """Two phrasings for each order of the objects, which the image does not determine."""
    first, second = map(" ".join, objects)
    sentences = []
    for subject, side, other in ((first, relation, second), (second, _OPPOSITE[relation], first)):
        phrase = side.replace("left of", "to the left of").replace("right of", "to the right of")
        sentences += [f"a {subject} is {phrase} a {other}", f"there is a {subject} {side} a {other}"]
    return sentences


def draw_shapes(shapes, grey, size):
    """Return an image of shapes on grey as uint8 (size, size, 3), RGB.

    Args:
        shapes: List of (shape, colour, (x, y), half height), shape and colour by name; centre and half
            height as fractions of the image size.
        grey: Grey level of the background, 0 to 255.
        size: Height and width in pixels.
    """
    large = size * _SUPERSAMPLING
    image = Image.new("RGB", (large, large), (grey, grey, grey))
    pen = ImageDraw.Draw(image)
    for shape, colour, (x, y), half in shapes:
        half, x, y = half * large, x * large, y * large
        box = [x - half, y - half, x + half, y + half]
        if shape == "circle":
            pen.ellipse(box, COLOURS[colour])
        elif shape == "square":
            pen.rectangle(box, COLOURS[colour])
        else:
            pen.polygon([(x, y - half), (x - half, y + half), (x + half, y + half)], COLOURS[colour])
    return np.asarray(image.resize((size, size), Image.Resampling.BOX))
