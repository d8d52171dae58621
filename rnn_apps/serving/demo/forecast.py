"""A table of the past to a plot of what comes next."""

from typing import NamedTuple

import numpy as np

from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.series import CleaningOptions, Columns, read_series
from rnn_apps.data.series_windows import first_unknown_step
from rnn_apps.data.time_steps import TimeStep, calendar_values
from rnn_apps.serving.demo.asking import Problem
from rnn_apps.serving.demo.marking import details, safe, table
from rnn_apps.serving.demo.page import Page, Shown
from rnn_apps.serving.demo.series_plot import series_plot
from rnn_apps.serving.demo.uploads import file_control, name_of, read_table

MOST_SERIES = 5
OUTPUTS = ("forecast", "lower", "upper")


class _Read(NamedTuple):
    """One series of a table.

    Args:
        name: of it.
        times: texts, of the past.
        ahead: texts, of the steps that come.
        past: (steps, features).
        known: (horizon, known), or None.
    """

    name: str
    times: list
    ahead: list
    past: np.ndarray
    known: np.ndarray | None


class ForecastPage(Page):
    """Takes ``series``, with ``known`` where there is any, gives ``forecast``, ``lower`` and ``upper``."""

    example = "Series"
    title, button = "The past of a series to its next steps", "Forecast"

    @classmethod
    def fits(cls, inputs, outputs):
        """Series in, with or without what is known ahead, forecasts out."""
        return "series" in inputs <= {"series", "known"} and set(OUTPUTS) <= outputs

    @property
    def lead(self):
        """With the columns, where the export says them."""
        if not self.facts.get("table_columns"):
            return "Upload a CSV file with a row a step."
        columns, step = self._columns(), self._step()
        time = f"{' and '.join(columns.time)} (a row every {step}), " if columns.time else ""
        names = ", ".join([*columns.targets, *columns.covariates, *columns.known])
        more = f" Behind the past stand {self._horizon} rows with {', '.join(columns.known)} alone."
        text = f"Upload a CSV file with a row a step and the columns {time}{names}."
        return text + (more if columns.known else "") + " Or click an example."

    def _columns(self):
        named = self.facts.get("table_columns")
        return Columns(**{k: tuple(v) if isinstance(v, list) else v for k, v in named.items()})

    def _step(self):
        return TimeStep(**self.facts.get("step"))

    @property
    def _horizon(self):
        return self.ask.outputs["serving_default"]["forecast"].shape[1]

    def control(self):
        """A place for a table."""
        return file_control("CSV file", [".csv"], self.facts.folder)

    def answer(self, path):
        """A plot and a table of every series and target."""
        if not path:
            raise Problem("There is no file yet: upload one, or click an example.")
        if not self.facts.get("table_columns"):
            raise Problem("The export does not say its columns; export the run again.")
        series = read_table(path, self.ask.limits, self._read)
        parts = [self._part(one, path) for one in series[:MOST_SERIES]]
        more = len(series) - MOST_SERIES
        note = f'<p class="quiet">and {more:,} series more, which are not shown</p>' if more > 0 else ""
        return Shown(parts[0].said, "".join(part.html for part in parts) + note)

    def _read(self, path):
        columns = self._columns()
        options = CleaningOptions(InvalidRecords("refuse", 0), **self.facts.get("cleaning_options", {}))
        found = read_series(path, columns, options, None, self._step())
        return [self._cut(one, found, columns) for one in found.series]

    def _cut(self, one, found, columns):
        values, names = one.values, self.facts.get("calendar", [])
        if names:
            values = np.concatenate([values, calendar_values(one.times, names)], axis=-1)
        origin = first_unknown_step(values[:, : len(columns.targets)]) if columns.known else len(values)
        where = f"{one.name}: " if one.name else ""
        if not origin:
            raise Problem(f"{where}the table has no value of the past.")
        if origin < self.facts.get("lags", 1):
            least = self.facts.get("lags")
            raise Problem(f"{where}{origin} rows of the past are too few; expected at least {least}.")
        begin, known, horizon = max(0, origin - self.facts.get("window")), None, self._horizon
        if columns.known:
            first = len(columns.targets) + len(columns.covariates)
            known = values[origin : origin + horizon, first : first + len(columns.known)]
            if len(known) < horizon:
                names = ", ".join(columns.known)
                expected = f"{horizon} rows with {names} and empty {', '.join(columns.targets)}"
                raise Problem(f"{where}{len(known)} rows stand behind the past; expected {expected}.")
        step, last = found.step, one.times[origin - 1]
        ahead = [step.text(step.later(last, number + 1)) for number in range(horizon)]
        times = [step.text(time) for time in one.times[begin:origin]]
        return _Read(one.name, times, ahead, values[begin:origin], known)

    def _part(self, one, path):
        given = {} if one.known is None else {"known": one.known[None]}
        found = self.ask("serving_default", series=one.past[None], **given)
        targets = self._columns().targets
        shown = [self._target(one, index, name, found) for index, name in enumerate(targets)]
        title = safe(one.name) if one.name else f"Forecast of {safe(name_of(path))}"
        return Shown(shown[0].said, f"<h3>{title}</h3>" + "".join(part.html for part in shown))

    def _target(self, one, index, name, found):
        forecast, lower, upper = (found[key][0, :, index].tolist() for key in OUTPUTS)
        past = one.past[:, index].tolist()
        said = (
            f"{name}: the forecast goes from {forecast[0]:.5g} at {one.ahead[0]} to {forecast[-1]:.5g} at "
            f"{one.ahead[-1]}; it lies between {min(lower):.5g} and {max(upper):.5g} throughout."
        )
        if np.isfinite([forecast, lower, upper]).all():
            plot = series_plot(said, past, forecast, lower, upper, one.times, one.ahead)
        else:
            said, plot = (
                f"{name}: some values of the forecast are not finite numbers, so no plot is drawn.",
                "",
            )
        rows = [
            (time, *(f"{value:.5g}" for value in values))
            for time, *values in zip(one.ahead, forecast, lower, upper)
        ]
        head = ["step" if one.ahead[0].isdigit() else "time", name, "from", "to"]
        numbers = table(f"Forecast of {name}", head, rows, (1, 2, 3))
        return Shown(said, f"{plot}<p>{safe(said)}</p>{details('The same as a table', numbers)}")
