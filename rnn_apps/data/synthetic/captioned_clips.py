"""Synthetic captioned clips: one shape that moves, appears, vanishes, grows or shrinks.

A clip played backwards shows the opposite change: the order of the frames determines the caption.
"""

from typing import NamedTuple

import numpy as np

from rnn_apps.data.synthetic.captioned_images import COLOURS, SHAPES, draw_shapes

CHANGES = {
    "moves up": ("a {} moves up", "the {} is moving upward", "up goes a {}"),
    "moves down": ("a {} moves down", "the {} is moving downward", "down goes a {}"),
    "moves left": ("a {} moves left", "the {} is moving to the left", "to the left goes a {}"),
    "moves right": ("a {} moves right", "the {} is moving to the right", "to the right goes a {}"),
    "appears": ("a {} appears", "the {} comes into view", "suddenly there is a {}"),
    "vanishes": ("a {} vanishes", "the {} is disappearing", "suddenly a {} is gone"),
    "grows": ("a {} grows", "the {} is getting larger", "larger and larger gets a {}"),
    "shrinks": ("a {} shrinks", "the {} is getting smaller", "smaller and smaller gets a {}"),
}
# The second of each pair is drawn as the first and played backwards.
OPPOSITES = {"moves up": "moves down", "moves left": "moves right", "vanishes": "appears", "shrinks": "grows"}
_HALF_HEIGHTS = (0.11, 0.15)  # of a shape, as a fraction of the image height
_DISTANCES = (0.12, 0.22)  # of a movement; short, so that most positions can be its start or its end
_MEAN_HALF_HEIGHTS = (0.09, 0.2)  # of a shape that changes its size
_GROWTH = (1.33, 1.6)  # largest by smallest height; small, for the same reason


class CaptionedClip(NamedTuple):
    """A clip with captions.

    Args:
        frames: uint8 (frames, size, size, 3), RGB, in temporal order.
        captions: Three sentences with the same meaning.
    """

    frames: np.ndarray
    captions: list


def captioned_clips(count, seed, frames=8, size=48):
    """Return a list of `CaptionedClip`.

    Args:
        count: Number of clips. There are 144 with different words, each at many positions and sizes.
        seed: Random seed.
        frames: Frames per clip, at least 2.
        size: Height and width in pixels.
    """
    if frames < 2:
        raise ValueError(f"captioned_clips: received frames={frames}, expected at least 2 to show a change")
    rng = np.random.default_rng(seed)
    return [_captioned_clip(rng, frames, size) for _ in range(count)]


def _captioned_clip(rng, frames, size):
    options = (list(CHANGES), list(COLOURS), SHAPES)
    change, colour, shape = (names[rng.integers(len(names))] for names in options)
    grey = int(rng.integers(20, 90))
    backwards = {second: first for first, second in OPPOSITES.items()}
    path = _path(rng, backwards.get(change, change), frames)
    images = [draw_shapes([(shape, colour, *state)] if state else [], grey, size) for state in path]
    images = images[::-1] if change in backwards else images
    captions = [caption.format(f"{colour} {shape}") for caption in CHANGES[change]]
    return CaptionedClip(np.stack(images), captions)


def _path(rng, change, frames):
    """((x, y), half height) of the shape in every frame, or None while it is absent."""
    half = rng.uniform(*_HALF_HEIGHTS)
    if change == "vanishes":
        centre = _random_centre(rng, half)
        num_visible = rng.integers(1, frames)
        return [(centre, half) if frame < num_visible else None for frame in range(frames)]
    if change == "shrinks":
        mean, factor = rng.uniform(*_MEAN_HALF_HEIGHTS), rng.uniform(*_GROWTH) ** 0.5
        centre = _random_centre(rng, mean * factor)
        return [(centre, size) for size in np.linspace(mean * factor, mean / factor, frames)]
    distance = rng.uniform(*_DISTANCES)
    motion = np.array((distance, 0) if change == "moves left" else (0, distance))
    middle = _random_centre(rng, half + motion / 2)
    return [(tuple(middle - motion * time), half) for time in np.linspace(-0.5, 0.5, frames)]


def _random_centre(rng, margin):
    """(x, y) at least `margin` (a number or (x, y)) from every edge, plus space for the smoothing."""
    margin = np.array(margin) + 0.03
    return tuple(rng.uniform(margin, 1 - margin, 2))
