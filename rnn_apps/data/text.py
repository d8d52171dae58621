"""Text to word numbers, on stock TensorFlow operations, so that training and export share one piece."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import tensorflow as tf

PADDING, UNKNOWN = 0, 1
FIRST_WORD = 2
_BATCH = 512


class TextEncoder(tf.Module):
    """Turns texts into word numbers: 0 is padding, 1 a word that is not in the vocabulary.

    Text is lower-cased; HTML line breaks count as spaces; words are runs of letters, digits and
    apostrophes, and each ``!`` and ``?`` is a word of its own.

    Args:
        words: the vocabulary, most frequent first; `words[i]` has the number ``i + 2``.
        max_length: words of a text that are kept.
        keep: ``"start"``, ``"end"`` or ``"both"``: the part of a longer text that is kept.
    """

    def __init__(self, words, max_length, keep="start"):
        super().__init__()
        self.words, self.max_length, self.keep = list(words), max_length, keep
        numbers = [UNKNOWN, *range(FIRST_WORD, FIRST_WORD + len(self.words))]
        words = ["", *self.words]  # a table cannot be empty, and no text holds the word ""
        pairs = tf.lookup.KeyValueTensorInitializer(words, numbers, tf.string, tf.int32)
        self._table = tf.lookup.StaticHashTable(pairs, default_value=UNKNOWN)

    @classmethod
    def learn(cls, texts, vocabulary_size, max_length, keep="start"):
        """Return an encoder with the most frequent words of `texts`, equals in alphabetical order."""
        words = rank_tokens(texts, tokenize)[: max(0, vocabulary_size - FIRST_WORD)]
        return cls(words, max_length, keep)

    @property
    def vocabulary_size(self):
        """Words and the two reserved numbers."""
        return len(self.words) + FIRST_WORD

    def tokens(self, texts):
        """Return the words that are read: strings (batch,) to ragged strings (batch, steps)."""
        return self.kept(tokenize(texts))

    def kept(self, tokens):
        """Return what is read of all words of each text: ragged strings (batch, words) to (batch, steps)."""
        if self.keep == "start":
            return tokens[:, : self.max_length]
        if self.keep == "end":
            return tokens[:, -self.max_length :]
        head = self.max_length - self.max_length // 2
        lengths = tf.cast(tokens.row_lengths(), tf.int32)
        tail = tf.minimum(self.max_length // 2, tf.maximum(lengths - head, 0))
        last = tf.ragged.range(lengths - tail, lengths)
        return tf.concat([tokens[:, :head], tf.gather(tokens, last, batch_dims=1)], axis=1)

    def numbers(self, tokens):
        """Return word numbers: ragged strings (batch, steps) to ragged int32."""
        return tokens.with_flat_values(self._table.lookup(tokens.flat_values))

    def __call__(self, texts):
        """Return padded word numbers: strings (batch,) to int32 (batch, steps), at least one step."""
        return self.padded(self.tokens(texts))

    def padded(self, tokens):
        """As a call, from the words that are read, ragged strings (batch, steps)."""
        numbers = self.numbers(tokens).to_tensor(default_value=PADDING)
        return tf.pad(numbers, [[0, 0], [0, tf.maximum(1 - tf.shape(numbers)[1], 0)]])

    def encode_all(self, texts):
        """Return the word numbers of all texts, flat, the length of each, and that before it was cut."""

        def encode(batch):
            words = tokenize(batch)
            return self.numbers(self.kept(words)), words.row_lengths()

        return flat_numbers(texts, encode)

    def save(self, folder):
        """Write `vocabulary.txt` (one word a line) and `text.json` into `folder`."""
        folder = Path(folder)
        (folder / "vocabulary.txt").write_text("\n".join(self.words), encoding="utf-8")
        settings = {"max_length": self.max_length, "keep": self.keep}
        (folder / "text.json").write_text(json.dumps(settings), encoding="utf-8")

    @classmethod
    def load(cls, folder):
        """Return the encoder that `save` wrote."""
        folder = Path(folder)
        text = (folder / "vocabulary.txt").read_text(encoding="utf-8")
        settings = json.loads((folder / "text.json").read_text(encoding="utf-8"))
        return cls(text.split("\n") if text else [], **settings)


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
