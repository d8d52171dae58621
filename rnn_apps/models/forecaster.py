"""Forecasts with intervals: at every step of a series, quantiles of what comes in the next steps."""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from rnn_apps.models.stepwise import stepwise_model, window_model

TINY = 1e-6
NARROWEST = 0.02  # of the spread of train; a frame of equal values has none of its own
LARGEST_LOG = 80.0  # exp() of more is no float32


class SeriesSizes(NamedTuple):
    """Sizes of what is read and forecast.

    Args:
        targets, covariates: columns that are forecast, and others of the past; they stand first, so ordered.
        known: columns that are known in advance as well; they follow.
        calendar: for each column that comes last, after how many units it begins anew: hours have 24.
        lags: last steps that are seen at once.
        horizon: steps ahead.
        quantiles: probabilities, ascending; the middle one is the point forecast.
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
        """Columns of the series."""
        return self.targets + self.covariates + self.known + len(self.calendar)

    @property
    def known_columns(self):
        """Slice of the columns that are known in advance."""
        first = self.targets + self.covariates
        return slice(first, first + self.known)


class SeriesScaling(NamedTuple):
    """How raw values become numbers of about the size of 1; learned from train.

    Args:
        mean, deviation: (features,) of the columns; of the logarithms of targets where `offset` is given.
        spread: (targets,) how far values lie from the mean of the lags before them.
        offset: (targets,) added before the logarithm is taken; None takes none.
        by_frame: the spread is that of each frame of lags, for series of different sizes.
        level_feature: the network sees the level itself, not only what lies above and below it.
    """

    mean: tuple
    deviation: tuple
    spread: tuple
    offset: tuple | None = None
    by_frame: bool = False
    level_feature: bool = True


@keras.saving.register_keras_serializable(package="rnn_apps")
class Frames(keras.layers.Layer):
    """For every step, it and the steps before it side by side.

    Args:
        length: steps of a frame.
        padded: the first steps have frames too, with NaN for what is before the series. Otherwise the first
            frame ends with step `length`.

    Call arguments:
        series: ``(batch, steps, features)``.

    Returns:
        ``(batch, frames, length, features)``, the step itself last.
    """

    def __init__(self, length, padded=True, **kwargs):
        super().__init__(**kwargs)
        self.length, self.padded = length, padded

    def call(self, series):
        """Gather the frames."""
        if self.padded:
            series = ops.pad(series, ((0, 0), (self.length - 1, 0), (0, 0)), constant_values=np.nan)
        frames = ops.shape(series)[1] - self.length + 1
        return ops.take(series, ops.arange(frames)[:, None] + ops.arange(self.length), axis=1)

    def compute_output_shape(self, series_shape):
        """One frame a step."""
        batch, steps, features = series_shape
        frames = steps if steps is None or self.padded else steps - self.length + 1
        return (batch, frames, self.length, features)

    def get_config(self):
        """Return all constructor arguments."""
        return {**super().get_config(), "length": self.length, "padded": self.padded}


def forecaster(recurrent, sizes, scaling, period, dropout=0.0, seed=None):
    """Return the `keras.Model` from raw values to quantiles (batch, steps, horizon, targets, quantiles).

    It takes ``series`` (batch, steps, features), NaN where a value is missing, and where columns are known in
    advance ``known`` (batch, horizon, known), of the steps behind the series; raw values both.

    At every step the values of the last lags are seen without their mean, the level. What is forecast is the
    level, a linear function of these values that begins as the seasonal naive forecast, and what a recurrent
    network adds, which reads all steps. No quantile is above the next.

    Args:
        recurrent: `StackedRNN` that returns sequences.
        sizes: `SeriesSizes`.
        scaling: `SeriesScaling`.
        period: steps of a season.
        dropout: part of what the recurrent levels give that is dropped while training.
        seed: of starts and dropout.

    Reference:
        Wen et al., "A Multi-Horizon Quantile Recurrent Forecaster" (2017): quantiles of all steps ahead at
        every step; Lai et al., "Modeling Long- and Short-Term Temporal Patterns with Deep Neural Networks"
        (2018): a linear model beside the recurrent one.
    """
    series = keras.Input((None, sizes.features), name="series")
    known = keras.Input((sizes.horizon, sizes.known), name="known") if sizes.known else None
    given = seen_by_step(sizes, series, known)
    network = stepwise_model(_front(sizes, scaling), recurrent, _head(sizes), dropout, seed)
    outlook = _outlook(sizes, scaling, period)
    result = outlook([given[0], network(given if len(given) > 1 else given[0])])
    return keras.Model(series if known is None else [series, known], result, name="forecaster")


def window_forecaster(model, sizes, streams):
    """Return the `keras.Model` that is trained by truncated backpropagation through time.

    It shares the weights of a `forecaster`, and takes as one list what that takes, the series with one step
    less than the lags in front of the window, and ``fresh`` of `CarriedStates`.

    Args:
        model: of `forecaster`.
        sizes: its `SeriesSizes`.
        streams: rows of a batch, always as many.
    """
    series = keras.Input(batch_shape=(streams, None, sizes.features), name="series")
    known = (
        keras.Input(batch_shape=(streams, sizes.horizon, sizes.known), name="known") if sizes.known else None
    )
    fresh = keras.Input(batch_shape=(streams,), dtype="bool", name="fresh")
    given = seen_by_step(sizes, series, known, before=sizes.lags - 1)
    outputs = window_model(network_of(model), streams)([*given, fresh])
    inputs = [series, fresh] if known is None else [series, known, fresh]
    return keras.Model(inputs, outlook_of(model)([given[0], outputs]), name="window_forecaster")


def seen_by_step(sizes, series, known=None, before=None):
    """Return what the network sees at every step: frames of the targets, other columns, what is known ahead.

    Args:
        sizes: `SeriesSizes`.
        series: (batch, steps, features).
        known: (batch, horizon, known), of the steps behind the series; None where nothing is.
        before: steps in front that stand in frames alone, one less than the lags; None for a series without,
            whose first frames have NaN in front.
    """
    frames = Frames(sizes.lags, padded=before is None)(series[:, :, : sizes.targets])
    now, given = series[:, before or 0 :], [frames]
    if sizes.features > sizes.targets:
        given.append(now[:, :, sizes.targets :])
    if known is not None:
        whole = ops.concatenate([now[:, :, sizes.known_columns], known], axis=1)
        given.append(Frames(sizes.horizon, padded=False)(whole[:, 1:]))
    return given


def _outlook(sizes, scaling, period):
    """The model from frames and the network's outputs to quantiles of raw values."""
    frames = keras.Input((None, sizes.lags, sizes.targets), name="frames")
    outputs = keras.Input((None, sizes.horizon * sizes.targets * len(sizes.quantiles)), name="outputs")
    added = keras.layers.Reshape((-1, sizes.horizon, sizes.targets, len(sizes.quantiles)))(outputs)
    normal, level, spread = _normal(frames, scaling)
    linear = keras.layers.Dense(sizes.horizon, name="linear")
    straight = ops.transpose(linear(ops.transpose(normal, (0, 1, 3, 2))), (0, 1, 3, 2))
    linear.set_weights([seasonal_start(sizes.lags, sizes.horizon, period), np.zeros(sizes.horizon)])
    quantiles = _apart(straight, added, len(sizes.quantiles))
    result = level[:, :, None, :, None] + spread[:, :, None, :, None] * quantiles
    return keras.Model([frames, outputs], _raw(result, scaling), name="outlook")


def outlook_of(model):
    """Return the model, within one of `forecaster`, from frames and the network's outputs to quantiles."""
    return model.get_layer("outlook")


def network_of(model):
    """Return the network of `stepwise_model` within a model of `forecaster`."""
    return model.get_layer("stepwise")


def seasonal_start(lags, horizon, period):
    """Return the linear function that gives the seasonal naive forecast: (lags, horizon).

    Where the season before is not among the lags, it gives 0, their mean.

    Args:
        lags: last values, the newest last.
        horizon: steps ahead.
        period: steps of a season.
    """
    start = np.zeros((lags, horizon), np.float32)
    for step in range(1, horizon + 1):
        back = period * -(-step // period) - step
        if back < lags:
            start[lags - 1 - back, step - 1] = 1.0
    return start


def _head(sizes):
    """All quantiles of a step from what the recurrent levels give; at the start it adds nothing."""
    width = sizes.horizon * sizes.targets * len(sizes.quantiles)
    return keras.layers.Dense(width, kernel_initializer="zeros", dtype="float32")


def _front(sizes, scaling):
    """The model from what is seen at a step to its features: (batch, steps, features)."""
    frames = keras.Input((None, sizes.lags, sizes.targets), name="frames")
    given = [frames]
    normal, level, _ = _normal(frames, scaling)
    seen = [keras.layers.Reshape((-1, sizes.lags * sizes.targets))(normal), _missing(frames[:, :, -1])]
    if scaling.level_feature:
        mean, deviation = (np.float32(x[: sizes.targets]) for x in (scaling.mean, scaling.deviation))
        seen.append((level - mean) / deviation)
    if sizes.features > sizes.targets:
        others = keras.Input((None, sizes.features - sizes.targets), name="others")
        given.append(others)
        seen += _of_others(others, sizes, scaling)
    if sizes.known:
        ahead = keras.Input((None, sizes.horizon, sizes.known), name="ahead")
        given.append(ahead)
        scaled = _standard(ahead, scaling, sizes.known_columns)
        seen.append(keras.layers.Reshape((-1, sizes.horizon * sizes.known))(scaled))
    return keras.Model(given if len(given) > 1 else frames, ops.concatenate(seen, axis=-1))


def _of_others(others, sizes, scaling):
    """Features of the columns that are not forecast."""
    seen, numbers = [], sizes.covariates + sizes.known
    if numbers:
        columns = slice(sizes.targets, sizes.targets + numbers)
        seen += [_standard(others[:, :, :numbers], scaling, columns), _missing(others[:, :, :numbers])]
    if sizes.calendar:
        turned = others[:, :, numbers:] * np.float32(2 * np.pi / np.asarray(sizes.calendar))
        missing = ops.not_equal(turned, turned)
        seen += [ops.where(missing, 0.0, turn(turned)) for turn in (ops.sin, ops.cos)]
    return seen


def _missing(values):
    """1 where a value is not a number, else 0."""
    return ops.cast(ops.not_equal(values, values), "float32")


def _standard(values, scaling, columns):
    """Values without their mean, in deviations of train; 0 where they are missing."""
    mean, deviation = (np.float32(x[columns]) for x in (scaling.mean, scaling.deviation))
    return ops.where(ops.not_equal(values, values), 0.0, (values - mean) / deviation)


def _normal(frames, scaling):
    """Frames without their level and in units of the spread, the level, and the spread.

    Shapes are (batch, steps, lags, targets) and twice (batch, steps, targets).
    """
    missing = ops.not_equal(frames, frames)
    there = 1.0 - ops.cast(missing, "float32")
    values = ops.where(missing, 0.0, frames)
    if scaling.offset is not None:
        values = ops.log(ops.maximum(values + np.float32(scaling.offset), TINY)) * there
    count = ops.sum(there, axis=2)
    targets = frames.shape[-1]
    usual = ops.zeros_like(count) + np.float32(scaling.mean[:targets])
    level = ops.where(ops.equal(count, 0.0), usual, ops.sum(values, axis=2) / ops.maximum(count, 1.0))
    apart = (values - level[:, :, None]) * there
    if scaling.by_frame:
        own = ops.sum(ops.absolute(apart), axis=2) / ops.maximum(count, 1.0)
        spread = ops.maximum(own, NARROWEST * ops.absolute(level) + TINY)
    else:
        spread = ops.zeros_like(level) + np.float32(scaling.spread)
    return apart / spread[:, :, None], level, spread


def _apart(centre, outputs, count):
    """Quantiles (..., count) of which none is above the next: the middle one, and steps away from it."""
    middle = count // 2
    found = [centre + outputs[..., middle]]
    for index in range(middle + 1, count):
        found.append(found[-1] + ops.softplus(outputs[..., index]))
    for index in range(middle - 1, -1, -1):
        found.insert(0, found[0] - ops.softplus(outputs[..., index]))
    return ops.stack(found, axis=-1)


def _raw(values, scaling):
    """Quantiles (batch, steps, horizon, targets, quantiles) as raw values."""
    if scaling.offset is None:
        return values
    return ops.exp(ops.minimum(values, LARGEST_LOG)) - np.float32(scaling.offset)[:, None]
