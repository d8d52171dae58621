"""Finds the roles of the columns of a table of series: time, series id, targets and covariates."""

import logging
from dataclasses import dataclass, replace

from rnn_apps.data.headers import check_unique, list_columns, missing_column, name_columns
from rnn_apps.data.numbers import is_missing, is_number, number
from rnn_apps.data.time_formats import find_format, is_compact_date, is_time, is_time_of_day
from rnn_apps.errors import DataError, Setting, shown

_log = logging.getLogger(__name__)
_COUNTER_NAMES = (
    "index", "id", "idx", "row", "rownames", "no", "no.", "nr", "nr.", "number", "#", "t", "time",
    "step", "n",
)  # fmt: skip


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a table.

    Args:
        targets: Columns to forecast; None: every column of numbers that has no other role.
        covariates: Columns that are known only for the past.
        known: Columns that are known for the future too.
        time: Columns of the time, () for none; None: detect a date in the first column.
        series: Column of the series id, or None.
        time_format: Format of `datetime.datetime.strptime`, or None.
        missing: Numbers that mark a missing value.
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
        """Columns of numbers, in the order in which a network takes them."""
        return [*self.targets, *self.covariates, *self.known]

    @property
    def all(self):
        """All columns that are read."""
        return [*self.time, *([self.series] if self.series else []), *self.features]


def find_columns(location, header, rows, requested):
    """Return `Columns` with every name, all of which exist in a table.

    Args:
        location: Location of the header, for messages.
        header: Names of the columns; empty ones are completed in place.
        rows: First rows, lists of cells.
        requested: `Columns` of the recipe.

    Raises:
        DataError: a column is missing or duplicated, or there is no column of numbers.
    """
    header[:] = name_columns(header)
    check_unique(location, header)
    time, time_format = requested.time, requested.time_format
    if time is None:
        time, time_format = _find_time(header, rows, requested)
    elif time_format is None and set(time) <= set(header):
        time_format = _format_of(joined_cells(header, rows, time))
    targets = requested.targets
    if targets is None:
        taken = {*time, requested.series, *requested.covariates, *requested.known}
        targets = _find_targets(location, header, rows, taken)
    columns = replace(requested, time=tuple(time), targets=tuple(targets), time_format=time_format)
    if not targets:
        fix = Setting("Name what to forecast", "data.targets=[COLUMN]")
        raise DataError(location, "no column of numbers to forecast", received=list_columns(header), fix=fix)
    for name in columns.all:
        if name not in header:
            raise missing_column(location, name, header, _assignment(name, requested))
    return columns


def _assignment(name, columns):
    """The setting that names another column."""
    for key in ("targets", "covariates", "known"):
        if name in (getattr(columns, key) or ()):
            return f"data.{key}=[COLUMN]"
    return f"data.{'time' if name in (columns.time or ()) else 'series'}=COLUMN"


def joined_cells(names, rows, columns):
    """Return the cells of some columns joined by spaces, one text per row.

    Args:
        names: Names of all columns.
        rows: Lists of cells.
        columns: Names of the columns to join.
    """
    indices = [names.index(column) for column in columns]
    return [" ".join(row[i].strip() for i in indices) for row in rows if len(row) > max(indices, default=0)]


def _find_time(names, rows, requested):
    """The time columns and their format if the first column, or that after times of day, holds dates."""
    taken = {requested.series, *(requested.targets or ()), *requested.covariates, *requested.known}
    date = names[0]
    if is_time_of_day("", joined_cells(names, rows, (date,))):
        date = next((n for n in names if find_format(joined_cells(names, rows, (n,))) != ""), date)
    cells = [cell for cell in joined_cells(names, rows, (date,)) if cell]
    pattern = "" if date in taken else find_format(cells)
    if pattern == "" and cells and all(map(is_time, cells[:3])) and date not in taken:
        pattern = None  # a later date may be invalid
    if pattern == "":
        return (), None
    time = (date,)
    clock = find_time_of_day(names, rows, date, taken)
    if clock is not None:
        time = (date, clock)
        pattern = find_format(joined_cells(names, rows, time))
    if pattern is not None:
        _log.info("Times in %s are read as %s", " and ".join(map(shown, time)), pattern)
    return time, pattern


def find_time_of_day(names, rows, date, taken=()):
    """Return the column with the times of day that belong to recurring dates, or None.

    Args:
        names: Names of all columns.
        rows: Lists of cells.
        date: Name of the date column.
        taken: Names of columns with another role.
    """
    num_dates = len(set(joined_cells(names, rows, (date,))))
    for name in names:
        if name == date or name in taken or not is_time_of_day(name, joined_cells(names, rows, (name,))):
            continue
        times = joined_cells(names, rows, (date, name))
        if len(set(times)) > num_dates and find_format(times) != "":
            return name
    return None


def _format_of(cells):
    """The format of the named time columns; None for ISO 8601, integers, or an unknown format."""
    are_integers = all(word.removeprefix("-").isdigit() for cell in cells for word in cell.split())
    if are_integers and not all(is_compact_date(cell.partition(" ")[0]) for cell in cells):
        return None
    return find_format(cells) or None


def _find_targets(location, names, rows, taken):
    """Columns of numbers without another role, except row counters and dates without separators."""
    targets, ignored = [], []
    for index, name in enumerate(names):
        cells = [row[index].strip() for row in rows if index < len(row)]
        if name in taken or not _are_numbers(cells):
            continue
        cells = [cell for cell in cells if cell]
        is_index = is_counter(cells) and has_counter_name(name)
        (ignored if is_index or all(map(is_compact_date, cells)) else targets).append(name)
    if ignored:
        listed = " and ".join(map(shown, ignored))
        _log.info("%s: not forecast: %s, which counts rows or holds dates", location, listed)
    return tuple(targets)


def has_counter_name(name):
    """Return whether a column has a common name of row counters, such as ``Unnamed: 0`` of pandas."""
    name = name.strip().casefold()
    return name in _COUNTER_NAMES or name.startswith("unnamed")


def is_counter(cells):
    """Return whether cells count rows: each is the previous one plus one, or the first one again.

    Args:
        cells: Texts that are not empty, in order.
    """
    try:
        values = [number(cell) for cell in cells]
    except ValueError:
        return False
    return len(values) > 2 and all(b - a == 1 or b == values[0] for a, b in zip(values, values[1:]))


def _are_numbers(cells):
    values = [cell for cell in cells if not is_missing(cell)]
    count = sum(is_number(value) or is_number(value, ",") for value in values)
    return bool(values) and 2 * count > len(values)  # tolerates a few invalid cells
