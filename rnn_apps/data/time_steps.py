"""The times of a series: parsing, conversion to steps, and calendar features."""

import re
from collections import Counter
from typing import NamedTuple

import numpy as np

from rnn_apps.data.time_formats import EXAMPLES, read_time

# Calendar feature -> its period in its own unit.
CALENDAR = {"hour": 24.0, "weekday": 7.0, "day_of_month": 31.0, "day_of_year": 365.25, "month": 12.0}
DAY = 86_400  # seconds
_INTEGER = re.compile(r"-?\d+(\.0*)?")
_UNITS = ((7 * DAY, "week"), (DAY, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class TimeStep(NamedTuple):
    """The time between two consecutive rows of a series.

    Args:
        kind: ``"number"``: times are integers; ``"second"``: seconds since 1970; ``"month"``: seconds since
            1970, but steps are months, whose lengths differ; ``"weekday"``: seconds since 1970, but steps
            are days from Monday to Friday.
        size: Numbers, seconds or months per step.
    """

    kind: str = "number"
    size: int = 1

    def positions(self, times):
        """Return times in units of the step: float (steps,)."""
        times = np.asarray(times, np.int64)
        if self.kind == "weekday":
            days, rest = np.divmod(times, DAY)
            times = np.busday_count("1970-01-01", days.astype("datetime64[D]")) + rest / DAY
        elif self.kind == "month":
            times = _months(times)
        return times / self.size

    def later(self, time, steps):
        """Return the time that is `steps` steps after another."""
        if self.kind == "weekday":
            day = np.datetime64(int(time) // DAY, "D")
            later = np.busday_offset(day, self.size * steps, roll="backward")
            return int(later.astype(np.int64)) * DAY + int(time) % DAY
        if self.kind != "month":
            return int(time) + self.size * steps
        month = np.datetime64(int(_months(np.int64(time))) + self.size * steps, "M")
        return int(month.astype("datetime64[s]").astype(np.int64))

    def text(self, time):
        """Return a time as readable text."""
        if self.kind == "number":
            return str(int(time))
        unit = "M" if self.kind == "month" else "D" if self.kind == "weekday" or self.size % DAY == 0 else "m"
        unit = "s" if self.size % 60 and self.kind == "second" else unit
        return str(np.datetime64(int(time), "s").astype(f"datetime64[{unit}]")).replace("T", " ")

    def fits(self, other):
        """Return whether rows at another step fit this one: both are equal, or both are daily."""
        return self == other or {self, other} == {TimeStep("weekday"), TimeStep("second", DAY)}

    def __str__(self):
        if self.kind == "second":
            size, name = next((self.size // s, name) for s, name in _UNITS if self.size % s == 0)
        else:
            size, name = self.size, self.kind
        return name if size == 1 else f"{size} {name}s"


def _months(times):
    return times.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)


class TimeParser:
    """Parses the cells of one time.

    Args:
        num_columns: Number of columns that hold a time: one; a date and a time of day; or year, month, day
            and optionally hour, minute and second.
        example: Cells of one row, which decide whether times are dates or integers.
        pattern: Format of `datetime.datetime.strptime` for the cells joined by spaces, or None for ISO 8601
            or integers.

    Attributes:
        is_number: Whether times are integers.
        parse: Function from cells to a time; raises ValueError.
    """

    def __init__(self, num_columns, example, pattern=None):
        self.pattern = pattern
        are_integers = pattern is None and all(_INTEGER.fullmatch(cell.strip()) for cell in example)
        self.is_number = are_integers and num_columns == 1
        self.parse = self._number if self.is_number else self._fields if are_integers else self._date

    @property
    def expected(self):
        """What a cell should hold, for messages."""
        if self.pattern is not None:
            return f"a time as {self.pattern}"
        if self.parse == self._fields:
            return "year, month, day and optionally hour, minute and second"
        return "a whole number" if self.is_number else f"a time such as {EXAMPLES}"

    def _fields(self, cells):
        numbers = [int(float(cell)) for cell in cells]
        numbers += [1] * max(0, 3 - len(numbers))
        date, clock = numbers[:3], numbers[3:] or [0]
        return read_time("-".join(map(str, date)) + " " + ":".join(f"{number:02}" for number in clock))

    def _number(self, cells):
        if not _INTEGER.fullmatch(cells[0].strip()):
            raise ValueError
        return int(float(cells[0]))

    def _date(self, cells):
        return read_time(" ".join(cell.strip() for cell in cells), self.pattern)


def find_step(times, is_number):
    """Return the most frequent `TimeStep` between rows.

    Args:
        times: List of int arrays, one per series, each ascending.
        is_number: Whether they are integers, not seconds.
    """
    times = [np.asarray(one, np.int64) for one in times]
    distances = _count_distances(times)
    if not distances:
        return TimeStep("number" if is_number else "second", 1 if is_number else DAY)
    ((distance, _),) = distances.most_common(1)
    if is_number:
        return TimeStep("number", distance)
    if 28 * DAY <= distance <= 366 * DAY and distance % DAY == 0:
        months = _count_distances(map(_months, times)).most_common(1)
        if months and months[0][1] >= distances[distance]:  # 28, 30 and 31 days are all one month
            return TimeStep("month", months[0][0])
    if distance == DAY and any(map(_covers_weekends, times)) and all(map(_has_no_weekend, times)):
        return TimeStep("weekday")
    return TimeStep("second", distance)


def _count_distances(times):
    """Counter of the positive distances between consecutive times."""
    counts = Counter()
    for one in times:
        counts.update(np.diff(one).tolist())
    return Counter({distance: count for distance, count in counts.items() if distance > 0})


def _has_no_weekend(times):
    return bool((_weekdays(times // DAY) < 5).all())


def _covers_weekends(times):
    """Whether times span two weekends or more."""
    return len(times) > 0 and int(np.max(times)) - int(np.min(times)) >= 11 * DAY


def _weekdays(days):
    return (days + 3) % 7  # 1970-01-01 was a Thursday


def calendar_values(times, names):
    """Return calendar features of times, as numbers from 0: float (steps, names).

    Args:
        times: int (steps,), seconds since 1970.
        names: Keys of `CALENDAR`; Monday is weekday 0, January is month 0.
    """
    seconds = np.asarray(times, np.int64).astype("datetime64[s]")
    days, months = seconds.astype("datetime64[D]"), seconds.astype("datetime64[M]")
    values = {
        "hour": (seconds - days).astype(np.int64) / 3600,
        "weekday": _weekdays(days.astype(np.int64)),
        "day_of_month": (days - months).astype(np.int64),
        "day_of_year": (days - seconds.astype("datetime64[Y]")).astype(np.int64),
        "month": months.astype(np.int64) % 12,
    }
    return np.stack([values[name] for name in names], axis=-1).astype(np.float64)
