"""Times in steps: days, months of different lengths, integers; and calendar features."""

import datetime

import numpy as np
import pytest

from rnn_apps.data.time_formats import is_time
from rnn_apps.data.time_steps import CALENDAR, TimeParser, TimeStep, calendar_values, find_step


def seconds(*texts):
    return np.array([np.datetime64(t, "s").astype(np.int64) for t in texts], np.int64)


@pytest.mark.parametrize(
    ("times", "step", "words"),
    [
        (["2024-01-01", "2024-01-02", "2024-01-03"], TimeStep("second", 86400), "day"),
        (["2024-01-01", "2024-01-08", "2024-01-15"], TimeStep("second", 7 * 86400), "week"),
        (["2024-01-01T00", "2024-01-01T03", "2024-01-01T06"], TimeStep("second", 10800), "3 hours"),
        (["2024-01-31", "2024-02-29", "2024-03-31"], TimeStep("month", 1), "month"),
        (["2023-01-01", "2023-02-01", "2023-03-01", "2023-04-01"], TimeStep("month", 1), "month"),
        (["2023-01-01", "2023-04-01", "2023-07-01"], TimeStep("month", 3), "3 months"),
        (["2020-01-01", "2021-01-01", "2022-01-01"], TimeStep("month", 12), "12 months"),
    ],
)
def test_the_step_is_what_most_rows_are_apart(times, step, words):
    found = find_step([seconds(*times)], is_number=False)
    assert (found, str(found)) == (step, words)
    np.testing.assert_array_equal(np.diff(found.positions(seconds(*times))), 1)


def test_whole_numbers_are_steps():
    assert find_step([np.array([5, 10, 15, 25])], is_number=True) == TimeStep("number", 5)


def test_later_counts_in_the_step():
    month = TimeStep("month", 1)
    assert month.text(month.later(seconds("2023-11-01")[0], 3)) == "2024-02"
    hour = TimeStep("second", 3600)
    assert hour.text(hour.later(seconds("2024-02-28T23")[0], 2)) == "2024-02-29 01:00"
    assert TimeStep("second", 86400).text(seconds("2024-02-28")[0]) == "2024-02-28"
    assert TimeStep("second", 10).text(seconds("2024-02-28T00:00:10")[0]) == "2024-02-28 00:00:10"
    assert TimeStep("number", 5).later(20, 2) == 30


def test_the_calendar_is_that_of_datetime():
    moments = [datetime.datetime(2024, 1, 1) + datetime.timedelta(hours=37 * i) for i in range(300)]
    times = [int(moment.replace(tzinfo=datetime.UTC).timestamp()) for moment in moments]
    wanted = [[m.hour, m.weekday(), m.day - 1, m.timetuple().tm_yday - 1, m.month - 1] for m in moments]
    np.testing.assert_array_equal(calendar_values(times, list(CALENDAR)), wanted)


def test_what_is_a_time():
    assert all(
        map(is_time, ["2024-01", "2024-01-31", "2024-1-3", "2024-01-31 05:06", "2024-01-31T05:06:07Z"])
    )
    assert not any(map(is_time, ["2024", "3.5", "", "January", "12:30"]))


def test_a_column_of_whole_numbers_holds_no_dates():
    cells = TimeParser(1, ["1949"])
    assert cells.is_number
    assert cells.parse(["1950"]) == 1950
    with pytest.raises(ValueError):
        cells.parse(["1950-01"])
    with pytest.raises(ValueError):
        TimeParser(1, ["2024-01-01"]).parse(["2024-01-01 25:00"])
    with pytest.raises(ValueError):
        TimeParser(3, ["2024", "1", "1"]).parse(["2024", "13", "1"])
