"""Encodes texts as token ids and decodes them, with TensorFlow operations that exports share."""

import json
from pathlib import Path

import tensorflow as tf

from rnn_apps.data.subwords import NUM_BYTES, join_pieces, learn_pieces, piece_bytes, split_pieces
from rnn_apps.data.text import PADDING, UNKNOWN, encode_flat, rank_tokens, tokenize, truncate

START, END, FIRST_TOKEN = 2, 3, 4
FIRST_WITHOUT_MARKERS = 2
UNITS = ("word", "character", "subword", "token")
END_OF_LINE = "<eos>"


class Tokenizer(tf.Module):
    """Turns texts into token ids and ids into texts.

    Id 0 is padding, 1 an unknown token; with markers, 2 is the start and 3 the end of a text. A unit is one
    of

    - ``"word"``: the words of `rnn_apps.data.text.tokenize`, in lower case, without most punctuation;
    - ``"character"``: Unicode code points; decoding restores the text exactly;
    - ``"subword"``: the pieces of `rnn_apps.data.subwords`; exact, and no text is unknown;
    - ``"token"``: tokens separated by spaces, with ``<eos>`` for the end of each line.

    Args:
        tokens: The vocabulary, most frequent first; ``tokens[i]`` has the id ``i + 4``, or without markers
            ``i + 2``. Subwords that are not valid UTF-8 are written as bytes such as ``<0xE2>``.
        unit: ``"word"``, ``"character"``, ``"subword"`` or ``"token"``.
        markers: Whether ids are reserved for the start and the end of a text.
    """

    def __init__(self, tokens, unit="word", markers=True):
        super().__init__()
        if unit not in UNITS:
            raise ValueError(f"Tokenizer: unit: received {unit!r}, expected one of {', '.join(UNITS)}.")
        self.tokens, self.unit, self.markers = list(tokens), unit, markers
        keys = [piece_bytes(token) if unit == "subword" else token.encode() for token in self.tokens]
        first = _first_id(markers)
        ids = [UNKNOWN, *range(first, first + len(self.tokens))]
        # a table cannot be empty, and no text holds the token ""
        entries = tf.lookup.KeyValueTensorInitializer([b"", *keys], ids, tf.string, tf.int32)
        self._table = tf.lookup.StaticHashTable(entries, default_value=UNKNOWN)
        self._id_to_token = tf.constant([b"", "\ufffd".encode(), *[b""] * (first - 2), *keys])
        self._lengths = tuple(sorted({1, *map(len, keys)}))

    @classmethod
    def learn(cls, texts, unit="word", size=10_000, min_count=1, markers=True):
        """Return a tokenizer with the most frequent tokens of `texts`, ties in alphabetical order.

        Subwords are the 256 bytes, and pairs that occur at least `min_count` times and at least twice.

        Args:
            texts: Iterable of str.
            unit, markers: As above.
            size: Maximum number of tokens, including the reserved ids.
            min_count: Minimum count of a token.
        """
        if unit == "subword":
            if size < NUM_BYTES + FIRST_TOKEN:
                expected = f"at least {NUM_BYTES + FIRST_TOKEN} for subwords"
                raise ValueError(f"Tokenizer: size: received {size}, expected {expected}.")
            return cls(learn_pieces(texts, size - FIRST_TOKEN, max(2, min_count)), unit)
        ranked = rank_tokens(texts, lambda batch: _split(batch, unit), min_count)
        return cls(ranked[: max(0, size - _first_id(markers))], unit, markers)

    @property
    def size(self):
        """Number of tokens and reserved ids."""
        return len(self.tokens) + _first_id(self.markers)

    def split(self, texts):
        """Return the tokens of each text: strings (batch,) to ragged strings (batch, steps)."""
        if self.unit == "subword":
            return split_pieces(texts, self._table, self._lengths)
        return _split(texts, self.unit)

    def lookup(self, tokens):
        """Return the ids of tokens: strings, ragged or not, to int32 of the same shape."""
        if isinstance(tokens, tf.RaggedTensor):
            return tokens.with_flat_values(self._table.lookup(tokens.flat_values))
        return self._table.lookup(tokens)

    def encode(self, texts):
        """Return token ids without start and end: strings (batch,) to ragged int32 (batch, steps)."""
        return self.lookup(self.split(texts))

    def encode_all(self, texts, max_length):
        """Return the ids of all texts as `encode_flat`: at most `max_length`, then the end if complete."""
        return encode_flat(texts, lambda batch: self._encode_with_end(batch, max_length))

    def _encode_with_end(self, texts, max_length):
        ids = self.encode(texts)
        lengths = ids.row_lengths()
        is_complete = tf.cast(lengths <= max_length, tf.int64)
        ends = tf.RaggedTensor.from_row_lengths(tf.fill([tf.reduce_sum(is_complete)], END), is_complete)
        return tf.concat([ids[:, :max_length], ends], axis=1), lengths

    def id_to_token(self, ids):
        """Return the token of every id: int32 (...) to strings (...)."""
        return tf.gather(self._id_to_token, ids)

    def decode(self, ids):
        """Return the texts of token ids: int32 (..., steps), padded or ended, to strings (...)."""
        shape = tf.shape(ids)
        flat = tf.reshape(ids, [tf.reduce_prod(shape[:-1]), shape[-1]])
        before_end = tf.cumsum(tf.cast(flat == END, tf.int32), axis=1) == 0
        mask = before_end & (flat != PADDING) & (flat != START)
        tokens = tf.ragged.boolean_mask(self.id_to_token(flat), mask)
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
        """Return the tokenizer that `save` wrote."""
        return cls(**json.loads(Path(file).read_text(encoding="utf-8")))


def _first_id(markers):
    return FIRST_TOKEN if markers else FIRST_WITHOUT_MARKERS


def _split(texts, unit):
    if unit == "word":
        return tokenize(texts)
    if unit == "token":
        return tf.strings.split(tf.strings.regex_replace(texts, "\n", f" {END_OF_LINE} "))
    return tf.strings.unicode_split(texts, "UTF-8", errors="replace", replacement_char=0xFFFD)


class TextEncoder(tf.Module):
    """Turns texts into padded word ids, and truncates long texts.

    Args:
        tokenizer: `Tokenizer`.
        max_length: Number of tokens of a text that are kept.
        keep: ``"start"``, ``"end"`` or ``"both"``: which tokens of a longer text are kept.
    """

    def __init__(self, tokenizer, max_length, keep="start"):
        super().__init__()
        self.tokenizer, self.max_length, self.keep = tokenizer, max_length, keep

    @classmethod
    def learn(cls, texts, vocabulary_size, max_length, keep="start"):
        """Return an encoder with the most frequent words of `texts`, ties in alphabetical order."""
        return cls(Tokenizer.learn(texts, "word", vocabulary_size, markers=False), max_length, keep)

    @property
    def words(self):
        """The vocabulary, most frequent first."""
        return self.tokenizer.tokens

    @property
    def vocabulary_size(self):
        """Number of words and the two reserved ids."""
        return self.tokenizer.size

    def tokens(self, texts):
        """Return the words that are kept: strings (batch,) to ragged strings (batch, steps)."""
        return self.truncate(self.tokenizer.split(texts))

    def truncate(self, tokens):
        """Return the words of each text that are kept: ragged strings (batch, words) to (batch, steps)."""
        return truncate(tokens, self.max_length, self.keep)

    def __call__(self, texts):
        """Return padded word ids: strings (batch,) to int32 (batch, steps), at least one step."""
        return self.pad(self.tokens(texts))

    def pad(self, tokens):
        """Return padded ids of ragged strings (batch, steps): int32, at least one step."""
        ids = self.tokenizer.lookup(tokens).to_tensor(default_value=PADDING)
        return tf.pad(ids, [[0, 0], [0, tf.maximum(1 - tf.shape(ids)[1], 0)]])

    def encode_all(self, texts):
        """Return the word ids of all texts, flat, the length of each, and that before truncation."""

        def encode(batch):
            words = self.tokenizer.split(batch)
            return self.tokenizer.lookup(self.truncate(words)), words.row_lengths()

        return encode_flat(texts, encode)

    def save(self, folder):
        """Write ``tokenizer.json`` and ``text.json`` into a folder."""
        self.tokenizer.save(Path(folder) / "tokenizer.json")
        settings = {"max_length": self.max_length, "keep": self.keep}
        (Path(folder) / "text.json").write_text(json.dumps(settings), encoding="utf-8")

    @classmethod
    def load(cls, folder):
        """Return the encoder that `save` wrote."""
        settings = json.loads((Path(folder) / "text.json").read_text(encoding="utf-8"))
        return cls(Tokenizer.load(Path(folder) / "tokenizer.json"), **settings)
