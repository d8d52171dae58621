"""Windows of a text for training, and which of them begin it."""

import tensorflow as tf

__all__ = ["FreshFirst"]


class FreshFirst:
    """Stream batches that say which rows begin a text: all in the first window of an epoch."""

    def __init__(self, batches):
        self._batches = batches
        self.num_examples = batches.num_examples

    def __len__(self):
        return len(self._batches)

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of ((tokens, fresh), targets)."""
        streams = self._batches.streams

        @tf.autograph.experimental.do_not_convert
        def marked(number, window):
            tokens, targets = window
            tokens, targets = (tf.ensure_shape(part, [streams, None]) for part in (tokens, targets))
            return (tokens, tf.fill([streams], number == 0)), targets

        return self._batches.epoch(epoch, start).enumerate(start).map(marked)
