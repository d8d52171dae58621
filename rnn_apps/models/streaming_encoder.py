"""Many-to-one networks on sequences that arrive piece by piece."""

import keras
import tensorflow as tf


class StreamingEncoder:
    """Runs a model of `rnn_apps.models.sequence_encoder.sequence_encoder` with explicit states.

    Args:
        model: the model, built or loaded, with one direction.
        pooling: its pooling, ``"last"``, ``"mean"``, ``"max"`` or ``"mean_max"``.
    """

    def __init__(self, model, pooling):
        names = ("embedding", "recurrent", "logits")
        self._embedding, self._recurrent, self._logits = map(model.get_layer, names)
        self._pooling, self._width = pooling, self._recurrent.units[-1]

    def zero_states(self, batch):
        """Return the flat list of initial states, each ``(batch, size)``.

        They are the states of the recurrent layers, and those of the pooling: the last output, or the number
        of words and the sum or maximum of the outputs so far.
        """
        sizes = {"last": (self._width,), "mean": (1, self._width), "max": (1, self._width)}
        sizes["mean_max"] = (1, self._width, self._width)
        pooling = [tf.zeros([batch, size], self._recurrent.compute_dtype) for size in sizes[self._pooling]]
        return [*tf.nest.flatten(self._recurrent.zero_states(batch)), *pooling]

    def forward_from_state(self, numbers, states):
        """Read further words.

        Args:
            numbers: token ids int (batch, steps), 0 for padding.
            states: flat list of states.

        Returns:
            Logits (batch, classes) of everything read so far, and the flat list of new states.
        """
        mask = keras.ops.not_equal(numbers, 0)
        structure = self._recurrent.zero_states(1)
        count = len(tf.nest.flatten(structure))
        recurrent = tf.nest.pack_sequence_as(structure, list(states[:count]))
        h, recurrent = self._recurrent.forward_from_state(self._embedding(numbers), recurrent, mask)
        pooled, pooling = self._pool(h, mask, states[count:])
        return self._logits(pooled), [*tf.nest.flatten(recurrent), *pooling]

    def _pool(self, h, mask, states):
        """Pool the outputs so far: the pooled vector, and the new states of the pooling."""
        if self._pooling == "last":
            lengths = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)
            ends = tf.gather(h, tf.maximum(lengths - 1, 0), batch_dims=1)
            last = tf.where(lengths[:, None] > 0, ends, states[0])
            return last, [last]
        weight = tf.cast(mask, h.dtype)[:, :, None]
        previous_count, *previous = states
        count, pooled, updated = previous_count + tf.reduce_sum(weight, axis=1), [], []
        if "mean" in self._pooling:
            total = previous[0] + tf.reduce_sum(h * weight, axis=1)
            pooled, updated = [total / tf.maximum(count, 1)], [total]
        if "max" in self._pooling:
            highest = tf.reduce_max(tf.where(mask[:, :, None], h, h.dtype.min), axis=1)
            highest = tf.where(previous_count > 0, tf.maximum(previous[-1], highest), highest)
            highest = tf.where(count > 0, highest, 0.0)
            pooled, updated = [*pooled, highest], [*updated, highest]
        return tf.concat(pooled, axis=-1), [count, *updated]
