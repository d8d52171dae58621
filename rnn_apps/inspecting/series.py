"""Inspects tables with a date column: time step, gaps, repeats, missing values, season, horizon."""

import re
from typing import NamedTuple

import numpy as np

from rnn_apps.data.numbers import is_number, number
from rnn_apps.errors import DataError, shown
from rnn_apps.inspecting.classification import find_tables
from rnn_apps.inspecting.dates import DAY, Step, find_format, read_times, step_between
from rnn_apps.inspecting.findings import Inspection
from rnn_apps.inspecting.measures import count_of, describe_unread, percent
from rnn_apps.inspecting.seasons import find_season
from rnn_apps.inspecting.tables import describe_table, read_table

__all__ = ["inspect_series"]

_ENDINGS = (".csv", ".csv.gz")
_KNOWN = re.compile(
    r"holiday|closed|weekend|promo|school|day.?off|feiertag|ferien|geschlossen", re.IGNORECASE
)
_MOST_TARGETS = 10
_LONGEST_HORIZON = 168
_LEAST_STEPS = 30


class _Series(NamedTuple):
    """The rows of one series: sorted distinct times, and the values of its first target on their grid."""

    times: np.ndarray
    values: np.ndarray


def inspect_series(path):
    """Return the `Inspection` of a table with a date column, or of a folder of them.

    Raises:
        DataError: no column holds dates, or none numbers, or there are too few rows.
    """
    folder = path
    path, files = find_tables(path, _ENDINGS)
    inspection = Inspection("forecasting", str(path), "forecasting")
    tables = {part: read_table(file) for part, file in files.items()}
    describe_table(inspection, tables)
    describe_unread(inspection, folder, files.values())
    table = tables["train"]._replace(rows=[row for one in tables.values() for row in one.rows])
    columns = table.columns()
    time, pattern = _time_column(inspection, table, columns)
    series = _series_column(inspection, table, columns, time)
    taken = {time.name, series.name if series else None}
    targets = _decide_columns(inspection, table, [c for c in columns if c.name not in taken])
    bad = sum(one.ragged for one in tables.values())
    found, step = _describe_times(inspection, table, time, pattern, series, targets[0], bad)
    _describe_missing(inspection, table, targets)
    _decide_season(inspection, found, step)
    return inspection


def _time_column(inspection, table, columns):
    there = ", ".join(shown(name) for name in table.header[:12])
    time = next((column for column in columns if column.kind == "date"), None)
    if time is None:
        fix = f"The columns are {there}. A time is written as 2024-05-31 or 2024-05-31 18:00."
        raise DataError(str(table.file), "no column holds dates", fix=fix)
    pattern = find_format(time.cells)
    if pattern == "":
        example, expected = shown(time.cells[0]), "dates that are all written in the same way"
        raise DataError(f"{table.file}  {time.name}", received=example, expected=expected)
    inspection.decide("data.time", time.name, "the column of dates")
    if pattern is not None:
        inspection.decide("data.time_format", pattern, f"as in {time.cells[0]}")
    return time, pattern


def _series_column(inspection, table, columns, time):
    """The column that says which series a row belongs to, where times come again and again."""
    cells = table.cells(time.name)
    if len(set(cells)) > 0.7 * len(cells):
        return None
    for column in columns:
        pairs = set(zip(cells, table.cells(column.name)))
        is_name = column.kind in ("text", "number") and column.distinct < len(cells) / 5
        if is_name and len(pairs) > 0.95 * len(cells):
            why = f"{column.distinct} values, each with its own times"
            inspection.decide("data.series", column.name, why)
            return column
    return None


def _decide_columns(inspection, table, columns):
    """Decide which columns are forecast and which are known; returns the former."""
    numbers = [column for column in columns if column.kind == "number"]
    flags = [
        c
        for c in numbers
        if {number(cell, c.mark) for cell in set(c.cells) if is_number(cell, c.mark)} <= {0, 1}
    ]
    known = [column for column in flags if _KNOWN.search(column.name)]
    others = [column for column in numbers if column not in flags]
    targets = others[:_MOST_TARGETS]
    if not targets:
        there = ", ".join(shown(name) for name in table.header[:12])
        raise DataError(str(table.file), "no column of numbers to forecast", fix=f"The columns are {there}.")
    more = f"; the other {len(others) - len(targets)} are covariates" if len(others) > len(targets) else ""
    inspection.decide("data.targets", [c.name for c in targets], f"the columns of numbers{more}")
    covariates = [c.name for c in numbers if c not in known and c not in targets]
    if covariates:
        inspection.decide("data.covariates", covariates, "read, but not forecast")
    if known:
        why = "0 or 1, and by their names known of the days to come; remove those that are not"
        inspection.decide("data.known", [c.name for c in known], why)
    return targets


def _describe_times(inspection, table, time, pattern, series, target, bad):
    """Say what the times are like; returns the `_Series` and the `Step`."""
    rows = {}
    names = table.cells(series.name) if series else [""] * len(table.rows)
    values = table.cells(target.name)
    for cell, name, value in zip(table.cells(time.name), names, values):
        if not cell.strip():
            bad += 1
            continue
        rows.setdefault(name, []).append((cell, value))
    found, repeats, unsorted = [], 0, False
    for of_one in rows.values():
        times = read_times([cell for cell, _ in of_one], pattern)
        unsorted |= bool((np.diff(times) < np.timedelta64(0)).any())
        times, first = np.unique(times, return_index=True)
        repeats += len(of_one) - len(times)
        texts = [of_one[i][1] for i in first]
        numbers = [number(t, target.mark) if is_number(t, target.mark) else np.nan for t in texts]
        found.append(_Series(times, np.array(numbers)))
    step = step_between([one.times for one in found]) or Step(DAY)
    _say_times(inspection, found, step, repeats, unsorted)
    if repeats + bad:
        inspection.decide(
            "data.on_bad_record", "skip", f"{count_of(repeats, 'time')} again, {count_of(bad, 'broken row')}"
        )
        inspection.decide("data.max_bad_records", repeats + bad, "no more than now")
    return [_on_grid(one, step) for one in found], step


def _say_times(inspection, found, step, repeats, unsorted):
    ends = (pick(one.times[at] for one in found) for pick, at in ((min, 0), (max, -1)))
    first, last = (str(end).removesuffix("T00:00:00").replace("T", " ") for end in ends)
    said = f"{count_of(len(found), 'series', 'series')} from {first} to {last}, a row every {step}."
    inspection.found("step", {"step": str(step), "series": len(found), "first": first, "last": last}, said)
    if repeats:
        inspection.warn(
            "repeats", repeats, f"{count_of(repeats, 'row')} with a time that stands there already."
        )
    apart = [np.diff(step.places(one.times)) for one in found]
    uneven = sum(int((np.abs(gaps - np.rint(gaps)) > 1e-9).sum()) for gaps in apart)
    gaps = sum(int((one > 1.5).sum()) for one in apart)
    missing = sum(int(np.rint(one[one > 1.5] - 1).sum()) for one in apart)
    if uneven:
        inspection.warn("uneven", uneven, f"{count_of(uneven, 'row')} off the grid of a row every {step}.")
        inspection.decide("data.on_gap", "ignore", "rows are not evenly apart: each is the next step")
    elif gaps:
        inspection.warn(
            "gaps", missing, f"{count_of(missing, 'step')} without a row, in {count_of(gaps, 'gap')}."
        )
        inspection.decide(
            "data.on_gap", "fill", f"{count_of(missing, 'step')} without a row count as missing"
        )
    else:
        inspection.found("gaps", 0, "No gaps.")
    if unsorted:
        inspection.warn("order", True, "Rows are not in the order of time.")
        inspection.decide("data.sort", True, "rows are not in the order of time")


def _on_grid(one, step):
    places = step.places(one.times)
    places = np.rint(places - places[0]).astype(np.int64)
    if places[-1] > 20 * len(places):
        return one
    values = np.full(places[-1] + 1, np.nan)
    values[places] = one.values
    return _Series(one.times, values)


def _describe_missing(inspection, table, targets):
    for column in targets:
        cells = [cell.strip() for cell in table.cells(column.name)]
        missing = sum(not is_number(cell, column.mark) for cell in cells)
        if missing:
            said = f"{column.name}: {count_of(missing, 'value')} missing ({percent(missing, len(cells))})."
            inspection.warn("missing", {column.name: missing}, said)
    inspection.decide("data.on_missing", "mask", "the network is told where a value is missing")


def _decide_season(inspection, found, step):
    longest, shortest = max(found, key=lambda one: len(one.values)), min(len(one.values) for one in found)
    if len(longest.values) < _LEAST_STEPS:
        expected = f"at least {_LEAST_STEPS} of a series"
        raise DataError(inspection.path, received=f"{len(longest.values)} steps", expected=expected)
    period, strength = find_season(longest.values)
    said = (
        f"A season of {period} steps, autocorrelation {strength:.2f}."
        if period > 1
        else "No season was found."
    )
    inspection.found("season", {"period": period, "autocorrelation": round(strength, 3)}, said)
    why = (
        f"autocorrelation of {strength:.2f} at this lag"
        if period > 1
        else "no lag has an autocorrelation of 0.3"
    )
    inspection.decide("data.period", period, why)
    most = max(1, min(_LONGEST_HORIZON, shortest // 12))
    horizon = min(most, period if period > 1 else 12)
    inspection.decide(
        "data.horizon", horizon, "a season" if horizon == period else "what the data is enough for"
    )
    calendar = _calendar(step)
    if calendar:
        inspection.decide("data.calendar", calendar, f"a row every {step}")
    window = max(2, min(336, max(3 * period, 2 * horizon, 24), shortest // 3))
    inspection.decide(
        "model.window", window, "steps that are read before a forecast, three seasons where there are as many"
    )
    if window < 48 or len(longest.values) < 1000:
        inspection.decide("model.units", [32], f"a small network for {len(longest.values):,} steps")
    total = sum(len(one.values) for one in found)
    batch = 32 if total >= 2000 else 16
    inspection.decide("training.batch_size", batch, f"{total:,} steps in all series")


def _calendar(step):
    if step.months:
        return ["month"] if step.months < 12 else []
    if step.seconds >= 7 * DAY:
        return ["day_of_year"] if step.seconds <= 31 * DAY else []
    return ["weekday"] if step.seconds >= DAY else ["hour", "weekday"]
