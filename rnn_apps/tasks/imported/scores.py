"""Scores of arrays whose meaning nobody told: chosen by their shapes and types."""

import numpy as np

from rnn_apps.errors import DataError


def array_scores(name, targets, answers):
    """Return name to score of answers against targets.

    Whole-number targets of the answers' shape without its last side are classes: accuracy, and log loss in
    nats where the answers are probabilities. So are rows with a single 1 beside such answers. Zeros and ones
    against one number each are two classes. Anything else of the answers' shape is a quantity: mean absolute
    and root mean square error.

    Args:
        name: of the output, for messages.
        targets: array of numbers.
        answers: array of floats (examples, ...).

    Raises:
        DataError: the shapes do not fit.
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
        expected = f"{'x'.join(map(str, answers.shape))}, or class numbers without the last side"
        raise DataError(f"output {name}", received=received, expected=expected)
    targets = targets.astype(np.float64)
    if np.isin(targets, (0, 1)).all() and ((answers >= 0) & (answers <= 1)).all():
        return _of_classes(name, targets.astype(np.int64), np.stack([1 - answers, answers], -1))
    errors = answers - targets
    return {"mae": float(np.abs(errors).mean()), "rmse": float(np.sqrt((errors**2).mean()))}


def _is_one_hot(targets, answers):
    """Whether each row of targets has a single 1, and each row of answers is a distribution."""
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
