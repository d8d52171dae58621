"""Inspects the times of series: columns, time step, gaps, duplicates and trading days."""

from typing import NamedTuple

import numpy as np

from rnn_apps.data.headers import list_columns
from rnn_apps.data.numbers import parses
from rnn_apps.data.series_columns import find_time_of_day, joined_cells
from rnn_apps.data.time_formats import EXAMPLES, find_format, read_time
from rnn_apps.data.time_steps import find_step
from rnn_apps.errors import DataError, Setting, shown
from rnn_apps.inspecting.measures import count_of
from rnn_apps.inspecting.tables import named_column, values_of


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


class _Series(NamedTuple):
    """Sorted distinct times of one series, and the values of its first target on their grid."""

    times: np.ndarray
    values: np.ndarray


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


def describe_times(inspection, table, times, series_column, target, num_invalid):
    """Describe the times, and decide how to handle gaps; returns the series and the `TimeStep`.

    Args:
        inspection: `Inspection`.
        table: `Table`.
        times: `Times`.
        series_column: `Column` that names series, or None.
        target: `Column` of the values.
        num_invalid: Number of rows that cannot be read.
    """
    rows_of = {}
    names = table.cells(series_column.name) if series_column else [""] * len(table.rows)
    for cell, name, value in zip(times.cells, names, values_of(inspection, table, target)):
        if cell.strip():
            rows_of.setdefault(name, []).append((read_time(cell, times.format), value))
        else:
            num_invalid += 1
    series, num_duplicates, is_unsorted = [], 0, False
    for rows in rows_of.values():
        seconds, values = map(np.array, zip(*rows))
        is_unsorted |= bool((np.diff(seconds) < 0).any())
        distinct, first = np.unique(seconds.astype(np.int64), return_index=True)
        num_duplicates += len(rows) - len(distinct)
        series.append(_Series(distinct, values[first].astype(float)))
    step = find_step([one.times for one in series], is_number=False)
    _describe_step(inspection, series, step, num_duplicates, is_unsorted)
    if num_duplicates + num_invalid:
        counts = {"duplicate time": num_duplicates, "invalid row": num_invalid}
        why = ", ".join(count_of(number, noun) for noun, number in counts.items() if number)
        num_used = sum(len(one.times) for one in series)
        inspection.allow_invalid_records(num_duplicates + num_invalid, num_used, why)
    if inspection.setting("data.on_gap") != "ignore":
        series = [_on_grid(one, step) for one in series]
    return series, step


def _describe_step(inspection, series, step, num_duplicates, is_unsorted):
    first = step.text(min(int(one.times[0]) for one in series))
    last = step.text(max(int(one.times[-1]) for one in series))
    text = f"{count_of(len(series), 'series', 'series')} from {first} to {last}, a row every {step}."
    value = {"step": str(step), "series": len(series), "first": first, "last": last}
    inspection.add("step", value, text)
    if num_duplicates:
        text = f"{count_of(num_duplicates, 'row')} with a duplicate time."
        inspection.warn("repeats", num_duplicates, text)
    _decide_gaps(inspection, [np.diff(step.positions(one.times)) for one in series], step)
    if is_unsorted:
        inspection.warn("order", True, "Rows are not sorted by time.")
        inspection.decide("data.sort", True, "rows are not sorted by time")


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
    """The series with NaN for missing rows, unless most rows would be missing."""
    positions = step.positions(series.times)
    indices = np.rint(positions - positions[0]).astype(np.int64)
    if indices[-1] > 20 * len(indices):
        return series
    values = np.full(indices[-1] + 1, np.nan)
    values[indices] = series.values
    return _Series(series.times, values)
