"""Synthetic series with a seasonal pattern, a changing trend, and noise, for forecasting."""

import numpy as np

PERIOD = 24
_STEPS_PER_REGIME = 240


def seasonal_values(size, seed):
    """Return an hourly series: its values, and a covariate that is known for the future.

    The seasonal pattern of 24 steps has two peaks, proportional to the level. The level follows a trend that
    changes direction at times. On days off, which are known in advance, the second peak is missing. Noise of
    4 % of the level is added, and 1 % of the values are missing. A good forecast has to combine the level of
    the last value, the pattern of the last season, and the days off.

    Args:
        size: Number of steps.
        seed: Random seed.

    Returns:
        float (size, 2): value, NaN if missing, and day off, 0 or 1.
    """
    rng = np.random.default_rng(seed)
    steps = np.arange(size)
    regimes = -(-size // _STEPS_PER_REGIME)
    slopes = rng.normal(0, 0.0012, regimes).repeat(_STEPS_PER_REGIME)[:size]
    level = 50 * np.exp(np.clip(np.cumsum(slopes), -1.2, 1.2))
    hour = steps % PERIOD
    off = (rng.random(-(-size // PERIOD)) < 0.25).repeat(PERIOD)[:size]
    morning, evening = _peak(hour, 8, 2.0), _peak(hour, 19, 2.5)
    values = level * (1 + 0.35 * morning + 0.6 * evening * ~off + rng.normal(0, 0.04, size))
    values[rng.random(size) < 0.01] = np.nan
    return np.stack([values, off], axis=-1)


def _peak(hour, at, width):
    """A daily peak of height 1 at an hour."""
    return np.exp(-(((hour - at + PERIOD / 2) % PERIOD - PERIOD / 2) ** 2) / (2 * width**2))
