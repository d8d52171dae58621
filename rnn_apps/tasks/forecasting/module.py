"""The graph from raw values to forecasts with intervals, for exports."""

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.models.forecaster import forecast_head_of, network_of, step_inputs
from rnn_apps.models.per_step import PerStepNetwork, state_specs
from rnn_apps.tasks.predictor import NetworkPart, numbered_states

OUTPUTS = ("forecast", "lower", "upper")


def answering_model(model):
    """Return the `keras.Model` from series to `OUTPUTS` after the last step, each (batch, horizon, targets).

    Args:
        model: model of `rnn_apps.models.forecaster.forecaster`.
    """
    inputs = [keras.Input(tensor.shape[1:], name=tensor.name) for tensor in model.inputs]
    last = model(inputs[0] if len(inputs) == 1 else inputs)[:, -1]
    middle = last.shape[-1] // 2
    return keras.Model(inputs, [last[..., index] for index in (middle, 0, -1)], name="network")


def _replace_sentinels(values, columns):
    """Replace the numbers that mean a missing value in the data, (batch, steps, columns), by NaN."""
    from_data = tf.constant([place < len(columns.features) for place in range(values.shape[-1])])
    for sentinel in columns.missing:
        values = tf.where((values == np.float32(sentinel)) & from_data, np.float32(np.nan), values)
    return values


class SeriesForecaster(tf.Module):
    """A forecasting network with its signatures.

    Args:
        model: model of `rnn_apps.models.forecaster.forecaster`.
        sizes: its `SeriesSizes`.
        window: number of most recent steps to read; shorter series are padded with missing values.
        columns: `Columns` of the data.
    """

    def __init__(self, model, sizes, window, columns):
        super().__init__()
        self._columns = columns
        self.model, self.network = model, answering_model(model)
        self.per_step, self.forecast_head = PerStepNetwork(network_of(model)), forecast_head_of(model)
        self._sizes, self._window = sizes, window
        specs = _input_specs(model)
        recent = tf.TensorSpec([None, sizes.lags - 1, sizes.features], tf.float32, name="recent")
        states = state_specs(self.per_step.zero_states(1))
        self.forecast = tf.function(self._forecast, input_signature=specs, autograph=False)
        self.step = tf.function(self._step, input_signature=[*specs, recent, *states], autograph=False)

    @property
    def signatures(self):
        """Functions of all signatures by name."""
        return {"serving_default": self.forecast, "step": self.step}

    def initial_state(self, batch):
        """Return the initial state arguments of ``step``: `recent`, and the states."""
        recent = tf.fill([batch, self._sizes.lags - 1, self._sizes.features], np.float32(np.nan))
        return [recent, *tf.nest.flatten(self.per_step.zero_states(batch))]

    def _forecast(self, series, known=None):
        series, known = self._without_sentinels(series, known)
        series = tf.pad(series, [[0, 0], [self._window, 0], [0, 0]], constant_values=np.nan)
        series = series[:, -self._window :]
        answer = self.network(series if known is None else [series, known], training=False)
        return dict(zip(OUTPUTS, answer))

    def _without_sentinels(self, series, known):
        known = None if known is None else _replace_sentinels(known, self._columns)
        return _replace_sentinels(series, self._columns), known

    def _step(self, series, *others):
        """Forecast after further steps, from the most recent values and the states of the steps before."""
        known, others = (others[0], others[1:]) if self._sizes.known else (None, others)
        series, known = self._without_sentinels(series, known)
        whole = tf.concat([others[0], series], axis=1)
        inputs = step_inputs(self._sizes, whole, known, before=self._sizes.lags - 1)
        states = self.per_step.pack_states(others[1:])
        outputs, states = self.per_step.forward_from_state(inputs, states)
        last = self.forecast_head([inputs[0][:, -1:], outputs[:, -1:]])[:, 0]
        middle = len(self._sizes.quantiles) // 2
        answer = {name: last[..., index] for name, index in zip(OUTPUTS, (middle, 0, -1))}
        recent = {"next_recent": whole[:, tf.shape(series)[1] :]}
        return {**answer, **recent, **numbered_states(states, "next_state")}


def network_part(model, sizes, window, values, columns):
    """Return the `NetworkPart` that forecasts.

    Args:
        model: model of `rnn_apps.models.forecaster.forecaster`.
        sizes: its `SeriesSizes`.
        window: number of steps for formats with fixed shapes.
        values: float (steps, features), raw values from which examples are taken.
        columns: `Columns` of the data.
    """
    network = answering_model(model)

    def forecast(*inputs):
        inputs = [_replace_sentinels(values, columns) for values in inputs]
        return dict(zip(OUTPUTS, network(inputs[0] if len(inputs) == 1 else inputs, training=False)))

    def examples(batch, steps, seed):
        rng = np.random.default_rng(seed)
        places = rng.integers(len(values), size=(batch, 1)) + np.arange(steps + sizes.horizon)
        rows = values[places % len(values)].astype(np.float32)
        return [rows[:, :steps], rows[:, steps:, sizes.known_columns]][: len(model.inputs)]

    inputs = {spec.name: spec for spec in _input_specs(model)}
    return NetworkPart("network", forecast, inputs, examples, window, None, network)


def _input_specs(model):
    return [tf.TensorSpec([None, *x.shape[1:]], tf.float32, name=x.name) for x in model.inputs]
