"""Synthetic captioned images: captions describe the image."""

import re

import numpy as np
import pytest

from rnn_apps.data.synthetic.captioned_images import COLOURS, RELATIONS, SHAPES, SIZES, captioned_images

NAMES = {"size": SIZES, "colour": COLOURS, "shape": SHAPES}
THING = " ".join(f"(?P<{part}{{0}}>{'|'.join(names)})" for part, names in NAMES.items())
SIDE = f"(?P<relation>{'|'.join(RELATIONS)})"
CAPTION = re.compile(f"(there is )?a {THING.format(1)} (is )?(to the )?{SIDE} a {THING.format(2)}")


@pytest.fixture(scope="module")
def sample():
    return captioned_images(300, seed=1)


def coloured(image, colour):
    """Where a picture has this colour, within what smoothing does to edges."""
    return np.abs(image.astype(int) - COLOURS[colour]).max(axis=-1) < 12


def read(caption):
    """(size, colour, shape) of both things and the direction from the second to the first."""
    found = CAPTION.fullmatch(caption)
    assert found, caption
    things = [tuple(found[f"{part}{i}"] for part in ("size", "colour", "shape")) for i in (1, 2)]
    return (*things, RELATIONS[found["relation"]])


def test_colours_stand_where_the_caption_says(sample):
    checked = 0
    for scene in sample:
        for caption in scene.captions:
            (_, first, _), (_, second, _), (right, down) = read(caption)
            if first == second:
                continue
            centres = [np.argwhere(coloured(scene.pixels, c)).mean(axis=0) for c in (first, second)]
            y, x = centres[0] - centres[1]
            assert x * right + y * down > 15
            checked += 1
    assert checked > 500


def test_sizes_and_shapes_are_those_of_the_caption(sample):
    filled = {"circle": np.pi / 4, "square": 1.0, "triangle": 0.5}
    for scene in sample:
        (*things, _) = read(scene.captions[0])
        if things[0][1] == things[1][1]:
            continue
        for (size, colour, shape), place in zip(things, scene.centres):
            left, top = (int((middle - 0.2) * 64) for middle in place)
            around = scene.pixels[max(top, 0) : top + 26, max(left, 0) : left + 26].astype(int)
            palette = np.array([scene.pixels[0, 0], COLOURS[colour]], int)
            nearest = np.abs(around[:, :, None] - palette).sum(axis=-1).argmin(axis=-1)
            expected = filled[shape] * (2 * SIZES[size] * 64) ** 2
            assert nearest.sum() == pytest.approx(expected, rel=0.22)


def test_the_three_captions_say_the_same(sample):
    for scene in sample:
        meanings = set()
        for first, second, (right, down) in map(read, scene.captions):
            pair = ((first, (right, down)), (second, (-right, -down)))
            meanings.add(tuple(sorted(pair)))
        assert len(meanings) == 1


def test_every_word_occurs_and_images_differ(sample):
    words = set(" ".join(c for scene in sample for c in scene.captions).split())
    assert words >= {*SIZES, *COLOURS, *SHAPES, "left", "right", "above", "below"}
    assert len({scene.pixels.tobytes() for scene in sample}) == 300
    assert len({scene.captions[0] for scene in sample}) > 250


def test_nothing_is_cut_off(sample):
    for scene in sample:
        edge = np.concatenate([scene.pixels[0], scene.pixels[-1], scene.pixels[:, 0], scene.pixels[:, -1]])
        assert len(np.unique(edge, axis=0)) == 1


def test_the_seed_decides():
    first, again, other = (captioned_images(5, seed) for seed in (1, 1, 2))
    assert all((a.pixels == b.pixels).all() and a.captions == b.captions for a, b in zip(first, again))
    assert any(a.captions != b.captions for a, b in zip(first, other))
    assert captioned_images(2, 1, size=32)[0].pixels.shape == (32, 32, 3)
