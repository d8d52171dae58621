"""Sequences with a label at every step: whole ones batched by length, or windows of many side by side."""

import numpy as np
import tensorflow as tf

from rnn_apps.data.batches import LengthBuckets

NO_LABEL = -1


class StepBatches(LengthBuckets):
    """Whole sequences, batched by length.

    A batch is (inputs, labels): of each array (batch, steps, ...) with zeros for padding, one tensor where
    there is one array and else a tuple; labels int32 (batch, steps) with -1 where there is no step. The last
    batch of each length is filled up with rows without a step, so that there are few shapes to compile.

    Args:
        arrays: arrays (all steps, ...), the sequences one after the other.
        lengths: steps of each sequence.
        labels: int, one a step (all steps,).
        batch_size, seed, boundaries: as in `LengthBuckets`.
    """

    def __init__(self, arrays, lengths, labels, batch_size, seed=None, boundaries=None):
        super().__init__(lengths, batch_size, seed, boundaries)
        lengths = np.asarray(lengths, np.int64)
        self._inputs = [tf.RaggedTensor.from_row_lengths(array, lengths) for array in arrays]
        self._labels = tf.RaggedTensor.from_row_lengths(np.asarray(labels, np.int32), lengths)

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of the batches from `start` on."""

        def batch(indices, length):
            inputs = [self._rows(rows, indices, length, 0) for rows in self._inputs]
            return _one_or_all(inputs), self._rows(self._labels, indices, length, NO_LABEL)

        return self._mapped(epoch, start, batch)

    def _rows(self, rows, indices, length, filling):
        """The chosen rows of a ragged array, padded: (batch, length, ...)."""
        sides = rows.flat_values.shape[1:].as_list()
        shape = tf.stack([tf.constant(self.batch_size, tf.int64), length, *np.array(sides, np.int64)])
        dense = tf.gather(rows, indices).to_tensor(tf.cast(filling, rows.dtype), shape=shape)
        return tf.ensure_shape(dense, [self.batch_size, None, *sides])


class WindowBatches:
    """Windows of sequences that are read side by side, for truncated backpropagation through time.

    Each row of a batch reads sequence after sequence, a window a batch. The windows of a sequence follow one
    another, so that a state carried from batch to batch has read it from its start; what is missing of the
    last one is padding, and the next sequence begins with the next window, which is then fresh. A batch is
    (inputs, labels) as of `StepBatches`, with `fresh`, bool (streams,), as the last of the inputs.

    Where there are fewer sequences than streams, the longest are cut in equal parts until there are as many;
    such a part begins fresh, as if it were a sequence.

    Args:
        arrays, lengths, labels: as in `StepBatches`.
        streams: rows of a batch, always as many.
        steps: of a window.
        seed: None keeps the order of the data in every epoch; else (seed, epoch) decides it.

    Attributes:
        streams, steps: as given.
    """

    def __init__(self, arrays, lengths, labels, streams, steps, seed=None):
        self.streams, self.steps, self.seed = streams, steps, seed
        self._arrays = [tf.constant(array) for array in arrays]
        self._labels = tf.constant(np.asarray(labels, np.int32))
        self._begins, self._lengths = _cut_for(streams, np.asarray(lengths, np.int64), steps)
        self._windows = -(-self._lengths // steps)
        self._rows = _evenly_filled(self._windows, streams)

    def __len__(self):
        """Batches in an epoch, the same in every epoch."""
        return max(int(self._windows[row].sum()) for row in self._rows)

    @property
    def num_examples(self):
        """Windows in an epoch, in all streams."""
        return len(self) * self.streams

    def plan(self, epoch=0):
        """Return where each window begins, how many steps it has, and whether it is the first of a sequence.

        Returns:
            int64, int64 and bool, each (batches, streams); where a row has nothing left, no steps.
        """
        shape = (len(self), self.streams)
        begins, counts, fresh = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.ones(shape, bool)
        for stream, row in enumerate(self._shuffled(epoch)):
            place = 0
            for one in row:
                windows = np.arange(self._windows[one])
                here = place + windows
                begins[here, stream] = self._begins[one] + windows * self.steps
                counts[here, stream] = np.minimum(self.steps, self._lengths[one] - windows * self.steps)
                fresh[here, stream] = windows == 0
                place += len(windows)
        return begins, counts, fresh

    def _shuffled(self, epoch):
        """The sequences of every row: those of equally many windows change places, rows their order."""
        if self.seed is None:
            return self._rows
        rng = np.random.default_rng([self.seed, epoch])
        swapped = np.arange(len(self._windows))
        for count in np.unique(self._windows):
            places = np.flatnonzero(self._windows == count)
            swapped[places] = rng.permutation(places)
        return [rng.permutation(swapped[row]) for row in self._rows]

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of the batches from `start` on."""
        begins, counts, fresh = map(tf.constant, self.plan(epoch))
        steps = tf.range(self.steps, dtype=tf.int64)

        @tf.autograph.experimental.do_not_convert
        def window(number):
            there = steps < counts[number][:, None]
            places = tf.where(there, begins[number][:, None] + steps, 0)
            inputs = [_where(there, tf.gather(array, places), 0) for array in self._arrays]
            labels = _where(there, tf.gather(self._labels, places), NO_LABEL)
            return (*inputs, fresh[number]), labels

        return tf.data.Dataset.range(start, len(self)).map(window, num_parallel_calls=2).prefetch(4)


def _cut_for(streams, lengths, steps):
    """Where the sequences begin among all steps, and their lengths; where they are few, cut."""
    parts = np.ones(len(lengths), np.int64)
    windows = np.maximum(1, -(-lengths // steps))
    while len(parts) and parts.sum() < min(streams, windows.sum()):
        parts[np.argmax(np.where(parts < windows, windows / parts, 0))] += 1
    begins, cut = [], []
    for begin, length, count, of_all in zip(np.cumsum(lengths) - lengths, lengths, parts, windows):
        bounds = np.minimum(of_all * np.arange(count + 1) // count * steps, length)
        begins += list(begin + bounds[:-1])
        cut += list(np.diff(bounds))
    real = np.asarray(cut, np.int64) > 0
    return np.asarray(begins, np.int64)[real], np.asarray(cut, np.int64)[real]


def _evenly_filled(windows, streams):
    """For each stream its sequences, the longest given first, each to the stream that has the least."""
    rows, filled = [[] for _ in range(streams)], np.zeros(streams, np.int64)
    for one in np.argsort(-windows, kind="stable"):
        stream = int(np.argmin(filled))
        rows[stream].append(int(one))
        filled[stream] += windows[one]
    return [np.sort(np.asarray(row, np.int64)) for row in rows]


def _where(there, values, filling):
    there = tf.reshape(there, [*there.shape, *[1] * (len(values.shape) - 2)])
    return tf.where(there, values, tf.cast(filling, values.dtype))


def _one_or_all(inputs):
    return inputs[0] if len(inputs) == 1 else tuple(inputs)
