"""Parses times in ISO 8601, with or without an offset, and in the other formats of tables."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np

from rnn_apps.data.numbers import parses

EXAMPLES = "2024-05-31, 2024-05-31 18:00+02:00, 31.05.2024 18:00, 05/31/2024 6:00 PM or 20240531"
_ISO = re.compile(
    r"(\d{4})-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2})(?::(\d{2})(?::(\d{2})(?:[.,]\d*)?)?)?"
    r" ?(Z|UTC|[+-]\d{2}(?::?\d{2})?)?)?)?"
)
_DAYS = (
    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d",
    "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%Y%m%d", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y",
    "%b %d, %Y", "%B %d, %Y",
)  # fmt: skip
_CLOCKS = (
    "",
    *(f" {clock}{zone}" for clock in ("%H:%M", "%H:%M:%S") for zone in ("", "%z")),
    *(f" {clock} %p" for clock in ("%I:%M", "%I:%M:%S")),
    *(" %H:%M:%S %z", " %H:%M:%S.%f", " %H.%M", " %H.%M.%S", " %H"),
)
_MONTHS = ("%m/%Y", "%Y/%m", "%b %Y", "%B %Y", "%b-%Y", "%b-%y")
_FORMATS = [*(f"{day}{clock}" for day in _DAYS for clock in _CLOCKS), *_MONTHS]
_COMPACT_DAY = r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_COMPACT = {
    "%Y%m%d": re.compile(_COMPACT_DAY),
    "%Y%m%d%H%M": re.compile(rf"{_COMPACT_DAY}(?:[01]\d|2[0-3])[0-5]\d"),
    "%Y%m%d%H%M%S": re.compile(rf"{_COMPACT_DAY}(?:[01]\d|2[0-3])[0-5]\d[0-5]\d"),
}
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?|\d{1,2}\.\d{2}\.\d{2}")
_HOUR = re.compile(r"([01]?\d|2[0-3])(\.[0-5]\d)?")
_CLOCK_NAMES = ("time", "hour", "clock", "zeit", "stunde", "heure", "hora", "ora")


def read_time(text, pattern=None):
    """Return a time in seconds since 1970; one with an offset is converted to UTC.

    Args:
        text: The time.
        pattern: Format of `datetime.datetime.strptime`, or None for ISO 8601.

    Raises:
        ValueError: the text is not such a time.
    """
    text = text.strip()
    if pattern is not None:
        moment = datetime.strptime(text, pattern)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        return _seconds(moment)
    match = _ISO.fullmatch(text)
    if not match:
        raise ValueError(f"not a time: {text!r}")
    *fields, zone = match.groups()
    fields = [int(field) if field else default for field, default in zip(fields, (0, 1, 1, 0, 0, 0))]
    return _seconds(datetime(*fields) - _offset(zone))


def _offset(zone):
    if zone in (None, "Z", "UTC"):
        return timedelta(0)
    return datetime.fromisoformat(f"1970-01-01T00:00{zone}").utcoffset()


def _seconds(moment):
    return (moment - datetime(1970, 1, 1)) // timedelta(seconds=1)


def is_time(cell):
    """Return whether a cell holds a date or time in ISO 8601."""
    return bool(_ISO.fullmatch(cell.strip()))


def is_compact_date(cell):
    """Return whether a cell holds a date without separators, such as 20240531."""
    return any(regex.fullmatch(cell.strip()) for regex in _COMPACT.values())


def is_time_of_day(name, cells):
    """Return whether a column holds times of day, which complete a column of dates.

    Args:
        name: Name of the column; plain numbers count as hours only if the name says time or hour.
        cells: Its texts.
    """
    cells = [cell.strip() for cell in cells if cell.strip()]
    has_clock_name = any(word in name.casefold() for word in _CLOCK_NAMES)
    are_times = (_CLOCK.fullmatch(cell) or (has_clock_name and _HOUR.fullmatch(cell)) for cell in cells)
    return bool(cells) and all(are_times)


def find_format(cells):
    """Return the format of times: None for ISO 8601, a format of `strptime`, or "" if none fits.

    If days and months are ambiguous, the format that gives the most evenly spaced rows is chosen.

    Args:
        cells: Texts; empty ones are ignored.
    """
    cells = [cell.strip() for cell in cells if cell.strip()]
    if not cells:
        return ""
    if all(map(_ISO.fullmatch, cells)):
        return None
    for pattern, regex in _COMPACT.items():
        if all(map(regex.fullmatch, cells)):
            return pattern if _fits(cells, pattern) else ""
    if any(cell.isdigit() for cell in cells):
        return ""
    fitting = [pattern for pattern in _FORMATS if _fits(cells, pattern)]
    return max(fitting, key=lambda pattern: _evenness(cells, pattern), default="")


def _fits(cells, pattern):
    return all(parses(datetime.strptime, cell, pattern) for cell in cells)


def _evenness(cells, pattern):
    """Number of times at the most frequent distance from the previous one."""
    distances = np.diff(np.unique([read_time(cell, pattern) for cell in cells]))
    return Counter(distances.tolist()).most_common(1)[0][1] if len(distances) else 0
