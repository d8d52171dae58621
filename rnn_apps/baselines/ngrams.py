"""What a language model's score is measured against: n-grams with interpolated Kneser-Ney smoothing."""

from typing import NamedTuple

import numpy as np

_USUAL_DISCOUNTS = (0.5, 1.0, 1.5)  # where counts are too few or too even to estimate them, as KenLM has it


class _Order(NamedTuple):
    """The n-grams of one order, numbered as their keys are sorted.

    Args:
        keys: number of its context (the n-gram without its last token) times vocabulary size, plus the last
            token, of each n-gram; then one that no n-gram has.
        share: of each n-gram's context, what the n-gram has of its own; then 0, for those never seen.
        rest: of each context, what goes by the next shorter n-grams; then 1, for contexts never seen.
    """

    keys: np.ndarray
    share: np.ndarray
    rest: np.ndarray

    def numbers(self, keys):
        """Return the numbers of n-grams by their keys; -1, the place of what stands last, if never seen."""
        places = np.searchsorted(self.keys, keys)
        return np.where(self.keys[places] == keys, places, -1)


class NGramModel:
    """Probabilities of the next token from the few before it.

    Counts are interpolated by modified Kneser-Ney smoothing: each order takes one of three discounts off its
    counts (of 1, of 2, of more) and gives what it took to the next shorter one, which counts in how many
    contexts a token comes and not how often; the last order shares with all tokens alike. So every token has
    a probability, also those never seen. Order 1 is the unigram model with add-one smoothing.

    Tokens are one stream: contexts go across sentences where those are joined by a token for their end.

    Args:
        order: most tokens of an n-gram, that which is predicted among them.
        vocabulary_size: tokens are the numbers below it.

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
        """Count, and return the model itself.

        Args:
            tokens: int (tokens,), the whole of train.
        """
        tokens = self._checked(tokens)
        begun, counted = np.zeros(len(tokens) + 1, np.int64), []
        for length in range(self.order):
            keys = self._keys(begun, tokens, length)
            keys, first, begun, counts = np.unique(
                keys, return_index=True, return_inverse=True, return_counts=True
            )
            if counted:
                counted[-1][1] = _left_neighbours(counted[-1][2], first)
            counted.append([keys, counts, begun])
        num_contexts, self._orders = 1, []
        for keys, counts, _ in counted:
            self._orders.append(self._smoothed(keys, counts, num_contexts))
            num_contexts = len(keys)
        return self

    def log_probabilities(self, tokens):
        """Return the log probability in nats of each token, given the up to order - 1 that stand before it.

        Args:
            tokens: int (tokens,).

        Returns:
            Float (tokens,).
        """
        tokens = self._checked(tokens)
        probabilities = np.full(len(tokens), 1 / self.vocabulary_size)
        begun = np.zeros(len(tokens) + 1, np.int64)
        for length, order in enumerate(self._orders):
            contexts, keys = begun[: len(tokens) - length], self._keys(begun, tokens, length)
            begun = order.numbers(keys)
            probabilities[length:] *= order.rest[contexts]
            probabilities[length:] += order.share[begun]
        return np.log(probabilities)

    def _checked(self, tokens):
        tokens = np.asarray(tokens, np.int64)
        if len(tokens) and not 0 <= tokens.min() <= tokens.max() < self.vocabulary_size:
            received = f"received {tokens.min()} to {tokens.max()}"
            raise ValueError(f"NGramModel: tokens: {received}, expected 0 to {self.vocabulary_size - 1}.")
        return tokens

    def _keys(self, begun, tokens, length):
        """Keys of the n-grams that begin at each place, by the contexts there; negative if never seen."""
        return begun[: len(tokens) - length] * self.vocabulary_size + tokens[length:]

    def _smoothed(self, keys, counts, num_contexts):
        contexts = keys // self.vocabulary_size
        totals = np.bincount(contexts, counts, num_contexts)
        if self.order == 1:
            taken, totals = 0.0, totals + self.vocabulary_size
            rest = self.vocabulary_size / totals
        else:
            taken = np.concatenate([[0], _discounts(counts)])[np.minimum(counts, 3)]
            rest = np.bincount(contexts, taken, num_contexts) / np.maximum(totals, 1)
            rest[totals == 0] = 1
        share = (counts - taken) / totals[contexts]
        past_all = np.iinfo(np.int64).max
        return _Order(np.append(keys, past_all), np.append(share, 0.0), np.append(rest, 1.0))


def _left_neighbours(begun, first_of_longer):
    """In how many n-grams one token longer each n-gram ends; the start of the text counts as a token.

    Args:
        begun: number of the n-gram that begins at each place of the text.
        first_of_longer: a place where each of the longer n-grams begins.
    """
    ends = np.concatenate([begun[:1], begun[first_of_longer + 1]])
    return np.bincount(ends, minlength=begun.max(initial=-1) + 1)


def _discounts(counts):
    """What is taken off a count of 1, of 2 and of more."""
    singles, *_ = of_each = np.bincount(np.minimum(counts, 5), minlength=6)[1:5]
    if of_each.all():
        scale = singles / (singles + 2 * of_each[1])
        sizes = np.arange(1, 4)
        estimated = sizes - (sizes + 1) * scale * of_each[1:] / of_each[:-1]
        if (estimated > 0).all():
            return estimated
    return np.array(_USUAL_DISCOUNTS)
