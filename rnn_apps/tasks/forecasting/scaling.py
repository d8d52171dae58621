"""Learns the scaling of series from train."""

import numpy as np

from rnn_apps.errors import DataError, Setting
from rnn_apps.models.forecaster import SeriesScaling

MIN_DEVIATION = 1e-6


def scaling_of(recipe, dataset):
    """Return the `SeriesScaling` of a network, from the training split of a `SeriesDataset`."""
    model, columns, lags = recipe.model, dataset.columns, dataset.sizes.lags
    by_window = model.spread == "lags" or (model.spread == "auto" and len(dataset.series) > 1)
    places = [one.location for one in dataset.series]
    options = (columns.targets, lags, model.transform, by_window, model.level_feature)
    return learn_scaling(dataset.training_values(), places, *options)


def learn_scaling(values, places, names, lags, transform="none", by_window=False, level_feature=True):
    """Return the `SeriesScaling` of the training values of some series.

    Args:
        values: list of arrays (steps, features) with NaN for missing values; targets come first.
        places: locations of the series, for messages.
        names: names of the targets.
        lags: number of lags.
        transform: ``"none"``, or ``"log"``, which does not allow negative values.
        by_window, level_feature: as in `SeriesScaling`.

    Raises:
        DataError: if the transform is ``"log"`` and a value is negative.
    """
    count = len(names)
    together, offset = np.concatenate(values), None
    if transform == "log":
        _refuse_negative(values, places, names)
        offset = _offsets(together[:, :count])
        values = [np.concatenate([np.log(v[:, :count] + offset), v[:, count:]], axis=-1) for v in values]
        together = np.concatenate(values)
    valid = ~np.isnan(together)
    total = np.maximum(valid.sum(axis=0), 1)
    mean = np.where(valid, together, 0).sum(axis=0) / total
    variance = (np.where(valid, together - mean, 0) ** 2).sum(axis=0) / total
    deviation = np.where(variance > MIN_DEVIATION**2, np.sqrt(variance), 1.0)
    differences = np.concatenate([v[:, :count] - _running_mean(v[:, :count], lags) for v in values])
    spread = np.sqrt(np.nanmean(differences**2, axis=0)) if len(differences) else np.ones(count)
    spread = np.where(spread > MIN_DEVIATION * deviation[:count], spread, deviation[:count])
    listed = [tuple(map(float, row)) for row in (mean, deviation, spread)]
    return SeriesScaling(
        *listed, None if offset is None else tuple(map(float, offset)), by_window, level_feature
    )


def _refuse_negative(values, places, names):
    for one, place in zip(values, places):
        for index, name in enumerate(names):
            lowest = np.nanmin(one[:, index])
            if lowest < 0:
                fix = Setting("Negative numbers have no logarithm, so use", "model.transform=none")
                raise DataError(
                    f"{place}  {name}", received=f"{lowest:g}", expected="no negative value", fix=fix
                )


def _offsets(values):
    """0 if all values are positive, else the smallest positive value."""
    smallest = np.where(values > 0, values, np.inf).min(axis=0)
    return np.where((values == 0).any(axis=0) & np.isfinite(smallest), smallest, 0.0)


def _running_mean(values, lags):
    """Mean of the valid values among the lags, (steps, targets)."""
    valid = ~np.isnan(values)
    sums = np.cumsum(np.where(valid, values, 0), axis=0)
    counts = np.cumsum(valid, axis=0)
    sums[lags:], counts[lags:] = sums[lags:] - sums[:-lags], counts[lags:] - counts[:-lags]
    return sums / np.where(counts == 0, np.nan, counts)
