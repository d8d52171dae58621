"""Generated clips with captions: one shape that moves, appears, vanishes, grows or shrinks.

Played backwards a clip is one of the opposite word, made of the same frames: only their order tells which.
"""

from typing import NamedTuple

import numpy as np

from rnn_apps.data.samples.scenes import COLOURS, SHAPES, draw_shapes

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
# The second of each is drawn as the first and played backwards.
OPPOSITES = {"moves up": "moves down", "moves left": "moves right", "vanishes": "appears", "shrinks": "grows"}
_HALVES = (0.11, 0.15)  # half the height of a shape, of the picture's
_WAYS = (0.12, 0.22)  # how far a shape moves; short, so that most places begin one way and end the other
_MIDDLE_HALVES = (0.09, 0.2)  # of a shape that changes its size
_GROWTH = (1.33, 1.6)  # the largest height by the smallest; little, for the same reason


class Clip(NamedTuple):
    """Frames in the order of time, and what can be said of them.

    Args:
        frames: uint8 (frames, pixels, pixels, 3), RGB.
        captions: three sentences that say the same.
    """

    frames: np.ndarray
    captions: list


def clips(count, seed, frames=8, pixels=48):
    """Return that many clips; the same count and seed give the same ones.

    Args:
        count: of clips. There are 144 that differ in words, each drawn in many places and sizes.
        seed: of the choice.
        frames: of each clip, at least 2.
        pixels: height and width.
    """
    if frames < 2:
        raise ValueError(f"clips: received frames={frames}, expected at least 2, for nothing changes in one")
    rng = np.random.default_rng(seed)
    return [_clip(rng, frames, pixels) for _ in range(count)]


def _clip(rng, frames, pixels):
    options = (list(CHANGES), list(COLOURS), SHAPES)
    change, colour, shape = (names[rng.integers(len(names))] for names in options)
    grey = int(rng.integers(20, 90))
    backwards = {second: first for first, second in OPPOSITES.items()}
    course = _course(rng, backwards.get(change, change), frames)
    pictures = [draw_shapes([(shape, colour, *at)] if at else [], grey, pixels) for at in course]
    pictures = pictures[::-1] if change in backwards else pictures
    return Clip(np.stack(pictures), [caption.format(f"{colour} {shape}") for caption in CHANGES[change]])


def _course(rng, change, frames):
    """((x, y), half) of the shape in every frame, or None where it is not there."""
    half = rng.uniform(*_HALVES)
    if change == "vanishes":
        place = _place(rng, half)
        there = rng.integers(1, frames)
        return [(place, half) if frame < there else None for frame in range(frames)]
    if change == "shrinks":
        middle, factor = rng.uniform(*_MIDDLE_HALVES), rng.uniform(*_GROWTH) ** 0.5
        place = _place(rng, middle * factor)
        return [(place, size) for size in np.linspace(middle * factor, middle / factor, frames)]
    way = rng.uniform(*_WAYS)
    along = np.array((way, 0) if change == "moves left" else (0, way))
    middle = _place(rng, half + along / 2)
    return [(tuple(middle - along * part), half) for part in np.linspace(-0.5, 0.5, frames)]


def _place(rng, margin):
    """(x, y) at least that far from every edge, one number or (x, y), and a little more for the smoothing."""
    margin = np.array(margin) + 0.03
    return tuple(rng.uniform(margin, 1 - margin, 2))
