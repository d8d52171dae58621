"""Batches of sequences with a label per step: whole sequences by length, or parallel windows."""

import numpy as np
import tensorflow as tf

from rnn_apps.data.batches import LengthBuckets, map_batches
from rnn_apps.data.columns import as_rows

NO_LABEL = -1


class StepBatches(LengthBuckets):
    """Batches whole sequences by length.

    A batch is (inputs, labels). Inputs are one tensor (batch, steps, ...) per array, padded with zeros; a
    single array gives a tensor, several give a tuple. Labels are int32 (batch, steps), -1 at padded steps.
    The last batch of each length is filled with empty rows, so that few shapes are compiled.

    Args:
        arrays: Arrays (all steps, ...), the sequences concatenated, or rows as from
            `rnn_apps.data.columns.as_rows`.
        lengths: Number of steps of each sequence.
        labels: int (all steps,), one label per step, or rows.
        batch_size, seed, boundaries, groups: As in `LengthBuckets`.
    """

    def __init__(self, arrays, lengths, labels, batch_size, seed=None, boundaries=None, groups=None):
        super().__init__(lengths, batch_size, seed, boundaries, groups)
        self._inputs = [as_rows(array, lengths) for array in arrays]
        self._labels = as_rows(labels, lengths, np.int32)

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of the batches from `start` on."""

        def make_batch(indices, length):
            options = {"num_rows": self.max_rows}
            inputs = [rows.padded(indices, length, **options) for rows in self._inputs]
            inputs = inputs[0] if len(inputs) == 1 else tuple(inputs)
            return inputs, self._labels.padded(indices, length, NO_LABEL, **options)

        return self._map_plan(epoch, start, make_batch)


class WindowBatches:
    """Batches windows of parallel streams, for truncated backpropagation through time.

    Each row of a batch is a stream that reads sequence after sequence, one window per batch. Consecutive
    windows of a sequence are in consecutive batches, so a state carried from batch to batch has seen the
    sequence from its start. The last window of a sequence is padded, and the next sequence begins with the
    next window, which resets the state. A batch is (inputs, labels) as in `StepBatches`, with `reset_state`,
    bool (streams,), as the last of the inputs.

    If there are fewer sequences than streams, the longest are cut into equal pieces until there are enough;
    a piece resets the state like a sequence.

    Args:
        arrays, lengths, labels: As in `StepBatches`.
        streams: Rows of every batch.
        steps: Steps of a window.
        seed: None keeps the order of the data in every epoch; otherwise it depends on (seed, epoch).

    Attributes:
        streams, steps: As the arguments.
    """

    def __init__(self, arrays, lengths, labels, streams, steps, seed=None):
        self.streams, self.steps, self.seed = streams, steps, seed
        self._arrays = [tf.constant(array) for array in arrays]
        self._labels = tf.constant(np.asarray(labels, np.int32))
        self._starts, self._lengths = _cut_sequences(streams, np.asarray(lengths, np.int64), steps)
        self._windows = -(-self._lengths // steps)
        self._rows = _distribute(self._windows, streams)

    def __len__(self):
        """Number of batches per epoch, the same in every epoch."""
        return max(int(self._windows[row].sum()) for row in self._rows)

    @property
    def num_examples(self):
        """Number of windows per epoch, over all streams."""
        return len(self) * self.streams

    def plan(self, epoch=0):
        """Return the start and the number of steps of each window, and whether it begins a sequence.

        Returns:
            int64, int64 and bool, each (batches, streams); a stream that has ended has windows of 0 steps.
        """
        shape = (len(self), self.streams)
        starts, counts, reset = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.ones(shape, bool)
        for stream, row in enumerate(self._shuffle(epoch)):
            batch = 0
            for sequence in row:
                windows = np.arange(self._windows[sequence])
                batches = batch + windows
                starts[batches, stream] = self._starts[sequence] + windows * self.steps
                counts[batches, stream] = np.minimum(
                    self.steps, self._lengths[sequence] - windows * self.steps
                )
                reset[batches, stream] = windows == 0
                batch += len(windows)
        return starts, counts, reset

    def _shuffle(self, epoch):
        """The sequences of every row: equally long ones are exchanged between rows, each row is permuted."""
        if self.seed is None:
            return self._rows
        rng = np.random.default_rng([self.seed, epoch])
        exchanged = np.arange(len(self._windows))
        for count in np.unique(self._windows):
            same_length = np.flatnonzero(self._windows == count)
            exchanged[same_length] = rng.permutation(same_length)
        return [rng.permutation(exchanged[row]) for row in self._rows]

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of the batches from `start` on."""
        starts, counts, reset_state = map(tf.constant, self.plan(epoch))
        steps = tf.range(self.steps, dtype=tf.int64)

        def make_batch(number):
            mask = steps < counts[number][:, None]
            positions = tf.where(mask, starts[number][:, None] + steps, 0)
            inputs = [_apply_mask(mask, tf.gather(array, positions), 0) for array in self._arrays]
            labels = _apply_mask(mask, tf.gather(self._labels, positions), NO_LABEL)
            return (*inputs, reset_state[number]), labels

        return map_batches(make_batch, start, len(self))


def _cut_sequences(streams, lengths, steps):
    """Starts and lengths of all sequences, cut into pieces if there are fewer sequences than streams."""
    pieces = np.ones(len(lengths), np.int64)
    windows = np.maximum(1, -(-lengths // steps))
    while len(pieces) and pieces.sum() < min(streams, windows.sum()):
        pieces[np.argmax(np.where(pieces < windows, windows / pieces, 0))] += 1
    starts, cut_lengths = [], []
    for start, length, count, total in zip(np.cumsum(lengths) - lengths, lengths, pieces, windows):
        bounds = np.minimum(total * np.arange(count + 1) // count * steps, length)
        starts += list(start + bounds[:-1])
        cut_lengths += list(np.diff(bounds))
    starts, cut_lengths = np.asarray(starts, np.int64), np.asarray(cut_lengths, np.int64)
    return starts[cut_lengths > 0], cut_lengths[cut_lengths > 0]


def _distribute(windows, streams):
    """The sequences of each stream, assigned longest first to the stream with the fewest windows."""
    rows, num_windows = [[] for _ in range(streams)], np.zeros(streams, np.int64)
    for sequence in np.argsort(-windows, kind="stable"):
        stream = int(np.argmin(num_windows))
        rows[stream].append(int(sequence))
        num_windows[stream] += windows[sequence]
    return [np.sort(np.asarray(row, np.int64)) for row in rows]


def _apply_mask(mask, values, pad_value):
    mask = tf.reshape(mask, [*mask.shape, *[1] * (len(values.shape) - 2)])
    return tf.where(mask, values, tf.cast(pad_value, values.dtype))
