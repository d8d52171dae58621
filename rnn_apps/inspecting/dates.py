"""Times as tables have them: how they are written, and how far apart they are."""

import re
from collections import Counter
from datetime import datetime
from typing import NamedTuple

import numpy as np

__all__ = ["DAY", "Step", "find_format", "read_times", "step_between"]

DAY = 86_400  # seconds
_ISO = re.compile(r"\d{4}-\d{1,2}(-\d{1,2}([T ]\d{1,2}(:\d{2}(:\d{2}(\.\d*)?)?)?)?)?Z?")
_DAYS = (
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
)
_FORMATS = [f"{day}{clock}" for day in _DAYS for clock in ("", " %H:%M", " %H:%M:%S")]
_UNITS = ((7 * DAY, "week"), (DAY, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class Step(NamedTuple):
    """What lies between two rows.

    Args:
        seconds: of the step; 0 where it is of months.
        months: of the step; 0 where it is of seconds.
    """

    seconds: int
    months: int = 0

    def places(self, times):
        """Return the place of each time on an even grid, counted in steps: float (times,)."""
        times = np.asarray(times, "datetime64[s]")
        if self.months:
            return times.astype("datetime64[M]").astype(np.int64) / self.months
        return times.astype(np.int64) / self.seconds

    def __str__(self):
        if self.months:
            return "month" if self.months == 1 else f"{self.months} months"
        size, name = next((self.seconds // s, name) for s, name in _UNITS if self.seconds % s == 0)
        return name if size == 1 else f"{size} {name}s"


def find_format(cells):
    """Return how times are written: None for ISO 8601, a format of `strptime`, or "" where none fits.

    Where days and months could be either, it is the way by which most rows are equally far apart.
    """
    cells = [cell.strip() for cell in cells if cell.strip()]
    if all(map(_ISO.fullmatch, cells)):
        return None
    fitting = [one for one in _FORMATS if _fits(cells, one)]
    return max(fitting, key=lambda one: _evenness(cells, one), default="")


def _fits(cells, pattern):
    try:
        for cell in cells:
            datetime.strptime(cell, pattern)
    except ValueError:
        return False
    return True


def _evenness(cells, pattern):
    apart = np.diff(np.unique(read_times(cells, pattern)).astype(np.int64))
    return Counter(apart.tolist()).most_common(1)[0][1] if len(apart) else 0


def read_times(cells, pattern):
    """Return times as datetime64[s]; ValueError for a cell that is none.

    Args:
        cells: list of texts.
        pattern: as of `find_format`.
    """
    if pattern is None:
        texts = [cell.strip().removesuffix("Z").replace(" ", "T") for cell in cells]
        return np.array(texts, "datetime64[s]")
    return np.array([datetime.strptime(cell.strip(), pattern) for cell in cells], "datetime64[s]")


def step_between(series):
    """Return the `Step` that most rows are apart, or None.

    Args:
        series: list of arrays of sorted, distinct times.
    """
    apart, months = Counter(), Counter()
    for times in series:
        apart.update(np.diff(times.astype(np.int64)).tolist())
        months.update(np.diff(times.astype("datetime64[M]").astype(np.int64)).tolist())
    if not apart:
        return None
    ((usual, count),) = apart.most_common(1)
    ((size, same),) = months.most_common(1)
    is_of_months = 28 * DAY <= usual <= 366 * DAY and size > 0 and same >= count
    return Step(0, size) if is_of_months else Step(usual)
