"""Forecasts without learning: the last value, that of the season before, a straight line."""

import numpy as np

MOST_ERRORS = 400  # origins by whose errors the intervals are set


def naive(history, horizon, period):
    """Return the last value that is there, for every step: (horizon,).

    Args:
        history: (steps,), NaN where missing.
        horizon: steps ahead.
        period: not needed.
    """
    there = history[~np.isnan(history)]
    return np.full(horizon, there[-1] if len(there) else 0.0)


def seasonal_naive(history, horizon, period):
    """Return the last value of the same season that is there: (horizon,).

    Where there is none, it is the last value of all.

    Args:
        history: (steps,), NaN where missing.
        horizon: steps ahead.
        period: steps of a season.
    """
    result = naive(history, horizon, period)
    for step in range(horizon):
        place = len(history) + step - period * (step // period + 1)
        while place >= 0 and np.isnan(history[place]):
            place -= period
        if place >= 0:
            result[step] = history[place]
    return result


def drift(history, horizon, period):
    """Return the line through the first value and the last, gone on with: (horizon,).

    Args:
        history: (steps,), NaN where missing.
        horizon: steps ahead.
        period: not needed.
    """
    places = np.flatnonzero(~np.isnan(history))
    if len(places) < 2:
        return naive(history, horizon, period)
    slope = (history[places[-1]] - history[places[0]]) / (places[-1] - places[0])
    return history[places[-1]] + slope * (np.arange(1, horizon + 1) + len(history) - 1 - places[-1])


NAIVE = {"naive": naive, "seasonal_naive": seasonal_naive, "drift": drift}


def naive_quantiles(method, train, histories, horizon, period, quantiles):
    """Return forecasts with intervals: those of a method, and the spread of its errors within train.

    Args:
        method: one of `NAIVE`.
        train: (steps,), by whose errors, for each step ahead, the intervals are set.
        histories: list of (steps,), one an origin.
        horizon, period: as for the methods.
        quantiles: probabilities, ascending; the middle one is the forecast itself.

    Returns:
        (origins, horizon, quantiles)
    """
    first = min(period + 1, max(1, len(train) - horizon))
    origins = np.unique(np.linspace(first, max(first, len(train) - horizon), MOST_ERRORS).astype(int))
    errors = np.full((len(origins), horizon), np.nan)
    for row, origin in enumerate(origins):
        came = train[origin : origin + horizon]
        errors[row, : len(came)] = came - method(train[:origin], horizon, period)[: len(came)]
    known = ~np.isnan(errors).all(axis=0)
    spread = np.zeros((len(quantiles), horizon))
    if known.any():
        spread[:, known] = np.nanquantile(errors[:, known], quantiles, axis=0)
    middle = len(quantiles) // 2
    spread[:middle], spread[middle + 1 :] = (
        np.minimum(spread[:middle], 0),
        np.maximum(spread[middle + 1 :], 0),
    )
    spread[middle] = 0
    points = np.stack([method(history, horizon, period) for history in histories])
    return points[:, :, None] + spread.T
