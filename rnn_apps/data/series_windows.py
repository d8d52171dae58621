"""Windows of series, at places that (seed, epoch) alone decides."""

import numpy as np
import tensorflow as tf

__all__ = ["SeriesWindows", "known_ahead", "past_of", "truth_ahead"]


def past_of(values, origin, steps):
    """Return the steps before an origin: float (steps, features), NaN before the first.

    Args:
        values: (all steps, features).
        origin: the first step that is not read.
        steps: that are read.
    """
    read = values[max(0, origin - steps) : origin]
    return np.concatenate([np.full((steps - len(read), values.shape[1]), np.nan), read])


def known_ahead(values, origin, horizon, known):
    """Return what is known of the steps from an origin on: float (horizon, known).

    Args:
        values: (all steps, features).
        origin: the first of them.
        horizon: their number; NaN where the values end before.
        known: slice of the features.
    """
    ahead = values[origin : origin + horizon, known]
    return np.concatenate([ahead, np.full((horizon - len(ahead), ahead.shape[1]), np.nan)])


def truth_ahead(values, origin, horizon, targets):
    """Return what came: float (horizon, targets).

    Args:
        values: (all steps, features).
        origin: the first step of it.
        horizon: number of steps.
        targets: the first so many features.
    """
    return known_ahead(values, origin, horizon, slice(0, targets))


class SeriesWindows:
    """Windows of the training part, each step of which is an origin: one pass learns from all of them.

    A batch is (given, targets): given is the series float32 (batch, steps, features), with what is known of
    the `horizon` steps after the window (batch, horizon, known) beside it where anything is; targets are
    float32 (batch, steps, horizon, targets, 2): what comes after each step, and its weight, 0 where that is
    missing, beyond the training part, or before the window has been read far enough.

    Args:
        values: list of float (steps, features), the training part of each series, NaN where missing.
        scales: list of (targets,) by which the errors of a series are divided.
        steps: of a window; a shorter series has NaN before it.
        horizon: steps ahead.
        known: slice of the features that are known ahead; None for none.
        skipped: first steps of a window, and of a series, behind which nothing is forecast.
        batch_size: windows a batch.
        seed: of the places.
        count: windows an epoch, rounded up to whole batches; None for as many as cover the series once, and
            at least 8 batches.

    Reference:
        Wen et al., "A Multi-Horizon Quantile Recurrent Forecaster" (2017), forking sequences.
    """

    def __init__(
        self, values, scales, steps, horizon, known=None, skipped=0, batch_size=32, seed=0, count=None
    ):
        self.steps, self.horizon, self.batch_size, self.seed = steps, horizon, batch_size, seed
        self._known, self._skipped, self._targets = known, skipped, len(scales[0])
        padded = [np.pad(one, ((steps, horizon), (0, 0)), constant_values=np.nan) for one in values]
        self._values = np.concatenate(padded).astype(np.float32)
        weights = [
            np.broadcast_to(1 / np.asarray(scale), (len(p), len(scale))) for scale, p in zip(scales, padded)
        ]
        self._weights = np.concatenate(weights).astype(np.float32)
        self._is_read = np.concatenate([np.arange(len(p)) >= steps + skipped for p in padded])
        lengths = np.array([len(one) for one in values])
        self._offsets = np.concatenate([[0], np.cumsum(lengths + steps + horizon)[:-1]])
        self._last = np.maximum(lengths - horizon, 1)  # steps of the series before the end of a window
        self._first = np.minimum(steps, self._last)
        covering = int(np.sum(-(-self._last // steps)))
        count = count or max(covering, 8 * batch_size)
        self._batches = -(-count // batch_size)

    def __len__(self):
        """Batches in an epoch."""
        return self._batches

    @property
    def num_examples(self):
        """Windows in an epoch."""
        return self._batches * self.batch_size

    def plan(self, epoch):
        """Return where the windows of an epoch begin in the padded values: int (windows,)."""
        rng = np.random.default_rng([self.seed, epoch])
        room = self._last - self._first + 1
        chosen = rng.choice(len(room), self.num_examples, p=room / room.sum())
        ends = self._first[chosen] + rng.integers(room[chosen])
        return self._offsets[chosen] + ends  # `steps` before the end, behind as many of padding

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of the batches from `start` on."""
        begins = tf.constant(self.plan(epoch).reshape(self._batches, self.batch_size))
        values, weights = tf.constant(self._values), tf.constant(self._weights)
        within = np.arange(self.steps)
        ahead = within[:, None] + 1 + np.arange(self.horizon)
        is_read, behind = tf.constant(self._is_read), within >= self._skipped

        @tf.autograph.experimental.do_not_convert
        def batch(number):
            rows = begins[number]
            given = tf.gather(values, rows[:, None] + within)
            places = rows[:, None, None] + ahead
            truth = tf.gather(values[:, : self._targets], places)
            counts = (tf.gather(is_read, rows[:, None] + within) & behind)[:, :, None, None]
            weight = tf.where(counts & ~tf.math.is_nan(truth), tf.gather(weights, places), 0.0)
            targets = tf.stack([tf.where(tf.math.is_nan(truth), 0.0, truth), weight], axis=-1)
            if self._known is None:
                return given, targets
            later = rows[:, None] + self.steps + np.arange(self.horizon)
            return (given, tf.gather(values[:, self._known], later)), targets

        return tf.data.Dataset.range(start, self._batches).map(batch, num_parallel_calls=2).prefetch(4)
