"""Scores of class probabilities: accuracy, F1, AUC, log loss and calibration."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn import metrics

MIN_PROBABILITY = 1e-7  # limits the loss of a certain but wrong answer to 16.1 nats


class Reliability(NamedTuple):
    """Accuracy by confidence; all arrays have one entry per bin (bins,).

    Attributes:
        centre: Centre of each bin of the confidence.
        confidence: Mean confidence of the examples in the bin, NaN if it is empty.
        accuracy: Fraction of these that is correct, NaN if it is empty.
        count: Number of examples in the bin.
    """

    centre: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray


def classification_metrics(
    labels: Sequence[int], probabilities: np.ndarray, class_names: Sequence[str]
) -> dict[str, float]:
    """Return the scores of class probabilities, without those that are undefined.

    | name | meaning |
    |---|---|
    | `accuracy` | fraction of the examples whose most probable class is the true one |
    | `f1/<class>` | harmonic mean of precision and recall; absent if it is neither true nor predicted |
    | `f1_macro` | mean of all `f1/<class>` |
    | `auc` | area under the ROC curve of class 1 of 2; otherwise the mean of each class against the rest |
    | `log_loss` | mean of -ln(probability of the true class), in nats, probabilities clipped at 1e-7 |
    | `calibration_error` | mean difference of confidence and accuracy over 15 bins, weighted by count |

    Args:
        labels: True class indices (examples,).
        probabilities: (examples, classes), rows sum to 1.
        class_names: One per class.

    Returns:
        Metric name to value; empty if there are no examples. `auc` is absent if all examples are of one
        class.

    Raises:
        ValueError: `probabilities` have another shape, or are not finite.
    """
    labels = np.asarray(labels, dtype=np.int64)
    probabilities = np.asarray(probabilities, dtype=np.float64)
    _check(probabilities, (len(labels), len(class_names)))
    if not len(labels):
        return {}
    predictions = probabilities.argmax(axis=1)
    true_probabilities = probabilities[np.arange(len(labels)), labels]
    scores = {
        "accuracy": float(np.mean(predictions == labels)),
        **_f1_scores(labels, predictions, class_names),
        "auc": _auc(labels, probabilities),
        "log_loss": float(-np.mean(np.log(np.maximum(true_probabilities, MIN_PROBABILITY)))),
        "calibration_error": _calibration_error(labels, probabilities),
    }
    return {name: value for name, value in scores.items() if value is not None}


def confusion_matrix(labels: Sequence[int], predictions: Sequence[int], num_classes: int) -> np.ndarray:
    """Return counts (num_classes, num_classes): entry [i, j] counts the examples of class i predicted as j.

    Examples:
        >>> confusion_matrix([0, 0, 1], [0, 1, 1], num_classes=2).tolist()
        [[1, 1], [0, 1]]
    """
    pairs = np.asarray(labels, dtype=np.int64) * num_classes + np.asarray(predictions, dtype=np.int64)
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def reliability_curve(labels: Sequence[int], probabilities: np.ndarray, bins: int = 15) -> Reliability:
    """Return the accuracy of predictions by their confidence.

    The confidence of a prediction is the probability of its most probable class. Bins have equal widths from
    0 to 1 and include their upper bound.

    Args:
        labels: True class indices (examples,).
        probabilities: (examples, classes).
        bins: Number of bins.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    confidence = probabilities.max(axis=1)
    is_correct = probabilities.argmax(axis=1) == np.asarray(labels, dtype=np.int64)
    indices = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(indices, minlength=bins)
    divisor = np.where(count, count, np.nan)
    return Reliability(
        centre=(np.arange(bins) + 0.5) / bins,
        confidence=np.bincount(indices, weights=confidence, minlength=bins) / divisor,
        accuracy=np.bincount(indices, weights=is_correct, minlength=bins) / divisor,
        count=count,
    )


def _check(probabilities: np.ndarray, expected: tuple[int, int]) -> None:
    if probabilities.shape != expected:
        raise ValueError(f"probabilities: received shape {probabilities.shape}, expected {expected}.")
    num_invalid = int((~np.isfinite(probabilities)).any(axis=1).sum())
    if num_invalid:
        raise ValueError(f"probabilities: received {num_invalid} rows that are not finite, expected none.")


def _f1_scores(labels: np.ndarray, predictions: np.ndarray, class_names: Sequence[str]) -> dict[str, float]:
    classes = np.union1d(labels, predictions)
    values = metrics.f1_score(labels, predictions, labels=classes, average=None)
    scores = {f"f1/{class_names[index]}": float(value) for index, value in zip(classes, values)}
    return {"f1_macro": float(values.mean()), **scores}


def _auc(labels: np.ndarray, probabilities: np.ndarray) -> float | None:
    """Mean over the classes that occur, each against the rest; of two classes only the second."""
    classes, counts = np.unique(labels, return_counts=True)
    if probabilities.shape[1] == 2:
        classes, counts = classes[classes == 1], counts[classes == 1]
    areas = [
        metrics.roc_auc_score(labels == index, probabilities[:, index])
        for index, count in zip(classes, counts)
        if count < len(labels)
    ]
    return float(np.mean(areas)) if areas else None


def _calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    curve = reliability_curve(labels, probabilities)
    gaps = np.abs(curve.confidence - curve.accuracy) * curve.count
    return float(np.nansum(gaps) / len(labels))
