"""Reads examples from shards by index, through a cache of bounded size."""

import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np
import tensorflow as tf

from rnn_apps.data.shards import read_index, read_shard
from rnn_apps.errors import DataError

MAX_CACHED = 256 * 2**20  # bytes of decoded shards
MAX_GROUP = 16  # shards that are read together


class ShardGroups:
    """Groups of shards that are read together, in an order that depends on a random generator.

    Args:
        sizes: Number of examples of each shard.
        per_group: Number of shards in a group.
    """

    def __init__(self, sizes, per_group):
        self._stops, self.per_group = np.cumsum(sizes), per_group
        self._starts = self._stops - sizes

    def shuffled(self, rng):
        """Yield the indices of the examples of each group, int32; the shards are drawn with `rng`."""
        order = rng.permutation(len(self._starts))
        for first in range(0, len(order), self.per_group):
            group = order[first : first + self.per_group]
            ranges = [np.arange(self._starts[n], self._stops[n], dtype=np.int32) for n in group]
            yield np.concatenate(ranges)


class ShardStore:
    """The examples of a split, read from shards when they are needed.

    Args:
        folder: Path.
        shards: List of `Shard`.
        specs: Column name to `ColumnSpec`.
        max_cached: Bytes of decoded shards to keep in memory.

    Attributes:
        failure: the `DataError` that stopped reading, or None.

    Raises:
        DataError: an index is missing or damaged.
    """

    def __init__(self, folder, shards, specs, max_cached=MAX_CACHED):
        self._folder, self._shards, self._specs, self._max_cached = Path(folder), shards, specs, max_cached
        indices = [read_index(folder, shard, len(specs)) for shard in shards]
        self._index = np.concatenate([*indices, np.zeros((0, len(specs)), np.int32)])
        sizes = [shard.examples for shard in shards]
        self._stops = np.cumsum(sizes)
        self._starts = self._stops - sizes
        self._cached, self._lock = OrderedDict(), threading.Lock()
        self.failure = None

    def __len__(self):
        return len(self._index)

    @property
    def names(self):
        """Names of the columns."""
        return list(self._specs)

    def type_of(self, name):
        """Return the NumPy type and the shape of the values of an example in a column without steps."""
        return np.dtype(self._specs[name].dtype), self._specs[name].shape

    def index_of(self, name):
        """Return the number of steps of each example in a column, or the values of one without steps."""
        return self._index[:, list(self._specs).index(name)]

    @property
    def groups(self):
        """The `ShardGroups` of which two fit into the cache."""
        largest = max(1, *(shard.decoded for shard in self._shards))
        per_group = int(np.clip(self._max_cached // 2 // largest, 1, MAX_GROUP))
        return ShardGroups([shard.examples for shard in self._shards], per_group)

    def load(self, name):
        """Return the values of a column of all examples, concatenated."""
        shards = (read_shard(self._folder, shard, self._specs) for shard in self._shards)
        return np.concatenate([columns[name].values for columns in shards])

    def shard_sizes(self, name):
        """Return the number of steps of all examples of each shard, in a column."""
        index = self.index_of(name)
        return [int(index[start:stop].sum()) for start, stop in zip(self._starts, self._stops)]

    def shard_values(self, name, number):
        """Return the values of a column of a shard, by its number."""
        return self._shard(number)[0][name].values

    def rows(self, name):
        """Return the sequences of a column as `ShardRows`."""
        return ShardRows(self, name, self._specs[name])

    def padded(self, name, indices, length, pad_value, num_rows):
        """Return the selected sequences of a column as an array (num_rows, length, ...)."""
        spec = self._specs[name]
        result = np.full((num_rows, length, *spec.shape), pad_value, spec.dtype)
        for rows, places, columns, starts in self._by_shard(indices):
            values, lengths = columns[name]
            for row, place in zip(rows, places):
                start, steps = starts[name][place], lengths[place]
                result[row, :steps] = values[start : start + steps]
        return result

    def values(self, name, indices):
        """Return the values of a column without steps, an array (len(indices), ...)."""
        spec = self._specs[name]
        result = np.empty((len(indices), *spec.shape), spec.dtype)
        for rows, places, columns, _ in self._by_shard(indices):
            result[rows] = columns[name].values[places]
        return result

    def parts(self, name, sizes, indices, numbers, length):
        """Return parts of the sequences of a column, padded with zeros: (len(indices), length).

        Args:
            name: Column of sequences, each of which consists of several parts.
            sizes: Column with the number of steps of each part.
            indices: Index of each example.
            numbers: Number of the part in it.
            length: Steps of the result.
        """
        result = np.zeros((len(indices), length), self._specs[name].dtype)
        for rows, places, columns, starts in self._by_shard(indices):
            for row, place in zip(rows, places):
                *before, steps = columns[sizes].values[starts[sizes][place] :][: numbers[row] + 1]
                start = starts[name][place] + sum(before)
                result[row, :steps] = columns[name].values[start : start + steps]
        return result

    def _by_shard(self, indices):
        """Yield for each shard of some examples their rows in `indices`, their places in it, and `_shard`."""
        numbers = np.searchsorted(self._stops, indices, side="right")
        for number in dict.fromkeys(numbers.tolist()):
            rows = np.flatnonzero(numbers == number)
            yield rows, indices[rows] - self._starts[number], *self._shard(number)

    def _shard(self, number):
        """The columns of a shard, and the first step of each of its examples."""
        with self._lock:
            if number in self._cached:
                self._cached.move_to_end(number)
                return self._cached[number]
            try:
                columns = read_shard(self._folder, self._shards[number], self._specs)
            except DataError as error:
                self.failure = error
                raise
            starts = {
                key: np.cumsum(column.lengths) - column.lengths
                for key, column in columns.items()
                if column.lengths is not None
            }
            self._cached[number] = columns, starts
            while len(self._cached) > 1 and self._cached_bytes() > self._max_cached:
                self._cached.popitem(last=False)
            return columns, starts

    def _cached_bytes(self):
        return sum(self._shards[number].decoded for number in self._cached)


class ShardRows:
    """The sequences of a column of a `ShardStore`, with the methods of `RaggedRows`.

    Args:
        store: `ShardStore`.
        name: Name of the column.
        spec: Its `ColumnSpec`.
    """

    def __init__(self, store, name, spec):
        self._store, self._name, self._spec = store, name, spec

    def load(self):
        """Return the values of all steps, concatenated."""
        return self._store.load(self._name)

    def padded(self, indices, length, pad_value=0, num_rows=None):
        """Return the selected sequences, padded: (batch, length, ...)."""

        def read(indices, length):
            rows = len(indices) if num_rows is None else num_rows
            return self._store.padded(self._name, indices, int(length), pad_value, rows)

        values = tf.numpy_function(read, [indices, length], self._spec.dtype, stateful=False)
        return tf.ensure_shape(values, [num_rows, None, *self._spec.shape])


class NestedRows:
    """The parts of the sequences of a column, with the method of `RaggedRows`.

    Args:
        store: `ShardStore`.
        name, sizes: As of `ShardStore.parts`.
    """

    def __init__(self, store, name, sizes):
        self._store, self._name, self._sizes = store, name, sizes
        self._stops = np.cumsum(store.index_of(sizes), dtype=np.int64)

    def padded(self, indices, length):
        """Return the selected parts, counted over all examples: int32 (batch, length)."""

        def read(indices, length):
            examples = np.searchsorted(self._stops, indices, side="right")
            numbers = indices - np.concatenate([[0], self._stops])[examples]
            return self._store.parts(self._name, self._sizes, examples, numbers, int(length))

        values = tf.numpy_function(read, [indices, length], tf.int32, stateful=False)
        return tf.ensure_shape(values, [None, None])
