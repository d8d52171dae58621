"""Texts to token numbers and back, on stock TensorFlow operations: training and exports share one piece."""

import json
from pathlib import Path

import tensorflow as tf

from rnn_apps.data.subwords import NUM_BYTES, join_pieces, learn_pieces, piece_bytes, split_pieces
from rnn_apps.data.text import PADDING, UNKNOWN, flat_numbers, rank_tokens, tokenize

START, END, FIRST_TOKEN = 2, 3, 4
FIRST_WITHOUT_MARKERS = 2
UNITS = ("word", "character", "subword", "token")
END_OF_LINE = "<eos>"


class Tokenizer(tf.Module):
    """Turns texts into token numbers and numbers into texts.

    0 is padding, 1 a token that is not in the vocabulary; with markers, 2 is the start and 3 the end of a
    text. Words are those of `rnn_apps.data.text.tokenize`, in lower case and without most punctuation;
    characters are Unicode code points, and a text comes back exactly. So it does from subwords, the pieces of
    `rnn_apps.data.subwords`, to which no text is unknown. Tokens are separated by blanks, and ``<eos>``
    stands for the end of each line.

    Args:
        tokens: the vocabulary, most frequent first; ``tokens[i]`` has the number ``i + 4``, or without
            markers ``i + 2``. Bytes among subwords that are not a character by themselves are written as
            ``<0xE2>``.
        unit: ``"word"``, ``"character"``, ``"subword"`` or ``"token"``.
        markers: whether numbers are reserved for the start and the end of a text.
    """

    def __init__(self, tokens, unit="word", markers=True):
        super().__init__()
        if unit not in UNITS:
            raise ValueError(f"Tokenizer: unit: received {unit!r}, expected one of {', '.join(UNITS)}.")
        self.tokens, self.unit, self.markers = list(tokens), unit, markers
        keys = [piece_bytes(token) if unit == "subword" else token.encode() for token in self.tokens]
        first = _first(markers)
        numbers = [UNKNOWN, *range(first, first + len(self.tokens))]
        # A table cannot be empty, and no text holds the token "".
        pairs = tf.lookup.KeyValueTensorInitializer([b"", *keys], numbers, tf.string, tf.int32)
        self._table = tf.lookup.StaticHashTable(pairs, default_value=UNKNOWN)
        self._written = tf.constant([b"", "\ufffd".encode(), *[b""] * (first - 2), *keys])
        self._lengths = tuple(sorted({1, *map(len, keys)}))

    @classmethod
    def learn(cls, texts, unit="word", size=10_000, min_count=1, markers=True):
        """Return a tokenizer with the most frequent tokens of `texts`, equals in alphabetical order.

        Subwords are the 256 bytes, and joined ones that were adjacent `min_count` times, at least twice.

        Args:
            texts: list of str.
            unit, markers: as above.
            size: tokens at most, the reserved numbers included.
            min_count: occurrences of a token at least.
        """
        if unit == "subword":
            if size < NUM_BYTES + FIRST_TOKEN:
                least = f"at least {NUM_BYTES + FIRST_TOKEN} for subwords"
                raise ValueError(f"Tokenizer: size: received {size}, expected {least}.")
            return cls(learn_pieces(texts, size - FIRST_TOKEN, max(2, min_count)), unit)
        ranked = rank_tokens(texts, lambda batch: _split(batch, unit), min_count)
        return cls(ranked[: max(0, size - _first(markers))], unit, markers)

    @property
    def size(self):
        """Tokens and the reserved numbers."""
        return len(self.tokens) + _first(self.markers)

    def split(self, texts):
        """Return the tokens of each text: strings (batch,) to ragged strings (batch, steps)."""
        if self.unit == "subword":
            return split_pieces(texts, self._table, self._lengths)
        return _split(texts, self.unit)

    def lookup(self, tokens):
        """Return the numbers of tokens: strings, ragged or not, to int32 of the same shape."""
        if isinstance(tokens, tf.RaggedTensor):
            return tokens.with_flat_values(self._table.lookup(tokens.flat_values))
        return self._table.lookup(tokens)

    def numbers(self, texts):
        """Return token numbers without start and end: strings (batch,) to ragged int32 (batch, steps)."""
        return self.lookup(self.split(texts))

    def encode_all(self, texts, max_length):
        """Return the numbers of all texts, ended, or cut to `max_length`, as `flat_numbers` does."""
        return flat_numbers(texts, lambda batch: self._ended(batch, max_length))

    def _ended(self, texts, max_length):
        numbers = self.numbers(texts)
        lengths = numbers.row_lengths()
        whole = tf.cast(lengths <= max_length, tf.int64)
        ends = tf.RaggedTensor.from_row_lengths(tf.fill([tf.reduce_sum(whole)], END), whole)
        return tf.concat([numbers[:, :max_length], ends], axis=1), lengths

    def each(self, numbers):
        """Return the token of every number: int32 (...) to strings (...)."""
        return tf.gather(self._written, numbers)

    def texts(self, numbers):
        """Return the texts of token numbers: int32 (..., steps), padded or ended, to strings (...)."""
        shape = tf.shape(numbers)
        flat = tf.reshape(numbers, [tf.reduce_prod(shape[:-1]), shape[-1]])
        before_end = tf.cumsum(tf.cast(flat == END, tf.int32), axis=1) == 0
        kept = before_end & (flat != PADDING) & (flat != START)
        tokens = tf.ragged.boolean_mask(tf.gather(self._written, flat), kept)
        if self.unit == "subword":
            return tf.reshape(join_pieces(tokens), shape[:-1])
        separator = "" if self.unit == "character" else " "
        joined = tf.strings.reduce_join(tokens, axis=-1, separator=separator)
        if self.unit == "token":
            joined = tf.strings.regex_replace(joined, f" ?{END_OF_LINE} ?", "\n")
        return tf.reshape(joined, shape[:-1])

    def save(self, file):
        """Write the vocabulary as a JSON file."""
        content = {"unit": self.unit, "markers": self.markers, "tokens": self.tokens}
        Path(file).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, file):
        """Return what `save` wrote."""
        return cls(**json.loads(Path(file).read_text(encoding="utf-8")))


def _first(markers):
    """The number of the first token."""
    return FIRST_TOKEN if markers else FIRST_WITHOUT_MARKERS


def _split(texts, unit):
    """Tokens of each text: strings (batch,) to ragged strings (batch, tokens)."""
    if unit == "word":
        return tokenize(texts)
    if unit == "token":
        return tf.strings.split(tf.strings.regex_replace(texts, "\n", f" {END_OF_LINE} "))
    return tf.strings.unicode_split(texts, "UTF-8", errors="replace", replacement_char=0xFFFD)
