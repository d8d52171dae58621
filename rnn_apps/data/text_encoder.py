"""Encodes texts as token ids, truncated, for networks that read a whole text."""

import json
from pathlib import Path

import tensorflow as tf

from rnn_apps.data.text import PADDING, encode_flat, truncate
from rnn_apps.data.tokenizer import Tokenizer


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
