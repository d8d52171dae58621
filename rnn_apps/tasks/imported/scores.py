"""Scores of arrays, chosen by their shapes and dtypes."""

import numpy as np

from rnn_apps.errors import DataError


def array_scores(name, targets, answers):
    """Return a dict of scores of answers.

    Integer targets with the shape of the answers without the last dimension are classes: accuracy, and log
    loss in nats if the answers are probabilities. So are one-hot targets, and zeros and ones with one
    probability each. All other targets are numbers: mean absolute and root mean square error.

    Args:
        name: name of the output, for messages.
        targets: array of numbers.
        answers: array of floats (examples, ...).

    Raises:
        DataError: if the shapes do not match.
    """
    targets, answers = np.asarray(targets), np.asarray(answers, np.float64)
    if targets.dtype.kind in "iu" and targets.shape == answers.shape[:-1] and answers.shape[-1] > 1:
        return _of_classes(name, targets.astype(np.int64), answers)
    if targets.ndim + 1 == answers.ndim and answers.shape[-1] == 1:
        answers = answers[..., 0]
    if targets.ndim == answers.ndim and targets.shape[-1] == 1 < answers.shape[-1]:
        return array_scores(name, targets[..., 0], answers)
    if _is_one_hot(targets, answers):
        return _of_classes(name, targets.argmax(-1), answers)
    if targets.shape != answers.shape or targets.dtype.kind not in "fiub":
        received = f"targets {'x'.join(map(str, targets.shape))} of {targets.dtype}"
        expected = f"{'x'.join(map(str, answers.shape))}, or class indices without the last dimension"
        raise DataError(f"output {name}", received=received, expected=expected)
    targets = targets.astype(np.float64)
    if np.isin(targets, (0, 1)).all() and ((answers >= 0) & (answers <= 1)).all():
        return _of_classes(name, targets.astype(np.int64), np.stack([1 - answers, answers], -1))
    errors = answers - targets
    return {"mae": float(np.abs(errors).mean()), "rmse": float(np.sqrt((errors**2).mean()))}


def _is_one_hot(targets, answers):
    """Whether targets are one-hot, and answers are probabilities."""
    if targets.shape != answers.shape or targets.ndim < 2 or targets.shape[-1] < 2:
        return False
    rows = np.isin(targets, (0, 1)).all() and (targets.sum(-1) == 1).all()
    return bool(rows and (answers >= 0).all() and np.allclose(answers.sum(-1), 1, atol=1e-3))


def _of_classes(name, targets, answers):
    if targets.min(initial=0) < 0 or targets.max(initial=0) >= answers.shape[-1]:
        received, expected = f"classes {targets.min()} to {targets.max()}", f"0 to {answers.shape[-1] - 1}"
        raise DataError(f"output {name}", received=received, expected=expected)
    scores = {"accuracy": float((answers.argmax(-1) == targets).mean())}
    if (answers >= 0).all() and np.allclose(answers.sum(-1), 1, atol=1e-3):
        right = np.take_along_axis(answers, targets[..., None], -1)
        scores["log_loss"] = float(-np.log(np.clip(right, 1e-7, 1)).mean())
    return scores
