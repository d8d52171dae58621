"""Splits texts into words with TensorFlow operations, and processes texts in batches."""

import logging
import os
from collections import Counter
from itertools import chain, islice

import numpy as np
import tensorflow as tf

from rnn_apps.data.threads import map_in_threads

PADDING, UNKNOWN = 0, 1
MAX_DISTINCT = 2_000_000  # tokens that are counted at once, about 400 MB
_BATCH_SIZE, _MAX_EAGER = 512, 16  # texts, and batches that are computed without a graph
_log = logging.getLogger(__name__)


def tokenize(texts):
    """Return the words of each text: strings (batch,) to ragged strings (batch, words)."""
    texts = tf.strings.unicode_transcode(
        texts,
        "UTF-8",
        "UTF-8",
        errors="replace",
        replacement_char=32,
        replace_control_characters=True,  # `lower` cuts a text at its first NUL
    )
    texts = tf.strings.lower(tf.strings.regex_replace(texts, r"(?i)<br\s*/?>", " "), encoding="utf-8")
    texts = tf.strings.regex_replace(texts, r"[^\pL\pM\pN'!?]+", " ")
    texts = tf.strings.regex_replace(texts, r"([!?])", r" \1 ")
    return tf.strings.split(texts)


def truncate(tokens, max_length, keep):
    """Return the tokens of each text that are kept: ragged (batch, tokens) to ragged (batch, steps).

    Args:
        tokens: Ragged tensor.
        max_length: Number of tokens of a text that are kept.
        keep: ``"start"``, ``"end"`` or ``"both"``: which tokens of a longer text are kept.
    """
    if keep == "start":
        return tokens[:, :max_length]
    if keep == "end":
        return tokens[:, -max_length:]
    head = max_length - max_length // 2
    lengths = tf.cast(tokens.row_lengths(), tf.int32)
    tail = tf.clip_by_value(lengths - head, 0, max_length // 2)
    last = tf.gather(tokens, tf.ragged.range(lengths - tail, lengths), batch_dims=1)
    return tf.concat([tokens[:, :head], last], axis=1)


def rank_tokens(texts, split, min_count=1):
    """Return the distinct tokens of texts by frequency, then in alphabetical order.

    Args:
        texts: Iterable of str.
        split: Function from strings (batch,) to ragged strings (batch, tokens).
        min_count: Minimum count of a token.
    """
    counts = count_tokens(texts, split)
    frequent = [token for token, count in counts.items() if count >= min_count]
    return [token.decode("utf-8") for token in sorted(frequent, key=lambda t: (-counts[t], t))]


def count_tokens(texts, split):
    """Return a `TokenCounter` of the tokens of texts, as bytes; the arguments are those of `rank_tokens`."""
    counts = TokenCounter()
    for tokens in _map_batches(texts, lambda batch: split(batch).flat_values):
        counts.add(tokens.numpy().tolist())
    return counts


class TokenCounter(Counter):
    """Counts tokens in bounded memory: if there are too many distinct ones, those that occurred once go."""

    def add(self, tokens):
        """Count an iterable of tokens."""
        self.update(tokens)
        if len(self) > MAX_DISTINCT:
            rare = [token for token, count in self.items() if count == 1]
            for token in rare:
                del self[token]
            text = "More than %s distinct tokens: %s that occurred once so far are not counted"
            _log.info(text, f"{MAX_DISTINCT:,}", f"{len(rare):,}")


def encode_flat(texts, encode):
    """Return the ids of all texts in one flat int32 array, the length of each, and that before truncation.

    Args:
        texts: Iterable of str.
        encode: Function from strings (batch,) to ragged int32 (batch, steps), and the number of tokens of
            each text (batch,).
    """
    ids, lengths, full_lengths = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for encoded, num_tokens in _map_batches(texts, encode):
        ids.append(encoded.flat_values.numpy())
        lengths.append(encoded.row_lengths().numpy())
        full_lengths.append(num_tokens.numpy())
    return tuple(map(np.concatenate, (ids, lengths, full_lengths)))


def normalize_texts(texts):
    """Return texts as a list of str that are the words of `tokenize` joined by spaces."""

    def normalize(batch):
        return tf.strings.reduce_join(tokenize(batch), axis=-1, separator=" ")

    normalized = []
    for batch in _map_batches(texts, normalize):
        normalized += [text.decode("utf-8") for text in batch.numpy()]
    return normalized


def _map_batches(texts, function):
    """Iterate over ``function(batch)`` for all batches of texts, computed in threads.

    Only many batches are worth the tracing of a graph. (A `tf.data.Dataset` would never free its graph.)
    """
    texts = iter(texts)
    batches = iter(lambda: list(islice(texts, _BATCH_SIZE)), [])
    first = list(islice(batches, _MAX_EAGER + 1))
    if len(first) > _MAX_EAGER:
        signature = [tf.TensorSpec([None], tf.string)]
        function = tf.function(function, input_signature=signature, autograph=False)
    workers = min(8, os.cpu_count() or 1)
    batches = (tf.constant(to_bytes(batch)) for batch in chain(first, batches))
    return map_in_threads(batches, function, workers, ahead=2 * workers)


def to_bytes(texts):
    """Return texts as a list of UTF-8 bytes, with surrogates replaced."""
    return [text.encode("utf-8", "replace") for text in texts]
