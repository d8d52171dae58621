"""The times of series: which columns hold them, how far apart they are, gaps, repeats and trading days."""

from typing import NamedTuple

import numpy as np

from rnn_apps.data.series_columns import find_time_of_day, joined_cells
from rnn_apps.data.time_formats import EXAMPLES, find_format, read_time
from rnn_apps.data.time_steps import find_step
from rnn_apps.errors import DataError, Setting, shown
from rnn_apps.inspecting.measures import allow_bad_records, count_of
from rnn_apps.inspecting.tables import values_of


class Times(NamedTuple):
    """Where the times of a table are, and how they are written.

    Args:
        columns: names of the columns.
        cells: texts, one per row; several columns have a blank between them.
        format: of `strptime`, None for ISO 8601.
    """

    columns: tuple
    cells: list
    format: str | None


class _Series(NamedTuple):
    """The rows of one series: sorted distinct times, and the values of its first target on their grid."""

    times: np.ndarray
    values: np.ndarray


def decide_time(inspection, table, columns):
    """Decide which columns hold the time and how it is written; returns `Times`.

    Args:
        inspection: `Inspection`.
        table: `Table`.
        columns: its `Column` list.

    Raises:
        DataError: no column holds dates, or they are not written in one known way.
    """
    names = _given_names(inspection, table)
    if names is None:
        date = next((column for column in columns if column.kind == "date"), None)
        if date is None:
            assignments = ("data.time=COLUMN", "data.time_format=FORMAT")
            fix = [f"The columns are {_listed(table.header)}. Times are written as {EXAMPLES}."]
            fix += [Setting("For another way", *assignments)]
            raise DataError(str(table.file), "no column holds dates", fix=fix)
        clock = find_time_of_day(table.header, table.rows, date.name)
        names = (date.name,) if clock is None else (date.name, clock)
    cells = joined_cells(table.header, table.rows, names)
    form = inspection.given.get("data.time_format") or find_format(cells)
    _refuse_unreadable(table, names, cells, form)
    why = "the column of dates" if len(names) == 1 else "the columns of dates and of times of day"
    inspection.decide("data.time", names[0] if len(names) == 1 else list(names), why)
    if form is not None:
        inspection.decide("data.time_format", form, f"as in {next(filter(None, cells), '')}")
    return Times(names, cells, form)


def _given_names(inspection, table):
    given = inspection.given.get("data.time")
    if given is None:
        return None
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        if name not in table.header:
            fix = f"The columns are {_listed(table.header)}."
            raise DataError(str(table.file), f"no column {shown(name)}, which data.time names", fix=fix)
    return names


def _refuse_unreadable(table, names, cells, form):
    try:
        if form == "":
            raise ValueError
        for cell in cells:
            if cell.strip():
                read_time(cell, form)
    except ValueError:
        example = next((cell for cell in cells if cell.strip() and not _is_read(cell, form)), "")
        where, expected = f"{table.file}  {' and '.join(names)}", "dates that are all written in the same way"
        column = names[0] if len(names) == 1 else f"[{','.join(names)}]"
        assignments = (f"data.time={column}", "data.time_format=FORMAT")
        fix = [f"Read are {EXAMPLES}.", Setting("For another way, as of strptime", *assignments)]
        raise DataError(where, received=shown(example), expected=expected, fix=fix) from None


def _is_read(cell, form):
    try:
        read_time(cell, form or None)
    except ValueError:
        return False
    return True


def _listed(names):
    return ", ".join(map(shown, names[:12])) + (" and more" if len(names) > 12 else "")


def describe_times(inspection, table, times, series, target, bad):
    """Say what the times are like, and decide what is done with gaps; returns the series and the `TimeStep`.

    Args:
        inspection: `Inspection`.
        table: `Table`.
        times: `Times`.
        series: `Column` that names series, or None.
        target: `Column` of the values.
        bad: rows that cannot be read.
    """
    rows = {}
    names = table.cells(series.name) if series else [""] * len(table.rows)
    for cell, name, value in zip(times.cells, names, values_of(inspection, table, target)):
        if not cell.strip():
            bad += 1
            continue
        rows.setdefault(name, []).append((read_time(cell, times.format), value))
    found, repeats, unsorted = [], 0, False
    for of_one in rows.values():
        seconds, values = (np.array(one) for one in zip(*of_one))
        unsorted |= bool((np.diff(seconds) < 0).any())
        distinct, first = np.unique(seconds.astype(np.int64), return_index=True)
        repeats += len(of_one) - len(distinct)
        found.append(_Series(distinct, values[first].astype(float)))
    step = find_step([one.times for one in found], is_number=False)
    _say_times(inspection, found, step, repeats, unsorted)
    if repeats + bad:
        why = f"{count_of(repeats, 'time')} again, {count_of(bad, 'broken row')}"
        allow_bad_records(inspection, repeats + bad, sum(len(one.times) for one in found), why)
    if inspection.decided("data.on_gap") == "ignore":
        return found, step
    return [_on_grid(one, step) for one in found], step


def _say_times(inspection, found, step, repeats, unsorted):
    first, last = (step.text(pick(int(one.times[at]) for one in found)) for pick, at in ((min, 0), (max, -1)))
    said = f"{count_of(len(found), 'series', 'series')} from {first} to {last}, a row every {step}."
    inspection.found("step", {"step": str(step), "series": len(found), "first": first, "last": last}, said)
    if repeats:
        inspection.warn(
            "repeats", repeats, f"{count_of(repeats, 'row')} with a time that stands there already."
        )
    _decide_gaps(inspection, [np.diff(step.positions(one.times)) for one in found], step)
    if unsorted:
        inspection.warn("order", True, "Rows are not in the order of time.")
        inspection.decide("data.sort", True, "rows are not in the order of time")


def _decide_gaps(inspection, apart, step):
    uneven = sum(int((np.abs(gaps - np.rint(gaps)) > 1e-9).sum()) for gaps in apart)
    gaps = sum(int((one > 1.5).sum()) for one in apart)
    missing = sum(int(np.rint(one[one > 1.5] - 1).sum()) for one in apart)
    without = f"{count_of(missing, 'step')} without a row"
    if uneven:
        inspection.warn("uneven", uneven, f"{count_of(uneven, 'row')} off the grid of a row every {step}.")
        inspection.decide("data.on_gap", "ignore", "rows are not evenly apart: each is the next step")
    elif step.kind == "weekday":
        more = f"; {count_of(missing, 'weekday')} without a row, in {count_of(gaps, 'gap')}" if gaps else ""
        said = f"No row is of a Saturday or Sunday: a row is a trading day{more}."
        inspection.found("gaps", missing, said)
        inspection.decide("data.on_gap", "ignore", "a row is a trading day, the next row the next step")
    elif gaps:
        inspection.warn("gaps", missing, f"{without}, in {count_of(gaps, 'gap')}.")
        inspection.decide("data.on_gap", "fill", f"{without} count as missing")
    else:
        inspection.found("gaps", 0, "No gaps.")


def _on_grid(one, step):
    places = step.positions(one.times)
    places = np.rint(places - places[0]).astype(np.int64)
    if places[-1] > 20 * len(places):
        return one
    values = np.full(places[-1] + 1, np.nan)
    values[places] = one.values
    return _Series(one.times, values)
