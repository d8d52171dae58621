"""Forecasting page: a table of past values to a plot of the next steps."""

import io
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.series import CleaningOptions, Columns, read_series
from rnn_apps.data.series_windows import first_unknown_step
from rnn_apps.data.time_steps import TimeStep, calendar_values
from rnn_apps.serving.demo.client import PageError
from rnn_apps.serving.demo.html import data_url, render
from rnn_apps.serving.demo.page import Answer, TablePage
from rnn_apps.serving.demo.uploads import display_name, read_table

MAX_SERIES = 5
PAST_RATIO = 8  # at most as many horizons of the past are drawn
OUTPUTS = ("forecast", "lower", "upper")


class _Window(NamedTuple):
    """The window of one series that the network reads.

    Args:
        name: name of the series.
        times: times of the past steps, as text.
        ahead: times of the forecast steps, as text.
        past: (steps, features).
        known: (horizon, known), or None.
    """

    name: str
    times: list
    ahead: list
    past: np.ndarray
    known: np.ndarray | None


class ForecastPage(TablePage):
    """Forecasts the next steps of series, with covariates that are known ahead if the export has any."""

    example = "Series"
    title, button = "The next steps of a series", "Forecast"

    @classmethod
    def supports(cls, inputs, outputs):
        """Whether the export forecasts series, with or without known covariates."""
        return "series" in inputs <= {"series", "known"} and set(OUTPUTS) <= outputs

    @property
    def lead(self):
        """Instructions with the columns, if the export names them."""
        if not self.metadata.get("table_columns"):
            return "Upload a CSV file with one row per step."
        columns, step = self._columns(), self._step()
        time = f"{' and '.join(columns.time)} (one row every {step}), " if columns.time else ""
        names = ", ".join([*columns.targets, *columns.covariates, *columns.known])
        text = f"Upload a CSV file with one row per step and the columns {time}{names}."
        if columns.known:
            known = ", ".join(columns.known)
            text += f" After the past, add {self._horizon} rows with values of {known} only."
        return f"{text} Or click an example."

    def _columns(self):
        columns = self.metadata.get("table_columns")
        return Columns(**{k: tuple(v) if isinstance(v, list) else v for k, v in columns.items()})

    def _step(self):
        return TimeStep(**self.metadata.get("step"))

    @property
    def _horizon(self):
        return self.client.outputs["serving_default"]["forecast"].shape[1]

    def answer(self, path):
        """Return a plot and a table for every series and target."""
        self.require(path, "table_columns")
        windows = read_table(path, self.client.limits, self._read)
        series = [self._forecast(window, path) for window in windows[:MAX_SERIES]]
        summary = series[0]["targets"][0]["summary"]
        return Answer(summary, render("forecasts", series, len(windows) - MAX_SERIES))

    def _read(self, path):
        columns = self._columns()
        options = CleaningOptions(InvalidRecords("refuse", 0), **self.metadata.get("cleaning_options", {}))
        read = read_series(path, columns, options, None, self._step())
        return [self._window(series, read.step, columns) for series in read.series]

    def _window(self, series, step, columns):
        values, names = series.values, self.metadata.get("calendar", [])
        if names:
            values = np.concatenate([values, calendar_values(series.times, names)], axis=-1)
        origin = first_unknown_step(values[:, : len(columns.targets)]) if columns.known else len(values)
        where = f"{series.name}: " if series.name else ""
        lags, known, horizon = self.metadata.get("lags", 1), None, self._horizon
        if not origin:
            raise PageError(f"{where}the table has no past values.")
        if origin < lags:
            raise PageError(f"{where}{origin} rows of the past are too few; expected at least {lags}.")
        if columns.known:
            first = len(columns.targets) + len(columns.covariates)
            known = values[origin : origin + horizon, first : first + len(columns.known)]
            if len(known) < horizon:
                names = ", ".join(columns.known)
                expected = f"{horizon} rows with {names} and empty {', '.join(columns.targets)}"
                raise PageError(f"{where}{len(known)} rows follow the past; expected {expected}.")
        start, last = max(0, origin - self.metadata.get("window")), series.times[origin - 1]
        ahead = [step.text(step.later(last, number + 1)) for number in range(horizon)]
        times = [step.text(time) for time in series.times[start:origin]]
        return _Window(series.name, times, ahead, values[start:origin], known)

    def _forecast(self, window, path):
        known = {} if window.known is None else {"known": window.known[None]}
        outputs = self.client("serving_default", series=window.past[None], **known)
        targets = self._columns().targets
        return {
            "title": window.name or f"Forecast of {display_name(path)}",
            "time": "step" if window.ahead[0].isdigit() else "time",
            "targets": [_target(window, index, name, outputs) for index, name in enumerate(targets)],
        }


def _target(window, index, name, outputs):
    """Return name, summary, plot and table rows of the forecast of one target."""
    values = [outputs[key][0, :, index] for key in OUTPUTS]
    forecast, lower, upper = values
    if np.isfinite(values).all():
        summary = (
            f"{name}: the forecast goes from {forecast[0]:.5g} at {window.ahead[0]} to {forecast[-1]:.5g} at "
            f"{window.ahead[-1]}; the interval stays between {min(lower):.5g} and {max(upper):.5g}."
        )
        plot = _plot(window, index, *values)
    else:
        summary = f"{name}: some values of the forecast are not finite numbers, so there is no plot."
        plot = None
    rows = [(time, *(f"{value:.5g}" for value in row)) for time, *row in zip(window.ahead, *values)]
    return {"name": name, "summary": summary, "plot": plot, "rows": rows}


def _plot(window, index, forecast, lower, upper):
    """Return the past and the forecast with its interval as the data URL of an image."""
    horizon = len(forecast)
    past = window.past[-PAST_RATIO * horizon :, index]
    times = [*window.times[-len(past) :], *window.ahead]
    ahead = np.arange(len(past), len(times))
    figure = Figure(figsize=(7.6, 3.2), layout="constrained")
    axes = figure.subplots()
    points = {"marker": ".", "markersize": 3}  # which show a value between missing ones
    axes.fill_between(ahead, lower, upper, color="#cfe3f2", label="interval", linewidth=0)
    joined = np.append(past[-1:], forecast)
    axes.plot(np.arange(len(times))[-len(joined) :], joined, color="#0072b2", label="forecast", **points)
    axes.plot(past, color="#545d6e", label="past", **points)
    axes.axvline(len(past) - 0.5, color="#545d6e", linestyle=":", linewidth=1)
    names = [times[0], f"{window.ahead[0]} to\n{window.ahead[-1]}"]
    axes.set_xticks([0, len(past)], names, parse_math=False)
    axes.grid(axis="y", color="#d9dde5")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside upper left", ncols=3)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=200)
    return data_url("png", stream.getvalue())
