"""Scores of forecasts: errors beside those of the seasonal naive, and whether intervals can be believed."""

import numpy as np


def seasonal_error(values, period):
    """Return the mean error of the seasonal naive forecast within a series, by which MASE is scaled.

    Where no two values stand a period apart, or all such are equal, it is the mean change from step to step,
    and where that is nothing as well, 1.

    Args:
        values: (steps, targets), NaN where missing.
        period: steps of a season.

    Returns:
        (targets,)

    Reference:
        Hyndman and Koehler, "Another look at measures of forecast accuracy" (2006).
    """
    scale = np.ones(values.shape[1])
    for target in range(values.shape[1]):
        for lag in (period, 1):
            apart = np.abs(values[lag:, target] - values[: -lag or None, target][: len(values[lag:])])
            apart = apart[~np.isnan(apart)]
            if len(apart) and apart.mean() > 0:
                scale[target] = apart.mean()
                break
    return scale


def pinball(truth, forecast, quantile):
    """Return the pinball loss of a quantile, of the shape of its arguments; NaN where the truth is."""
    error = truth - forecast
    return np.maximum(quantile * error, (quantile - 1) * error)


def forecast_metrics(truth, forecasts, quantiles, scales):
    """Return the scores of forecasts, means over all values that are there.

    Args:
        truth: (origins, horizon, targets), NaN where missing.
        forecasts: (origins, horizon, targets, quantiles), ascending along the last side; the middle one is
            the point forecast.
        quantiles: (quantiles,) probabilities, ascending.
        scales: (origins, targets) of `seasonal_error`.

    Returns:
        ``mase``, the mean absolute error over the scale; ``smape``, twice the error over the sum of both
        sizes, in percent, 0 to 200; ``mae``; ``coverage``, the part of the truth from the lowest quantile to
        the highest; ``quantile_loss``, the mean pinball loss of all quantiles over the scale.
    """
    point = forecasts[..., len(quantiles) // 2]
    error, scale = np.abs(truth - point), scales[:, None, :]
    size = np.abs(truth) + np.abs(point)
    relative = np.where(size == 0, 0.0, 200 * error / np.where(size == 0, 1.0, size))
    inside = (forecasts[..., 0] <= truth) & (truth <= forecasts[..., -1])
    losses = [pinball(truth, forecasts[..., i], q) / scale for i, q in enumerate(quantiles)]
    there = ~np.isnan(truth)
    return {
        "mase": _mean(error / scale, there),
        "smape": _mean(np.where(there, relative, np.nan), there),
        "coverage": _mean(inside.astype(float), there),
        "mae": _mean(error, there),
        "quantile_loss": _mean(np.mean(losses, axis=0), there),
    }


def _mean(values, there):
    return float(values[there].mean()) if there.any() else float("nan")
