"""What a tagger has to beat: of every word the label that it mostly has, whatever stands around it."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import numpy as np


def most_frequent_label_probabilities(
    train_tokens: Sequence[Hashable], train_labels: Sequence[int], tokens: Sequence[Hashable], num_labels: int
) -> np.ndarray:
    """Returns for every token how frequent each label is with it in training, one count added to all.

    A token that training never shows has the frequencies of the labels among tokens that come once, which is
    where rare words are; with none of those, among all.

    Args:
        train_tokens, train_labels: one label index a token.
        tokens: those to answer for.
        num_labels: number of labels.

    Returns:
        Array (tokens, num_labels) whose rows sum to 1.

    Examples:
        >>> most_frequent_label_probabilities("aab", [0, 0, 1], "ab", 2).argmax(axis=1).tolist()
        [0, 1]
    """
    counts: dict[Hashable, np.ndarray] = defaultdict(lambda: np.zeros(num_labels))
    for token, label in zip(train_tokens, train_labels):
        counts[token][label] += 1
    times = Counter(train_tokens)
    once = sum((counts[token] for token in times if times[token] == 1), np.zeros(num_labels))
    otherwise = once if once.any() else sum(counts.values(), np.zeros(num_labels))
    found = np.array([counts.get(token, otherwise) for token in tokens]).reshape(-1, num_labels)
    smoothed = found + 1 / num_labels
    return smoothed / smoothed.sum(axis=1, keepdims=True)
