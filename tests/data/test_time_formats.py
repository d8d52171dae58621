"""Time formats: detected from the cells, and converted to seconds, with offsets to UTC."""

import datetime

import pytest

from rnn_apps.data.time_formats import find_format, is_compact_date, is_time_of_day, read_time


@pytest.mark.parametrize(
    ("cells", "pattern"),
    [
        (["2024-01-05", "2024-01-06"], None),
        (["2024-01-05T10:00:00Z"], None),
        (["05.01.2024", "06.01.2024"], "%d.%m.%Y"),
        (["01/13/2024", "01/14/2024"], "%m/%d/%Y"),
        (["01/02/2024", "02/02/2024", "03/02/2024"], "%d/%m/%Y"),
        (["02/01/2024", "02/02/2024", "02/03/2024"], "%m/%d/%Y"),
        (["2024/01/05 10:30"], "%Y/%m/%d %H:%M"),
        (["2024-01-05 10:00:00+01:00", "2024-01-05 10:00Z"], None),
        (["1/5/2024 10:00 PM"], "%d/%m/%Y %I:%M %p"),
        (["05-Jan-2024", "06-Jan-2024"], "%d-%b-%Y"),
        (["Jan 5, 2024"], "%b %d, %Y"),
        (["01/2024", "02/2024"], "%m/%Y"),
        (["20240105", "20240106"], "%Y%m%d"),
        (["202401051030"], "%Y%m%d%H%M"),
        (["16.12.2006 00.00.00"], "%d.%m.%Y %H.%M.%S"),
        (["20240231"], ""),
        (["20240105", "12345678"], ""),
        (["2024", "2025"], ""),
        (["5th of May"], ""),
        (["", " "], ""),
    ],
)
def test_how_dates_are_written_is_found_by_the_even_steps_that_they_give(cells, pattern):
    assert find_format(cells) == pattern


@pytest.mark.parametrize(
    ("text", "pattern", "utc"),
    [
        ("2024-03-31 01:59:59", None, (2024, 3, 31, 1, 59, 59)),
        ("2024-03-31T02:00+01:00", None, (2024, 3, 31, 1)),
        ("2024-03-31 03:00:00.25+0200", None, (2024, 3, 31, 1)),
        ("2024-01-01 00:30 -05", None, (2024, 1, 1, 5, 30)),
        ("2024-1-3", None, (2024, 1, 3)),
        ("2024-02", None, (2024, 2, 1)),
        ("31.03.2024 02:00+0100", "%d.%m.%Y %H:%M%z", (2024, 3, 31, 1)),
        ("12/31/2024 12:30 AM", "%m/%d/%Y %I:%M %p", (2024, 12, 31, 0, 30)),
    ],
)
def test_a_time_is_seconds_from_1970_on_in_utc(text, pattern, utc):
    moment = datetime.datetime(*utc, tzinfo=datetime.UTC)
    assert read_time(text, pattern) == int(moment.timestamp())


@pytest.mark.parametrize("text", ["2024-13-01", "2024-01-01 25:00", "2024", "", "2024-01-01 10:00+1"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError):
        read_time(text)


def test_what_is_a_time_of_day_and_what_a_date_without_separators():
    assert is_time_of_day("x", ["10:30", "9:00:01", "9:00 pm", "00.30.00"])
    assert is_time_of_day("Hour", ["0", "23", "10.30"])
    assert not is_time_of_day("x", ["0", "23"])
    assert not is_time_of_day("Hour", ["0", "24"])
    assert is_compact_date("20241231")
    assert not any(map(is_compact_date, ["20241301", "18991231", "2024123", "2024-12-31"]))
