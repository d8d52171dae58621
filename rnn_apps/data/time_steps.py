"""Times as a series has them: read from cells, counted in steps, and what a calendar says of them."""

import datetime
import re
from collections import Counter
from typing import NamedTuple

import numpy as np

__all__ = ["CALENDAR", "Cells", "TimeStep", "calendar_values", "find_step", "is_time"]

# Name -> after how many of its units it begins anew.
CALENDAR = {"hour": 24.0, "weekday": 7.0, "day_of_month": 31.0, "day_of_year": 365.25, "month": 12.0}
DAY = 86_400  # seconds
_WHOLE = re.compile(r"-?\d+(\.0*)?")
_ISO = re.compile(r"\d{4}-\d{1,2}(-\d{1,2}([T ]\d{1,2}(:\d{2}(:\d{2}(\.\d*)?)?)?)?)?")
_UNITS = ((7 * DAY, "week"), (DAY, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class TimeStep(NamedTuple):
    """What lies between two rows of a series that follow each other.

    Args:
        kind: ``"number"``: times are whole numbers; ``"second"``: seconds from 1970 on; ``"month"``: the
            same, but steps are counted in months, whose lengths differ.
        size: numbers, seconds or months of a step.
    """

    kind: str = "number"
    size: int = 1

    def positions(self, times):
        """Return where times stand, in steps: float (steps,)."""
        return self._counted(np.asarray(times, np.int64)) / self.size

    def _counted(self, times):
        return _months(times) if self.kind == "month" else times

    def later(self, time, steps):
        """Return the time that lies so many steps after another."""
        if self.kind != "month":
            return int(time) + self.size * steps
        month = np.datetime64(int(_months(np.int64(time))) + self.size * steps, "M")
        return int(month.astype("datetime64[s]").astype(np.int64))

    def text(self, time):
        """Return a time as a person writes it."""
        if self.kind == "number":
            return str(int(time))
        unit = "M" if self.kind == "month" else "D" if self.size % DAY == 0 else "m"
        unit = "s" if self.size % 60 and self.kind == "second" else unit
        return str(np.datetime64(int(time), "s").astype(f"datetime64[{unit}]")).replace("T", " ")

    def __str__(self):
        if self.kind == "second":
            size, name = next((self.size // s, name) for s, name in _UNITS if self.size % s == 0)
        else:
            size, name = self.size, "month" if self.kind == "month" else "number"
        return name if size == 1 else f"{size} {name}s"


def _months(times):
    return times.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)


class Cells:
    """Reads the cells of one time.

    Args:
        columns: how many columns a time stands in: one, or year, month, day and so on, as far as they go.
        example: the cells of one row, which decide whether times are dates or whole numbers.
        pattern: of `datetime.datetime.strptime` for a single column; None for ISO 8601 or whole numbers.
    """

    def __init__(self, columns, example, pattern=None):
        self.pattern, self.is_number = pattern, False
        self.read = self._fields
        if columns == 1:
            self.is_number = pattern is None and bool(_WHOLE.fullmatch(example[0].strip()))
            self.read = self._number if self.is_number else self._date

    @property
    def expected(self):
        """What a cell is expected to hold, for messages."""
        if self.pattern is not None:
            return f"a time as {self.pattern}"
        return "a whole number" if self.is_number else "a time such as 2024-05-31 or 2024-05-31 18:00"

    def _fields(self, cells):
        """Seconds of a year, month, day, ...; ValueError where they are none."""
        parts = [int(float(cell)) for cell in cells]
        parts += [1] * max(0, 3 - len(parts))
        return _seconds(datetime.datetime(*parts))

    def _number(self, cells):
        if not _WHOLE.fullmatch(cells[0].strip()):
            raise ValueError
        return int(float(cells[0]))

    def _date(self, cells):
        text = cells[0].strip()
        if self.pattern is not None:
            return _seconds(datetime.datetime.strptime(text, self.pattern))
        text = text.removesuffix("Z")
        if not _ISO.fullmatch(text):
            raise ValueError
        return int(np.datetime64(text.replace(" ", "T"), "s").astype(np.int64))


def _seconds(moment):
    return int(np.datetime64(moment.replace(tzinfo=None), "s").astype(np.int64))


def is_time(cell):
    """Return whether a cell holds a date, as ISO 8601 writes it."""
    return bool(_ISO.fullmatch(cell.strip().removesuffix("Z")))


def find_step(times, is_number):
    """Return the `TimeStep` that most rows are apart.

    Args:
        times: list of int arrays, one a series, each ascending.
        is_number: whether they are whole numbers, not seconds.
    """
    apart = Counter()
    for one in times:
        apart.update(np.diff(np.asarray(one, np.int64)).tolist())
    apart = Counter({gap: count for gap, count in apart.items() if gap > 0})
    if not apart:
        return TimeStep("number" if is_number else "second", 1 if is_number else DAY)
    ((usual, _),) = apart.most_common(1)
    if is_number:
        return TimeStep("number", usual)
    if 28 * DAY <= usual <= 366 * DAY and usual % DAY == 0:
        months = Counter()
        for one in times:
            months.update(np.diff(_months(np.asarray(one, np.int64))).tolist())
        ((size, count),) = months.most_common(1)
        if size > 0 and count >= apart[usual]:  # 28, 30 and 31 days are all one month
            return TimeStep("month", size)
    return TimeStep("second", usual)


def calendar_values(times, names):
    """Return what a calendar says of times, as plain numbers from 0 on: float (steps, names).

    Args:
        times: int (steps,), seconds from 1970 on.
        names: of `CALENDAR`; Monday is weekday 0, January month 0.
    """
    moments = np.asarray(times, np.int64).astype("datetime64[s]")
    days, months = moments.astype("datetime64[D]"), moments.astype("datetime64[M]")
    found = {
        "hour": (moments - days).astype(np.int64) / 3600,
        "weekday": (days.astype(np.int64) + 3) % 7,  # the first of January 1970 was a Thursday
        "day_of_month": (days - months).astype(np.int64),
        "day_of_year": (days - moments.astype("datetime64[Y]")).astype(np.int64),
        "month": months.astype(np.int64) % 12,
    }
    return np.stack([found[name] for name in names], axis=-1).astype(np.float64)
