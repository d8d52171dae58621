"""Finds the length of the seasonal pattern of a series from its autocorrelation."""

import numpy as np

_MIN_AUTOCORRELATION = 0.3  # of a season
_NEAR_PEAK = 0.9  # of the highest peak: the shortest such lag is the season, not a multiple of it
_MAX_LAG = 1000


def autocorrelation(values, max_lag):
    """Return the autocorrelation of values without their linear trend, at lags from 0 to `max_lag`.

    Args:
        values: float (steps,), NaN for missing values.
        max_lag: Largest lag.
    """
    steps, is_known = np.arange(len(values)), ~np.isnan(values)
    filled = np.interp(steps, steps[is_known], values[is_known])
    residual = filled - np.polyval(np.polyfit(steps, filled, 1), steps)
    power = np.abs(np.fft.rfft(residual, 2 * len(steps))) ** 2
    sums = np.fft.irfft(power)[: max_lag + 1] / np.arange(len(steps), len(steps) - max_lag - 1, -1)
    return sums / sums[0] if sums[0] > 0 else np.zeros(max_lag + 1)


def find_season(values):
    """Return the length of a season in steps and its autocorrelation, or (1, 0.0) if there is none.

    Args:
        values: float (steps,), NaN for missing values.
    """
    max_lag = min(_MAX_LAG, len(values) // 3)
    if max_lag < 3 or np.isnan(values).mean() > 0.5:
        return 1, 0.0
    correlations = autocorrelation(values, max_lag)
    lags = np.arange(2, max_lag)
    peaks = lags[
        (correlations[lags] > correlations[lags - 1]) & (correlations[lags] >= correlations[lags + 1])
    ]
    peaks = peaks[correlations[peaks] >= _MIN_AUTOCORRELATION]
    if not len(peaks):
        return 1, 0.0
    season = peaks[correlations[peaks] >= _NEAR_PEAK * correlations[peaks].max()][0]
    return int(season), float(correlations[season])
