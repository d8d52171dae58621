"""Words of texts, on stock TensorFlow operations, and texts in batches."""

from collections import Counter

import numpy as np
import tensorflow as tf

PADDING, UNKNOWN = 0, 1
_BATCH = 512


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


def rank_tokens(texts, split, min_count=1):
    """Return the distinct tokens of texts, most frequent first, equals in alphabetical order.

    Args:
        texts: list of str.
        split: strings (batch,) to ragged strings (batch, tokens).
        min_count: how often a token must come.
    """
    counts = Counter()
    for tokens in _in_batches(texts, lambda batch: split(batch).flat_values):
        counts.update(tokens.numpy().tolist())
    frequent = [token for token, count in counts.items() if count >= min_count]
    return [token.decode("utf-8") for token in sorted(frequent, key=lambda t: (-counts[t], t))]


def flat_numbers(texts, encode):
    """Return the numbers of all texts in one flat int32 array, the length of each, and that before a cut.

    Args:
        texts: list of str.
        encode: strings (batch,) to ragged int32 (batch, steps), and the tokens of each text (batch,).
    """
    pieces, lengths, uncut = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for numbers, tokens in _in_batches(texts, encode):
        pieces.append(numbers.flat_values.numpy())
        lengths.append(numbers.row_lengths().numpy())
        uncut.append(tokens.numpy())
    return tuple(map(np.concatenate, (pieces, lengths, uncut)))


def read_words(texts):
    """Return texts as they are read: a list of str, the words of `tokenize` with one space between."""

    def read(batch):
        return tf.strings.reduce_join(tokenize(batch), axis=-1, separator=" ")

    joined = []
    for words in _in_batches(texts, read):
        joined += [text.decode("utf-8") for text in words.numpy()]
    return joined


def _in_batches(texts, function):
    """Return what `function` gives for each batch of texts: at once where there is one, else in parallel."""
    batches = [texts[i : i + _BATCH] for i in range(0, len(texts), _BATCH)]
    if len(batches) == 1:  # a graph takes longer to make than to run
        return [function(tf.constant(_encoded(texts)))]
    dataset = tf.data.Dataset.from_generator(
        lambda: map(_encoded, batches), output_signature=tf.TensorSpec([None], tf.string)
    )
    function = tf.autograph.experimental.do_not_convert(function)
    return dataset.map(function, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def _encoded(texts):
    return [text.encode("utf-8", "replace") for text in texts]
