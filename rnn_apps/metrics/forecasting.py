"""Scores of forecasts: errors relative to the seasonal naive forecast, and coverage of intervals."""

import numpy as np


def seasonal_error(values, period):
    """Return the mean absolute error of the seasonal naive forecast within a series, the scale of MASE.

    If no two values are a period apart, or all of these are equal, it is the mean change per step, and if
    that is zero too, 1.

    Args:
        values: (steps, targets), NaN for missing values.
        period: Steps of a season.

    Returns:
        (targets,)

    Reference:
        Hyndman and Koehler, "Another look at measures of forecast accuracy" (2006).
    """
    scale = np.ones(values.shape[1])
    for target in range(values.shape[1]):
        for lag in (period, 1):
            changes = np.abs(values[lag:, target] - values[: -lag or None, target][: len(values[lag:])])
            changes = changes[~np.isnan(changes)]
            if len(changes) and changes.mean() > 0:
                scale[target] = changes.mean()
                break
    return scale


def pinball(truth, forecast, quantile):
    """Return the pinball loss of a quantile, in the shape of the arguments; NaN where the truth is NaN."""
    error = truth - forecast
    return np.maximum(quantile * error, (quantile - 1) * error)


def forecast_metrics(truth, forecasts, quantiles, scales):
    """Return the scores of forecasts, averaged over all known values.

    Args:
        truth: (origins, horizon, targets), NaN for missing values.
        forecasts: (origins, horizon, targets, quantiles), ascending along the last axis; the middle one is
            the point forecast.
        quantiles: (quantiles,) probabilities, ascending.
        scales: (origins, targets) from `seasonal_error`.

    Returns:
        ``mase``, the mean absolute error divided by the scale; ``smape``, twice the error divided by the sum
        of both absolute values, in percent, 0 to 200; ``mae``; ``coverage``, the fraction of the truth
        between the lowest and the highest quantile; ``quantile_loss``, the mean pinball loss of all
        quantiles divided by the scale.
    """
    point = forecasts[..., len(quantiles) // 2]
    error, scale = np.abs(truth - point), scales[:, None, :]
    size = np.abs(truth) + np.abs(point)
    relative = np.where(size == 0, 0.0, 200 * error / np.where(size == 0, 1.0, size))
    inside = (forecasts[..., 0] <= truth) & (truth <= forecasts[..., -1])
    losses = [pinball(truth, forecasts[..., i], q) / scale for i, q in enumerate(quantiles)]
    is_known = ~np.isnan(truth)
    return {
        "mase": _mean(error / scale, is_known),
        "smape": _mean(np.where(is_known, relative, np.nan), is_known),
        "coverage": _mean(inside.astype(float), is_known),
        "mae": _mean(error, is_known),
        "quantile_loss": _mean(np.mean(losses, axis=0), is_known),
    }


def _mean(values, is_known):
    return float(values[is_known].mean()) if is_known.any() else float("nan")
