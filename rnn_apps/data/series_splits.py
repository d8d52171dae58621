"""Splits series by time into train, validation and test."""

from typing import NamedTuple

import numpy as np

from rnn_apps.errors import DataError


class SplitBounds(NamedTuple):
    """Where the splits of a series start and stop, in steps.

    Args:
        train, validation, test: (first step, step after the last) of each.
    """

    train: tuple
    validation: tuple
    test: tuple


def split_series(series, splits, validation_fraction, test_fraction, min_train, horizon):
    """Return the `SplitBounds` of a series: the test split is last, the validation split before it.

    Splits in files of their own are kept. With a validation but no test split, the validation split becomes
    the test split, and another one is taken from the end of train.

    Args:
        series: `Series`.
        splits: Names of the splits in files of their own.
        validation_fraction: Fraction of the steps before the test split, if there is no validation split.
        test_fraction: Fraction of the series, if there is no test split.
        min_train: Minimum number of steps of train.
        horizon: Minimum number of steps of validation and test.

    Raises:
        DataError: a split is too short.
    """
    size, stops = len(series), series.stops
    if "test" in splits:
        test = stops.get("validation", stops.get("train", 0))
    elif "validation" in splits:
        test = stops.get("train", 0)
    else:
        test = size - max(horizon, round(test_fraction * size))
    if {"validation", "test"} <= set(splits):
        validation = stops.get("train", 0)
    else:
        validation = test - max(horizon, round(validation_fraction * test))
    validation = max(0, validation)
    bounds = SplitBounds((0, validation), (validation, test), (test, size))
    for split, min_steps in zip(SplitBounds._fields, (min_train, horizon, horizon)):
        start, stop = getattr(bounds, split)
        if stop - start < min_steps:
            received = f"{max(0, stop - start)} steps for {split}, {size} in all"
            expected = f"at least {min_steps} for {split}"
            fix = "Give more rows, or lower data.horizon, data.period or model.lags."
            raise DataError(_name_of(series), received=received, expected=expected, fix=fix)
    return bounds


def use_whole_series_for_test(series, num_context, horizon):
    """Return the `SplitBounds` of a series that is all for the test, after the steps that are only read.

    Args:
        series: `Series`.
        num_context: Steps before the first forecast.
        horizon: Steps of a forecast.

    Raises:
        DataError: the series is too short.
    """
    size, min_size = len(series), num_context + horizon
    if size < min_size:
        expected = f"at least {min_size}: {num_context} to read, then forecast"
        raise DataError(_name_of(series), received=f"{size} steps", expected=expected)
    return SplitBounds((0, num_context), (num_context, num_context), (num_context, size))


def evenly_spaced_origins(start, stop, horizon, count):
    """Return evenly spaced steps from which to forecast: int (origins,).

    An origin is the first step that is forecast; the last forecast ends with the split.

    Args:
        start, stop: First step of the split, and the step after its last.
        horizon: Steps of a forecast.
        count: Maximum number of origins.
    """
    return np.unique(np.rint(np.linspace(start, stop - horizon, count)).astype(np.int64))


def _name_of(series):
    return f"{series.location}  {series.name}".rstrip()
