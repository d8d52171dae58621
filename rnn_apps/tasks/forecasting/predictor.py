"""The past of a series in, its next steps out, with intervals."""

from dataclasses import asdict
from functools import cached_property

import numpy as np
import tensorflow as tf

from rnn_apps.tasks.forecasting.answers import Table, cleaning_options, columns_note, influence
from rnn_apps.tasks.forecasting.dataset import sizes_of
from rnn_apps.tasks.forecasting.module import SeriesForecaster, network_part
from rnn_apps.tasks.forecasting.streaming import ForecastStream
from rnn_apps.tasks.predictor import Predictor

README_STEPS = 48


class ForecastPredictor(Predictor):
    """Forecasts the series of CSV files."""

    kind = "forecast"

    @property
    def columns(self):
        """The `Columns` that the network was trained on."""
        return self.preprocessing.columns

    @property
    def step(self):
        """The `TimeStep` of the series."""
        return self.preprocessing.step

    @property
    def sizes(self):
        """The `SeriesSizes` of the network."""
        return sizes_of(self.recipe, self.columns)

    @property
    def _window(self):
        return self.recipe.model.window

    @cached_property
    def quantiles(self):
        """The `tf.function` from what the network takes to (batch, horizon, targets, quantiles)."""
        specs = [tf.TensorSpec([None, *one.shape[1:]], tf.float32) for one in self.model.inputs]

        def quantiles(*inputs):
            outputs = self.model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)
            return outputs[:, -1]

        return tf.function(quantiles, input_signature=specs, autograph=False)

    def make_module(self):
        """Return a `SeriesForecaster` with `serving_default` and `step`."""
        return SeriesForecaster(self.model, self.sizes, self._window, self.columns)

    def predict(self, inputs):
        """Return forecasts with intervals for every series of each CSV file of the past.

        What is known in advance is in rows after the past, whose targets are empty.
        """
        return [answer for path in inputs for answer in Table(self, path).answers()]

    def open_stream(self):
        """Return a `ForecastStream`: rows of one or many series as they come, each with what comes next."""
        return ForecastStream(self)

    def answer_line(self, answer):
        """A table of steps."""
        return Table.lines(answer)

    def explain(self, inputs):
        """Return for each file [time, value, influence] of the last steps of its first series.

        The influence is how much the mean of the first target's forecast changes with that value.
        """
        return [influence(self, path) for path in inputs]

    def network_parts(self):
        """Return the network: raw values to forecasts."""
        examples = self.preprocessing.examples
        return [network_part(self.model, self.sizes, self._window, examples, self.columns)]

    def input_note(self):
        """The columns of a series, and how a missing value is written."""
        return columns_note(self.columns, self.recipe.data.calendar)

    def facts(self):
        """What a row of the series holds, how many are read, and how a table is read."""
        calendar = list(self.recipe.data.calendar)
        return {
            "columns": [*self.columns.features, *calendar],
            "window": self._window,
            "table_columns": asdict(self.columns),
            "step": self.step._asdict(),
            "cleaning_options": cleaning_options(self),
            "calendar": calendar,
            "lags": self.sizes.lags,
        }

    def example_requests(self):
        """A few steps of train; a single step; and more steps than are read."""
        values = self.preprocessing.examples
        complete = np.where(np.isnan(values), np.nanmean(values, axis=0), values)
        part = network_part(self.model, self.sizes, self._window, complete, self.columns)
        (raw,) = self.network_parts()
        examples = [part.examples(1, min(README_STEPS, self._window), 0)]
        examples += [raw.examples(3, steps, steps) for steps in (1, self._window + 3)]
        return [("serving_default", dict(zip(raw.inputs, map(tf.constant, arrays)))) for arrays in examples]
