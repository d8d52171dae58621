"""Inspects the times of series: columns, time step, gaps, duplicates and trading days."""

from typing import NamedTuple

import numpy as np

from rnn_apps.data.headers import list_columns
from rnn_apps.data.numbers import parses
from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.series import CleaningOptions, read_series
from rnn_apps.data.series_columns import Columns, find_time_of_day, joined_cells
from rnn_apps.data.time_formats import EXAMPLES, find_format, read_time
from rnn_apps.errors import DataError, Setting, shown
from rnn_apps.inspecting.measures import count_of
from rnn_apps.inspecting.tables import named_column


class Times(NamedTuple):
    """The times of a table and their format.

    Args:
        columns: Names of the columns.
        cells: Texts, one per row; several columns are joined by a space.
        format: Format of `strptime`, or None for ISO 8601.
    """

    columns: tuple
    cells: list
    format: str | None


def decide_time(inspection, table, columns):
    """Decide the columns of the time and their format; returns `Times`.

    Args:
        inspection: `Inspection`.
        table: `Table`.
        columns: Its list of `Column`.

    Raises:
        DataError: no column holds dates, or they are not in one known format.
    """
    given = inspection.overrides.get("data.time", ())
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        named_column(table, columns, "data.time", name)
    if not names:
        date = next((column for column in columns if column.kind == "date"), None)
        if date is None:
            fix = [f"The columns are {list_columns(table.header)}. Times have formats such as {EXAMPLES}."]
            fix += [Setting("For another format", "data.time=COLUMN", "data.time_format=FORMAT")]
            raise DataError(str(table.file), "no column holds dates", fix=fix)
        clock = find_time_of_day(table.header, table.rows, date.name)
        names = (date.name,) if clock is None else (date.name, clock)
    cells = joined_cells(table.header, table.rows, names)
    pattern = inspection.overrides.get("data.time_format") or find_format(cells)
    _check_readable(table, names, cells, pattern)
    if len(names) == 1:
        inspection.decide("data.time", names[0], "the column of dates")
    else:
        inspection.decide("data.time", list(names), "the columns of dates and of times of day")
    if pattern is not None:
        inspection.decide("data.time_format", pattern, f"as in {next(filter(None, cells), '')}")
    return Times(names, cells, pattern)


def _check_readable(table, names, cells, pattern):
    filled = [cell for cell in cells if cell.strip()]
    unreadable = [cell for cell in filled if not parses(read_time, cell, pattern or None)]
    if pattern == "" or unreadable:
        example = shown(next(iter(unreadable), ""))
        where, expected = f"{table.file}  {' and '.join(names)}", "dates that are all in the same format"
        column = names[0] if len(names) == 1 else f"[{','.join(names)}]"
        assignments = (f"data.time={column}", "data.time_format=FORMAT")
        fix = [f"Known formats are {EXAMPLES}.", Setting("For another one of strptime", *assignments)]
        raise DataError(where, received=example, expected=expected, fix=fix)


def describe_times(inspection, times, series_column):
    """Describe the times, and decide how to handle gaps and invalid rows.

    Args:
        inspection: `Inspection`, in which the columns are decided.
        times: `Times`.
        series_column: `Column` that names series, or None.

    Returns:
        The values of the first target of each series, float (steps,), and the `TimeStep`.

    Raises:
        DataError: no row can be used, or splits overlap in time.
    """
    chosen = (
        tuple(inspection.overrides.get(key, inspection.setting(key)) or ())
        for key in ("data.targets", "data.covariates", "data.known")
    )
    missing = tuple(inspection.overrides.get("data.missing_values", ()))
    columns = Columns(*chosen, times.columns, series_column and series_column.name, times.format, missing)
    found, invalid, is_sorted = _read_series(inspection.path, columns)
    series, step = found.series, found.step
    first = step.text(min(int(one.times[0]) for one in series))
    last = step.text(max(int(one.times[-1]) for one in series))
    text = f"{count_of(len(series), 'series', 'series')} from {first} to {last}, a row every {step}."
    value = {"step": str(step), "series": len(series), "first": first, "last": last}
    inspection.add("step", value, text)
    _decide_gaps(inspection, [np.diff(step.positions(one.times)) for one in series], step)
    if not is_sorted:
        inspection.warn("order", True, "Rows are not sorted by time.")
        inspection.decide("data.sort", True, "rows are not sorted by time")
    inspection.decide_invalid_records(invalid, sum(map(len, series)))
    if inspection.setting("data.on_gap") == "ignore":
        return [one.values[:, 0] for one in series], step
    return [_on_grid(one, step) for one in series], step


def _read_series(path, columns):
    """The `SeriesFiles` with gaps left, the `InvalidRecords`, and whether the rows are sorted by time."""
    for is_sorted in (True, False):
        invalid = InvalidRecords("skip", 10**9)
        options = CleaningOptions(invalid, on_gap="ignore", sort=not is_sorted)
        try:
            return read_series(path, columns, options), invalid, is_sorted
        except DataError as error:
            if error.key != "data.sort" or not is_sorted:
                raise


def _decide_gaps(inspection, spacings, step):
    spacing = np.concatenate(spacings)
    num_uneven = int((np.abs(spacing - np.rint(spacing)) > 1e-9).sum())
    gaps = spacing[spacing > 1.5]
    num_missing, gap_count = int(np.rint(gaps - 1).sum()), count_of(len(gaps), "gap")
    missing = f"{count_of(num_missing, 'step')} without a row"
    if num_uneven:
        text = f"{count_of(num_uneven, 'row')} unevenly spaced; usually there is a row every {step}."
        inspection.warn("uneven", num_uneven, text)
        inspection.decide("data.on_gap", "ignore", "rows are unevenly spaced: each is the next step")
    elif step.kind == "weekday":
        more = f"; {count_of(num_missing, 'weekday')} without a row, in {gap_count}" if len(gaps) else ""
        text = f"No row is on a Saturday or Sunday: a row is a trading day{more}."
        inspection.add("gaps", num_missing, text)
        inspection.decide("data.on_gap", "ignore", "a row is a trading day, the next row the next step")
    elif len(gaps):
        inspection.warn("gaps", num_missing, f"{missing}, in {gap_count}.")
        inspection.decide("data.on_gap", "fill", f"{missing}, filled with missing values")
    else:
        inspection.add("gaps", 0, "No gaps.")


def _on_grid(series, step):
    """The values of the first target with NaN for missing rows, unless most rows would be missing."""
    positions = step.positions(series.times)
    indices = np.rint(positions - positions[0]).astype(np.int64)
    values = series.values[:, 0]
    if indices[-1] > 20 * len(indices):
        return values
    grid = np.full(indices[-1] + 1, np.nan)
    grid[indices] = values
    return grid
