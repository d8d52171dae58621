"""Series split by time: what is learned from, what is chosen by, what is tested on, and from where."""

from typing import NamedTuple

import numpy as np

from rnn_apps.errors import DataError


class Cuts(NamedTuple):
    """Where the parts of a series begin and end, in steps.

    Args:
        train, validation, test: (first step, step behind the last) of each.
    """

    train: tuple
    validation: tuple
    test: tuple


def cut_series(series, parts, validation_fraction, test_fraction, least, horizon):
    """Return the `Cuts` of a series: what is tested on comes last, what is chosen by before it.

    Parts that came in files of their own stay as they are. With a validation but no test part the validation
    is the test, and another is cut off the end of train.

    Args:
        series: `Series`.
        parts: names of the parts that came in files of their own.
        validation_fraction: of what comes before the test, where there is no validation part.
        test_fraction: of the series, where there is no test part.
        least: steps that train must have.
        horizon: steps that validation and test must have.

    Raises:
        DataError: a part is too short.
    """
    size, ends = len(series), series.ends
    if "test" in parts:
        test = ends.get("validation", ends.get("train", 0))
    elif "validation" in parts:
        test = ends.get("train", 0)
    else:
        test = size - max(horizon, round(test_fraction * size))
    if {"validation", "test"} <= set(parts):
        validation = ends.get("train", 0)
    else:
        validation = test - max(horizon, round(validation_fraction * test))
    cuts = Cuts((0, max(0, validation)), (max(0, validation), test), (test, size))
    wanted = {"train": least, "validation": horizon, "test": horizon}
    for part, steps in wanted.items():
        begin, end = getattr(cuts, part)
        if end - begin < steps:
            fix = "Give more rows, or lower data.horizon, data.period or model.lags."
            received = f"{max(0, end - begin)} steps for {part}, {size} in all"
            raise DataError(
                _named(series), received=received, expected=f"at least {steps} for {part}", fix=fix
            )
    return cuts


def cut_whole(series, first, horizon):
    """Return the `Cuts` of a series all of which is tested on, behind the steps that are read first.

    Args:
        series: `Series`.
        first: steps that come before the first forecast.
        horizon: steps of a forecast.

    Raises:
        DataError: it is too short.
    """
    if len(series) < first + horizon:
        received, expected = (
            f"{len(series)} steps",
            f"at least {first + horizon}: {first} to read, then forecast",
        )
        raise DataError(_named(series), received=received, expected=expected)
    return Cuts((0, first), (first, first), (first, len(series)))


def origins_between(begin, end, horizon, count):
    """Return steps from which to forecast, at even distances: int (origins,).

    An origin is the first step that is forecast; the last forecast ends with the part.

    Args:
        begin, end: of the part.
        horizon: steps of a forecast.
        count: origins, fewer where there are not as many.
    """
    return np.unique(np.rint(np.linspace(begin, end - horizon, count)).astype(np.int64))


def _named(series):
    return f"{series.place}  {series.name}" if series.name else series.place
