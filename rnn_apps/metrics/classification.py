"""How good the class probabilities of a classifier are."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn import metrics

LEAST_PROBABILITY = 1e-7  # a certain but wrong answer costs 16.1 nats, not infinitely many


class Reliability(NamedTuple):
    """Confidence against accuracy, bin by bin; all arrays have one entry a bin (bins,).

    Attributes:
        centre: middle of each bin of the confidence.
        confidence: mean confidence of the examples in the bin, NaN in an empty one.
        accuracy: part of these that is right, NaN in an empty one.
        count: how many examples the bin holds.
    """

    centre: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray


def classification_metrics(
    labels: Sequence[int], probabilities: np.ndarray, class_names: Sequence[str]
) -> dict[str, float]:
    """Returns the scores of class probabilities against the true classes, without those that are not defined.

    | name | is |
    |---|---|
    | `accuracy` | part of the examples whose most probable class is the true one |
    | `f1/<class>` | harmonic mean of precision and recall; absent if the class is neither true nor answered |
    | `f1_macro` | mean of all `f1/<class>` |
    | `auc` | area under the ROC curve of class 1 of 2; else mean of each class against the rest |
    | `log_loss` | mean of -ln(probability of the true class), in nats, probabilities clipped at 1e-7 |
    | `calibration_error` | mean difference of confidence and accuracy over 15 bins, weighted by count |

    Args:
        labels: true class indices (examples,).
        probabilities: (examples, classes), rows sum to 1.
        class_names: one a class.

    Returns:
        Name of each metric -> value; empty where there are no examples. `auc` is absent where no class has
        examples both in it and outside it.

    Raises:
        ValueError: `probabilities` of another shape, or not finite.
    """
    labels = np.asarray(labels, dtype=np.int64)
    probabilities = np.asarray(probabilities, dtype=np.float64)
    _check(probabilities, (len(labels), len(class_names)))
    if not len(labels):
        return {}
    predictions = probabilities.argmax(axis=1)
    of_the_true = probabilities[np.arange(len(labels)), labels]
    scores = {
        "accuracy": float(np.mean(predictions == labels)),
        **_f1_scores(labels, predictions, class_names),
        "auc": _auc(labels, probabilities),
        "log_loss": float(-np.mean(np.log(np.maximum(of_the_true, LEAST_PROBABILITY)))),
        "calibration_error": _calibration_error(labels, probabilities),
    }
    return {name: value for name, value in scores.items() if value is not None}


def confusion_matrix(labels: Sequence[int], predictions: Sequence[int], num_classes: int) -> np.ndarray:
    """Returns counts (num_classes, num_classes): entry [i, j] counts the examples of class i answered as j.

    Examples:
        >>> confusion_matrix([0, 0, 1], [0, 1, 1], num_classes=2).tolist()
        [[1, 1], [0, 1]]
    """
    pairs = np.asarray(labels, dtype=np.int64) * num_classes + np.asarray(predictions, dtype=np.int64)
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def reliability_curve(labels: Sequence[int], probabilities: np.ndarray, bins: int = 15) -> Reliability:
    """Returns how often the answers given with each confidence are right.

    The confidence of an answer is the probability of its most probable class. Bins are equally wide over
    0 to 1 and hold their upper end.

    Args:
        labels: true class indices (examples,).
        probabilities: (examples, classes).
        bins: number of bins.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == np.asarray(labels, dtype=np.int64)
    places = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(places, minlength=bins)
    filled = np.where(count, count, np.nan)
    return Reliability(
        centre=(np.arange(bins) + 0.5) / bins,
        confidence=np.bincount(places, weights=confidence, minlength=bins) / filled,
        accuracy=np.bincount(places, weights=right, minlength=bins) / filled,
        count=count,
    )


def _check(probabilities: np.ndarray, expected: tuple[int, int]) -> None:
    if probabilities.shape != expected:
        raise ValueError(f"probabilities: received shape {probabilities.shape}, expected {expected}.")
    spoilt = int((~np.isfinite(probabilities)).any(axis=1).sum())
    if spoilt:
        raise ValueError(f"probabilities: received {spoilt} rows that are not finite, expected none.")


def _f1_scores(labels: np.ndarray, predictions: np.ndarray, class_names: Sequence[str]) -> dict[str, float]:
    seen = np.union1d(labels, predictions)
    values = metrics.f1_score(labels, predictions, labels=seen, average=None)
    scores = {f"f1/{class_names[index]}": float(value) for index, value in zip(seen, values)}
    return {"f1_macro": float(values.mean()), **scores}


def _auc(labels: np.ndarray, probabilities: np.ndarray) -> float | None:
    """Mean over the classes that occur, each against the rest; of two classes one says it all."""
    seen, counts = np.unique(labels, return_counts=True)
    if probabilities.shape[1] == 2:
        seen, counts = seen[seen == 1], counts[seen == 1]
    areas = [
        metrics.roc_auc_score(labels == index, probabilities[:, index])
        for index, count in zip(seen, counts)
        if count < len(labels)
    ]
    return float(np.mean(areas)) if areas else None


def _calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    curve = reliability_curve(labels, probabilities)
    gaps = np.abs(curve.confidence - curve.accuracy) * curve.count
    return float(np.nansum(gaps) / len(labels))
