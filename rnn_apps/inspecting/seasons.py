"""How long a season of a series is, by its autocorrelation."""

import numpy as np

_LEAST = 0.3  # autocorrelation from which on a peak is a season
_NEARLY = 0.9  # of the highest peak: the shortest lag that reaches it is taken, not a multiple of it
_LONGEST = 1000


def autocorrelation(values, most):
    """Return the autocorrelation of values without their linear trend, at lags from 0 to `most`.

    Args:
        values: float (steps,), NaN where one is missing.
        most: the largest lag.
    """
    steps, there = np.arange(len(values)), ~np.isnan(values)
    filled = np.interp(steps, steps[there], values[there])
    rest = filled - np.polyval(np.polyfit(steps, filled, 1), steps)
    power = np.abs(np.fft.rfft(rest, 2 * len(rest))) ** 2
    sums = np.fft.irfft(power)[: most + 1] / np.arange(len(rest), len(rest) - most - 1, -1)
    return sums / sums[0] if sums[0] > 0 else np.zeros(most + 1)


def find_season(values):
    """Return the length of a season in steps and its autocorrelation, or (1, 0.0) where there is none.

    Args:
        values: float (steps,), NaN where one is missing.
    """
    most = min(_LONGEST, len(values) // 3)
    if most < 3 or np.isnan(values).mean() > 0.5:
        return 1, 0.0
    found = autocorrelation(values, most)
    inner = np.arange(2, most)
    peaks = inner[(found[inner] > found[inner - 1]) & (found[inner] >= found[inner + 1])]
    peaks = peaks[found[peaks] >= _LEAST]
    if not len(peaks):
        return 1, 0.0
    best = peaks[found[peaks] >= _NEARLY * found[peaks].max()][0]
    return int(best), float(found[best])
