"""Baseline for labelled sequences: logistic regression on single steps."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MAX_STEPS = 5_000
MAX_FEATURES = 512


def per_step_probabilities(
    train_steps: np.ndarray, train_labels: np.ndarray, steps: np.ndarray, num_labels: int
) -> np.ndarray:
    """Return class probabilities of logistic regression on single steps.

    It is trained on at most 5,000 evenly spaced steps and 512 evenly spaced features.

    Args:
        train_steps: (train_steps, ...), any number of dimensions.
        train_labels: Class indices (train_steps,), at least two classes.
        steps: (steps, ...), the steps to classify.
        num_labels: Number of classes.

    Returns:
        Array (steps, num_labels) whose rows sum to 1.
    """
    indices = _evenly_spaced(len(train_labels), MAX_STEPS)
    indices = np.union1d(indices, np.unique(train_labels, return_index=True)[1])  # every class at least once
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # more iterations would change little
        model.fit(_flatten(train_steps[indices]), train_labels[indices])
    probabilities = np.zeros((len(steps), num_labels))
    probabilities[:, model.classes_] = model.predict_proba(_flatten(steps))
    return probabilities


def _flatten(steps: np.ndarray) -> np.ndarray:
    flat = np.reshape(steps, (len(steps), -1))
    return flat[:, _evenly_spaced(flat.shape[1], MAX_FEATURES)].astype(np.float32)


def _evenly_spaced(count: int, max_count: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, max_count)).round().astype(int))
