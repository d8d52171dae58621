"""A trained network as it leaves: raw values in, forecasts with intervals out."""

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.tasks.task import Part

__all__ = ["SeriesForecaster", "answering_model", "network_part"]

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


class SeriesForecaster(tf.Module):
    """The network with its signature.

    Args:
        model: of `rnn_apps.models.forecaster.forecaster`.
        window: steps that are read; of a longer series the last, a shorter one has missing values before it.
    """

    def __init__(self, model, window):
        super().__init__()
        self.model, self.network, self._window = model, answering_model(model), window
        specs = [
            tf.TensorSpec([None, *given.shape[1:]], tf.float32, name=given.name) for given in model.inputs
        ]
        self.forecast = tf.function(self._forecast, input_signature=specs, autograph=False)

    def _forecast(self, series, known=None):
        series = tf.pad(series, [[0, 0], [self._window, 0], [0, 0]], constant_values=np.nan)
        series = series[:, -self._window :]
        answer = self.network(series if known is None else [series, known], training=False)
        return dict(zip(OUTPUTS, answer))


def network_part(model, window, seen):
    """Return the `Part` that forecasts.

    Args:
        model: of `rnn_apps.models.forecaster.forecaster`.
        window: steps, for a format whose sides are fixed.
        seen: float (steps, features), raw values of which examples are made.
    """
    network = answering_model(model)

    def forecast(*given):
        return dict(zip(OUTPUTS, network(given[0] if len(given) == 1 else list(given), training=False)))

    def examples(batch, steps, seed):
        rng = np.random.default_rng(seed)
        begins = rng.integers(len(seen), size=(batch, 1))
        rows = seen[(begins + np.arange(steps)) % len(seen)].astype(np.float32)
        more = [rng.normal(size=(batch, *x.shape[1:])).astype(np.float32) for x in model.inputs[1:]]
        return [rows, *more]

    inputs = {
        given.name: tf.TensorSpec([None, *given.shape[1:]], tf.float32, name=given.name)
        for given in model.inputs
    }
    return Part("network", forecast, inputs, examples, window, None, network)
