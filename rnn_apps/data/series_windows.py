"""Batches windows of series, at positions that depend only on (seed, epoch)."""

import numpy as np
import tensorflow as tf

from rnn_apps.data.batches import map_batches
from rnn_apps.data.steps import WindowBatches


def past_window(values, origin, steps):
    """Return the steps before an origin: float (steps, features), NaN before the first.

    Args:
        values: (all steps, features).
        origin: First step that is not read.
        steps: Number of steps.
    """
    window = values[max(0, origin - steps) : origin]
    return np.concatenate([np.full((steps - len(window), values.shape[1]), np.nan), window])


def future_covariates(values, origin, horizon, columns):
    """Return columns of the steps from an origin on: float (horizon, columns), NaN after the last.

    Args:
        values: (all steps, features).
        origin: First of the steps.
        horizon: Number of steps.
        columns: Slice of the features.
    """
    future = values[origin : origin + horizon, columns]
    return np.concatenate([future, np.full((horizon - len(future), future.shape[1]), np.nan)])


def first_unknown_step(targets):
    """Return the step after the last one with a target, 0 if there is none.

    Args:
        targets: float (steps, targets), NaN for missing values.
    """
    is_known = ~np.isnan(targets).all(axis=1)
    return int(np.flatnonzero(is_known)[-1]) + 1 if is_known.any() else 0


def future_targets(values, origin, horizon, num_targets):
    """Return the true values from an origin on: float (horizon, targets); as `future_covariates`.

    Args:
        values, origin, horizon: As for `future_covariates`.
        num_targets: The targets are the first features, this many.
    """
    return future_covariates(values, origin, horizon, slice(0, num_targets))


class _PaddedSeries:
    """All series concatenated, with NaN before and after each, and the weights of their errors."""

    def __init__(self, values, scales, before, after, horizon, skipped):
        padded = [np.pad(one, ((before, after), (0, 0)), constant_values=np.nan) for one in values]
        weights = [np.broadcast_to(1 / scale, (len(one), len(scale))) for scale, one in zip(scales, padded)]
        lengths = np.array([len(one) for one in padded])
        self.starts = np.cumsum(lengths) - lengths + before  # of each series
        self._horizon, self._num_targets = horizon, len(scales[0])
        self.values = tf.constant(np.concatenate(padded), tf.float32)
        self._weights = tf.constant(np.concatenate(weights), tf.float32)
        has_context = [np.arange(len(one)) >= before + skipped for one in padded]
        self._has_context = tf.constant(np.concatenate(has_context))

    def targets(self, positions, mask):
        """The values after each position, and their weights: (batch, steps, horizon, targets, 2).

        Args:
            positions: int (batch, steps).
            mask: bool, of a shape that broadcasts to it: positions that are forecast from.
        """
        future = positions[:, :, None] + 1 + np.arange(self._horizon)
        truth = tf.gather(self.values[:, : self._num_targets], future)
        mask = (mask & tf.gather(self._has_context, positions))[:, :, None, None]
        is_known = ~tf.math.is_nan(truth)
        weights = tf.where(is_known & mask, tf.gather(self._weights, future), 0.0)
        return tf.stack([tf.where(is_known, truth, 0.0), weights], axis=-1)

    def known(self, last, columns):
        """The known columns of the steps after the last positions of windows: (batch, horizon, known)."""
        return tf.gather(self.values[:, columns], last[:, None] + 1 + np.arange(self._horizon))


class SeriesWindows:
    """Batches random windows of the training split; every step is an origin, so one pass trains on all.

    A batch is (inputs, targets). Inputs are the series, float32 (batch, steps, features); with known columns,
    they are a tuple of the series and the known columns of the `horizon` steps after the window (batch,
    horizon, known). Targets are float32 (batch, steps, horizon, targets, 2): the values after each step, and
    their weights, 0 if a value is missing, after the training split, or too early in the window.

    Args:
        values: List of float (steps, features), the training split of each series, NaN for missing values.
        scales: List of (targets,) by which the errors of a series are divided.
        steps: Steps of a window; a shorter series is preceded by NaN.
        horizon: Steps of a forecast.
        known: Slice of the features that are known for the future, or None.
        skipped: First steps of a window, and of a series, that are not forecast from.
        batch_size: Windows per batch.
        seed: Random seed.
        count: Windows per epoch, rounded up to whole batches; None: enough to cover the series once, and at
            least 8 batches.

    Reference:
        Wen et al., "A Multi-Horizon Quantile Recurrent Forecaster" (2017), forking sequences.
    """

    def __init__(
        self, values, scales, steps, horizon, known=None, skipped=0, batch_size=32, seed=0, count=None
    ):
        self.steps, self.batch_size, self.seed = steps, batch_size, seed
        self._known, self._skipped = known, skipped
        self._padded = _PaddedSeries(values, scales, steps, horizon, horizon, skipped)
        lengths = np.array([len(one) for one in values])
        self._max_stop = np.maximum(lengths - horizon, 1)  # largest stop of a window
        self._min_stop = np.minimum(steps, self._max_stop)
        covering = int(np.sum(-(-self._max_stop // steps)))
        self._batches = -(-(count or max(covering, 8 * batch_size)) // batch_size)

    def __len__(self):
        """Number of batches per epoch."""
        return self._batches

    @property
    def num_examples(self):
        """Number of windows per epoch."""
        return self._batches * self.batch_size

    def plan(self, epoch):
        """Return the start of each window of an epoch in the padded values: int (windows,)."""
        rng = np.random.default_rng([self.seed, epoch])
        num_stops = self._max_stop - self._min_stop + 1
        series = rng.choice(len(num_stops), self.num_examples, p=num_stops / num_stops.sum())
        stops = self._min_stop[series] + rng.integers(num_stops[series])
        return self._padded.starts[series] + stops - self.steps

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of the batches from `start` on."""
        starts = tf.constant(self.plan(epoch).reshape(self._batches, self.batch_size))
        steps = np.arange(self.steps)

        def make_batch(number):
            positions = starts[number][:, None] + steps
            series = tf.gather(self._padded.values, positions)
            targets = self._padded.targets(positions, steps >= self._skipped)
            if self._known is None:
                return series, targets
            return (series, self._padded.known(positions[:, -1], self._known)), targets

        return map_batches(make_batch, start, self._batches)


class SeriesStreams:
    """Batches consecutive windows in parallel streams, for truncated backpropagation through time.

    A batch is (inputs, targets) as in `SeriesWindows`, but inputs are always a tuple: the series, with
    `before` steps in front of the window; the known columns, if there are any; and `reset_state`, bool
    (batch,), which rows begin a series or a piece of one.

    Args:
        values, scales, horizon, known, skipped, seed: As in `SeriesWindows`.
        steps: Steps of a window.
        before: Steps in front of it.
        streams: Rows of a batch; if there are fewer series, they are cut into pieces.
    """

    def __init__(self, values, scales, steps, horizon, before, known=None, skipped=0, streams=32, seed=0):
        self.steps, self._before, self._known = steps, before, known
        self._padded = _PaddedSeries(values, scales, before, horizon + steps, horizon, skipped)
        lengths = np.array([len(one) for one in values], np.int64)
        offsets = self._padded.starts - (np.cumsum(lengths) - lengths)  # by the padding between series
        self._offsets = np.repeat(offsets, lengths)
        labels = np.zeros(lengths.sum(), np.int32)
        self._windows = WindowBatches([], lengths, labels, streams, steps, seed)
        self.num_examples = self._windows.num_examples

    def __len__(self):
        """Number of batches per epoch."""
        return len(self._windows)

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of the batches from `start` on."""
        starts, counts, reset_state = self._windows.plan(epoch)
        starts, counts, reset_state = map(tf.constant, (starts + self._offsets[starts], counts, reset_state))
        steps, with_context = np.arange(self.steps), np.arange(-self._before, self.steps)

        def make_batch(number):
            positions = starts[number][:, None] + steps
            inputs = [tf.gather(self._padded.values, starts[number][:, None] + with_context)]
            if self._known is not None:
                inputs.append(self._padded.known(positions[:, -1], self._known))
            targets = self._padded.targets(positions, steps < counts[number][:, None])
            return (*inputs, reset_state[number]), targets

        return map_batches(make_batch, start, len(self))
