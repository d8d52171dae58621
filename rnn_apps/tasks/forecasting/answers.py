"""Forecasts as a person reads them: records of the test part, tables of what comes next."""

import dataclasses

import numpy as np
import tensorflow as tf

from rnn_apps.data.files import csv_file
from rnn_apps.data.series_windows import origin_of, past_of
from rnn_apps.errors import DataError, shown
from rnn_apps.tasks.forecasting.reading import SeriesSet

__all__ = [
    "ANY_NUMBER",
    "Table",
    "columns_note",
    "example_table",
    "forecast_record",
    "influence",
    "plain_numbers",
    "refuse_not_finite",
    "said_skipped",
    "table_facts",
]

ANY_NUMBER = 10**9  # of bad records of an input: every answer says which were skipped

LEAST_HISTORY, MOST_HISTORY = 24, 400  # steps of the past in a record


def forecast_record(task, number, origin, quantiles, beside, scores):
    """Return what `predictions.jsonl` has of one origin.

    Args:
        task: the `ForecastingTask`.
        number: of the series.
        origin: first step that is forecast.
        quantiles: (horizon, targets, quantiles) of the network.
        beside: the same of the seasonal naive forecast.
        scores: of this origin alone.
    """
    series, step, horizon = task.set.series[number], task.step, task.recipe.data.horizon
    past = min(MOST_HISTORY, max(LEAST_HISTORY, 2 * horizon, min(task.recipe.data.period, 4 * horizon)))
    begin, middle = max(0, origin - past), quantiles.shape[-1] // 2
    targets = {}
    for index, name in enumerate(task.columns.targets):
        values = series.values[:, index]
        targets[name] = {
            "history": plain_numbers(values[begin:origin]),
            "truth": plain_numbers(values[origin : origin + horizon]),
            "forecast": plain_numbers(quantiles[:, index, middle]),
            "lower": plain_numbers(quantiles[:, index, 0]),
            "upper": plain_numbers(quantiles[:, index, -1]),
            "seasonal_naive": plain_numbers(beside[:, index, middle]),
        }
    return {
        "series": series.name,
        "origin": step.text(series.times[origin]),
        "horizon": horizon,
        "mase": _number(scores["mase"]),
        "coverage": _number(scores["coverage"]),
        "targets": targets,
    }


def example_table(task, series, origin):
    """Return a CSV file of one series as it was known at an origin: name to bytes.

    None where times are in several columns or in a format of their own.

    Args:
        task: the `ForecastingTask`.
        series: `Series`.
        origin: first step that is not known.
    """
    columns, sizes, step = task.columns, task.sizes, task.step
    if len(columns.time) > 1 or columns.time_format:
        return None
    ahead = sizes.horizon if columns.known else 0
    begin = max(0, origin - min(task.recipe.model.window, MOST_HISTORY))
    rows = []
    for place in range(begin, min(origin + ahead, len(series))):
        values = series.values[place, : len(columns.features)].copy()
        if place >= origin:
            values[: sizes.targets + sizes.covariates] = np.nan
        times = [step.text(series.times[place])] if columns.time else []
        names = [series.name] if columns.series else []
        rows.append([*times, *names, *("" if np.isnan(v) else f"{v:.7g}" for v in values)])
    header = [*columns.time, *([columns.series] if columns.series else []), *columns.features]
    return {"series.csv": csv_file(header, rows)}


def plain_numbers(values):
    """Return values as JSON has them, None where one is missing, to seven digits."""
    return [_number(value) for value in values]


def _number(value):
    return None if np.isnan(value) else float(f"{value:.7g}")


def refuse_not_finite(place, columns, given, targets):
    """Raise DataError where a forecast or a bound of it is not finite, as values too large for float32 do.

    Args:
        place: of the series.
        columns: `Columns` of the network.
        given: values that it has read, (steps, at least as many as its features).
        targets: name to lists of forecasts and bounds, as an answer has them.
    """
    values = ((name, value) for name, found in targets.items() for one in found.values() for value in one)
    wrong = next((name for name, value in values if value is None or not np.isfinite(value)), None)
    if wrong is None:
        return
    sizes = np.abs(np.nan_to_num(given[:, : len(columns.features)], posinf=np.inf, neginf=np.inf))
    step, feature = np.unravel_index(np.argmax(sizes), sizes.shape)
    received = f"values up to {sizes[step, feature]:g} (in the column {shown(columns.features[feature])})"
    expected = "values of the size of those in training"
    raise DataError(
        f"{place}  {wrong}", "the forecast is not a finite number", received=received, expected=expected
    )


def columns_note(columns, calendar):
    """Return what an export's README says of the columns of its inputs.

    Args:
        columns: `Columns` of the network.
        calendar: names of the columns that are computed from the time.
    """
    names = [*columns.features, *calendar]
    note = f"The columns of `series`, in this order: {', '.join(f'`{name}`' for name in names)}."
    if columns.known:
        note += f" Those of `known`, for the steps to come: {', '.join(f'`{n}`' for n in columns.known)}."
    also = "".join(f", or {value:g}" for value in columns.missing)
    return f"{note} A missing value is NaN (null in JSON for client.py){also}."


def said_skipped(skipped):
    """Return which records of an input were not used: reason to number as a text."""
    return "; ".join(f"{count:,} {reason}" for reason, count in skipped.items())


def _missing_in_tables(task):
    """What is done with a missing value: of targets to come all are missing."""
    return "mask" if task.columns.known else task.recipe.data.on_missing


def table_facts(task):
    """Return what a demo page must know to read a table as `Table` does.

    Args:
        task: the `ForecastingTask`.
    """
    data = task.recipe.data
    return {
        "columns": dataclasses.asdict(task.columns),
        "step": task.step._asdict(),
        "repairs": {"on_missing": _missing_in_tables(task), "on_gap": data.on_gap, "sort": data.sort},
        "calendar": list(data.calendar),
        "window": task.recipe.model.window,
        "lags": task.sizes.lags,
    }


class Table:
    """The series of one file, and what comes next.

    Args:
        task: the trained `ForecastingTask`.
        path: of a CSV file.
    """

    def __init__(self, task, path):
        self.task, self.path = task, str(path)
        data = task.recipe.data
        sample = {"source": "files", "path": self.path, "on_missing": _missing_in_tables(task)}
        data = data.model_copy(update={**sample, "max_bad_records": ANY_NUMBER})
        self.set = SeriesSet(data, 0, task.columns, task.step, needed=None)

    def answers(self):
        """Return one answer a series."""
        return [self._answer(series) for series in self.set.series]

    def given(self, series):
        """Return what the network reads of a series, a list of arrays (1, ...), and the origin."""
        task, sizes = self.task, self.task.sizes
        values, origin = series.values, len(series)
        if sizes.known:
            origin = origin_of(values[:, : sizes.targets])
        self._refuse_short(series, origin)
        given = [past_of(values, origin, task.recipe.model.window)]
        if sizes.known:
            given.append(values[origin : origin + sizes.horizon, sizes.known_columns])
        return [np.asarray(one[None], np.float32) for one in given], origin

    def _refuse_short(self, series, origin):
        sizes, where = self.task.sizes, f"{series.place}  {series.name}".rstrip()
        if origin < sizes.lags:
            received, expected = f"{origin} steps of the past", f"at least {sizes.lags}"
            raise DataError(where, received=received, expected=expected)
        ahead = len(series) - origin
        if sizes.known and ahead < sizes.horizon:
            names = ", ".join(map(shown, self.task.columns.known))
            received = f"{ahead} rows behind the last value of the targets"
            expected = f"{sizes.horizon} rows with {names} and empty targets"
            raise DataError(where, received=received, expected=expected)

    def _answer(self, series):
        task = self.task
        given, origin = self.given(series)
        quantiles = task._answer(*map(tf.constant, given)).numpy()[0]
        middle, last = quantiles.shape[-1] // 2, series.times[origin - 1]
        times = [task.step.text(task.step.later(last, ahead + 1)) for ahead in range(len(quantiles))]
        places = {"forecast": middle, "lower": 0, "upper": -1}
        targets = {
            name: {key: plain_numbers(quantiles[:, index, place]) for key, place in places.items()}
            for index, name in enumerate(task.columns.targets)
        }
        place = f"{series.place}  {series.name}".rstrip()
        refuse_not_finite(place, task.columns, series.values[:origin][-task.recipe.model.window :], targets)
        answer = {"input": self.path, "series": series.name, "times": times, "targets": targets}
        skipped = self.set.bad.skipped
        return {**answer, "skipped": said_skipped(skipped)} if skipped else answer

    @staticmethod
    def lines(answer):
        """Return an answer as a table of one line a step."""
        heads, columns = ["step" if answer["times"][0].isdigit() else "time"], [answer["times"]]
        for name, found in answer["targets"].items():
            heads += [name, "from", "to"]
            columns += [[f"{value:.6g}" for value in found[key]] for key in ("forecast", "lower", "upper")]
        widths = [max(len(head), *map(len, column)) for head, column in zip(heads, columns)]
        rows = [heads, *zip(*columns)]
        title = answer["input"] + (f"  {answer['series']}" if answer["series"] else "")
        if "skipped" in answer:
            title += f"\nSkipped in this file: {answer['skipped']}"
        return "\n".join([title, *("  ".join(c.rjust(w) for c, w in zip(row, widths)) for row in rows)])


def influence(task, path):
    """Return [time, value, influence] of the last steps of the first series of a file.

    Args:
        task: the trained `ForecastingTask`.
        path: of a CSV file.
    """
    table = Table(task, path)
    series = table.set.series[0]
    given, origin = table.given(series)
    tensors = [tf.constant(one) for one in given]
    with tf.GradientTape() as tape:
        tape.watch(tensors[0])
        outputs = task.model(tensors[0] if len(tensors) == 1 else tensors, training=False)
        mean = tf.reduce_mean(outputs[:, -1, :, 0, outputs.shape[-1] // 2])
    slopes = tape.gradient(mean, tensors[0]).numpy()[0, :, 0]
    begin = max(0, origin - len(slopes))
    rows = zip(series.times[begin:origin], series.values[begin:origin, 0], slopes[-(origin - begin) :])
    return [[task.step.text(time), _number(value), _number(slope)] for time, value, slope in rows]
