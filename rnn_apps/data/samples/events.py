"""Generated clips with a label for every frame: shapes that appear, move, collide and vanish.

A shape that appears is drawn as one that vanishes and played backwards, so no single frame tells the two
apart: what stood in the frames before it has to be remembered.
"""

from typing import NamedTuple

import numpy as np

from rnn_apps.data.samples.scenes import COLOURS, SHAPES, draw_shapes

_HALF = (0.13, 0.17)  # half the height of a shape, of the picture's
_FADING = 3  # frames in which a shape grows to its size, or shrinks to nothing
_SPEED = (0.03, 0.06)  # of the picture's width, a frame


class Event(NamedTuple):
    """A clip and what happens in it.

    Args:
        frames: uint8 (frames, pixels, pixels, 3), RGB.
        labels: one a frame: ``empty``, ``appears``, ``moves``, ``collides`` or ``vanishes``.
    """

    frames: np.ndarray
    labels: list


class _Shape:
    """One shape on its way from appearing to vanishing."""

    def __init__(self, rng, start, end, place, velocity):
        self.look = (str(rng.choice(SHAPES)), str(rng.choice(list(COLOURS))))
        self.half, self.start, self.end = rng.uniform(*_HALF), start, end
        self.place, self.velocity = np.array(place, float), np.array(velocity, float)

    def size(self, frame):
        """Part of its whole size in a frame; 0 where it is not there."""
        known = min(frame - self.start + 1, self.end - frame, _FADING)
        return max(0, known) / _FADING

    def move(self):
        """Go on, and turn round at the edges."""
        self.place += self.velocity
        outside = (self.place < self.half) | (self.place > 1 - self.half)
        self.velocity[outside] *= -1
        self.place = np.clip(self.place, self.half, 1 - self.half)


def events(count, seed, pixels=24):
    """Return that many clips of 24 to 48 frames; the first do not depend on `count`.

    Args:
        count: of clips.
        seed: of the choice.
        pixels: height and width of a frame.
    """
    return [_event(np.random.default_rng([seed, number]), pixels) for number in range(count)]


def _event(rng, pixels):
    length, grey = int(rng.integers(24, 49)), int(rng.integers(20, 90))
    shapes, frames, labels = _cast(rng, length), [], []
    touching = False
    for frame in range(length):
        there = [shape for shape in shapes if shape.size(frame) > 0]
        for shape in there:
            shape.move()
        meets = len(there) == 2 and _touch(*there)
        if meets and not touching:
            first, second = there
            first.velocity, second.velocity = second.velocity, first.velocity
        touching = meets
        things = [(*s.look, tuple(s.place), s.half * s.size(frame)) for s in there]
        frames.append(draw_shapes(things, grey, pixels))
        labels.append(_label(there, frame, meets))
    return Event(np.stack(frames), labels)


def _cast(rng, length):
    """One shape, or two that move towards one another."""
    start, end = int(rng.integers(1, 7)), length - int(rng.integers(0, 7))
    speed, height = rng.uniform(*_SPEED), rng.uniform(0.25, 0.75)
    if rng.random() < 0.3:
        angle = rng.uniform(0, 2 * np.pi)
        velocity = speed * np.array([np.cos(angle), np.sin(angle)])
        return [_Shape(rng, start, end, rng.uniform(0.25, 0.75, 2), velocity)]
    later = start + int(rng.integers(0, 8))
    earlier = max(later + 2 * _FADING, end - int(rng.integers(0, 8)))
    left = _Shape(rng, start, end, (0.2, height), (speed, rng.uniform(-0.01, 0.01)))
    right = _Shape(rng, later, min(earlier, length), (0.8, height), (-speed, rng.uniform(-0.01, 0.01)))
    return [left, right]


def _touch(first, second):
    return bool(np.abs(first.place - second.place).max() < first.half + second.half)


def _label(there, frame, meets):
    """What happens in a frame; a collision is more than a change, and a change more than a movement."""
    if not there:
        return "empty"
    if meets:
        return "collides"
    if any(frame - shape.start + 1 < _FADING for shape in there):
        return "appears"
    if any(shape.end - frame < _FADING for shape in there):
        return "vanishes"
    return "moves"
