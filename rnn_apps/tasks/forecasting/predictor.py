"""Predictor of the forecasting task."""

from dataclasses import asdict
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.models.forecaster import forecast_head_of, network_of, step_inputs
from rnn_apps.models.per_step import PerStepNetwork, state_specs
from rnn_apps.tasks.forecasting.answers import OUTPUTS, Table, cleaning_options, columns_note, influence
from rnn_apps.tasks.forecasting.dataset import sizes_of
from rnn_apps.tasks.forecasting.stepwise import stepwise_forecaster
from rnn_apps.tasks.forecasting.streaming import ForecastStream
from rnn_apps.tasks.predictor import NetworkPart, Predictor, call_network, input_specs, numbered_states

README_STEPS = 48


class ForecastPredictor(Predictor):
    """Forecasts the series of CSV files."""

    kind = "forecast"
    reads_tables = True

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
        specs = list(input_specs(self.model).values())

        def quantiles(*inputs):
            return call_network(self.model, inputs)[:, -1]

        return tf.function(quantiles, input_signature=specs, autograph=False)

    @cached_property
    def _answering(self):
        """The `keras.Model` to `OUTPUTS` after the last step, each (batch, horizon, targets)."""
        inputs = [keras.Input(tensor.shape[1:], name=tensor.name) for tensor in self.model.inputs]
        last = self.model(inputs[0] if len(inputs) == 1 else inputs)[:, -1]
        middle = last.shape[-1] // 2
        return keras.Model(inputs, [last[..., index] for index in (middle, 0, -1)], name="network")

    @cached_property
    def _per_step(self):
        return PerStepNetwork(network_of(self.model))

    def functions(self):
        """Return ``serving_default``, and ``step`` with explicit states."""
        specs, sizes = list(input_specs(self._answering).values()), self.sizes
        recent = tf.TensorSpec([None, sizes.lags - 1, sizes.features], tf.float32, name="recent")
        states = state_specs(self._per_step.zero_states(1))
        return {
            "serving_default": (self._forecast, specs),
            "step": (self._step, [*specs, recent, *states]),
        }

    def initial_state(self, batch):
        """Return the initial state arguments of ``step``: `recent`, and the states."""
        recent = tf.fill([batch, self.sizes.lags - 1, self.sizes.features], np.float32(np.nan))
        return [recent, *tf.nest.flatten(self._per_step.zero_states(batch))]

    def _replace_sentinels(self, values):
        """Replace the numbers that mean a missing value in the data, (batch, steps, columns), by NaN."""
        columns = self.columns
        from_data = tf.constant([place < len(columns.features) for place in range(values.shape[-1])])
        for sentinel in columns.missing:
            values = tf.where((values == np.float32(sentinel)) & from_data, np.float32(np.nan), values)
        return values

    def _forecast(self, series, known=None):
        series, known = self._without_sentinels(series, known)
        series = tf.pad(series, [[0, 0], [self._window, 0], [0, 0]], constant_values=np.nan)
        series = series[:, -self._window :]
        inputs = [series] if known is None else [series, known]
        return dict(zip(OUTPUTS, call_network(self._answering, inputs)))

    def _without_sentinels(self, series, known):
        known = None if known is None else self._replace_sentinels(known)
        return self._replace_sentinels(series), known

    def _step(self, series, *others):
        """Forecast after further steps, from the most recent values and the states of the steps before."""
        known, others = (others[0], others[1:]) if self.sizes.known else (None, others)
        series, known = self._without_sentinels(series, known)
        whole = tf.concat([others[0], series], axis=1)
        inputs = step_inputs(self.sizes, whole, known, before=self.sizes.lags - 1)
        states = self._per_step.pack_states(others[1:])
        outputs, states = self._per_step.forward_from_state(inputs, states)
        last = forecast_head_of(self.model)([inputs[0][:, -1:], outputs[:, -1:]])[:, 0]
        middle = len(self.sizes.quantiles) // 2
        answer = {name: last[..., index] for name, index in zip(OUTPUTS, (middle, 0, -1))}
        recent = {"next_recent": whole[:, tf.shape(series)[1] :]}
        return {**answer, **recent, **numbered_states(states, "next_state")}

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
        return [self._part(self.preprocessing.examples)]

    def _part(self, values):
        """Return the network, with examples from values of train (steps, features)."""
        network, sizes = self._answering, self.sizes

        def forecast(*inputs):
            return dict(zip(OUTPUTS, call_network(network, [self._replace_sentinels(x) for x in inputs])))

        def examples(batch, steps, seed):
            rng = np.random.default_rng(seed)
            places = rng.integers(len(values), size=(batch, 1)) + np.arange(steps + sizes.horizon)
            rows = values[places % len(values)].astype(np.float32)
            return [rows[:, :steps], rows[:, steps:, sizes.known_columns]][: len(network.inputs)]

        return NetworkPart("network", forecast, input_specs(network), examples, self._window, None, network)

    def stepwise_problem(self):
        """Known covariates, of which a stream does not have the future values."""
        if not self.columns.known:
            return None
        return f"it needs future values of {', '.join(self.columns.known)}"

    def stepwise(self, dataset):
        """The recurrent network from the features of a step to the corrections of the linear forecast."""
        return stepwise_forecaster(self, dataset)

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
        part = self._part(complete)
        (raw,) = self.network_parts()
        examples = [part.examples(1, min(README_STEPS, self._window), 0)]
        examples += [raw.examples(3, steps, steps) for steps in (1, self._window + 3)]
        return [("serving_default", dict(zip(raw.inputs, map(tf.constant, arrays)))) for arrays in examples]
