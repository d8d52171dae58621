"""Forecasting networks: at every step of a series, quantiles of the next steps."""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from rnn_apps.models.per_step import per_step_model, window_model

TINY = 1e-6
MIN_RELATIVE_SPREAD = 0.02  # a window of equal values has a spread of zero
MAX_LOG = 80.0  # exp() of more overflows float32


class SeriesSizes(NamedTuple):
    """Sizes of the inputs and outputs of a forecasting network.

    The columns of a series are ordered: targets, covariates, known covariates, calendar features.

    Args:
        targets: number of columns to forecast.
        covariates: number of columns that are known only up to the forecast origin.
        known: number of columns that are known in advance.
        calendar: period of each calendar column, such as 24 for hours.
        lags: number of most recent steps in each input.
        horizon: number of steps to forecast.
        quantiles: ascending probabilities; the middle one is the point forecast.
    """

    targets: int
    covariates: int
    known: int
    calendar: tuple
    lags: int
    horizon: int
    quantiles: tuple

    @property
    def features(self):
        """Number of columns of the series."""
        return self.targets + self.covariates + self.known + len(self.calendar)

    @property
    def known_columns(self):
        """Slice of the known covariates."""
        first = self.targets + self.covariates
        return slice(first, first + self.known)


class SeriesScaling(NamedTuple):
    """Scaling of raw values, learned from train.

    Args:
        mean, deviation: (features,), of the columns; of the logarithms of the targets if `offset` is set.
        spread: (targets,), mean absolute difference of a value from the mean of its lags.
        offset: (targets,), added to targets before taking logarithms; None for no logarithm.
        by_window: whether to scale by the spread of each window of lags, for series of different magnitudes.
        level_feature: whether the level itself is an input, not only the deviations from it.
    """

    mean: tuple
    deviation: tuple
    spread: tuple
    offset: tuple | None = None
    by_window: bool = False
    level_feature: bool = True


@keras.saving.register_keras_serializable(package="rnn_apps")
class SlidingWindow(keras.layers.Layer):
    """Gathers, for every step, a window of that step and the steps before it.

    Args:
        length: number of steps in a window.
        padded: whether the first steps have windows as well, with NaN for steps before the series.
            Otherwise the first window ends with step `length`.

    Call arguments:
        series: ``(batch, steps, features)``.

    Returns:
        ``(batch, windows, length, features)``; the step itself comes last.
    """

    def __init__(self, length, padded=True, **kwargs):
        super().__init__(**kwargs)
        self.length, self.padded = length, padded

    def call(self, series):
        """Gather the windows."""
        if self.padded:
            series = ops.pad(series, ((0, 0), (self.length - 1, 0), (0, 0)), constant_values=np.nan)
        windows = ops.shape(series)[1] - self.length + 1
        return ops.take(series, ops.arange(windows)[:, None] + ops.arange(self.length), axis=1)

    def compute_output_shape(self, series_shape):
        """One window per step."""
        batch, steps, features = series_shape
        windows = steps if steps is None or self.padded else steps - self.length + 1
        return (batch, windows, self.length, features)

    def get_config(self):
        """Return all constructor arguments."""
        return {**super().get_config(), "length": self.length, "padded": self.padded}


def forecaster(recurrent, sizes, scaling, period, dropout=0.0, seed=None):
    """Return the `keras.Model` from raw values to quantiles (batch, steps, horizon, targets, quantiles).

    Its inputs are raw values: ``series`` (batch, steps, features), NaN for missing values, and, if there are
    known covariates, ``known`` (batch, horizon, known), their values at the steps after the series.

    At every step the network reads the last lags minus their mean, the level. The forecast is the sum of the
    level, a linear function of these values, which is initialized to the seasonal naive forecast, and the
    output of a recurrent network over all steps. Quantiles never cross.

    Args:
        recurrent: `StackedRNN` that returns sequences.
        sizes: `SeriesSizes`.
        scaling: `SeriesScaling`.
        period: steps per season.
        dropout: dropout rate of the recurrent layers' outputs.
        seed: random seed of initializers and dropout.

    Reference:
        Wen et al., "A Multi-Horizon Quantile Recurrent Forecaster" (2017), for quantiles of the whole horizon
        at every step; Lai et al., "Modeling Long- and Short-Term Temporal Patterns with Deep Neural Networks"
        (2018), for a linear model next to the recurrent one.
    """
    series = keras.Input((None, sizes.features), name="series")
    known = keras.Input((sizes.horizon, sizes.known), name="known") if sizes.known else None
    inputs = step_inputs(sizes, series, known)
    network = per_step_model(_feature_extractor(sizes, scaling), recurrent, _head(sizes), dropout, seed)
    forecast_head = _forecast_head(sizes, scaling, period)
    result = forecast_head([inputs[0], network(inputs if len(inputs) > 1 else inputs[0])])
    return keras.Model(series if known is None else [series, known], result, name="forecaster")


def window_forecaster(model, sizes, streams):
    """Return the `keras.Model` for truncated backpropagation through time.

    It shares the weights of a `forecaster`. Its inputs are a list: those of the `forecaster`, where the
    series starts lags - 1 steps before the window, and ``reset`` of `CarriedStates`.

    Args:
        model: model of `forecaster`.
        sizes: its `SeriesSizes`.
        streams: batch size, which is fixed.
    """
    series = keras.Input(batch_shape=(streams, None, sizes.features), name="series")
    known = (
        keras.Input(batch_shape=(streams, sizes.horizon, sizes.known), name="known") if sizes.known else None
    )
    reset = keras.Input(batch_shape=(streams,), dtype="bool", name="reset")
    step = step_inputs(sizes, series, known, before=sizes.lags - 1)
    outputs = window_model(network_of(model), streams)([*step, reset])
    inputs = [series, reset] if known is None else [series, known, reset]
    return keras.Model(inputs, forecast_head_of(model)([step[0], outputs]), name="window_forecaster")


def step_inputs(sizes, series, known=None, before=None):
    """Return the inputs of the network at every step: lags of the targets, other columns, future values.

    Args:
        sizes: `SeriesSizes`.
        series: (batch, steps, features).
        known: (batch, horizon, known), future values after the series; None without known covariates.
        before: number of leading steps that only serve as lags, lags - 1; None if there are none, in which
            case the first windows start with NaN.
    """
    lags = SlidingWindow(sizes.lags, padded=before is None)(series[:, :, : sizes.targets])
    current, inputs = series[:, before or 0 :], [lags]
    if sizes.features > sizes.targets:
        inputs.append(current[:, :, sizes.targets :])
    if known is not None:
        future = ops.concatenate([current[:, :, sizes.known_columns], known], axis=1)
        inputs.append(SlidingWindow(sizes.horizon, padded=False)(future[:, 1:]))
    return inputs


def _forecast_head(sizes, scaling, period):
    """Model from lags and the network's outputs to quantiles of raw values."""
    lags = keras.Input((None, sizes.lags, sizes.targets), name="lags")
    outputs = keras.Input((None, sizes.horizon * sizes.targets * len(sizes.quantiles)), name="outputs")
    corrections = keras.layers.Reshape((-1, sizes.horizon, sizes.targets, len(sizes.quantiles)))(outputs)
    normalized, level, spread = _normalize_lags(lags, scaling)
    linear = keras.layers.Dense(sizes.horizon, name="linear")
    baseline = ops.transpose(linear(ops.transpose(normalized, (0, 1, 3, 2))), (0, 1, 3, 2))
    linear.set_weights([seasonal_kernel(sizes.lags, sizes.horizon, period), np.zeros(sizes.horizon)])
    quantiles = _ordered_quantiles(baseline, corrections, len(sizes.quantiles))
    result = level[:, :, None, :, None] + spread[:, :, None, :, None] * quantiles
    return keras.Model([lags, outputs], _to_raw_values(result, scaling), name="forecast_head")


def forecast_head_of(model):
    """Return the submodel of a `forecaster` from lags and the network's outputs to quantiles."""
    return model.get_layer("forecast_head")


def network_of(model):
    """Return the network of `per_step_model` inside a `forecaster`."""
    return model.get_layer("per_step")


def seasonal_kernel(lags, horizon, period):
    """Return the kernel (lags, horizon) of the seasonal naive forecast as a linear function.

    If the previous season is not among the lags, the forecast is 0, their mean.

    Args:
        lags: number of most recent values, the newest one last.
        horizon: number of steps to forecast.
        period: steps per season.
    """
    kernel = np.zeros((lags, horizon), np.float32)
    for step in range(1, horizon + 1):
        back = period * -(-step // period) - step
        if back < lags:
            kernel[lags - 1 - back, step - 1] = 1.0
    return kernel


def _head(sizes):
    """Dense layer to all quantiles of a step, initialized to zero."""
    width = sizes.horizon * sizes.targets * len(sizes.quantiles)
    return keras.layers.Dense(width, kernel_initializer="zeros", dtype="float32")


def _feature_extractor(sizes, scaling):
    """Model from `step_inputs` to features (batch, steps, features)."""
    lags = keras.Input((None, sizes.lags, sizes.targets), name="lags")
    inputs = [lags]
    normalized, level, _ = _normalize_lags(lags, scaling)
    features = [keras.layers.Reshape((-1, sizes.lags * sizes.targets))(normalized), _missing(lags[:, :, -1])]
    if scaling.level_feature:
        mean, deviation = (np.float32(x[: sizes.targets]) for x in (scaling.mean, scaling.deviation))
        features.append((level - mean) / deviation)
    if sizes.features > sizes.targets:
        others = keras.Input((None, sizes.features - sizes.targets), name="others")
        inputs.append(others)
        features += _other_features(others, sizes, scaling)
    if sizes.known:
        future = keras.Input((None, sizes.horizon, sizes.known), name="future")
        inputs.append(future)
        scaled = _standardize(future, scaling, sizes.known_columns)
        features.append(keras.layers.Reshape((-1, sizes.horizon * sizes.known))(scaled))
    return keras.Model(inputs if len(inputs) > 1 else lags, ops.concatenate(features, axis=-1))


def _other_features(others, sizes, scaling):
    """Features of covariates and of the calendar."""
    features, count = [], sizes.covariates + sizes.known
    if count:
        columns = slice(sizes.targets, sizes.targets + count)
        features += [_standardize(others[:, :, :count], scaling, columns), _missing(others[:, :, :count])]
    if sizes.calendar:
        angles = others[:, :, count:] * np.float32(2 * np.pi / np.asarray(sizes.calendar))
        missing = ops.not_equal(angles, angles)
        features += [ops.where(missing, 0.0, function(angles)) for function in (ops.sin, ops.cos)]
    return features


def _missing(values):
    """1 for NaN, else 0."""
    return ops.cast(ops.not_equal(values, values), "float32")


def _standardize(values, scaling, columns):
    """Standardize values by the statistics of train; missing values become 0."""
    mean, deviation = (np.float32(x[columns]) for x in (scaling.mean, scaling.deviation))
    return ops.where(ops.not_equal(values, values), 0.0, (values - mean) / deviation)


def _normalize_lags(lags, scaling):
    """Return the normalized lags, their level, and their spread.

    Shapes are (batch, steps, lags, targets), (batch, steps, targets) and (batch, steps, targets).
    """
    missing = ops.not_equal(lags, lags)
    mask = 1.0 - ops.cast(missing, "float32")
    values = ops.where(missing, 0.0, lags)
    if scaling.offset is not None:
        values = ops.log(ops.maximum(values + np.float32(scaling.offset), TINY)) * mask
    count = ops.sum(mask, axis=2)
    mean = ops.zeros_like(count) + np.float32(scaling.mean[: lags.shape[-1]])
    level = ops.where(ops.equal(count, 0.0), mean, ops.sum(values, axis=2) / ops.maximum(count, 1.0))
    deviations = (values - level[:, :, None]) * mask
    if scaling.by_window:
        mean_deviation = ops.sum(ops.absolute(deviations), axis=2) / ops.maximum(count, 1.0)
        spread = ops.maximum(mean_deviation, MIN_RELATIVE_SPREAD * ops.absolute(level) + TINY)
    else:
        spread = ops.zeros_like(level) + np.float32(scaling.spread)
    return deviations / spread[:, :, None], level, spread


def _ordered_quantiles(centre, outputs, count):
    """Quantiles (..., count) that never cross: the middle one, and positive differences from it."""
    middle = count // 2
    quantiles = [centre + outputs[..., middle]]
    for index in range(middle + 1, count):
        quantiles.append(quantiles[-1] + ops.softplus(outputs[..., index]))
    for index in range(middle - 1, -1, -1):
        quantiles.insert(0, quantiles[0] - ops.softplus(outputs[..., index]))
    return ops.stack(quantiles, axis=-1)


def _to_raw_values(values, scaling):
    """Convert quantiles (batch, steps, horizon, targets, quantiles) to raw values."""
    if scaling.offset is None:
        return values
    return ops.exp(ops.minimum(values, MAX_LOG)) - np.float32(scaling.offset)[:, None]
