"""Batches of sequences of similar length, in an order that (seed, epoch) alone decides."""

import numpy as np
import tensorflow as tf

MOST_BUCKETS = 10
BATCHES_A_BUCKET = 16
MOST_ENDS = 512  # lengths that are considered as boundaries


def bucket_boundaries(lengths, batch_size):
    """Return lengths to which sequences are padded: at most 10, and few where there are few batches.

    Each costs one compilation by XLA, which pays only if it comes back. Of all choices of so many boundaries
    it is the one with the least padding, found by dynamic programming.

    Args:
        lengths: length of each sequence; the longest is the last boundary.
        batch_size: sequences a batch.
    """
    lengths = np.maximum(np.sort(np.asarray(lengths)), 1)
    if not len(lengths):
        return [1]
    most = min(MOST_BUCKETS, 1 + len(lengths) // (batch_size * BATCHES_A_BUCKET))
    ends = np.unique(lengths)
    if len(ends) > MOST_ENDS:
        ends = np.unique(np.quantile(lengths, np.linspace(0, 1, MOST_ENDS), method="higher"))
    below = np.concatenate([[0], np.searchsorted(lengths, ends, side="right")])
    counts = below[1:, None] - below[:-1]
    steps, choices = np.concatenate([[0.0], np.full(len(ends), np.inf)]), []
    for _ in range(min(most, len(ends))):
        # totals: all that is longer than the column's end is padded to the row's
        totals = np.where(counts > 0, ends[:, None] * counts + steps[:-1], np.inf)
        choices.append(np.argmin(totals, axis=1))
        steps = np.concatenate([[np.inf], totals.min(axis=1)])
    boundaries, last = [], len(ends) - 1
    for choice in reversed(choices):
        boundaries.append(int(ends[last]))
        last = choice[last] - 1
    return boundaries[::-1]


class LengthBuckets:
    """Examples of similar length batched together, in an order that (seed, epoch) alone decides.

    Args:
        lengths: of each example.
        batch_size: examples a batch; the last batch of each length may be smaller.
        seed: None keeps the order of the data, within and between batches, except that lengths are grouped.
        boundaries: lengths to pad to, ascending; the last must hold the longest example.
    """

    def __init__(self, lengths, batch_size, seed=None, boundaries=None):
        self.batch_size, self.seed = batch_size, seed
        boundaries = boundaries or bucket_boundaries(lengths, batch_size)
        if len(lengths) and max(lengths) > boundaries[-1]:
            expected = f"the last to hold {max(lengths)} steps"
            raise ValueError(f"boundaries: received {list(boundaries)}, expected {expected}.")
        self._boundaries = np.asarray(boundaries)
        self._bucket = np.searchsorted(self._boundaries, np.maximum(lengths, 1))

    def __len__(self):
        """Batches in an epoch, the same in every epoch."""
        counts = np.bincount(self._bucket, minlength=len(self._boundaries))
        return int(np.sum(-(-counts // self.batch_size)))

    @property
    def num_examples(self):
        """Examples in an epoch."""
        return len(self._bucket)

    def plan(self, epoch):
        """Return the batches of an epoch in order: a list of (indices, padded length)."""
        rng = None if self.seed is None else np.random.default_rng([self.seed, epoch])
        batches = []
        for bucket, length in enumerate(self._boundaries):
            indices = np.flatnonzero(self._bucket == bucket)
            if rng is not None:
                rng.shuffle(indices)
            cuts = range(self.batch_size, len(indices), self.batch_size)
            batches += [(part, int(length)) for part in np.split(indices, cuts) if len(part)]
        order = np.arange(len(batches)) if rng is None else rng.permutation(len(batches))
        return [batches[i] for i in order]

    def _mapped(self, epoch, start, batch):
        """A `tf.data.Dataset` of ``batch(indices, padded length)`` for the plan of an epoch."""
        plan = self.plan(epoch)
        order = tf.constant(np.concatenate([indices for indices, _ in plan]))
        ends = np.cumsum([len(indices) for indices, _ in plan])
        begins = tf.constant(ends - [len(indices) for indices, _ in plan])
        ends, lengths = tf.constant(ends), tf.constant([length for _, length in plan], tf.int64)

        @tf.autograph.experimental.do_not_convert
        def numbered(i):
            return batch(order[begins[i] : ends[i]], lengths[i])

        dataset = tf.data.Dataset.range(start, len(plan)).map(numbered, num_parallel_calls=2)
        return dataset.prefetch(4)


class SequenceBatches(LengthBuckets):
    """Number sequences with a label each, batched by length.

    Args:
        numbers: int32, all sequences one after the other.
        lengths: length of each.
        labels: int, one a sequence.
        batch_size, seed, boundaries: as in `LengthBuckets`.
    """

    def __init__(self, numbers, lengths, labels, batch_size, seed=None, boundaries=None):
        super().__init__(lengths, batch_size, seed, boundaries)
        self._ragged = tf.RaggedTensor.from_row_lengths(numbers, np.asarray(lengths, np.int64))
        self._labels = tf.constant(np.asarray(labels), tf.int32)

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of (numbers (batch, steps), labels (batch,)) from batch `start` on."""

        def batch(indices, length):
            rows = tf.gather(self._ragged, indices).to_tensor(0, shape=tf.stack([-1, length]))
            return rows, tf.gather(self._labels, indices)

        return self._mapped(epoch, start, batch)


class WrittenBatches(LengthBuckets):
    """Inputs with all the texts that are to be written about each, batched by their longest text.

    A batch is ((given, owners, before), tokens): what the network is given (inputs, ...); for each text which
    of the inputs it belongs to (texts,), so that an input is read once for all its texts; the tokens that
    stand before each step (texts, steps), the first of which is the start; and those to be written (texts,
    steps).

    Args:
        numbers: int32, all texts with their ends, one after the other, those of an input together.
        lengths: of the texts.
        owners: number of the input of each text, ascending from 0.
        given: ``given(inputs, epoch)`` gives what the network reads, from an int tensor of input numbers.
        start: token that stands before the first.
        batch_size: texts a batch, roughly.
        seed, boundaries: as in `LengthBuckets`.
        most: texts of an input in an epoch; if it has more, they are drawn anew each epoch. None for all.
    """

    def __init__(
        self, numbers, lengths, owners, given, start, batch_size, seed=None, boundaries=None, most=None
    ):
        counts = np.bincount(owners)
        self._first = np.concatenate([[0], np.cumsum(counts)])
        self._taken = counts if most is None else np.minimum(counts, most)
        longest = np.maximum.reduceat(lengths, self._first[:-1])
        super().__init__(longest, max(1, round(batch_size / self._taken.mean())), seed, boundaries)
        self._texts = tf.RaggedTensor.from_row_lengths(numbers, np.asarray(lengths, np.int64))
        self._given, self._start = given, start

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of the batches from `start` on."""
        texts = tf.RaggedTensor.from_row_lengths(self._chosen(epoch), self._taken)

        def batch(inputs, length):
            chosen = tf.gather(texts, inputs)
            tokens = tf.gather(self._texts, chosen.flat_values).to_tensor(0, shape=tf.stack([-1, length]))
            before = tf.pad(tokens[:, :-1], [[0, 0], [1, 0]], constant_values=self._start)
            owners = tf.cast(chosen.value_rowids(), tf.int32)
            return (self._given(inputs, epoch), owners, before), tokens

        return self._mapped(epoch, start, batch)

    def _chosen(self, epoch):
        """Numbers of the texts of this epoch, input by input."""
        rng = np.random.default_rng([self.seed or 0, epoch])
        ranges = zip(self._first, self._first[1:], self._taken)
        return np.concatenate(
            [
                np.arange(a, b) if k == b - a else np.sort(a + rng.choice(b - a, k, replace=False))
                for a, b, k in ranges
            ]
        )
