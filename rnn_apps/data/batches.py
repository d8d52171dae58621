"""Batches of sequences of similar length, in an order that (seed, epoch) alone decides."""

import numpy as np
import tensorflow as tf

__all__ = ["SequenceBatches", "WrittenBatches", "bucket_boundaries"]

MOST_BUCKETS = 10
BATCHES_A_BUCKET = 16


def bucket_boundaries(lengths, batch_size):
    """Return lengths to which sequences are padded: at most 10, and few where there are few batches.

    Each costs one compilation by XLA, which pays only if it comes back.

    Args:
        lengths: length of each sequence; the longest is the last boundary.
        batch_size: sequences a batch.
    """
    lengths = np.maximum(np.sort(np.asarray(lengths)), 1)
    if not len(lengths):
        return [1]
    most = min(MOST_BUCKETS, 1 + len(lengths) // (batch_size * BATCHES_A_BUCKET))
    quantiles = np.quantile(lengths, np.linspace(0, 1, most + 1)[1:], method="higher")
    return sorted({int(q) for q in quantiles})


class SequenceBatches:
    """Number sequences with a label each, batched by length.

    Args:
        numbers: int32, all sequences one after the other.
        lengths: length of each.
        labels: int, one a sequence.
        batch_size: sequences a batch; the last batch of each length may be smaller.
        seed: None keeps the order of the data, within and between batches, except that lengths are grouped.
        boundaries: lengths to pad to, ascending; the last must hold the longest sequence.
    """

    def __init__(self, numbers, lengths, labels, batch_size, seed=None, boundaries=None):
        self._ragged = tf.RaggedTensor.from_row_lengths(numbers, np.asarray(lengths, np.int64))
        self._labels = tf.constant(np.asarray(labels), tf.int32)
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
        """Sequences in an epoch."""
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

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of (numbers (batch, steps), labels (batch,)) from batch `start` on."""
        plan = self.plan(epoch)
        order = tf.constant(np.concatenate([indices for indices, _ in plan]))
        ends = np.cumsum([len(indices) for indices, _ in plan])
        begins = tf.constant(ends - [len(indices) for indices, _ in plan])
        ends, lengths = tf.constant(ends), tf.constant([length for _, length in plan], tf.int64)

        @tf.autograph.experimental.do_not_convert
        def batch(i):
            indices = order[begins[i] : ends[i]]
            rows = tf.gather(self._ragged, indices)
            return rows.to_tensor(default_value=0, shape=tf.stack([-1, lengths[i]])), tf.gather(
                self._labels, indices
            )

        dataset = tf.data.Dataset.range(start, len(plan)).map(batch, num_parallel_calls=2)
        return dataset.prefetch(4)


class WrittenBatches(SequenceBatches):
    """Texts to be written, batched by length, each with the input it belongs to.

    A batch is ((input, tokens before), tokens): what the network is given, the tokens that stand before each
    step (batch, steps), the first of which is the start, and those that it should write (batch, steps).

    Args:
        numbers, lengths: of the texts, each with its end, as in `SequenceBatches`.
        inputs: ``inputs(texts, epoch)`` gives the input of these texts as tensors, from their numbers, an int
            tensor (batch,).
        start: token that stands before the first.
        batch_size, seed, boundaries: as in `SequenceBatches`.
    """

    def __init__(self, numbers, lengths, inputs, start, batch_size, seed=None, boundaries=None):
        super().__init__(numbers, lengths, np.arange(len(lengths)), batch_size, seed, boundaries)
        self._inputs, self._start = inputs, start

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of the batches from `start` on."""

        @tf.autograph.experimental.do_not_convert
        def with_input(tokens, texts):
            before = tf.pad(tokens[:, :-1], [[0, 0], [1, 0]], constant_values=self._start)
            return (*self._inputs(texts, epoch), before), tokens

        return super().epoch(epoch, start).map(with_input, num_parallel_calls=2).prefetch(4)
