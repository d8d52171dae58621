"""Synthetic clips: captions describe the motion, and only the order of the frames determines them."""

import re

import numpy as np
import pytest
from scipy.stats import ks_2samp

from rnn_apps.data.synthetic.captioned_clips import CHANGES, OPPOSITES, captioned_clips
from rnn_apps.data.synthetic.captioned_images import COLOURS, SHAPES

THING = f"(?P<colour>{'|'.join(COLOURS)}) (?P<shape>{'|'.join(SHAPES)})"
FORMS = {form.format(THING): change for change, forms in CHANGES.items() for form in forms}
STEPS = {"moves up": (0, -1), "moves down": (0, 1), "moves left": (-1, 0), "moves right": (1, 0)}
BY_CHANCE = 0.31  # two samples of 100 of one law are further apart once in 10,000 times (Kolmogorov, Smirnov)


@pytest.fixture(scope="module")
def sample():
    return captioned_clips(800, seed=1)


@pytest.fixture(scope="module")
def traces(sample):
    """Word to (clips, frames, 3): x, y and area of the shape, NaN where there is none."""
    found = {change: [] for change in CHANGES}
    for clip in sample:
        found[read(clip.captions[0])[0]].append(trace(clip.frames))
    return {change: np.array(one) for change, one in found.items()}


def read(caption):
    """(word, colour, shape) of a caption."""
    found = [(change, re.fullmatch(form, caption)) for form, change in FORMS.items()]
    ((change, match),) = [(change, match) for change, match in found if match]
    return change, match["colour"], match["shape"]


def covered(frames):
    """Which parts of pixels the shape covers, 0 to 1, from how they differ from the corner."""
    away = np.abs(frames.astype(float) - frames[:, :1, :1]).max(axis=-1)
    return away / np.maximum(away.max(), 1)


def trace(frames):
    """x, y and area of the shape in every frame, NaN where there is none."""
    weight = covered(frames)
    area = weight.sum(axis=(1, 2))
    area[area == 0] = np.nan
    across = np.arange(frames.shape[1])
    return np.stack([weight.sum(axis=1) @ across / area, weight.sum(axis=2) @ across / area, area], axis=-1)


def apart(first, second):
    """How far two distributions are apart, 0 to 1; a guess by a threshold gains half of it."""
    return ks_2samp(np.ravel(first), np.ravel(second)).statistic


@pytest.mark.parametrize("change", STEPS)
def test_a_shape_that_moves_goes_the_way_of_the_caption_and_keeps_its_size(change, traces):
    right, down = STEPS[change]
    x, y, area = np.moveaxis(np.diff(traces[change], axis=1), -1, 0)
    assert (x * right + y * down).min() > 0.5  # pixels a frame
    assert np.abs(x * down + y * right).max() < 0.2
    assert np.abs(area).max() < 0.1 * traces[change][..., 2].mean()


def test_a_shape_grows_or_shrinks_in_its_place(traces):
    for change, sign in (("grows", 1), ("shrinks", -1)):
        moved = traces[change][..., :2] - traces[change][:, :1, :2]
        first, last = (traces[change][:, i, 2] for i in (0, -1))
        assert ((last / first) ** sign).min() > 1.5  # 1.33 squared is 1.77, less what smoothing does
        assert np.abs(moved).max(axis=(0, 1)) == pytest.approx([0, 1], abs=1)  # a triangle is heavier below


def test_a_shape_appears_or_vanishes_once_and_at_any_time(traces):
    for change, sign in (("appears", 1), ("vanishes", -1)):
        there = ~np.isnan(traces[change][..., 2])
        turns = np.diff(there.astype(int), axis=1)
        assert (np.abs(turns).sum(axis=1) == 1).all()
        assert (turns.sum(axis=1) == sign).all()
        assert set(np.abs(turns).argmax(axis=1)) == set(range(7))


@pytest.mark.parametrize(("first", "second"), OPPOSITES.items())
def test_played_backwards_a_clip_is_one_of_the_opposite_word(first, second, traces):
    there, back = (np.nan_to_num(one, nan=-9) for one in (traces[first][:, ::-1], traces[second]))
    assert min(len(there), len(back)) > 80
    for frame in range(8):
        for value in range(3):
            assert apart(there[:, frame, value], back[:, frame, value]) < BY_CHANCE
    changed = [one[:, -1] - one[:, 0] for one in (there, back)]
    for value in range(3):
        assert apart(changed[0][:, value], changed[1][:, value]) < BY_CHANCE
    assert max(apart(-changed[0][:, v], changed[1][:, v]) for v in range(3)) > 0.9, "the test is blind"


@pytest.mark.parametrize(("first", "second"), OPPOSITES.items())
def test_the_frames_without_their_order_say_nothing_of_the_word(first, second, traces):
    one, other = (np.nan_to_num(traces[word], nan=-9) for word in (first, second))
    for value in range(3):
        assert apart(one[..., value], other[..., value]) < BY_CHANCE


@pytest.mark.parametrize(
    ("first", "second", "value"),
    [("moves up", "moves down", 1), ("moves left", "moves right", 0), ("shrinks", "grows", 2)],
)
@pytest.mark.parametrize("frame", [0, -1])
def test_how_a_shape_begins_or_ends_leaves_open_what_happens(first, second, value, frame, traces):
    gain = apart(traces[first][:, frame, value], traces[second][:, frame, value]) / 2
    assert gain < 0.3, "a guess by one frame alone is right in 80 %"


def test_the_three_captions_say_the_same_in_other_words(sample):
    for clip in sample:
        assert len(set(clip.captions)) == 3
        assert len({read(caption) for caption in clip.captions}) == 1
    assert {read(clip.captions[0])[0] for clip in sample} == set(CHANGES)
    assert len({clip.captions[0] for clip in sample}) > 138  # of 8 words, 6 colours, 3 shapes


def test_colour_and_shape_are_those_of_the_caption():
    filled = {"circle": np.pi / 4, "square": 1.0, "triangle": 0.5}
    for clip in captioned_clips(150, seed=2, frames=2, size=96):
        _, colour, shape = read(clip.captions[0])
        weights = covered(clip.frames)
        largest = weights.sum(axis=(1, 2)).argmax()
        weight, frame = weights[largest], clip.frames[largest]
        inside = frame[np.unravel_index(weight.argmax(), weight.shape)]
        assert np.abs(inside.astype(int) - COLOURS[colour]).max() < 12
        height, width = (np.count_nonzero(weight.max(axis=axis) > 0.5) for axis in (1, 0))
        assert weight.sum() / (height * width) == pytest.approx(filled[shape], rel=0.2)


def test_nothing_is_cut_off_and_clips_differ(sample):
    for clip in sample:
        edges = [clip.frames[:, 0], clip.frames[:, -1], clip.frames[:, :, 0], clip.frames[:, :, -1]]
        assert (np.stack(edges) == clip.frames[0, 0, 0]).all()
    assert len({clip.frames.tobytes() for clip in sample}) == len(sample)


def test_the_seed_decides():
    first, again, other = (captioned_clips(5, seed) for seed in (1, 1, 2))
    assert all((a.frames == b.frames).all() and a.captions == b.captions for a, b in zip(first, again))
    assert any(a.captions != b.captions for a, b in zip(first, other))
    short = captioned_clips(1, 1, frames=2, size=32)[0].frames
    assert short.shape == (2, 32, 32, 3)
    assert short.dtype == np.uint8


def test_one_frame_is_refused_because_nothing_changes_in_it():
    with pytest.raises(ValueError, match="received frames=1, expected at least 2"):
        captioned_clips(1, 1, frames=1)
