"""Windows of series, at places that (seed, epoch) alone decides."""

import numpy as np
import tensorflow as tf

from rnn_apps.data.steps import WindowBatches


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


def origin_of(targets):
    """Return the first step behind all that are known: behind the last with a target, 0 where none has.

    Args:
        targets: float (steps, targets), NaN where one is missing.
    """
    there = ~np.isnan(targets).all(axis=1)
    return int(np.flatnonzero(there)[-1]) + 1 if there.any() else 0


def truth_ahead(values, origin, horizon, targets):
    """Return what came: float (horizon, targets).

    Args:
        values: (all steps, features).
        origin: the first step of it.
        horizon: number of steps.
        targets: the first so many features.
    """
    return known_ahead(values, origin, horizon, slice(0, targets))


class _Padded:
    """All series one behind the other, with NaN before and behind each, and what its values weigh."""

    def __init__(self, values, scales, before, horizon, skipped):
        padded = [np.pad(one, ((before, horizon), (0, 0)), constant_values=np.nan) for one in values]
        weights = [np.broadcast_to(1 / scale, (len(one), len(scale))) for scale, one in zip(scales, padded)]
        lengths = np.array([len(one) for one in padded])
        self.begins = np.cumsum(lengths) - lengths + before  # where each series begins
        self.horizon, self._targets = horizon, len(scales[0])
        self.values = tf.constant(np.concatenate(padded), tf.float32)
        self._weights = tf.constant(np.concatenate(weights), tf.float32)
        is_read = [np.arange(len(one)) >= before + skipped for one in padded]
        self._is_read = tf.constant(np.concatenate(is_read))

    def targets(self, places, counts):
        """What comes after each of some places, and what it weighs: (batch, steps, horizon, targets, 2).

        Args:
            places: int (batch, steps).
            counts: bool, of the same shape or one that becomes it: places behind which it is forecast.
        """
        ahead = places[:, :, None] + 1 + np.arange(self.horizon)
        truth = tf.gather(self.values[:, : self._targets], ahead)
        counts = (counts & tf.gather(self._is_read, places))[:, :, None, None]
        there = ~tf.math.is_nan(truth)
        weights = tf.where(there & counts, tf.gather(self._weights, ahead), 0.0)
        return tf.stack([tf.where(there, truth, 0.0), weights], axis=-1)

    def known(self, lasts, columns):
        """What is known of the steps behind some places: (batch, horizon, known)."""
        return tf.gather(self.values[:, columns], lasts[:, None] + 1 + np.arange(self.horizon))


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
        self.steps, self.batch_size, self.seed = steps, batch_size, seed
        self._known, self._skipped = known, skipped
        self._padded = _Padded(values, scales, steps, horizon, skipped)
        lengths = np.array([len(one) for one in values])
        self._last = np.maximum(lengths - horizon, 1)  # steps of the series before the end of a window
        self._first = np.minimum(steps, self._last)
        covering = int(np.sum(-(-self._last // steps)))
        self._batches = -(-(count or max(covering, 8 * batch_size)) // batch_size)

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
        return self._padded.begins[chosen] + ends - self.steps

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of the batches from `start` on."""
        begins = tf.constant(self.plan(epoch).reshape(self._batches, self.batch_size))
        within = np.arange(self.steps)

        @tf.autograph.experimental.do_not_convert
        def batch(number):
            places = begins[number][:, None] + within
            series = tf.gather(self._padded.values, places)
            targets = self._padded.targets(places, within >= self._skipped)
            if self._known is None:
                return series, targets
            return (series, self._padded.known(places[:, -1], self._known)), targets

        return tf.data.Dataset.range(start, self._batches).map(batch, num_parallel_calls=2).prefetch(4)


class SeriesStreams:
    """Windows that follow one another in as many streams as a batch has rows: truncated backpropagation.

    A batch is (given, targets) as of `SeriesWindows`, but given is always a tuple: the series with `before`
    steps in front of the window, what is known ahead where anything is, and bool (batch,), which rows begin
    a series or a piece of one.

    Args:
        values, scales, horizon, known, skipped, seed: as of `SeriesWindows`.
        steps: of a window.
        before: steps in front of it.
        streams: rows of a batch; where there are fewer series, they are cut in pieces.
    """

    def __init__(self, values, scales, steps, horizon, before, known=None, skipped=0, streams=32, seed=0):
        self.steps, self._before, self._known = steps, before, known
        self._padded = _Padded(values, scales, before, horizon + steps, skipped)
        self._padded.horizon = horizon
        lengths = np.array([len(one) for one in values], np.int64)
        self._moved = self._padded.begins - (np.cumsum(lengths) - lengths)  # by what stands between them
        self._owners = np.repeat(np.arange(len(lengths)), lengths)
        labels = np.zeros(lengths.sum(), np.int32)
        self._windows = WindowBatches([], lengths, labels, streams, steps, seed)
        self.num_examples = self._windows.num_examples

    def __len__(self):
        """Batches in an epoch."""
        return len(self._windows)

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of the batches from `start` on."""
        begins, counts, fresh = self._windows.plan(epoch)
        begins = begins + self._moved[self._owners[begins]]
        begins, counts, fresh = map(tf.constant, (begins, counts, fresh))
        within, around = np.arange(self.steps), np.arange(-self._before, self.steps)

        @tf.autograph.experimental.do_not_convert
        def window(number):
            places = begins[number][:, None] + within
            given = [tf.gather(self._padded.values, begins[number][:, None] + around)]
            if self._known is not None:
                given.append(self._padded.known(places[:, -1], self._known))
            targets = self._padded.targets(places, within < counts[number][:, None])
            return (*given, fresh[number]), targets

        return tf.data.Dataset.range(start, len(self)).map(window, num_parallel_calls=2).prefetch(4)
