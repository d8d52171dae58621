"""A trained network as it leaves: raw values in, forecasts with intervals out."""

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.data.series_windows import past_of
from rnn_apps.errors import RnnAppsError
from rnn_apps.models.forecaster import network_of, outlook_of, seen_by_step
from rnn_apps.models.stepwise import StepReader, state_specs
from rnn_apps.tasks.task import Part

__all__ = ["SeriesForecaster", "answering_model", "check_forecasts", "network_part"]

EXPORT_TOLERANCE = 1e-4  # relative beside values larger than 1

OUTPUTS = ("forecast", "lower", "upper")


def answering_model(model):
    """Return the `keras.Model` from series to `OUTPUTS` behind the last step: (batch, horizon, targets) each.

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
        after = {f"next_state_{i}": state for i, state in enumerate(tf.nest.flatten(states))}
        return {**answer, "next_recent": whole[:, tf.shape(series)[1] :], **after}


def check_forecasts(loaded, answer, part, window):
    """Raise RnnAppsError if a loaded SavedModel forecasts otherwise than the network.

    Held against each other are forecasts of a series of one step, and of one longer than the window.

    Args:
        loaded: SavedModel.
        answer: from arrays, as the network reads them, to quantiles (batch, horizon, targets, quantiles).
        part: `Part` whose examples are asked.
        window: steps that are read.
    """
    for steps in (1, window + 3):
        given = part.examples(3, steps, steps)
        request = {name: tf.constant(array) for name, array in zip(part.inputs, given)}
        found = loaded.signatures["serving_default"](**request)
        past = np.stack([past_of(row, len(row), window) for row in given[0]]).astype(np.float32)
        own = answer(*map(tf.constant, [past, *given[1:]])).numpy()
        middle = own.shape[-1] // 2
        for name, index in zip(OUTPUTS, (middle, 0, -1)):
            expected = own[..., index]
            apart = np.abs(expected - found[name].numpy()) / np.maximum(1, np.abs(expected))
            if not float(apart.max()) <= EXPORT_TOLERANCE:
                raise RnnAppsError(f"the export's {name} differs by {apart.max()} from the network's own.")


def network_part(model, sizes, window, seen, columns):
    """Return the `Part` that forecasts.

    Args:
        model: of `rnn_apps.models.forecaster.forecaster`.
        sizes: its `SeriesSizes`.
        window: steps, for a format whose sides are fixed.
        seen: float (steps, features), raw values of which examples are made.
        columns: `Columns` of the data.
    """
    network = answering_model(model)

    def forecast(*given):
        given = [_marked(one, columns) for one in given]
        return dict(zip(OUTPUTS, network(given[0] if len(given) == 1 else list(given), training=False)))

    def examples(batch, steps, seed):
        rng = np.random.default_rng(seed)
        places = rng.integers(len(seen), size=(batch, 1)) + np.arange(steps + sizes.horizon)
        rows = seen[places % len(seen)].astype(np.float32)
        return [rows[:, :steps], rows[:, steps:, sizes.known_columns]][: len(model.inputs)]

    inputs = {
        given.name: tf.TensorSpec([None, *given.shape[1:]], tf.float32, name=given.name)
        for given in model.inputs
    }
    return Part("network", forecast, inputs, examples, window, None, network)
