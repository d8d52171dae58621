"""Columns of examples, from which batches gather rows: in memory, or in shards on disk."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf


class Column(NamedTuple):
    """One kind of values of many examples.

    Args:
        values: Array (examples, ...), or with `lengths` (all steps, ...), the sequences concatenated.
        lengths: Number of steps of each example; None if values have no steps.
    """

    values: np.ndarray
    lengths: np.ndarray | None = None

    def __len__(self):
        return len(self.values if self.lengths is None else self.lengths)


class RaggedRows:
    """Sequences in memory.

    Args:
        values: Array (all steps, ...), the sequences concatenated.
        lengths: Number of steps of each sequence.
    """

    def __init__(self, values, lengths):
        self._rows = tf.RaggedTensor.from_row_lengths(values, np.asarray(lengths, np.int64))

    def padded(self, indices, length, pad_value=0, num_rows=None):
        """Return the selected sequences, padded: (batch, length, ...).

        Args:
            indices: int tensor (batch,).
            length: int64 tensor, at least the longest of them.
            pad_value: Value of padded steps.
            num_rows: Number of rows; empty ones are added. None for the number of indices.
        """
        inner = self._rows.flat_values.shape[1:].as_list()
        rows = tf.constant(-1 if num_rows is None else num_rows, tf.int64)
        shape = tf.stack([rows, length, *np.array(inner, np.int64)])
        selected, pad_value = tf.gather(self._rows, indices), tf.cast(pad_value, self._rows.dtype)
        return tf.ensure_shape(selected.to_tensor(pad_value, shape=shape), [num_rows, None, *inner])


def as_rows(values, lengths, dtype=None):
    """Return `RaggedRows` of an array; rows that are not in memory, with its methods, are returned as is."""
    return values if hasattr(values, "padded") else RaggedRows(np.asarray(values, dtype), lengths)
