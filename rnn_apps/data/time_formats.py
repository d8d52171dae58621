"""How times are written: ISO 8601, with an offset or not, and the other forms that tables have."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np

EXAMPLES = "2024-05-31, 2024-05-31 18:00+02:00, 31.05.2024 18:00, 05/31/2024 6:00 PM or 20240531"
_ISO = re.compile(
    r"(\d{4})-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2})(?::(\d{2})(?::(\d{2})(?:[.,]\d*)?)?)?"
    r" ?(Z|UTC|[+-]\d{2}(?::?\d{2})?)?)?)?"
)
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})?")
_DAYS = (
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%Y%m%d",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
)
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
    """Return a time as seconds from 1970 on; one with an offset is converted to UTC.

    Args:
        text: the time.
        pattern: of `datetime.datetime.strptime`; None for ISO 8601.

    Raises:
        ValueError: it is not such a time.
    """
    text = text.strip()
    if pattern is not None:
        moment = datetime.strptime(text, pattern)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        return _seconds(moment)
    found = _ISO.fullmatch(text)
    if not found:
        raise ValueError(f"not a time: {text!r}")
    *fields, zone = found.groups()
    fields = [int(field) if field else least for field, least in zip(fields, (0, 1, 1, 0, 0, 0))]
    return _seconds(datetime(*fields) - _offset(zone))


def _offset(zone):
    found = _OFFSET.fullmatch(zone or "")
    if not found:
        return timedelta(0)
    size = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return -size if found[1] == "-" else size


def _seconds(moment):
    return (moment - datetime(1970, 1, 1)) // timedelta(seconds=1)


def is_time(cell):
    """Return whether a cell holds a date, as ISO 8601 writes it."""
    return bool(_ISO.fullmatch(cell.strip()))


def is_compact_date(cell):
    """Return whether a cell holds a date without separators, such as 20240531."""
    return any(form.fullmatch(cell.strip()) for form in _COMPACT.values())


def is_time_of_day(name, cells):
    """Return whether a column holds times of day, to go with a column of dates.

    Args:
        name: of the column; one of plain numbers has to be called after a time or an hour.
        cells: its texts.
    """
    cells = [cell.strip() for cell in cells if cell.strip()]
    if not cells:
        return False
    is_called = any(word in name.casefold() for word in _CLOCK_NAMES)
    return all(_CLOCK.fullmatch(cell) or (is_called and _HOUR.fullmatch(cell)) for cell in cells)


def find_format(cells):
    """Return how times are written: None for ISO 8601, a format of `strptime`, or "" where none fits.

    Where days and months could be either, it is the way by which most rows are equally far apart.

    Args:
        cells: texts; empty ones are passed over.
    """
    cells = [cell.strip() for cell in cells if cell.strip()]
    if not cells:
        return ""
    if all(map(_ISO.fullmatch, cells)):
        return None
    for pattern, form in _COMPACT.items():
        if all(map(form.fullmatch, cells)):
            return pattern if _fits(cells, pattern) else ""
    if any(cell.isdigit() for cell in cells):
        return ""
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
    apart = np.diff(np.unique([read_time(cell, pattern) for cell in cells]))
    return Counter(apart.tolist()).most_common(1)[0][1] if len(apart) else 0
