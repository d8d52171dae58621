"""Times as a series has them: read from cells, counted in steps, and what a calendar says of them."""

import re
from collections import Counter
from typing import NamedTuple

import numpy as np

from rnn_apps.data.time_formats import EXAMPLES, read_time

# Name -> after how many of its units it begins anew.
CALENDAR = {"hour": 24.0, "weekday": 7.0, "day_of_month": 31.0, "day_of_year": 365.25, "month": 12.0}
DAY = 86_400  # seconds
_WHOLE = re.compile(r"-?\d+(\.0*)?")
_UNITS = ((7 * DAY, "week"), (DAY, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class TimeStep(NamedTuple):
    """What lies between two rows of a series that follow each other.

    Args:
        kind: ``"number"``: times are whole numbers; ``"second"``: seconds from 1970 on; ``"month"``: the
            same, but steps are counted in months, whose lengths differ; ``"weekday"``: the same, but steps
            are counted in days from Monday to Friday.
        size: numbers, seconds or months of a step.
    """

    kind: str = "number"
    size: int = 1

    def positions(self, times):
        """Return where times stand, in steps: float (steps,)."""
        return self._counted(np.asarray(times, np.int64)) / self.size

    def _counted(self, times):
        if self.kind == "weekday":
            days, rest = np.divmod(times, DAY)
            return np.busday_count("1970-01-01", days.astype("datetime64[D]")) + rest / DAY
        return _months(times) if self.kind == "month" else times

    def later(self, time, steps):
        """Return the time that lies so many steps after another."""
        if self.kind == "weekday":
            day = np.datetime64(int(time) // DAY, "D")
            later = np.busday_offset(day, self.size * steps, roll="backward")
            return int(later.astype(np.int64)) * DAY + int(time) % DAY
        if self.kind != "month":
            return int(time) + self.size * steps
        month = np.datetime64(int(_months(np.int64(time))) + self.size * steps, "M")
        return int(month.astype("datetime64[s]").astype(np.int64))

    def text(self, time):
        """Return a time as a person writes it."""
        if self.kind == "number":
            return str(int(time))
        unit = "M" if self.kind == "month" else "D" if self.kind == "weekday" or self.size % DAY == 0 else "m"
        unit = "s" if self.size % 60 and self.kind == "second" else unit
        return str(np.datetime64(int(time), "s").astype(f"datetime64[{unit}]")).replace("T", " ")

    def fits(self, other):
        """Return whether rows of another step are steps of this one: of the same step, or both of a day."""
        return self == other or {self, other} == {TimeStep("weekday"), TimeStep("second", DAY)}

    def __str__(self):
        if self.kind == "second":
            size, name = next((self.size // s, name) for s, name in _UNITS if self.size % s == 0)
        else:
            size, name = self.size, self.kind
        return name if size == 1 else f"{size} {name}s"


def _months(times):
    return times.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)


class Cells:
    """Reads the cells of one time.

    Args:
        columns: how many columns hold a time: one; a date and a time of day; or year, month, day and so on,
            as far as they go.
        example: the cells of one row, which decide whether times are dates or whole numbers.
        pattern: of `datetime.datetime.strptime`, for the cells with a blank between them; None for ISO 8601
            or whole numbers.
    """

    def __init__(self, columns, example, pattern=None):
        self.pattern, self.is_number = pattern, False
        whole = pattern is None and all(_WHOLE.fullmatch(cell.strip()) for cell in example)
        self.is_number = whole and columns == 1
        self.read = self._number if self.is_number else self._fields if whole else self._date

    @property
    def expected(self):
        """What a cell is expected to hold, for messages."""
        if self.pattern is not None:
            return f"a time as {self.pattern}"
        if self.read == self._fields:
            return "year, month, day, hour, minute and second, as far as they go"
        return "a whole number" if self.is_number else f"a time such as {EXAMPLES}"

    def _fields(self, cells):
        """Seconds of a year, month, day, ...; ValueError where they are none."""
        parts = [int(float(cell)) for cell in cells]
        parts += [1] * max(0, 3 - len(parts))
        return read_time("-".join(map(str, parts[:3])) + " " + ":".join(f"{p:02}" for p in parts[3:] or [0]))

    def _number(self, cells):
        if not _WHOLE.fullmatch(cells[0].strip()):
            raise ValueError
        return int(float(cells[0]))

    def _date(self, cells):
        return read_time(" ".join(cell.strip() for cell in cells), self.pattern)


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
    if usual == DAY and any(map(_are_weekdays, times)) and all(map(_have_no_weekend, times)):
        return TimeStep("weekday")
    return TimeStep("second", usual)


def _have_no_weekend(times):
    return bool(((np.asarray(times, np.int64) // DAY + 3) % 7 < 5).all())  # 1970-01-01 was a Thursday


def _are_weekdays(times):
    """Whether times cover two weekends or more."""
    return len(times) > 0 and int(np.max(times)) - int(np.min(times)) >= 11 * DAY


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
