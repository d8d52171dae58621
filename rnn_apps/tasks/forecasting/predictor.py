"""Predictor of the forecasting task."""

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
        """The `tf.function` from the network's inputs to quantiles (batch, horizon, targets, quantiles)."""
        specs = [tf.TensorSpec([None, *one.shape[1:]], tf.float32) for one in self.model.inputs]

        def quantiles(*inputs):
            outputs = self.model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)
            return outputs[:, -1]

        return tf.function(quantiles, input_signature=specs, autograph=False)

    def make_module(self):
        """Return a `SeriesForecaster` with `serving_default` and `step`."""
        return SeriesForecaster(self.model, self.sizes, self._window, self.columns)

    def predict(self, inputs):
        """Return forecasts with intervals for every series of each CSV file.

        Known covariates of the future are in rows with empty targets after the past.
        """
        return [answer for path in inputs for answer in Table(self, path).answers()]

    def open_stream(self):
        """Return a `ForecastStream`, which forecasts after every row."""
        return ForecastStream(self)

    def answer_line(self, answer):
        """A table with one line per step."""
        return Table.lines(answer)

    def explain(self, inputs):
        """Return [time, value, influence] of the last steps of the first series in each file.

        The influence is the gradient of the mean forecast of the first target with respect to the value.
        """
        return [influence(self, path) for path in inputs]

    def network_parts(self):
        """Return the network, from raw values to forecasts."""
        examples = self.preprocessing.examples
        return [network_part(self.model, self.sizes, self._window, examples, self.columns)]

    def input_note(self):
        """The columns of a series, and the notation of missing values."""
        return columns_note(self.columns, self.recipe.data.calendar)

    def facts(self):
        """Columns, window, and options for reading tables."""
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
        """A few steps of train, a single step, and more steps than the window."""
        values = self.preprocessing.examples
        complete = np.where(np.isnan(values), np.nanmean(values, axis=0), values)
        part = network_part(self.model, self.sizes, self._window, complete, self.columns)
        (raw,) = self.network_parts()
        examples = [part.examples(1, min(README_STEPS, self._window), 0)]
        examples += [raw.examples(3, steps, steps) for steps in (1, self._window + 3)]
        return [("serving_default", dict(zip(raw.inputs, map(tf.constant, arrays)))) for arrays in examples]
