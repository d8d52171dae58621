"""The least that a classifier has to beat: the most frequent class, whatever the input says."""

from collections.abc import Sequence

import numpy as np


def majority_probabilities(train_labels: Sequence[int], num_examples: int, num_classes: int) -> np.ndarray:
    """Returns the same probabilities for every example: how frequent each class is in training.

    The most probable class is then the most frequent one (the first of equals), and the log loss is the best
    that any constant answer reaches.

    Args:
        train_labels: class indices (train_examples,); with none all classes are equally probable.
        num_examples: how many examples to answer for.
        num_classes: number of classes, also of those that training never shows.

    Returns:
        Array (num_examples, num_classes) whose rows sum to 1.

    Examples:
        >>> majority_probabilities([0, 1, 1, 1], num_examples=2, num_classes=2).tolist()
        [[0.25, 0.75], [0.25, 0.75]]
    """
    labels = np.asarray(train_labels, dtype=np.int64)
    counts = np.bincount(labels, minlength=num_classes).astype(np.float64)
    frequencies = counts / counts.sum() if labels.size else np.full(num_classes, 1.0 / num_classes)
    return np.tile(frequencies, (num_examples, 1))
