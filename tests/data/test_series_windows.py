"""Windows of series: contents and weights by hand, and an order that depends on (seed, epoch)."""

import numpy as np
import pytest

from rnn_apps.data.series_windows import (
    SeriesStreams,
    SeriesWindows,
    future_covariates,
    future_targets,
    past_window,
)

STEPS, HORIZON = 5, 2


def ramp(size, begin=0.0):
    """A target that counts up, and what is known in advance: ten times as much."""
    values = begin + np.arange(size, dtype=float)
    return np.stack([values, 10 * values], axis=-1)


def windows(values=None, **options):
    values = [ramp(40)] if values is None else values
    scales = [np.array([2.0])] * len(values)
    options = {"known": slice(1, 2), "batch_size": 3, "seed": 1, "count": 6, **options}
    return SeriesWindows(values, scales, STEPS, HORIZON, **options)


def test_a_window_and_what_comes_after_each_of_its_steps():
    for (series, known), targets in windows().epoch():
        assert (series.shape, known.shape, targets.shape) == ((3, 5, 2), (3, 2, 1), (3, 5, 2, 1, 2))
        first = series[:, :1, 0].numpy()
        np.testing.assert_array_equal(series[:, :, 0], first + np.arange(5))
        np.testing.assert_array_equal(known[:, :, 0], 10 * (first + [5, 6]))
        truth = first[:, :, None] + np.arange(5)[:, None] + [1, 2]
        np.testing.assert_array_equal(targets[..., 0, 0], truth)
        np.testing.assert_array_equal(targets[..., 0, 1], 0.5)


def test_nothing_beyond_train_is_ever_a_target():
    last = max(float(targets.numpy()[..., 0].max()) for _, targets in windows(count=60).epoch())
    assert last == 39


def test_every_window_is_drawn_in_time():
    seen = {float(series[i, 0, 0]) for (series, _), _ in windows(count=600).epoch() for i in range(3)}
    assert seen == set(range(34))  # the last ends with step 38, two before the end


def test_missing_targets_and_the_first_steps_do_not_count():
    values = ramp(40)
    values[10, 0] = np.nan
    for (series, _), targets in windows([values], skipped=2).epoch():
        weights, steps = targets[..., 0, 1].numpy(), series[:, :1, 1].numpy() / 10 + np.arange(5)
        came = steps[:, :, None] + [1, 2]
        counts = (came != 10) & (np.arange(5) >= 2)[:, None]
        np.testing.assert_array_equal(weights > 0, counts)
        assert np.isfinite(targets).all()


def test_a_series_shorter_than_a_window_has_nothing_before_it():
    ((series, _), targets), *_ = windows([ramp(5)], count=3, skipped=1).epoch()
    np.testing.assert_array_equal(series[0, :, 0], [np.nan, np.nan, 0, 1, 2])
    weights = targets[0, :, :, 0, 1].numpy()
    np.testing.assert_array_equal(weights > 0, [[0, 0], [0, 0], [0, 0], [1, 1], [1, 1]])


def test_the_errors_of_each_series_are_divided_by_its_own_scale():
    values = [ramp(30), ramp(30, begin=1000)]
    batches = SeriesWindows(values, [np.array([1.0]), np.array([4.0])], STEPS, HORIZON, batch_size=8, seed=3)
    for series, targets in batches.epoch():
        wanted = np.where(series[:, 0, 0] >= 1000, 0.25, 1.0)
        np.testing.assert_array_equal(targets[:, 0, 0, 0, 1], wanted)


def test_seed_and_epoch_alone_decide_the_order():
    assert (windows().plan(3) == windows().plan(3)).all()
    assert (windows().plan(3) != windows().plan(4)).any()
    assert (windows().plan(3) != windows(seed=2).plan(3)).any()
    whole, rest = list(windows().epoch(2)), list(windows().epoch(2, start=1))
    assert (len(whole), len(rest)) == (2, 1)
    np.testing.assert_array_equal(whole[1][1], rest[0][1])


def test_an_epoch_covers_train_and_has_eight_batches_at_least():
    assert len(windows(count=None)) == 8
    assert windows([ramp(1000)], count=None).num_examples >= 998 / STEPS
    assert windows(count=7).num_examples == 9


@pytest.mark.parametrize(("origin", "wanted"), [(2, [np.nan, 0, 1]), (5, [2, 3, 4])])
def test_the_past_of_an_origin(origin, wanted):
    np.testing.assert_array_equal(past_window(ramp(9), origin, 3)[:, 0], wanted)


def test_what_comes_and_what_is_known_of_it():
    np.testing.assert_array_equal(future_targets(ramp(9), 8, 2, 1)[:, 0], [8, np.nan])
    np.testing.assert_array_equal(future_covariates(ramp(9), 6, 2, slice(1, 2))[:, 0], [60, 70])


def test_streams_follow_one_another_and_read_every_step_once():
    values = [ramp(23), ramp(31, begin=100)]
    scales = [np.array([2.0])] * 2
    streams = SeriesStreams(values, scales, 4, HORIZON, before=2, known=slice(1, 2), streams=3, seed=1)
    seen, last = [], np.full(3, -1.0)
    for (series, known, fresh), targets in streams.epoch(0):
        assert (series.shape, known.shape, targets.shape) == ((3, 6, 2), (3, 2, 1), (3, 4, 2, 1, 2))
        first, weights = series[:, 2, 0].numpy(), targets[..., 0, 1].numpy()
        goes_on = ~fresh.numpy() & (weights > 0).any((1, 2))
        np.testing.assert_array_equal(first[goes_on], last[goes_on] + 1)
        last = first + 3
        for row in range(3):
            for step in np.flatnonzero((weights[row] > 0).any(-1)):
                now = first[row] + step
                seen.append(now)
                real = weights[row, step] > 0
                np.testing.assert_array_equal(
                    targets[row, step, :, 0, 0][real], (now + np.array([1, 2]))[real]
                )
            if weights[row, -1].all():
                np.testing.assert_array_equal(known[row, :, 0], 10 * (first[row] + [4, 5]))
    assert sorted(seen) == [*range(22), *range(100, 130)]  # behind the last step of each nothing came


def test_the_steps_before_a_stream_are_missing_and_do_not_count():
    streams = SeriesStreams([ramp(20)], [np.array([1.0])], 5, HORIZON, before=2, skipped=2, streams=1)
    ((series, fresh), targets), *_ = streams.epoch(0)
    np.testing.assert_array_equal(series[0, :, 0], [np.nan, np.nan, 0, 1, 2, 3, 4])
    assert bool(fresh[0])
    np.testing.assert_array_equal((targets[0, :, 0, 0, 1] > 0), [False, False, True, True, True])
