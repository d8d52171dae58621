"""Baseline for classification: the class frequencies of train, whatever the input."""

from collections.abc import Sequence

import numpy as np


def majority_probabilities(train_labels: Sequence[int], num_examples: int, num_classes: int) -> np.ndarray:
    """Return the same probabilities for every example: the class frequencies of train.

    The most probable class is then the most frequent one (the first of equals), and no constant answer has a
    lower log loss.

    Args:
        train_labels: Class indices (train_examples,); without any, all classes are equally probable.
        num_examples: Number of examples to classify.
        num_classes: Number of classes, including those that are not in train.

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
