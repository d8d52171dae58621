"""What a network that labels steps has to beat: a linear classifier that sees every step by itself."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MOST_STEPS = 5_000
MOST_FEATURES = 512


def each_step_probabilities(
    train_steps: np.ndarray, train_labels: np.ndarray, steps: np.ndarray, num_labels: int
) -> np.ndarray:
    """Returns class probabilities of logistic regression on single steps, without any memory.

    It learns from at most 5,000 steps at even distances, and of more than 512 features takes some at even
    distances.

    Args:
        train_steps: (train_steps, ...), any number of sides.
        train_labels: class indices (train_steps,), two classes at least.
        steps: (steps, ...), those to answer for.
        num_labels: number of classes.

    Returns:
        Array (steps, num_labels) whose rows sum to 1.
    """
    chosen = _evenly(len(train_labels), MOST_STEPS)
    chosen = np.union1d(chosen, np.unique(train_labels, return_index=True)[1])  # every class at least once
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a little more would change little
        model.fit(_flat(train_steps[chosen]), train_labels[chosen])
    probabilities = np.zeros((len(steps), num_labels))
    probabilities[:, model.classes_] = model.predict_proba(_flat(steps))
    return probabilities


def _flat(steps: np.ndarray) -> np.ndarray:
    flat = np.reshape(steps, (len(steps), -1))
    return flat[:, _evenly(flat.shape[1], MOST_FEATURES)].astype(np.float32)


def _evenly(count: int, most: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
