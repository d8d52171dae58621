"""Raw values in, forecasts with intervals out, in one graph: what is exported."""

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.models.forecaster import network_of, outlook_of, seen_by_step
from rnn_apps.models.stepwise import StepReader, state_specs
from rnn_apps.tasks.predictor import NetworkPart, numbered_states

OUTPUTS = ("forecast", "lower", "upper")


def answering_model(model):
    """Return the `keras.Model` from series to `OUTPUTS` after the last step: (batch, horizon, targets) each.

    Args:
        model: of `rnn_apps.models.forecaster.forecaster`.
    """
    given = [keras.Input(one.shape[1:], name=one.name) for one in model.inputs]
    last = model(given[0] if len(given) == 1 else given)[:, -1]
    middle = last.shape[-1] // 2
    return keras.Model(given, [last[..., index] for index in (middle, 0, -1)], name="network")


def _marked(values, columns):
    """Values (batch, steps, columns) with NaN for the numbers that stand for a missing one in the data."""
    from_data = tf.constant([place < len(columns.features) for place in range(values.shape[-1])])
    for sentinel in columns.missing:
        values = tf.where((values == np.float32(sentinel)) & from_data, np.float32(np.nan), values)
    return values


class SeriesForecaster(tf.Module):
    """The network with its signatures.

    Args:
        model: of `rnn_apps.models.forecaster.forecaster`.
        sizes: its `SeriesSizes`.
        window: steps that are read; of a longer series the last, a shorter one has missing values before it.
        columns: `Columns` of the data.
    """

    def __init__(self, model, sizes, window, columns):
        super().__init__()
        self._columns = columns
        self.model, self.network = model, answering_model(model)
        self.reader, self.outlook = StepReader(network_of(model)), outlook_of(model)
        self._sizes, self._window = sizes, window
        given = [
            tf.TensorSpec([None, *given.shape[1:]], tf.float32, name=given.name) for given in model.inputs
        ]
        recent = tf.TensorSpec([None, sizes.lags - 1, sizes.features], tf.float32, name="recent")
        states = state_specs(self.reader.zero_states(1))
        self.forecast = tf.function(self._forecast, input_signature=given, autograph=False)
        self.step = tf.function(self._step, input_signature=[*given, recent, *states], autograph=False)

    @property
    def signatures(self):
        """Name to the function of every signature."""
        return {"serving_default": self.forecast, "step": self.step}

    def begin(self, batch):
        """Return what ``step`` takes besides when a series begins: `recent`, and the states."""
        recent = tf.fill([batch, self._sizes.lags - 1, self._sizes.features], np.float32(np.nan))
        return [recent, *tf.nest.flatten(self.reader.zero_states(batch))]

    def _forecast(self, series, known=None):
        series, known = self._without_sentinels(series, known)
        series = tf.pad(series, [[0, 0], [self._window, 0], [0, 0]], constant_values=np.nan)
        series = series[:, -self._window :]
        answer = self.network(series if known is None else [series, known], training=False)
        return dict(zip(OUTPUTS, answer))

    def _without_sentinels(self, series, known):
        return _marked(series, self._columns), None if known is None else _marked(known, self._columns)

    def _step(self, series, *others):
        """Read on: the steps that came, and what the steps before left; nothing of those is read again."""
        known, others = (others[0], others[1:]) if self._sizes.known else (None, others)
        series, known = self._without_sentinels(series, known)
        whole = tf.concat([others[0], series], axis=1)
        given = seen_by_step(self._sizes, whole, known, before=self._sizes.lags - 1)
        outputs, states = self.reader.read_on(given, self.reader.packed(others[1:]))
        last = self.outlook([given[0][:, -1:], outputs[:, -1:]])[:, 0]
        middle = len(self._sizes.quantiles) // 2
        answer = {name: last[..., index] for name, index in zip(OUTPUTS, (middle, 0, -1))}
        recent = {"next_recent": whole[:, tf.shape(series)[1] :]}
        return {**answer, **recent, **numbered_states(states, "next_state")}


def network_part(model, sizes, window, values, columns):
    """Return the `NetworkPart` that forecasts.

    Args:
        model: of `rnn_apps.models.forecaster.forecaster`.
        sizes: its `SeriesSizes`.
        window: steps, for a format whose sides are fixed.
        values: float (steps, features), raw values that examples are made from.
        columns: `Columns` of the data.
    """
    network = answering_model(model)

    def forecast(*given):
        given = [_marked(one, columns) for one in given]
        return dict(zip(OUTPUTS, network(given[0] if len(given) == 1 else list(given), training=False)))

    def examples(batch, steps, seed):
        rng = np.random.default_rng(seed)
        places = rng.integers(len(values), size=(batch, 1)) + np.arange(steps + sizes.horizon)
        rows = values[places % len(values)].astype(np.float32)
        return [rows[:, :steps], rows[:, steps:, sizes.known_columns]][: len(model.inputs)]

    inputs = {
        given.name: tf.TensorSpec([None, *given.shape[1:]], tf.float32, name=given.name)
        for given in model.inputs
    }
    return NetworkPart("network", forecast, inputs, examples, window, None, network)
