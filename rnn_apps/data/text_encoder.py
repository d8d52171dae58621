"""Texts of at most so many words to numbers, for networks that read a whole text."""

import json
from pathlib import Path

import tensorflow as tf

from rnn_apps.data.text import PADDING, flat_numbers
from rnn_apps.data.tokenizer import Tokenizer


class TextEncoder(tf.Module):
    """Turns texts into padded word numbers, and cuts long texts.

    Args:
        tokenizer: `Tokenizer`.
        max_length: tokens of a text that are kept.
        keep: ``"start"``, ``"end"`` or ``"both"``: which tokens of a longer text are kept.
    """

    def __init__(self, tokenizer, max_length, keep="start"):
        super().__init__()
        self.tokenizer, self.max_length, self.keep = tokenizer, max_length, keep

    @classmethod
    def learn(cls, texts, vocabulary_size, max_length, keep="start"):
        """Return an encoder with the most frequent words of `texts`, equals in alphabetical order."""
        return cls(Tokenizer.learn(texts, "word", vocabulary_size, markers=False), max_length, keep)

    @property
    def words(self):
        """The vocabulary, most frequent first."""
        return self.tokenizer.tokens

    @property
    def vocabulary_size(self):
        """Words and the two reserved numbers."""
        return self.tokenizer.size

    def tokens(self, texts):
        """Return the words that are kept: strings (batch,) to ragged strings (batch, steps)."""
        return self.kept(self.tokenizer.split(texts))

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

    def __call__(self, texts):
        """Return padded word numbers: strings (batch,) to int32 (batch, steps), at least one step."""
        return self.padded(self.tokens(texts))

    def padded(self, tokens):
        """As a call, from the words that are read, ragged strings (batch, steps)."""
        numbers = self.tokenizer.lookup(tokens).to_tensor(default_value=PADDING)
        return tf.pad(numbers, [[0, 0], [0, tf.maximum(1 - tf.shape(numbers)[1], 0)]])

    def encode_all(self, texts):
        """Return the word numbers of all texts, flat, the length of each, and that before it was cut."""

        def encode(batch):
            words = self.tokenizer.split(batch)
            return self.tokenizer.lookup(self.kept(words)), words.row_lengths()

        return flat_numbers(texts, encode)

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
