"""A network that makes one answer of a sequence, read piece by piece: the answer so far."""

import keras
import tensorflow as tf


class RunningEncoder:
    """The parts of a network of `rnn_apps.models.sequence_encoder.sequence_encoder`, for reading on.

    Args:
        model: the network, made or loaded, that reads in one direction.
        pooling: its pooling, ``"last"``, ``"mean"``, ``"max"`` or ``"mean_max"``.
    """

    def __init__(self, model, pooling):
        names = ("embedding", "recurrent", "logits")
        self._embedding, self._recurrent, self._logits = map(model.get_layer, names)
        self._pooling, self._width = pooling, self._recurrent.units[-1]

    def zero_states(self, batch):
        """Return the flat list of states before the first word, each ``(batch, size)``.

        Those of the recurrence, and of what pooling has seen: how many words, their sum, their highest, the
        last of them, as far as it needs them.
        """
        sizes = {"last": (self._width,), "mean": (1, self._width), "max": (1, self._width)}
        sizes["mean_max"] = (1, self._width, self._width)
        kept = [tf.zeros([batch, size], self._recurrent.compute_dtype) for size in sizes[self._pooling]]
        return [*tf.nest.flatten(self._recurrent.zero_states(batch)), *kept]

    def read_on(self, numbers, states):
        """Read words on: int (batch, steps), 0 for padding; logits (batch, classes) so far, and states."""
        there = keras.ops.not_equal(numbers, 0)
        structure = self._recurrent.zero_states(1)
        count = len(tf.nest.flatten(structure))
        packed = tf.nest.pack_sequence_as(structure, list(states[:count]))
        h, after = self._recurrent.read_on(self._embedding(numbers), packed, there)
        pooled, kept = self._pooled(h, there, states[count:])
        return self._logits(pooled), [*tf.nest.flatten(after), *kept]

    def _pooled(self, h, there, kept):
        if self._pooling == "last":
            lengths = tf.reduce_sum(tf.cast(there, tf.int32), axis=1)
            ends = tf.gather(h, tf.maximum(lengths - 1, 0), batch_dims=1)
            last = tf.where(lengths[:, None] > 0, ends, kept[0])
            return last, [last]
        weight = tf.cast(there, h.dtype)[:, :, None]
        before, *kept = kept
        seen, pooled, after = before + tf.reduce_sum(weight, axis=1), [], []
        if "mean" in self._pooling:
            total = kept[0] + tf.reduce_sum(h * weight, axis=1)
            pooled, after = [total / tf.maximum(seen, 1)], [total]
        if "max" in self._pooling:
            here = tf.reduce_max(tf.where(there[:, :, None], h, h.dtype.min), axis=1)
            highest = tf.where(before > 0, tf.maximum(kept[-1], here), here)
            highest = tf.where(seen > 0, highest, 0.0)
            pooled, after = [*pooled, highest], [*after, highest]
        return tf.concat(pooled, axis=-1), [seen, *after]
