"""Baseline for tagging: each word's most frequent label in train."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import numpy as np


def most_frequent_label_probabilities(
    train_tokens: Sequence[Hashable], train_labels: Sequence[int], tokens: Sequence[Hashable], num_labels: int
) -> np.ndarray:
    """Return the label frequencies of every token in train, smoothed by one count in total.

    An unknown token gets the label frequencies of tokens that occur once, which are most like rare words; if
    there are none, those of all tokens.

    Args:
        train_tokens, train_labels: One label index per token.
        tokens: Tokens to label.
        num_labels: Number of labels.

    Returns:
        Array (tokens, num_labels) whose rows sum to 1.

    Examples:
        >>> most_frequent_label_probabilities("aab", [0, 0, 1], "ab", 2).argmax(axis=1).tolist()
        [0, 1]
    """
    counts: dict[Hashable, np.ndarray] = defaultdict(lambda: np.zeros(num_labels))
    for token, label in zip(train_tokens, train_labels):
        counts[token][label] += 1
    singletons = [token for token, count in Counter(train_tokens).items() if count == 1]
    unknown = sum((counts[token] for token in singletons or counts), np.zeros(num_labels))
    rows = np.array([counts.get(token, unknown) for token in tokens]).reshape(-1, num_labels)
    smoothed = rows + 1 / num_labels
    return smoothed / smoothed.sum(axis=1, keepdims=True)
