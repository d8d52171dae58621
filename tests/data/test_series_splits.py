"""Series split by time: sizes by hand, splits in files of their own, and series that are too short."""

import numpy as np
import pytest

from rnn_apps.data.series import Series
from rnn_apps.data.series_splits import (
    SplitBounds,
    evenly_spaced_origins,
    split_series,
    use_whole_series_for_test,
)
from rnn_apps.errors import DataError


def series(size, **ends):
    return Series("a", "s.csv:2", np.arange(size), np.zeros((size, 1)), ends)


def test_one_file_ends_with_the_test_and_before_it_the_validation():
    assert split_series(series(100), [], 0.1, 0.2, 10, 5) == SplitBounds((0, 72), (72, 80), (80, 100))


def test_validation_and_test_have_a_forecast_at_least():
    assert split_series(series(100), [], 0.01, 0.01, 10, 12) == SplitBounds((0, 76), (76, 88), (88, 100))


def test_splits_of_their_own_stay():
    three = series(100, train=60, validation=80, test=100)
    splits = ["train", "validation", "test"]
    assert split_series(three, splits, 0.1, 0.2, 10, 5) == SplitBounds((0, 60), (60, 80), (80, 100))
    two = series(100, train=60, test=100)
    assert split_series(two, ["train", "test"], 0.25, 0.2, 10, 5) == SplitBounds((0, 45), (45, 60), (60, 100))
    other = series(100, train=60, validation=100)
    assert split_series(other, ["train", "validation"], 0.25, 0.2, 10, 5) == SplitBounds(
        (0, 45), (45, 60), (60, 100)
    )


@pytest.mark.parametrize(
    ("size", "ends", "problem"),
    [
        (30, {}, "received 18 steps for train, 30 in all, expected at least 20 for train"),
        (100, {"train": 80, "validation": 97, "test": 100}, "received 3 steps for test"),
        (100, {"train": 80, "validation": 83, "test": 100}, "received 3 steps for validation"),
        (10, {"train": 0, "validation": 0, "test": 10}, "received 0 steps for train"),
    ],
)
def test_a_split_that_is_too_short_is_refused(size, ends, problem):
    with pytest.raises(DataError, match=problem) as caught:
        split_series(series(size, **ends), list(ends), 0.1, 0.2, 20, 6)
    assert str(caught.value).startswith("s.csv:2  a: ")


def test_a_whole_series_is_tested_on_behind_what_is_read_first():
    assert use_whole_series_for_test(series(30), 12, 6) == SplitBounds((0, 12), (12, 12), (12, 30))
    with pytest.raises(DataError, match="received 17 steps, expected at least 18"):
        use_whole_series_for_test(series(17), 12, 6)


def test_origins_are_evenly_apart_and_the_last_forecast_ends_with_the_split():
    assert evenly_spaced_origins(80, 104, 4, 5).tolist() == [80, 85, 90, 95, 100]
    assert evenly_spaced_origins(80, 84, 4, 5).tolist() == [80]
    assert evenly_spaced_origins(80, 86, 4, 50).tolist() == [80, 81, 82]
