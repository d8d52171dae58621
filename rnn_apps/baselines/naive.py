"""Baselines for forecasts: the last value, the last season, and a straight line."""

import numpy as np

MAX_ORIGINS = 400  # whose errors determine the intervals


def naive(history, horizon, period):
    """Return the last known value for every step: (horizon,).

    Args:
        history: (steps,), NaN for missing values.
        horizon: Number of steps to forecast.
        period: Not used.
    """
    known = history[~np.isnan(history)]
    return np.full(horizon, known[-1] if len(known) else 0.0)


def seasonal_naive(history, horizon, period):
    """Return the last known value of the same phase of the season: (horizon,).

    If there is none, it is the last known value of all.

    Args:
        history: (steps,), NaN for missing values.
        horizon: Number of steps to forecast.
        period: Steps of a season.
    """
    result = naive(history, horizon, period)
    for step in range(horizon):
        index = len(history) + step - period * (step // period + 1)
        while index >= 0 and np.isnan(history[index]):
            index -= period
        if index >= 0:
            result[step] = history[index]
    return result


def drift(history, horizon, period):
    """Return the continuation of the line through the first and the last known value: (horizon,).

    Args:
        history: (steps,), NaN for missing values.
        horizon: Number of steps to forecast.
        period: Not used.
    """
    known = np.flatnonzero(~np.isnan(history))
    if len(known) < 2:
        return naive(history, horizon, period)
    first, last = known[0], known[-1]
    slope = (history[last] - history[first]) / (last - first)
    return history[last] + slope * (np.arange(1, horizon + 1) + len(history) - 1 - last)


NAIVE = {"naive": naive, "seasonal_naive": seasonal_naive, "drift": drift}


def naive_quantiles(method, train, histories, horizon, period, quantiles):
    """Return forecasts of a method, with intervals from the quantiles of its errors within train.

    Args:
        method: One of `NAIVE`.
        train: (steps,), on which the errors are measured, for each step ahead.
        histories: List of (steps,), one per origin.
        horizon, period: As for the methods.
        quantiles: Probabilities, ascending; the middle one is the forecast itself.

    Returns:
        (origins, horizon, quantiles)
    """
    first = min(period + 1, max(1, len(train) - horizon))
    origins = np.unique(np.linspace(first, max(first, len(train) - horizon), MAX_ORIGINS).astype(int))
    errors = np.full((len(origins), horizon), np.nan)
    for row, origin in enumerate(origins):
        truth = train[origin : origin + horizon]
        errors[row, : len(truth)] = truth - method(train[:origin], horizon, period)[: len(truth)]
    is_known = ~np.isnan(errors).all(axis=0)
    offsets = np.zeros((len(quantiles), horizon))
    if is_known.any():
        offsets[:, is_known] = np.nanquantile(errors[:, is_known], quantiles, axis=0)
    middle = len(quantiles) // 2
    offsets[:middle] = np.minimum(offsets[:middle], 0)
    offsets[middle] = 0
    offsets[middle + 1 :] = np.maximum(offsets[middle + 1 :], 0)
    points = np.stack([method(history, horizon, period) for history in histories])
    return points[:, :, None] + offsets.T
