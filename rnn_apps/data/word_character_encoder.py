"""Encodes words as word ids and character ids, with TensorFlow operations."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import tensorflow as tf

from rnn_apps.data.text import PADDING, TokenCounter, to_bytes, truncate
from rnn_apps.data.tokenizer import FIRST_WITHOUT_MARKERS, Tokenizer

_BATCH_SIZE = 4096


class WordCharacterEncoder(tf.Module):
    """Turns words into word ids and character ids: 0 is padding, 1 is unknown.

    Words are looked up in lower case; characters are Unicode code points and keep their case. Of a word with
    more than `max_length` characters, half are read from each end.

    Args:
        words: The vocabulary, most frequent first; ``words[i]`` has the id ``i + 2``.
        characters: Likewise.
        max_length: Number of characters of a word that are read.
    """

    def __init__(self, words, characters, max_length):
        super().__init__()
        self.words, self.characters, self.max_length = list(words), list(characters), max_length
        self._words = Tokenizer(words, "word", markers=False)
        self._characters = Tokenizer(characters, "character", markers=False)

    @classmethod
    def learn(cls, sentences, vocabulary_size, min_count, max_length):
        """Return an encoder with the vocabulary of sentences, lists of words.

        Args:
            sentences: Iterable of the sentences of train.
            vocabulary_size: Maximum number of words, including the two reserved ids.
            min_count: Minimum count of a word.
            max_length: As above.
        """
        tokens = TokenCounter()
        for sentence in sentences:
            tokens.add(sentence)
        words, characters = Counter(), Counter()
        for lowered, (token, count) in zip(_to_lower(tokens), tokens.items()):
            words[lowered] += count
            characters.update({letter: count * token.count(letter) for letter in set(token)})
        frequent = [word for word in _rank(words) if words[word] >= min_count]
        max_words = max(0, vocabulary_size - FIRST_WITHOUT_MARKERS)
        return cls(frequent[:max_words], _rank(characters), max_length)

    @property
    def vocabulary_size(self):
        """Number of words and the two reserved ids."""
        return self._words.size

    @property
    def num_characters(self):
        """Number of characters and the two reserved ids."""
        return self._characters.size

    def encode(self, tokens):
        """Return word ids, int32 (n,), and character ids, int32 (n, max_length), for strings (n,)."""
        characters = truncate(self._characters.split(tokens), self.max_length, "both")
        padded = self._characters.lookup(characters).to_tensor(PADDING, shape=[None, self.max_length])
        return self._words.lookup(tf.strings.lower(tokens, encoding="utf-8")), padded

    def __call__(self, tokens):
        """Return the ids of ragged strings (batch, steps), padded with 0, at least one step."""
        words, characters = self.encode(tokens.flat_values)
        steps = tf.maximum(tokens.bounding_shape(axis=1), 1)
        padded = tokens.with_flat_values(words).to_tensor(PADDING, shape=tf.stack([-1, steps]))
        shape = tf.stack([-1, steps, self.max_length])
        return padded, tokens.with_flat_values(characters).to_tensor(PADDING, shape=shape)

    def encode_all(self, sentences):
        """Return the ids of the words of all sentences: int32 (words,) and (words, max_length)."""
        tokens = [token for sentence in sentences for token in sentence]
        distinct = {token: index for index, token in enumerate(dict.fromkeys(tokens))}
        encoded = to_bytes(distinct)
        batches = [
            self.encode(tf.constant(encoded[i : i + _BATCH_SIZE], tf.string))
            for i in range(0, max(1, len(encoded)), _BATCH_SIZE)
        ]
        words, characters = (np.concatenate(arrays) for arrays in zip(*batches))
        indices = np.array([distinct[token] for token in tokens], np.int64)
        return words[indices], characters[indices]

    def save(self, file):
        """Write the vocabulary as a JSON file."""
        content = {"words": self.words, "characters": self.characters, "max_length": self.max_length}
        Path(file).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, file):
        """Return the encoder that `save` wrote."""
        return cls(**json.loads(Path(file).read_text(encoding="utf-8")))


def _to_lower(tokens):
    """Words in lower case, as TensorFlow computes it."""
    lowered = tf.strings.lower(tf.constant(to_bytes(tokens), tf.string), encoding="utf-8")
    return [word.decode("utf-8") for word in lowered.numpy()]


def _rank(counts):
    return sorted(counts, key=lambda entry: (-counts[entry], entry))
