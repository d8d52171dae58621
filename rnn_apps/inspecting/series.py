"""Inspects tables with a date column: time step, gaps, missing values, season, horizon."""

import re

import numpy as np

from rnn_apps.data.headers import list_columns
from rnn_apps.data.numbers import is_number, number
from rnn_apps.data.series import ENDINGS
from rnn_apps.errors import DataError, Setting
from rnn_apps.inspecting.classification import open_tables
from rnn_apps.inspecting.measures import count_of, percent
from rnn_apps.inspecting.tables import column_of_setting, named_column, warn_of_sentinels
from rnn_apps.inspecting.times import decide_time, describe_times

_KNOWN_NAMES = re.compile(
    r"holiday|closed|weekend|promo|school|day.?off|feiertag|ferien|geschlossen", re.IGNORECASE
)
_MAX_TARGETS = 10
_WEEKDAYS = 5
_MAX_HORIZON = 168
_MIN_STEPS = 30
DAY = 86_400  # seconds
_MIN_AUTOCORRELATION = 0.3  # of a season
_NEAR_PEAK = 0.9  # of the highest peak: the shortest such lag is the season, not a multiple of it
_MAX_LAG = 1000


def inspect_series(path, overrides=None):
    """Return the `Inspection` of a table with a date column, or of a folder of them.

    Args:
        path: File or folder.
        overrides: As for `inspect_data`.

    Raises:
        DataError: no column holds dates, none holds numbers, or there are too few rows.
    """
    inspection, tables = open_tables(path, "forecasting", "forecasting", overrides or {}, ENDINGS)
    table = tables["train"]._replace(rows=[row for one in tables.values() for row in one.rows])
    columns = table.columns()
    times = decide_time(inspection, table, columns)
    series_column = _decide_series_column(inspection, table, columns, times)
    taken = {*times.columns, series_column.name if series_column else None}
    targets = _decide_targets(inspection, table, [c for c in columns if c.name not in taken])
    series, step = describe_times(inspection, times, series_column)
    _describe_missing(inspection, table, targets)
    _decide_season(inspection, series, step)
    return inspection


def _decide_series_column(inspection, table, columns, times):
    """The column that says which series a row belongs to, if times recur."""
    column = column_of_setting(inspection, table, columns, "data.series")
    cells = times.cells
    if column is not None:
        return column
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
    """Decide which columns are forecast and which are known; returns the `Column` of each of the former."""
    numbers = [column for column in columns if column.kind == "number" and not column.is_index]
    names = inspection.overrides.get("data.targets") or ()
    given = [named_column(table, columns, "data.targets", name) for name in names]
    flags = [column for column in numbers if _is_flag(column)]
    known = [column for column in flags if _KNOWN_NAMES.search(column.name)]
    others = [column for column in numbers if column not in flags]
    targets = given or others[:_MAX_TARGETS]
    if not targets:
        fix = f"The columns are {list_columns(table.header)}."
        raise DataError(str(table.file), "no column of numbers to forecast", fix=fix)
    num_other = len([column for column in others if column not in targets])
    more = f"; the other {num_other} are covariates" if num_other else ""
    inspection.decide("data.targets", [c.name for c in targets], f"the columns of numbers{more}")
    covariates = [column.name for column in numbers if column not in known and column not in targets]
    if covariates:
        inspection.decide("data.covariates", covariates, "read, but not forecast")
    if known:
        why = "0 or 1, and named like something known in advance; remove those that are not"
        inspection.decide("data.known", [column.name for column in known], why)
    return targets


def _is_flag(column):
    cells = set(column.cells)
    return {number(cell, column.mark) for cell in cells if is_number(cell, column.mark)} <= {0, 1}


def _missing_value_fix(value):
    return Setting("If it stands for a missing value", f"data.missing_values=[{value:g}]")


def _describe_missing(inspection, table, targets):
    for column in targets:
        warn_of_sentinels(inspection, column, _missing_value_fix)
        cells = [cell.strip() for cell in table.cells(column.name)]
        missing = sum(not is_number(cell, column.mark) for cell in cells)
        if missing:
            text = f"{column.name}: {count_of(missing, 'value')} missing ({percent(missing, len(cells))})."
            inspection.warn("missing", {column.name: missing}, text)
    inspection.decide("data.on_missing", "mask", "the network is told where a value is missing")


def _decide_season(inspection, series, step):
    longest, lengths = max(series, key=len), list(map(len, series))
    size = len(longest)
    if size < _MIN_STEPS:
        expected = f"at least {_MIN_STEPS} of a series"
        raise DataError(inspection.path, received=f"{size} steps", expected=expected)
    period, strength = find_season(longest)
    text, why = "No season was found.", "no lag has an autocorrelation of 0.3"
    if period > 1:
        text = f"A season of {period} steps, autocorrelation {strength:.2f}."
        why = f"autocorrelation of {strength:.2f} at this lag"
    inspection.add("season", {"period": period, "autocorrelation": round(strength, 3)}, text)
    if period == 1 and step.kind == "weekday":
        period, why = _WEEKDAYS, "the trading days of a week"
    inspection.decide("data.period", period, why)
    period = inspection.setting("data.period")
    max_horizon = max(1, min(_MAX_HORIZON, min(lengths) // 12))
    horizon = min(max_horizon, period if period > 1 else 12)
    why = "a season" if horizon == period else "the data is large enough for this"
    inspection.decide("data.horizon", horizon, why)
    horizon = inspection.setting("data.horizon")
    calendar = _calendar(step)
    if calendar:
        inspection.decide("data.calendar", calendar, f"a row every {step}")
    window = max(2, min(336, max(3 * period, 2 * horizon, 24), min(lengths) // 3))
    why = "steps that are read before a forecast, three seasons if the data is long enough"
    inspection.decide("model.window", window, why)
    if window < 48 or size < 1000:
        inspection.decide("model.units", [32], f"a small network for {size:,} steps")
    batch_size = 32 if sum(lengths) >= 2000 else 16
    inspection.decide("training.batch_size", batch_size, f"{sum(lengths):,} steps in all series")


def _calendar(step):
    if step.kind == "number":
        return []
    if step.kind == "month":
        return ["month"] if step.size < 12 else []
    if step.kind == "weekday":
        return ["weekday"]
    if step.size >= 7 * DAY:
        return ["day_of_year"] if step.size <= 31 * DAY else []
    return ["weekday"] if step.size >= DAY else ["hour", "weekday"]


def autocorrelation(values, max_lag):
    """Return the autocorrelation of values without their linear trend, at lags from 0 to `max_lag`.

    Args:
        values: float (steps,), NaN for missing values.
        max_lag: Largest lag.
    """
    steps, is_known = np.arange(len(values)), ~np.isnan(values)
    filled = np.interp(steps, steps[is_known], values[is_known])
    residual = filled - np.polyval(np.polyfit(steps, filled, 1), steps)
    power = np.abs(np.fft.rfft(residual, 2 * len(steps))) ** 2
    sums = np.fft.irfft(power)[: max_lag + 1] / np.arange(len(steps), len(steps) - max_lag - 1, -1)
    return sums / sums[0] if sums[0] > 0 else np.zeros(max_lag + 1)


def find_season(values):
    """Return the length of a season in steps and its autocorrelation, or (1, 0.0) if there is none.

    Args:
        values: float (steps,), NaN for missing values.
    """
    max_lag = min(_MAX_LAG, len(values) // 3)
    if max_lag < 3 or np.isnan(values).mean() > 0.5:
        return 1, 0.0
    correlations = autocorrelation(values, max_lag)
    lags = np.arange(2, max_lag)
    peaks = lags[
        (correlations[lags] > correlations[lags - 1]) & (correlations[lags] >= correlations[lags + 1])
    ]
    peaks = peaks[correlations[peaks] >= _MIN_AUTOCORRELATION]
    if not len(peaks):
        return 1, 0.0
    season = peaks[correlations[peaks] >= _NEAR_PEAK * correlations[peaks].max()][0]
    return int(season), float(correlations[season])
