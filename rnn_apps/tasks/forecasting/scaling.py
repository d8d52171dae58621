"""What is learned of the numbers of train before a network is: their size, and how far they stray."""

import numpy as np

from rnn_apps.errors import DataError, Setting
from rnn_apps.models.forecaster import SeriesScaling

LEAST = 1e-6


def learn_scaling(values, places, names, lags, transform="none", by_frame=False, level_feature=True):
    """Return the `SeriesScaling` of the training parts of some series.

    Args:
        values: list of (steps, features), NaN where missing; targets come first.
        places: of each, for messages.
        names: of the targets.
        lags: last steps that are seen at once.
        transform: ``"none"``, or ``"log"``, for which nothing may be below zero.
        by_frame, level_feature: as in `SeriesScaling`.

    Raises:
        DataError: a value below zero where the logarithm is to be taken.
    """
    count = len(names)
    together, offset = np.concatenate(values), None
    if transform == "log":
        _refuse_negative(values, places, names)
        offset = _offsets(together[:, :count])
        values = [np.concatenate([np.log(v[:, :count] + offset), v[:, count:]], axis=-1) for v in values]
        together = np.concatenate(values)
    there = ~np.isnan(together)
    total = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, together, 0).sum(axis=0) / total
    variance = (np.where(there, together - mean, 0) ** 2).sum(axis=0) / total
    deviation = np.where(variance > LEAST**2, np.sqrt(variance), 1.0)
    apart = np.concatenate([v[:, :count] - _running_mean(v[:, :count], lags) for v in values])
    spread = np.sqrt(np.nanmean(apart**2, axis=0)) if len(apart) else np.ones(count)
    spread = np.where(spread > LEAST * deviation[:count], spread, deviation[:count])
    listed = [tuple(map(float, row)) for row in (mean, deviation, spread)]
    return SeriesScaling(
        *listed, None if offset is None else tuple(map(float, offset)), by_frame, level_feature
    )


def _refuse_negative(values, places, names):
    for one, place in zip(values, places):
        for index, name in enumerate(names):
            lowest = np.nanmin(one[:, index])
            if lowest < 0:
                fix = Setting("It has no logarithm, so take none", "model.transform=none")
                raise DataError(
                    f"{place}  {name}", received=f"{lowest:g}", expected="nothing below zero", fix=fix
                )


def _offsets(values):
    """0 where every value is above zero, else the smallest that is."""
    above = np.where(values > 0, values, np.inf).min(axis=0)
    return np.where((values == 0).any(axis=0) & np.isfinite(above), above, 0.0)


def _running_mean(values, lags):
    """Mean of the values that are there among the last lags: (steps, targets)."""
    there = ~np.isnan(values)
    sums = np.cumsum(np.where(there, values, 0), axis=0)
    counts = np.cumsum(there, axis=0)
    sums[lags:], counts[lags:] = sums[lags:] - sums[:-lags], counts[lags:] - counts[:-lags]
    return sums / np.where(counts == 0, np.nan, counts)
