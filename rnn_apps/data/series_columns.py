"""Which column of a table is what: time, id, targets, and what else is known of a series."""

from dataclasses import dataclass, replace

from rnn_apps.data.numbers import is_number
from rnn_apps.data.time_steps import is_time
from rnn_apps.errors import DataError, did_you_mean, shown

__all__ = ["Columns", "find_columns"]

COLUMNS_SHOWN = 12
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
    """

    targets: tuple | None = None
    covariates: tuple = ()
    known: tuple = ()
    time: tuple | None = None
    series: str | None = None
    time_format: str | None = None

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
    names = [name.strip() for name in header]
    header[:] = names
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(place, received=f"two columns {shown(twice)}", expected="names that all differ")
    time = wanted.time
    if time is None:
        first = [row[0] for row in rows if row and row[0].strip()]
        is_date = bool(first) and all(map(is_time, first[:3])) and names[0] != wanted.series
        time = (names[0],) if is_date else ()
    taken = {*time, wanted.series, *wanted.covariates, *wanted.known}
    targets = wanted.targets
    if targets is None:
        targets = tuple(n for i, n in enumerate(names) if n not in taken and _is_of_numbers(rows, i))
    found = replace(wanted, time=tuple(time), targets=tuple(targets))
    if not targets:
        fix = "Name what is to be forecast: --set data.targets=[COLUMN]"
        raise DataError(place, "no column of numbers to forecast", received=_listed(names), fix=fix)
    for name in found.all:
        if name not in names:
            raise _no_column(place, name, names, wanted)
    return found


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
    guess = did_you_mean(name, names).partition("Allowed here")[0]
    fix = f"{guess}Name the right one: --set data.{key}=" + (
        "COLUMN" if key in ("time", "series") else "[COLUMN]"
    )
    return DataError(place, f"no column {shown(name)}; the columns are {_listed(names)}", fix=fix)
