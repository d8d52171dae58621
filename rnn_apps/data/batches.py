"""Batches of sequences of similar length, in an order that depends only on (seed, epoch)."""

import copy
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rnn_apps.data.columns import as_rows
from rnn_apps.errors import UserError

MAX_BUCKETS = 10
MIN_BATCHES_PER_BUCKET = 16
MAX_CANDIDATES = 512  # lengths that are considered as boundaries


def bucket_boundaries(lengths, batch_size):
    """Return the lengths to which sequences are padded: at most 10, and fewer for small data sets.

    Each boundary costs one XLA compilation, which pays off only if the shape recurs. Dynamic programming
    finds the boundaries with the least padding.

    Args:
        lengths: Length of each sequence; the longest is the last boundary.
        batch_size: Sequences per batch.
    """
    lengths = np.maximum(np.sort(np.asarray(lengths)), 1)
    if not len(lengths):
        return [1]
    max_buckets = min(MAX_BUCKETS, 1 + len(lengths) // (batch_size * MIN_BATCHES_PER_BUCKET))
    candidates = np.unique(lengths)
    if len(candidates) > MAX_CANDIDATES:
        quantiles = np.linspace(0, 1, MAX_CANDIDATES)
        candidates = np.unique(np.quantile(lengths, quantiles, method="higher"))
    num_shorter = np.concatenate([[0], np.searchsorted(lengths, candidates, side="right")])
    counts = num_shorter[1:, None] - num_shorter[:-1]
    steps, choices = np.concatenate([[0.0], np.full(len(candidates), np.inf)]), []
    for _ in range(min(max_buckets, len(candidates))):
        # totals[row, column]: sequences longer than the column's boundary are padded to the row's
        totals = np.where(counts > 0, candidates[:, None] * counts + steps[:-1], np.inf)
        choices.append(np.argmin(totals, axis=1))
        steps = np.concatenate([[np.inf], totals.min(axis=1)])
    boundaries, last = [], len(candidates) - 1
    for choice in reversed(choices):
        boundaries.append(int(candidates[last]))
        last = choice[last] - 1
    return boundaries[::-1]


def map_batches(make_batch, start, count):
    """Return a `tf.data.Dataset` of ``make_batch(number)`` for the batch numbers `start` to ``count - 1``."""
    make_batch = tf.autograph.experimental.do_not_convert(make_batch)
    return tf.data.Dataset.range(start, count).map(make_batch, num_parallel_calls=2).prefetch(4)


class Share(NamedTuple):
    """A part of every batch.

    Args:
        number: Number of the part, from 0.
        total: Number of parts.
    """

    number: int = 0
    total: int = 1

    def divided(self, parts):
        """Return the shares of equal parts of this share, a list."""
        return [Share(self.number * parts + part, self.total * parts) for part in range(parts)]

    def rows(self, size):
        """Return the start and the stop of the share in a batch of `size` rows, and its weight.

        If there are fewer rows than parts, some shares are empty. They get a row of another share, so that
        their shapes are valid, and the weight 0.

        Args:
            size: int, or a scalar tensor.
        """
        start, stop = (size * (self.number + step) // self.total for step in (0, 1))
        if isinstance(size, int):
            return (
                (start, stop, 1.0) if start < stop else (min(start, size - 1), min(start, size - 1) + 1, 0.0)
            )
        weight, start = tf.cast(start < stop, tf.float32), tf.minimum(start, size - 1)
        return start, tf.maximum(stop, start + 1), weight


def epoch_in_parts(batches, shares, epoch=0, start=0):
    """Return a `tf.data.Dataset` of the batches of an epoch, each a tuple of (inputs, targets, weight).

    Args:
        batches: Batches with a method ``epoch(epoch, start)``. Of `LengthBuckets`, only the
            examples of the shares are read; of others the rows of all tensors are divided.
        shares: List of `Share`, one for each element of the tuples.
        epoch: Number of the epoch.
        start: Number of the first batch.

    Raises:
        UserError: if the batches cannot be divided.
    """
    if isinstance(batches, LengthBuckets):
        return batches.epoch_in_parts(shares, epoch, start)
    whole = batches.epoch(epoch, start)
    fix = "Train in one process, without training.accumulate_steps."
    if not isinstance(whole, tf.data.Dataset):
        problem = f"{type(batches).__name__}.epoch returns no tf.data.Dataset, so batches cannot be divided"
        raise UserError("training", problem, fix=fix)
    sizes = {tensor.shape[0] if tensor.shape.rank else None for tensor in tf.nest.flatten(whole.element_spec)}
    if len(sizes) > 1:
        problem = f"{type(batches).__name__} has tensors with different numbers of rows ({sizes})"
        raise UserError("training", problem, fix=fix)

    @tf.autograph.experimental.do_not_convert
    def divide(inputs, targets):
        size = tf.shape(targets)[0] if targets.shape[0] is None else targets.shape[0]
        for tensor in tf.nest.flatten(inputs):
            tf.debugging.assert_equal(tf.shape(tensor)[0], size, "a tensor with another number of rows")
        return tuple(_rows(inputs, targets, *share.rows(size)) for share in shares)

    return whole.map(divide)


def _rows(inputs, targets, start, stop, weight):
    return *tf.nest.map_structure(lambda tensor: tensor[start:stop], (inputs, targets)), weight


class LengthBuckets:
    """Batches examples of similar length, in an order that depends only on (seed, epoch).

    Args:
        lengths: Length of each example.
        batch_size: Examples per batch; the last batch of each bucket may be smaller.
        seed: None keeps the order of the data, within and between batches, except that lengths are grouped.
        boundaries: Lengths to pad to, ascending; the last must hold the longest example.
        groups: `ShardGroups` if examples are read from shards: an epoch then reads a few shards at a time.
            None shuffles all examples.
    """

    def __init__(self, lengths, batch_size, seed=None, boundaries=None, groups=None):
        self.batch_size, self.seed, self._groups = batch_size, seed, groups
        self._share, self._weights, self._planned = Share(), None, None
        boundaries = boundaries or bucket_boundaries(lengths, batch_size)
        if len(lengths) and max(lengths) > boundaries[-1]:
            expected = f"the last to hold {max(lengths)} steps"
            raise ValueError(f"boundaries: received {list(boundaries)}, expected {expected}.")
        self._boundaries = np.asarray(boundaries)
        self._bucket = np.searchsorted(self._boundaries, np.maximum(lengths, 1))

    def __len__(self):
        """Number of batches per epoch, the same in every epoch."""
        counts = np.bincount(self._bucket, minlength=len(self._boundaries))
        return int(np.sum(-(-counts // self.batch_size)))

    @property
    def num_examples(self):
        """Number of examples per epoch."""
        return len(self._bucket)

    def plan(self, epoch):
        """Return the batches of an epoch in order: a list of (indices, padded length)."""
        rng = None if self.seed is None else np.random.default_rng([self.seed, epoch])
        if rng is not None and self._groups is not None:
            return self._plan_by_groups(rng)
        batches = []
        for bucket, length in enumerate(self._boundaries):
            indices = np.flatnonzero(self._bucket == bucket)
            if rng is not None:
                rng.shuffle(indices)
            starts = range(0, len(indices), self.batch_size)
            batches += [(indices[start : start + self.batch_size], int(length)) for start in starts]
        order = np.arange(len(batches)) if rng is None else rng.permutation(len(batches))
        return [batches[i] for i in order]

    def _plan_by_groups(self, rng):
        """The batches of groups of shards, one group after another.

        Examples that do not fill a batch wait for the next group, so an epoch has as many batches as if all
        examples were shuffled.
        """
        batches, waiting = [], [np.zeros(0, np.int32) for _ in self._boundaries]
        for group in self._groups.shuffled(rng):
            rng.shuffle(group)
            full = []
            for bucket, length in enumerate(self._boundaries):
                own = np.concatenate([waiting[bucket], group[self._bucket[group] == bucket]])
                count = len(own) // self.batch_size * self.batch_size
                full += [(rows, int(length)) for rows in own[:count].reshape(-1, self.batch_size)]
                waiting[bucket] = own[count:]
            batches += [full[i] for i in rng.permutation(len(full))]
        rest = [(rows, int(length)) for rows, length in zip(waiting, self._boundaries) if len(rows)]
        return batches + [rest[i] for i in rng.permutation(len(rest))]

    def epoch_in_parts(self, shares, epoch=0, start=0):
        """As the function of this name; the epoch is planned once for all shares."""
        plan, parts = self.plan(epoch), []
        for share in shares:
            own = copy.copy(self)
            own._share, own._planned = share, plan
            batches = own.epoch(epoch, start)
            weights = tf.data.Dataset.from_tensor_slices(own._weights[start:])
            both = tf.data.Dataset.zip((batches, weights))
            parts.append(both.map(lambda batch, weight: (*batch, weight)))
        return tf.data.Dataset.zip(tuple(parts))

    @property
    def max_rows(self):
        """Maximum number of examples in the share of a batch."""
        return -(-self.batch_size // self._share.total)

    def _map_plan(self, epoch, start, make_batch):
        """A `tf.data.Dataset` of ``make_batch(indices, padded length)`` for the plan of an epoch."""
        plan = self.plan(epoch) if self._planned is None else self._planned
        shares = [self._share.rows(len(indices)) for indices, _ in plan]
        self._weights = np.array([weight for *_, weight in shares], np.float32)
        order = tf.constant(np.concatenate([rows[a:b] for (rows, _), (a, b, _) in zip(plan, shares)]))
        sizes = np.array([b - a for a, b, _ in shares])
        stops, lengths = tf.constant(np.cumsum(sizes)), tf.constant([length for _, length in plan], tf.int64)
        starts = stops - sizes
        return map_batches(lambda i: make_batch(order[starts[i] : stops[i]], lengths[i]), start, len(plan))


class SequenceBatches(LengthBuckets):
    """Batches token id sequences with one label each by length.

    Args:
        ids: int32 (all steps,), all sequences concatenated, or rows as from `rnn_apps.data.columns.as_rows`.
        lengths: Length of each sequence.
        labels: int, one label per sequence.
        batch_size, seed, boundaries, groups: As in `LengthBuckets`.
    """

    def __init__(self, ids, lengths, labels, batch_size, seed=None, boundaries=None, groups=None):
        super().__init__(lengths, batch_size, seed, boundaries, groups)
        self._rows = as_rows(ids, lengths)
        self._labels = tf.constant(np.asarray(labels), tf.int32)

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of (ids (batch, steps), labels (batch,)) from batch `start` on."""

        def make_batch(indices, length):
            return self._rows.padded(indices, length), tf.gather(self._labels, indices)

        return self._map_plan(epoch, start, make_batch)


class TargetTextBatches(LengthBuckets):
    """Batches inputs with all their target texts, by the length of the longest text.

    A batch is ((inputs, source_index, previous), targets): what the encoder reads (inputs, ...); for each
    text the position of its input in the batch (texts,), so that an input is encoded once for all its texts;
    the token before each step (texts, steps), beginning with the start token; and the tokens to predict
    (texts, steps).

    Args:
        ids: int32 (all tokens,), all texts with their end tokens concatenated, grouped by input; or rows as
            from `rnn_apps.data.columns.as_rows`.
        lengths: Length of each text.
        source_index: Index of the input of each text, ascending from 0.
        read_inputs: ``read_inputs(indices, epoch)`` returns what the encoder reads, from an int tensor.
        start_token: Id of the token before the first one.
        batch_size: Approximate number of texts per batch.
        seed, boundaries, groups: As in `LengthBuckets`.
        max_per_input: Texts of an input per epoch; if it has more, a new sample is drawn each epoch. None
            uses all.
    """

    def __init__(
        self,
        ids,
        lengths,
        source_index,
        read_inputs,
        start_token,
        batch_size,
        seed=None,
        boundaries=None,
        max_per_input=None,
        groups=None,
    ):
        counts = np.bincount(source_index)
        self._first = np.concatenate([[0], np.cumsum(counts)])
        self._num_used = counts if max_per_input is None else np.minimum(counts, max_per_input)
        longest = np.maximum.reduceat(lengths, self._first[:-1])
        batch_size = max(1, round(batch_size / self._num_used.mean()))
        super().__init__(longest, batch_size, seed, boundaries, groups)
        self._texts = as_rows(ids, lengths)
        self._read_inputs, self._start_token = read_inputs, start_token

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of the batches from `start` on."""
        texts = tf.RaggedTensor.from_row_lengths(self._sample_texts(epoch), self._num_used)

        def make_batch(indices, length):
            sampled = tf.gather(texts, indices)
            targets = self._texts.padded(sampled.flat_values, length)
            previous = tf.pad(targets[:, :-1], [[0, 0], [1, 0]], constant_values=self._start_token)
            source_index = tf.cast(sampled.value_rowids(), tf.int32)
            return (self._read_inputs(indices, epoch), source_index, previous), targets

        return self._map_plan(epoch, start, make_batch)

    def _sample_texts(self, epoch):
        """Indices of the texts of this epoch, input by input."""
        if self._first[-1] == self._num_used.sum():
            return np.arange(self._first[-1])
        rng = np.random.default_rng([self.seed or 0, epoch])
        sampled = []
        for start, stop, count in zip(self._first, self._first[1:], self._num_used):
            if count == stop - start:
                sampled.append(np.arange(start, stop))
            else:
                sampled.append(np.sort(start + rng.choice(stop - start, count, replace=False)))
        return np.concatenate(sampled)
