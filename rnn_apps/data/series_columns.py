"""Which column of a table is what: time, id, targets, and what else is known of a series."""

import logging
from dataclasses import dataclass, replace

from rnn_apps.data.headers import missing_column_fix, name_columns
from rnn_apps.data.numbers import is_number, number
from rnn_apps.data.time_formats import find_format, is_compact_date, is_time, is_time_of_day
from rnn_apps.errors import DataError, Setting, shown

_log = logging.getLogger(__name__)

COLUMNS_SHOWN = 12
_COUNTERS = frozenset(
    (
        "index",
        "id",
        "idx",
        "row",
        "rownames",
        "no",
        "no.",
        "nr",
        "nr.",
        "number",
        "#",
        "t",
        "time",
        "step",
        "n",
    )
)
_NO_VALUE = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a table.

    Args:
        targets: what is forecast; None for every column of numbers that is nothing else.
        covariates: what is known of the past alone.
        known: what is known of the time to come as well.
        time: the columns that hold the time, () for none; None looks for a date in the first column.
        series: the column that says which series a row belongs to, or None.
        time_format: of `datetime.datetime.strptime`, or None.
        missing: numbers that stand for a missing value.
    """

    targets: tuple | None = None
    covariates: tuple = ()
    known: tuple = ()
    time: tuple | None = None
    series: str | None = None
    time_format: str | None = None
    missing: tuple = ()

    @property
    def features(self):
        """The columns of numbers, in the order in which a network takes them."""
        return [*self.targets, *self.covariates, *self.known]

    @property
    def all(self):
        """Every column that is read."""
        return [*self.time, *([self.series] if self.series else []), *self.features]


def find_columns(place, header, rows, wanted):
    """Return `Columns` with every name, all of which are in a table.

    Args:
        place: of the header, for messages.
        header: names of the columns.
        rows: the first rows, lists of cells.
        wanted: `Columns` as they were asked for.

    Raises:
        DataError: a column is not there, or stands twice, or there is no column of numbers.
    """
    names = name_columns(header)
    header[:] = names
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(place, received=f"two columns {shown(twice)}", expected="names that all differ")
    time, time_format = wanted.time, wanted.time_format
    if time is None:
        time, time_format = _first_time(names, rows, wanted)
    elif time_format is None and set(time) <= set(names):
        time_format = _format_of(joined_cells(names, rows, time), len(time))
    taken = {*time, wanted.series, *wanted.covariates, *wanted.known}
    targets = wanted.targets
    if targets is None:
        targets = _numbers_to_forecast(place, names, rows, taken)
    found = replace(wanted, time=tuple(time), targets=tuple(targets), time_format=time_format)
    if not targets:
        fix = Setting("Name what is to be forecast", "data.targets=[COLUMN]")
        raise DataError(place, "no column of numbers to forecast", received=_listed(names), fix=fix)
    for name in found.all:
        if name not in names:
            raise _no_column(place, name, names, wanted)
    return found


def joined_cells(names, rows, columns):
    """Return the cells of some columns with a blank between them, one text per row.

    Args:
        names: of all columns.
        rows: lists of cells.
        columns: names of those that are wanted.
    """
    places = [names.index(column) for column in columns]
    return [" ".join(row[i].strip() for i in places) for row in rows if len(row) > max(places, default=0)]


def _first_time(names, rows, wanted):
    """The columns of the time and its format where dates come first, or after times of day; else ()."""
    taken = {wanted.series, *(wanted.targets or ()), *wanted.covariates, *wanted.known}
    date = names[0]
    if is_time_of_day("", joined_cells(names, rows, (date,))):
        date = next((n for n in names if find_format(joined_cells(names, rows, (n,))) != ""), date)
    first = [cell for cell in joined_cells(names, rows, (date,)) if cell]
    form = "" if date in taken else find_format(first)
    if form == "" and first and all(map(is_time, first[:3])) and date not in taken:
        form = None  # a date further down may be broken
    if form == "":
        return (), None
    clock = find_time_of_day(names, rows, date, taken)
    time = (date,) if clock is None else (date, clock)
    form = form if clock is None else find_format(joined_cells(names, rows, time))
    if form is not None:
        _log.info("Times in %s are read as %s", " and ".join(map(shown, time)), form)
    return time, form


def find_time_of_day(names, rows, date, taken=()):
    """Return the name of the column that makes a time of a date that comes again and again, or None.

    Args:
        names: of all columns.
        rows: lists of cells.
        date: name of the column of dates.
        taken: names of columns that hold something else.
    """
    distinct = len(set(joined_cells(names, rows, (date,))))
    for name in names:
        if name == date or name in taken or not is_time_of_day(name, joined_cells(names, rows, (name,))):
            continue
        both = joined_cells(names, rows, (date, name))
        if len(set(both)) > distinct and find_format(both) != "":
            return name
    return None


def _format_of(cells, columns):
    """The format of times in columns that were named; None for ISO 8601, whole numbers, or what has none."""
    whole = all(part.removeprefix("-").isdigit() for cell in cells for part in cell.split())
    if whole and not all(is_compact_date(cell.partition(" ")[0]) for cell in cells):
        return None
    return find_format(cells) or None


def _numbers_to_forecast(place, names, rows, taken):
    """Columns of numbers that are nothing else, without counters of rows and dates without separators."""
    targets, others = [], []
    for index, name in enumerate(names):
        if name in taken or not _is_of_numbers(rows, index):
            continue
        cells = [row[index].strip() for row in rows if index < len(row) and row[index].strip()]
        is_index = is_counter(cells) and is_called_counter(name)
        (others if is_index or all(map(is_compact_date, cells)) else targets).append(name)
    if others:
        said = " and ".join(map(shown, others))
        _log.info("%s: not forecast: %s, which counts rows or holds dates", place, said)
    return tuple(targets)


def is_called_counter(name):
    """Return whether a column is called as one that counts rows, ``Unnamed: 0`` of pandas among them."""
    name = name.strip().casefold()
    return name in _COUNTERS or name.startswith("unnamed")


def is_counter(cells):
    """Return whether cells count rows: whole numbers, each one more than that before or the first again.

    Args:
        cells: texts that are not empty, in their order.
    """
    try:
        values = [number(cell) for cell in cells]
    except ValueError:
        return False
    return len(values) > 2 and all(b - a == 1 or b == values[0] for a, b in zip(values, values[1:]))


def _is_of_numbers(rows, index):
    cells = [row[index].strip() for row in rows if index < len(row)]
    values = [cell for cell in cells if cell.lower() not in _NO_VALUE]
    good = sum(is_number(value) or is_number(value, ",") for value in values)
    return bool(values) and 2 * good > len(values)  # a bad cell or two do not make it a column of texts


def _listed(names):
    return ", ".join(map(shown, names[:COLUMNS_SHOWN])) + (" and more" if len(names) > COLUMNS_SHOWN else "")


def _no_column(place, name, names, wanted):
    key = next(
        (k for k in ("targets", "covariates", "known", "time") if name in (getattr(wanted, k) or ())),
        "series",
    )
    value = "COLUMN" if key in ("time", "series") else "[COLUMN]"
    fix = missing_column_fix(name, names, f"data.{key}={value}")
    return DataError(place, f"no column {shown(name)}; the columns are {_listed(names)}", fix=fix)
