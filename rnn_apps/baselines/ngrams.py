"""Baseline for language models: n-grams with interpolated Kneser-Ney smoothing."""

from typing import NamedTuple

import numpy as np

_DEFAULT_DISCOUNTS = (0.5, 1.0, 1.5)  # of KenLM, if counts are too few or too uniform to estimate them


class _Order(NamedTuple):
    """The n-grams of one order, indexed in the order of their keys.

    Args:
        keys: For each n-gram, index of its context (the n-gram without its last token) times vocabulary
            size, plus its last token; then a key that no n-gram has.
        probability: Discounted probability of each n-gram in its context; then 0, for unknown n-grams.
        backoff: For each context, weight of the next lower order; then 1, for unknown contexts.
    """

    keys: np.ndarray
    probability: np.ndarray
    backoff: np.ndarray

    def find(self, keys):
        """Return the indices of n-grams by their keys; -1, the last entry, for unknown ones."""
        indices = np.searchsorted(self.keys, keys)
        return np.where(self.keys[indices] == keys, indices, -1)


class NGramModel:
    """Predicts the next token from the preceding ones.

    Counts are smoothed by interpolated modified Kneser-Ney: each order subtracts one of three discounts from
    its counts (of 1, of 2, of more) and gives their mass to the next lower order, which counts the distinct
    contexts of a token instead of its occurrences; the lowest order is interpolated with the uniform
    distribution. So every token has a probability, even if it is not in train. Order 1 is the unigram model
    with add-one smoothing.

    Tokens are one stream: contexts cross sentence boundaries if the sentences are joined by an end token.

    Args:
        order: Maximum number of tokens of an n-gram, including the predicted one.
        vocabulary_size: Tokens are integers below it.

    Examples:
        >>> model = NGramModel(order=2, vocabulary_size=4).fit([0, 1, 0, 1, 0, 2])
        >>> np.exp(model.log_probabilities([1, 0])).round(4).tolist()
        [0.25, 0.6875]

    Reference:
        Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling" (1998).
    """

    def __init__(self, order, vocabulary_size):
        if order < 1:
            raise ValueError(f"NGramModel: order: received {order}, expected at least 1.")
        self.order, self.vocabulary_size = order, vocabulary_size
        self._orders = []

    def fit(self, tokens):
        """Count the n-grams, and return the model itself.

        Args:
            tokens: int (tokens,), all of train.
        """
        tokens = self._check(tokens)
        ngrams, counted = np.zeros(len(tokens) + 1, np.int64), []
        for length in range(self.order):
            keys = self._keys(ngrams, tokens, length)
            keys, first, longer_ngrams, counts = np.unique(
                keys, return_index=True, return_inverse=True, return_counts=True
            )
            if counted:
                counted[-1][1] = _count_left_neighbours(ngrams, first)
            counted.append([keys, counts])
            ngrams = longer_ngrams
        num_contexts, self._orders = 1, []
        for keys, counts in counted:
            self._orders.append(self._smooth(keys, counts, num_contexts))
            num_contexts = len(keys)
        return self

    def log_probabilities(self, tokens):
        """Return the log probability in nats of each token, given up to order - 1 preceding tokens.

        Args:
            tokens: int (tokens,).

        Returns:
            Float (tokens,).
        """
        tokens = self._check(tokens)
        probabilities = np.full(len(tokens), 1 / self.vocabulary_size)
        ngrams = np.zeros(len(tokens) + 1, np.int64)
        for length, order in enumerate(self._orders):
            contexts, keys = ngrams[: len(tokens) - length], self._keys(ngrams, tokens, length)
            ngrams = order.find(keys)
            probabilities[length:] *= order.backoff[contexts]
            probabilities[length:] += order.probability[ngrams]
        return np.log(probabilities)

    def _check(self, tokens):
        tokens = np.asarray(tokens, np.int64)
        if len(tokens) and not 0 <= tokens.min() <= tokens.max() < self.vocabulary_size:
            received = f"received {tokens.min()} to {tokens.max()}"
            raise ValueError(f"NGramModel: tokens: {received}, expected 0 to {self.vocabulary_size - 1}.")
        return tokens

    def _keys(self, contexts, tokens, length):
        """Keys of the n-grams that begin at each position, from their contexts; negative if unknown."""
        return contexts[: len(tokens) - length] * self.vocabulary_size + tokens[length:]

    def _smooth(self, keys, counts, num_contexts):
        contexts = keys // self.vocabulary_size
        totals = np.bincount(contexts, counts, num_contexts)
        if self.order == 1:
            discounts, totals = 0.0, totals + self.vocabulary_size
            backoff = self.vocabulary_size / totals
        else:
            discounts = np.concatenate([[0], _discounts(counts)])[np.minimum(counts, 3)]
            backoff = np.bincount(contexts, discounts, num_contexts) / np.maximum(totals, 1)
            backoff[totals == 0] = 1
        probability = (counts - discounts) / totals[contexts]
        unused_key = np.iinfo(np.int64).max
        return _Order(np.append(keys, unused_key), np.append(probability, 0.0), np.append(backoff, 1.0))


def _count_left_neighbours(ngrams, first_of_longer):
    """Number of distinct tokens before each n-gram; the start of the text counts as a token.

    Args:
        ngrams: Index of the n-gram that begins at each position of the text.
        first_of_longer: First position of each n-gram that is one token longer.
    """
    suffixes = np.concatenate([ngrams[:1], ngrams[first_of_longer + 1]])
    return np.bincount(suffixes, minlength=ngrams.max(initial=-1) + 1)


def _discounts(counts):
    """Discounts of a count of 1, of 2 and of more."""
    num_with = np.bincount(np.minimum(counts, 5), minlength=6)[1:5]  # n-grams with a count of 1 to 4
    if num_with.all():
        scale = num_with[0] / (num_with[0] + 2 * num_with[1])
        sizes = np.arange(1, 4)
        estimated = sizes - (sizes + 1) * scale * num_with[1:] / num_with[:-1]
        if (estimated > 0).all():
            return estimated
    return np.array(_DEFAULT_DISCOUNTS)
