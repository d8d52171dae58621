"""Generated series with a season, a trend that changes, and noise: what a forecast has to tell apart."""

import numpy as np

PERIOD = 24
_STEPS_OF_A_REGIME = 240


def seasonal_values(size, seed):
    """Return an hourly series: its values, and a covariate that is known in advance.

    The season of 24 steps has two peaks; its size grows with the level. The level follows a trend that
    changes direction now and then, without warning. On days off, which are known in advance, the second peak
    is missing. Noise of 4 % of the level is added, and one value in a hundred is missing. The last value
    tells the level and the season before tells the shape, but what comes depends on the days off as well.

    Args:
        size: steps.
        seed: of all that is random.

    Returns:
        float (size, 2): value, NaN where missing, and day off, 0 or 1.
    """
    rng = np.random.default_rng(seed)
    steps = np.arange(size)
    regimes = -(-size // _STEPS_OF_A_REGIME)
    slopes = rng.normal(0, 0.0012, regimes).repeat(_STEPS_OF_A_REGIME)[:size]
    level = 50 * np.exp(np.clip(np.cumsum(slopes), -1.2, 1.2))
    hour = steps % PERIOD
    off = (rng.random(-(-size // PERIOD)) < 0.25).repeat(PERIOD)[:size]
    morning, evening = _peak(hour, 8, 2.0), _peak(hour, 19, 2.5)
    values = level * (1 + 0.35 * morning + 0.6 * evening * ~off + rng.normal(0, 0.04, size))
    values[rng.random(size) < 0.01] = np.nan
    return np.stack([values, off], axis=-1)


def _peak(hour, at, width):
    """A bump in the course of a day, highest, 1, at an hour."""
    return np.exp(-(((hour - at + PERIOD / 2) % PERIOD - PERIOD / 2) ** 2) / (2 * width**2))
