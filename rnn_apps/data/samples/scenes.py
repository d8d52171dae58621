"""Generated pictures with captions: two shapes, their sizes and colours, and how they stand to each other.

Every word of a caption is in the picture: which shape is small, which colour is whose, and who stands on
which side. Knowing which words are frequent does not help; the relation needs both places.
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
SIZES = {"small": 0.085, "large": 0.17}  # half the height, of the picture's
RELATIONS = {"left of": (-1, 0), "right of": (1, 0), "above": (0, -1), "below": (0, 1)}
_OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
_FINER = 4  # pictures are drawn larger and shrunk, which smooths the edges


class Scene(NamedTuple):
    """A picture and what can be said of it.

    Args:
        image: uint8 (pixels, pixels, 3), RGB.
        captions: four sentences that say the same.
        places: of both shapes, (x, y) as parts of the picture.
    """

    image: np.ndarray
    captions: list
    places: list


def scenes(count, seed, pixels=64):
    """Return that many scenes; the same count and seed give the same ones.

    Args:
        count: of scenes. There are 5,184 that differ in words, each drawn in many places.
        seed: of the choice.
        pixels: height and width.
    """
    rng = np.random.default_rng(seed)
    return [_scene(rng, pixels) for _ in range(count)]


def _scene(rng, pixels):
    things = [_thing(rng), _thing(rng)]
    relation = list(RELATIONS)[rng.integers(len(RELATIONS))]
    places = _places(rng, RELATIONS[relation])
    return Scene(_draw(things, places, rng, pixels), _captions(things, relation), places)


def _thing(rng):
    """(size, colour, shape) by name."""
    return tuple(options[rng.integers(len(options))] for options in (list(SIZES), list(COLOURS), SHAPES))


def _places(rng, direction):
    """Where the two stand: apart along the direction, nearly level across it."""
    middle, apart = rng.uniform(0.46, 0.54, 2), rng.uniform(0.23, 0.26)
    across = rng.uniform(-0.06, 0.06, 2)
    along = np.array(direction)
    offset = along * apart + (1 - np.abs(along)) * across
    return [tuple(middle + offset), tuple(middle - offset)]


def _captions(things, relation):
    """Two ways to say it, from either side: what is said first cannot be known from the picture."""
    first, second = (" ".join(thing) for thing in things)
    sentences = []
    for one, side, other in ((first, relation, second), (second, _OPPOSITE[relation], first)):
        plain = side.replace("left of", "to the left of").replace("right of", "to the right of")
        sentences += [f"a {one} is {plain} a {other}", f"there is a {one} {side} a {other}"]
    return sentences


def _draw(things, places, rng, pixels):
    grey = int(rng.integers(20, 90))
    shapes = [(shape, colour, place, SIZES[size]) for (size, colour, shape), place in zip(things, places)]
    return draw_shapes(shapes, grey, pixels)


def draw_shapes(shapes, grey, pixels):
    """Return a picture of shapes on grey as uint8 (pixels, pixels, 3), RGB.

    Args:
        shapes: list of (shape, colour, (x, y), half), the first two by name; middle and half the height as
            parts of the picture.
        grey: of the background, 0 to 255.
        pixels: height and width.
    """
    large = pixels * _FINER
    picture = Image.new("RGB", (large, large), (grey, grey, grey))
    pen = ImageDraw.Draw(picture)
    for shape, colour, (x, y), half in shapes:
        half, x, y = half * large, x * large, y * large
        box = [x - half, y - half, x + half, y + half]
        if shape == "circle":
            pen.ellipse(box, COLOURS[colour])
        elif shape == "square":
            pen.rectangle(box, COLOURS[colour])
        else:
            pen.polygon([(x, y - half), (x - half, y + half), (x + half, y + half)], COLOURS[colour])
    return np.asarray(picture.resize((pixels, pixels), Image.Resampling.BOX))
