"""Synthetic series: the documented properties."""

import numpy as np

from rnn_apps.data.synthetic.series import PERIOD, seasonal_values


def test_the_same_seed_gives_the_same_series_and_another_another():
    np.testing.assert_array_equal(seasonal_values(500, 1), seasonal_values(500, 1))
    assert np.nanmax(np.abs(seasonal_values(500, 1) - seasonal_values(500, 2))) > 1


def test_it_has_a_season_days_off_and_missing_values():
    values = seasonal_values(PERIOD * 400, 3)
    value, off = values[:, 0].reshape(400, PERIOD), values[:, 1].reshape(400, PERIOD)
    assert 0.004 < np.isnan(value).mean() < 0.02
    assert set(np.unique(off)) == {0, 1}
    assert (off == off[:, :1]).all()
    relative = value / np.nanmean(value, axis=1, keepdims=True)
    course = np.nanmean(relative[off[:, 0] == 0], axis=0)
    assert np.argmax(course) == 19
    evening = [np.nanmean(relative[off[:, 0] == kind, 19]) for kind in (0, 1)]
    assert evening[0] > 1.25 * evening[1]


def test_its_trend_changes_direction():
    level = np.nanmean(seasonal_values(PERIOD * 100, 4)[:, 0].reshape(100, PERIOD), axis=1)
    weekly = np.diff(level.reshape(10, 10).mean(axis=1))
    assert (weekly > 0).any()
    assert (weekly < 0).any()
