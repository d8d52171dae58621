"""Batches windows of a long text that is read from shards, a few shards at a time."""

import numpy as np
import tensorflow as tf

from rnn_apps.data.batches import map_batches
from rnn_apps.data.plain_text import num_windows, window_positions


class StoredStreams:
    """Batches windows of parallel streams, as `rnn_apps.data.plain_text.StreamBatches`, of text in shards.

    The shards are grouped in the order of the text. An epoch reads one group after another, in an order that
    depends on (seed, epoch); the text of a group is cut into streams, which begin with a reset state.

    Args:
        store: `rnn_apps.data.shard_store.ShardStore`.
        name: Column of the token ids.
        streams, steps, seed: As of `StreamBatches`.
        per_group: Number of shards in a group.
    """

    def __init__(self, store, name, streams, steps, seed, per_group):
        self.streams, self.steps, self.seed = streams, steps, seed
        self._store, self._name = store, name
        self._groups = _group_shards(store.shard_sizes(name), per_group, 2 * streams + 1)
        self._targets = np.array([tokens - 1 for _, tokens in self._groups])
        self._windows = [num_windows(targets, streams, steps) for targets in self._targets]
        self._loaded = (None, None)

    def __len__(self):
        """Number of batches per epoch, the same in every epoch."""
        return sum(self._windows)

    @property
    def num_examples(self):
        """Number of windows per epoch, over all streams."""
        return len(self) * self.streams

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of ((tokens, resets), targets) from batch `start` on.

        Tokens and targets are int32 (streams, steps), resets bool (streams,).
        """
        rng = np.random.default_rng([self.seed, epoch])
        shifts = [int(rng.integers(targets)) for targets in self._targets]
        order = rng.permutation(len(self._groups)) if len(self._groups) > 1 else [0]
        plan = np.array([(group, window) for group in order for window in range(self._windows[group])])

        def read(group, window):
            return self._window(int(group), int(window), shifts[int(group)])

        def make_batch(number):
            group, window = tf.unstack(tf.gather(plan, number))
            tokens, targets = tf.numpy_function(read, [group, window], [tf.int32] * 2, stateful=False)
            tokens, targets = (tf.ensure_shape(one, [self.streams, None]) for one in (tokens, targets))
            return (tokens, tf.fill([self.streams], window == 0)), targets

        return map_batches(make_batch, start, len(self))

    def _window(self, group, window, shift):
        text, targets = self._text(group), int(self._targets[group])
        mask, source = window_positions(targets, self.streams, self.steps, window, shift)
        return tuple(np.where(mask, text[at], 0).astype(np.int32) for at in (source, source + 1))

    def _text(self, group):
        """The tokens of a group; the last one is kept."""
        number, text = self._loaded
        if number != group:
            text = np.concatenate([self._store.shard_values(self._name, n) for n in self._groups[group][0]])
            self._loaded = group, text
        return text


def _group_shards(sizes, per_group, least):
    """Lists of consecutive shards with their number of tokens; a group too small joins the one before it."""
    groups = []
    for start in range(0, len(sizes), per_group):
        shards = list(range(start, min(start + per_group, len(sizes))))
        tokens = sum(sizes[shard] for shard in shards)
        if groups and tokens < least:
            before, more = groups.pop()
            shards, tokens = before + shards, more + tokens
        groups.append((shards, tokens))
    return groups
