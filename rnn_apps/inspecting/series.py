"""Inspects tables with a date column: time step, gaps, repeats, missing values, season, horizon."""

import re

from rnn_apps.data.numbers import is_number, number
from rnn_apps.data.series_columns import is_called_counter, is_counter
from rnn_apps.errors import DataError, Setting, shown
from rnn_apps.inspecting.classification import open_tables
from rnn_apps.inspecting.measures import count_of, percent
from rnn_apps.inspecting.seasons import find_season
from rnn_apps.inspecting.sentinels import warn_of_sentinels
from rnn_apps.inspecting.tables import find_named, given_column, values_of
from rnn_apps.inspecting.times import decide_time, describe_times

_ENDINGS = (".csv", ".csv.gz")
_KNOWN = re.compile(
    r"holiday|closed|weekend|promo|school|day.?off|feiertag|ferien|geschlossen", re.IGNORECASE
)
_MOST_TARGETS = 10
_WEEKDAYS = 5
_LONGEST_HORIZON = 168
_LEAST_STEPS = 30
DAY = 86_400  # seconds


def inspect_series(path, given=None):
    """Return the `Inspection` of a table with a date column, or of a folder of them.

    Args:
        path: file or folder.
        given: settings that the user has chosen, dotted path to value.

    Raises:
        DataError: no column holds dates, or none numbers, or there are too few rows.
    """
    inspection, tables = open_tables(path, "forecasting", "forecasting", given, _ENDINGS)
    table = tables["train"]._replace(rows=[row for one in tables.values() for row in one.rows])
    columns = table.columns()
    times = decide_time(inspection, table, columns)
    series = _series_column(inspection, table, columns, times)
    taken = {*times.columns, series.name if series else None}
    targets = _decide_targets(inspection, table, [c for c in columns if c.name not in taken])
    bad = sum(one.ragged for one in tables.values())
    found, step = describe_times(inspection, table, times, series, targets[0], bad)
    _describe_missing(inspection, table, targets)
    _decide_season(inspection, found, step)
    return inspection


def _series_column(inspection, table, columns, times):
    """The column that says which series a row belongs to, where times come again and again."""
    cells, given = times.cells, given_column(inspection, table, columns, "data.series")
    if given is not None:
        return given
    if len(set(cells)) > 0.7 * len(cells):
        return None
    for column in (column for column in columns if column.name not in times.columns):
        pairs = set(zip(cells, table.cells(column.name)))
        is_name = column.kind in ("text", "number") and column.distinct < len(cells) / 5
        if is_name and len(pairs) > 0.95 * len(cells):
            why = f"{column.distinct} values, each with its own times"
            inspection.decide("data.series", column.name, why)
            return column
    return None


def _decide_targets(inspection, table, columns):
    """Decide which columns are forecast and which are known; returns the former."""
    numbers = [column for column in columns if column.kind == "number" and not _counts_rows(column)]
    given = [
        find_named(table, columns, "data.targets", n) for n in inspection.given.get("data.targets") or ()
    ]
    flags = [
        c
        for c in numbers
        if {number(cell, c.mark) for cell in set(c.cells) if is_number(cell, c.mark)} <= {0, 1}
    ]
    known = [column for column in flags if _KNOWN.search(column.name)]
    others = [column for column in numbers if column not in flags]
    targets = given or others[:_MOST_TARGETS]
    if not targets:
        there = ", ".join(shown(name) for name in table.header[:12])
        raise DataError(str(table.file), "no column of numbers to forecast", fix=f"The columns are {there}.")
    left = len([column for column in others if column not in targets])
    more = f"; the other {left} are covariates" if left else ""
    inspection.decide("data.targets", [c.name for c in targets], f"the columns of numbers{more}")
    covariates = [c.name for c in numbers if c not in known and c not in targets]
    if covariates:
        inspection.decide("data.covariates", covariates, "read, but not forecast")
    if known:
        why = "0 or 1, and by their names known of the days to come; remove those that are not"
        inspection.decide("data.known", [c.name for c in known], why)
    return targets


def _counts_rows(column):
    """Whether a column only counts the rows: one without a name, or called as such."""
    return is_called_counter(column.name) and is_counter(column.cells)


def _read_as_missing(value):
    return Setting("If it stands for a missing value", f"data.missing_values=[{value:g}]")


def _describe_missing(inspection, table, targets):
    for column in targets:
        warn_of_sentinels(inspection, column.name, values_of(inspection, table, column), _read_as_missing)
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
    if period == 1 and step.kind == "weekday":
        period, why = _WEEKDAYS, "the trading days of a week"
    inspection.decide("data.period", period, why)
    period = inspection.decided("data.period")
    most = max(1, min(_LONGEST_HORIZON, shortest // 12))
    horizon = min(most, period if period > 1 else 12)
    inspection.decide(
        "data.horizon", horizon, "a season" if horizon == period else "what the data is enough for"
    )
    horizon = inspection.decided("data.horizon")
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
    if step.kind == "month":
        return ["month"] if step.size < 12 else []
    if step.kind == "weekday":
        return ["weekday"]
    if step.size >= 7 * DAY:
        return ["day_of_year"] if step.size <= 31 * DAY else []
    return ["weekday"] if step.size >= DAY else ["hour", "weekday"]
