"""Readable forecasts of CSV files."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from rnn_apps.data.series_windows import first_unknown_step, past_window
from rnn_apps.errors import DataError, shown
from rnn_apps.tasks.forecasting.dataset import json_number, json_numbers
from rnn_apps.tasks.forecasting.reading import SeriesSet
from rnn_apps.tasks.predictor import call_network

ANY_NUMBER = 10**9  # of invalid records in an input, because every answer lists those that were skipped


OUTPUTS = ("forecast", "lower", "upper")


def forecast_answer(predictor, place, name, last, inputs, outputs):
    """Return series, times and targets of a forecast, and a note if many recent values are missing.

    Args:
        predictor: `ForecastPredictor`.
        place: location of the series, for messages.
        name: name of the series.
        last: time of the last known step.
        inputs: the most recent values that the network has read, (steps, columns), at least its lags.
        outputs: `OUTPUTS` by name, each (horizon, targets).

    Raises:
        DataError: if a forecast is not finite, which happens for values that are too large for float32.
    """
    step, columns = predictor.step, predictor.columns
    for index, target in enumerate(columns.targets):
        if not all(np.isfinite(outputs[key][:, index]).all() for key in OUTPUTS):
            sizes = np.abs(np.nan_to_num(inputs[:, : len(columns.features)], posinf=np.inf, neginf=np.inf))
            row, feature = np.unravel_index(np.argmax(sizes), sizes.shape)
            column = shown(columns.features[feature])
            raise DataError(
                f"{f'{place}  {name}'.rstrip()}  {target}",
                "the forecast is not a finite number",
                received=f"values up to {sizes[row, feature]:g} (in the column {column})",
                expected="values of the same magnitude as in training",
            )
    return {
        "series": name,
        "times": [step.text(step.later(last, ahead + 1)) for ahead in range(len(outputs["forecast"]))],
        "targets": {
            target: {key: json_numbers(outputs[key][:, index]) for key in OUTPUTS}
            for index, target in enumerate(columns.targets)
        },
        **_missing_note(predictor, inputs),
    }


def _missing_note(predictor, inputs):
    """``{"note": ...}`` about the target with the most missing recent values, if they are half or more."""
    lags, targets = predictor.sizes.lags, predictor.columns.targets
    missing = np.isnan(inputs[-lags:, : len(targets)]).sum(axis=0)
    index = int(np.argmax(missing))
    if 2 * missing[index] < lags:
        return {}
    return {"note": f"{missing[index]} of the last {lags} values of {targets[index]} are missing"}


def columns_note(columns, calendar):
    """Return the description of the input columns for the README of an export.

    Args:
        columns: `Columns` of the network.
        calendar: names of the calendar features.
    """
    names = [*columns.features, *calendar]
    note = f"The columns of `series`, in this order: {', '.join(f'`{name}`' for name in names)}."
    if columns.known:
        note += f" Those of `known`, for future steps: {', '.join(f'`{n}`' for n in columns.known)}."
    also = "".join(f", or {value:g}" for value in columns.missing)
    return f"{note} A missing value is NaN (null in JSON for client.py){also}."


def describe_skipped(skipped):
    """Return a text with the number of skipped records by reason."""
    return "; ".join(f"{count:,} {reason}" for reason, count in skipped.items())


def cleaning_options(predictor):
    """Return the options for missing values (future targets are missing), gaps and unsorted rows.

    Args:
        predictor: `ForecastPredictor`.
    """
    data = predictor.recipe.data
    missing = "mask" if predictor.columns.known else data.on_missing
    return {"on_missing": missing, "on_gap": data.on_gap, "sort": data.sort}


class Table:
    """The series of a CSV file, and their forecasts.

    Args:
        predictor: `ForecastPredictor`.
        path: path of the CSV file.
    """

    def __init__(self, predictor, path):
        self.predictor, self.path = predictor, str(path)
        if not Path(path).exists():
            expected = "a CSV file with the columns of the series"
            raise DataError(self.path[:200], "no such file", expected=expected, fix="Check the path.")
        missing = cleaning_options(predictor)["on_missing"]
        changes = {
            "source": "files",
            "path": self.path,
            "on_missing": missing,
            "max_invalid_records": ANY_NUMBER,
        }
        data = predictor.recipe.data.model_copy(update=changes)
        self.series_set = SeriesSet(data, 0, predictor.columns, predictor.step, required_split=None)

    def answers(self):
        """Return one answer per series."""
        return [self._answer(series) for series in self.series_set.series]

    def inputs(self, series):
        """Return the network's inputs for a series, a list of arrays (1, ...), and the forecast origin."""
        sizes, window = self.predictor.sizes, self.predictor.recipe.model.window
        values, origin = series.values, len(series)
        if sizes.known:
            origin = first_unknown_step(values[:, : sizes.targets])
        self._refuse_short(series, origin)
        inputs = [past_window(values, origin, window)]
        if sizes.known:
            inputs.append(values[origin : origin + sizes.horizon, sizes.known_columns])
        return [np.asarray(array[None], np.float32) for array in inputs], origin

    def _refuse_short(self, series, origin):
        sizes, where = self.predictor.sizes, f"{series.location}  {series.name}".rstrip()
        if origin < sizes.lags:
            received, expected = f"{origin} steps of the past", f"at least {sizes.lags}"
            raise DataError(where, received=received, expected=expected, fix="Add earlier rows.")
        ahead = len(series) - origin
        if sizes.known and ahead < sizes.horizon:
            names = ", ".join(map(shown, self.predictor.columns.known))
            received = f"{ahead} rows after the last value of the targets"
            expected = f"{sizes.horizon} rows with {names} and empty targets"
            raise DataError(where, received=received, expected=expected)

    def _answer(self, series):
        inputs, origin = self.inputs(series)
        outputs = self.predictor.call("serving_default", *map(tf.constant, inputs))
        outputs = {key: value.numpy()[0] for key, value in outputs.items()}
        past, last = series.values[:origin][-self.predictor.recipe.model.window :], series.times[origin - 1]
        forecast = forecast_answer(self.predictor, series.location, series.name, last, past, outputs)
        answer = {"input": self.path, **forecast}
        skipped = self.series_set.invalid.skipped
        return {**answer, "skipped": describe_skipped(skipped)} if skipped else answer

    @staticmethod
    def lines(answer):
        """Return an answer as a table with one line per step."""
        header, columns = ["step" if answer["times"][0].isdigit() else "time"], [answer["times"]]
        for name, bounds in answer["targets"].items():
            header += [name, "from", "to"]
            columns += [[f"{value:.6g}" for value in bounds[key]] for key in ("forecast", "lower", "upper")]
        widths = [max(len(name), *map(len, column)) for name, column in zip(header, columns)]
        rows = [header, *zip(*columns)]
        title = answer["input"] + (f"  {answer['series']}" if answer["series"] else "")
        if "note" in answer:
            title += f"\nNote: {answer['note']}"
        if "skipped" in answer:
            title += f"\nSkipped in this file: {answer['skipped']}"
        return "\n".join([title, *("  ".join(c.rjust(w) for c, w in zip(row, widths)) for row in rows)])


def influence(predictor, path):
    """Return [time, value, influence] of the last steps of the first series in a file.

    Args:
        predictor: `ForecastPredictor`.
        path: path of the CSV file.
    """
    table = Table(predictor, path)
    series = table.series_set.series[0]
    inputs, origin = table.inputs(series)
    tensors = [tf.constant(array) for array in inputs]
    with tf.GradientTape() as tape:
        tape.watch(tensors[0])
        outputs = call_network(predictor.model, tensors)
        mean = tf.reduce_mean(outputs[:, -1, :, 0, outputs.shape[-1] // 2])
    gradients = tape.gradient(mean, tensors[0]).numpy()[0, :, 0]
    start = max(0, origin - len(gradients))
    rows = zip(series.times[start:origin], series.values[start:origin, 0], gradients[-(origin - start) :])
    return [
        [predictor.step.text(time), json_number(value), json_number(slope)] for time, value, slope in rows
    ]
