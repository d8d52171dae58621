"""Synthetic clips with a label per frame: shapes that appear, move, collide and vanish.

Appearing is vanishing played backwards, so a single frame does not distinguish the two: a network has to
remember the preceding frames.
"""

from typing import NamedTuple

import numpy as np

from rnn_apps.data.synthetic.captioned_images import COLOURS, SHAPES, draw_shapes

_HALF_HEIGHTS = (0.13, 0.17)  # of a shape, as a fraction of the image height
_FADE_FRAMES = 3  # in which a shape grows to its full size, or shrinks to nothing
_SPEEDS = (0.03, 0.06)  # as a fraction of the image width per frame


class LabelledClip(NamedTuple):
    """A clip with a label per frame.

    Args:
        frames: uint8 (frames, size, size, 3), RGB.
        labels: One per frame: ``empty``, ``appears``, ``moves``, ``collides`` or ``vanishes``.
    """

    frames: np.ndarray
    labels: list


class _Shape:
    """One moving shape, from the frame in which it appears to that in which it is gone."""

    def __init__(self, rng, start, stop, centre, velocity):
        self.shape_and_colour = (str(rng.choice(SHAPES)), str(rng.choice(list(COLOURS))))
        self.half, self.start, self.stop = rng.uniform(*_HALF_HEIGHTS), start, stop
        self.centre, self.velocity = np.array(centre, float), np.array(velocity, float)

    def scale(self, frame):
        """Return the size in a frame as a fraction of the full size; 0 while it is absent."""
        distance = min(frame - self.start + 1, self.stop - frame, _FADE_FRAMES)
        return max(0, distance) / _FADE_FRAMES

    def move(self):
        """Move by one frame, and bounce off the edges."""
        self.centre += self.velocity
        is_outside = (self.centre < self.half) | (self.centre > 1 - self.half)
        self.velocity[is_outside] *= -1
        self.centre = np.clip(self.centre, self.half, 1 - self.half)


def labelled_clips(count, seed, size=24):
    """Return a list of `LabelledClip` of 24 to 48 frames; the first ones do not depend on `count`.

    Args:
        count: Number of clips.
        seed: Random seed.
        size: Height and width of a frame in pixels.
    """
    return [_labelled_clip(np.random.default_rng([seed, number]), size) for number in range(count)]


def _labelled_clip(rng, size):
    length, grey = int(rng.integers(24, 49)), int(rng.integers(20, 90))
    shapes, frames, labels = _random_shapes(rng, length), [], []
    is_touching = False
    for frame in range(length):
        visible = [shape for shape in shapes if shape.scale(frame) > 0]
        for shape in visible:
            shape.move()
        was_touching, is_touching = is_touching, len(visible) == 2 and _touch(*visible)
        if is_touching and not was_touching:
            first, second = visible
            first.velocity, second.velocity = second.velocity, first.velocity
        drawn = [(*s.shape_and_colour, tuple(s.centre), s.half * s.scale(frame)) for s in visible]
        frames.append(draw_shapes(drawn, grey, size))
        labels.append(_label(visible, frame, is_touching))
    return LabelledClip(np.stack(frames), labels)


def _random_shapes(rng, length):
    """One shape, or two that move towards each other."""
    start, stop = int(rng.integers(1, 7)), length - int(rng.integers(0, 7))
    speed, height = rng.uniform(*_SPEEDS), rng.uniform(0.25, 0.75)
    if rng.random() < 0.3:
        angle = rng.uniform(0, 2 * np.pi)
        velocity = speed * np.array([np.cos(angle), np.sin(angle)])
        return [_Shape(rng, start, stop, rng.uniform(0.25, 0.75, 2), velocity)]
    later_start = start + int(rng.integers(0, 8))
    earlier_stop = min(length, max(later_start + 2 * _FADE_FRAMES, stop - int(rng.integers(0, 8))))
    left = _Shape(rng, start, stop, (0.2, height), (speed, rng.uniform(-0.01, 0.01)))
    right = _Shape(rng, later_start, earlier_stop, (0.8, height), (-speed, rng.uniform(-0.01, 0.01)))
    return [left, right]


def _touch(first, second):
    return bool(np.abs(first.centre - second.centre).max() < first.half + second.half)


def _label(visible, frame, is_touching):
    """Label of a frame: a collision takes precedence over appearing and vanishing, these over moving."""
    if not visible:
        return "empty"
    if is_touching:
        return "collides"
    if any(frame - shape.start + 1 < _FADE_FRAMES for shape in visible):
        return "appears"
    if any(shape.stop - frame < _FADE_FRAMES for shape in visible):
        return "vanishes"
    return "moves"
