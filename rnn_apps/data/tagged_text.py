"""Words to numbers of words and of their characters, on stock TensorFlow operations."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import tensorflow as tf

from rnn_apps.data.text import PADDING
from rnn_apps.data.tokenizer import FIRST_WITHOUT_MARKERS, Tokenizer

_AT_ONCE = 4096


class TaggedText(tf.Module):
    """Turns words into numbers: 0 is padding, 1 what is not in the vocabulary.

    A word is looked up in lower case; its characters are Unicode code points, capitals told apart. Of a word
    with more than `max_length` characters half are read from each end.

    Args:
        words: the vocabulary, most frequent first; ``words[i]`` has the number ``i + 2``.
        characters: likewise.
        max_length: characters of a word that are read.
    """

    def __init__(self, words, characters, max_length):
        super().__init__()
        self.words, self.characters, self.max_length = list(words), list(characters), max_length
        self._words = Tokenizer(words, "word", markers=False)
        self._characters = Tokenizer(characters, "character", markers=False)

    @classmethod
    def learn(cls, sentences, vocabulary_size, min_count, max_length):
        """Return the vocabulary of sentences, lists of words.

        Args:
            sentences: of train.
            vocabulary_size: words that are kept at most, with the two reserved numbers.
            min_count: how often a word must come.
            max_length: as above.
        """
        tokens = Counter(token for sentence in sentences for token in sentence)
        words, characters = Counter(), Counter()
        for lowered, (token, count) in zip(_lowered(tokens), tokens.items()):
            words[lowered] += count
            characters.update({letter: count * token.count(letter) for letter in set(token)})
        frequent = [word for word in _ranked(words) if words[word] >= min_count]
        return cls(
            frequent[: max(0, vocabulary_size - FIRST_WITHOUT_MARKERS)], _ranked(characters), max_length
        )

    @property
    def vocabulary_size(self):
        """Words and the two reserved numbers."""
        return self._words.size

    @property
    def num_characters(self):
        """Characters and the two reserved numbers."""
        return self._characters.size

    def numbers(self, tokens):
        """Return word ids, int32 (n,), and character ids, int32 (n, max_length), for strings (n,)."""
        letters = self._characters.split(tokens)
        lengths = tf.cast(letters.row_lengths(), tf.int32)
        tail = tf.clip_by_value(lengths - (self.max_length - self.max_length // 2), 0, self.max_length // 2)
        last = tf.gather(letters, tf.ragged.range(lengths - tail, lengths), batch_dims=1)
        letters = tf.concat([letters[:, : self.max_length - self.max_length // 2], last], axis=1)
        padded = self._characters.lookup(letters).to_tensor(PADDING, shape=[None, self.max_length])
        return self._words.lookup(tf.strings.lower(tokens, encoding="utf-8")), padded

    def __call__(self, tokens):
        """Return the numbers of ragged strings (batch, steps), padded with 0, of one step at least."""
        words, characters = self.numbers(tokens.flat_values)
        steps = tf.maximum(tokens.bounding_shape(axis=1), 1)
        padded = tokens.with_flat_values(words).to_tensor(PADDING, shape=tf.stack([-1, steps]))
        shape = tf.stack([-1, steps, self.max_length])
        return padded, tokens.with_flat_values(characters).to_tensor(PADDING, shape=shape)

    def encode_all(self, sentences):
        """Return the ids of the words of all sentences: int32 (words,) and (words, max_length)."""
        tokens = [token for sentence in sentences for token in sentence]
        distinct = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
        encoded = [token.encode("utf-8", "replace") for token in distinct]
        found = [
            [part.numpy() for part in self.numbers(tf.constant(encoded[i : i + _AT_ONCE], tf.string))]
            for i in range(0, max(1, len(encoded)), _AT_ONCE)
        ]
        words, characters = (np.concatenate(parts) for parts in zip(*found))
        places = np.array([distinct[token] for token in tokens], np.int64)
        return words[places], characters[places]

    def save(self, file):
        """Write the vocabulary as a JSON file."""
        content = {"words": self.words, "characters": self.characters, "max_length": self.max_length}
        Path(file).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, file):
        """Return what `save` wrote."""
        return cls(**json.loads(Path(file).read_text(encoding="utf-8")))


def _lowered(tokens):
    """Words in lower case, as the graph makes them."""
    encoded = [token.encode("utf-8", "replace") for token in tokens]
    return (
        [word.decode("utf-8") for word in tf.strings.lower(encoded, encoding="utf-8").numpy()]
        if encoded
        else []
    )


def _ranked(counts):
    return sorted(counts, key=lambda entry: (-counts[entry], entry))
