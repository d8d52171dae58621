"""Naive forecasts by hand, and intervals with the coverage that they claim."""

import numpy as np
import pytest

from rnn_apps.baselines.naive import NAIVE, drift, naive, naive_quantiles, seasonal_naive

NAN = np.nan


def test_the_last_value():
    assert naive(np.array([1.0, 5.0, NAN]), 2, 1).tolist() == [5, 5]
    assert naive(np.array([NAN]), 2, 1).tolist() == [0, 0]


def test_the_season_before_and_where_it_is_missing_the_one_before_that():
    history = np.array([1.0, 2, 3, 4, 5, 6])
    assert seasonal_naive(history, 5, 3).tolist() == [4, 5, 6, 4, 5]
    history[4] = NAN
    assert seasonal_naive(history, 5, 3).tolist() == [4, 2, 6, 4, 2]
    assert seasonal_naive(np.array([1.0, 2]), 3, 4).tolist() == [2, 2, 1]


def test_the_line_through_the_first_and_the_last_value():
    assert drift(np.array([1.0, 7, 5]), 2, 1).tolist() == [7, 9]
    assert drift(np.array([NAN, 1.0, 3, NAN]), 2, 1).tolist() == [7, 9]
    assert drift(np.array([4.0]), 2, 1).tolist() == [4, 4]


@pytest.mark.parametrize("name", NAIVE)
def test_intervals_hold_as_much_of_new_data_as_they_say(name):
    rng = np.random.default_rng(0)
    values = rng.normal(size=4000)
    origins = range(2000, 3900, 10)
    histories = [values[:origin] for origin in origins]
    found = naive_quantiles(NAIVE[name], values[:2000], histories, 4, 7, (0.1, 0.5, 0.9))
    truth = np.array([values[origin : origin + 4] for origin in origins])
    inside = (found[..., 0] <= truth) & (truth <= found[..., 2])
    assert inside.mean() == pytest.approx(0.8, abs=0.05)
    assert (np.diff(found, axis=-1) >= 0).all()
    np.testing.assert_array_equal(found[0, :, 1], NAIVE[name](histories[0], 4, 7))
