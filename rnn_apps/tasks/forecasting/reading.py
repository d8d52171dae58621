"""Reads the series of a recipe, adds calendar features, and splits them by time."""

import numpy as np

from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.series import CleaningOptions, Columns, Series, SeriesFiles, read_series
from rnn_apps.data.series_splits import split_series, use_whole_series_for_test
from rnn_apps.data.synthetic.series import seasonal_values
from rnn_apps.data.time_steps import TimeStep, calendar_values
from rnn_apps.errors import DataError, Setting, UserError

SAMPLE_NAME = "sample:seasons"
HOUR = 3600
FIRST_TIME = 1_704_067_200  # 2024-01-01, in seconds from 1970 on


def columns_of_recipe(data):
    """Return the `Columns` of a recipe.

    Args:
        data: `ForecastingData`.
    """
    targets = None if data.targets is None else tuple(data.targets)
    more = {"covariates": tuple(data.covariates), "known": tuple(data.known), "series": data.series}
    more["missing"] = tuple(data.missing_values)
    return Columns(targets, time=data.time_columns, time_format=data.time_format, **more)


class SeriesSet:
    """All series of a recipe.

    Args:
        data: `ForecastingData`.
        seed: random seed of synthetic data.
        columns, step: `Columns` and `TimeStep` of a trained network; None for those of recipe and data.
        required_split: split that a folder must contain; None for any.

    Attributes:
        columns, step: as in `SeriesFiles`.
        series: list of `Series`, with one more column for each entry of `data.calendar`.
        cuts: list of `SplitBounds`, one per series.
        invalid: `InvalidRecords` with the records that were skipped.

    Raises:
        DataError: if the data is invalid, with file and row.
    """

    def __init__(self, data, seed, columns=None, step=None, required_split="train"):
        self._data = data
        self.invalid = InvalidRecords(data.on_invalid_record, data.max_invalid_records)
        columns = columns or columns_of_recipe(data)
        if data.source == "sample":
            self.name, found = SAMPLE_NAME, _sample(data.sample_size, seed, columns)
        else:
            options = CleaningOptions(self.invalid, data.on_missing, data.on_gap, data.sort)
            self.name, found = str(data.path), read_series(data.path, columns, options, required_split, step)
        self.columns, self.step, self.series, self._parts = found
        self.cuts = []
        self.invalid.check_fraction(self.name, sum(map(len, self.series)))
        if data.calendar:
            self._add_calendar()

    @property
    def has_test(self):
        """Whether the data has a validation or test split of its own."""
        return bool({"validation", "test"} & set(self._parts))

    def _add_calendar(self):
        if self.step.kind == "number":
            received, expected = "integers or no times", "dates or times"
            raise UserError("data.calendar", "there are no dates", received=received, expected=expected)
        for one in self.series:
            more = calendar_values(one.times, self._data.calendar)
            one.values = np.concatenate([one.values, more], axis=-1)

    def cut(self, lags):
        """Split every series into train, validation and test; reject or skip constant or short series.

        Args:
            lags: number of lags of the network.
        """
        data = self._data
        least = max(lags, data.period) + data.horizon
        fractions = (data.validation_fraction, data.test_fraction)
        self._keep(lambda one: split_series(one, self._parts, *fractions, least, data.horizon))

    def cut_whole(self, first):
        """Use all steps of every series after the first ones as the test split.

        Args:
            first: number of steps before the first forecast.
        """
        self._keep(lambda one: use_whole_series_for_test(one, first, self._data.horizon), constant=False)

    def _keep(self, cut, constant=True):
        kept, self.cuts = [], []
        for one in self.series:
            try:
                cuts = cut(one)
            except DataError:
                if self.invalid.action == "fail":
                    raise
                self.invalid.report(one.location, "a series is too short", "Add rows.")
                continue
            if not constant or not self._is_constant(one, cuts.train):
                kept.append(one)
                self.cuts.append(cuts)
        self.series = kept
        if not kept:
            raise DataError(self.name, "no valid series", fix="Add rows.")

    def _is_constant(self, one, train):
        """Whether a target is constant in train, which is reported."""
        for index, name in enumerate(self.columns.targets):
            values = one.values[train[0] : train[1], index]
            values = values[~np.isnan(values)]
            if not len(values) or (values == values[0]).all():
                received = f"{values[0]:g} in every row of train" if len(values) else "no value in train"
                fix = "Exclude the column: list the columns to forecast in data.targets."
                where = f"{one.location}  {one.name + ' ' if one.name else ''}{name}"
                self.invalid.report(where, "a series is constant", fix, received, "different values")
                return True
        return False


def _sample(size, seed, columns):
    """Return synthetic series in the form of `read_series`."""
    values = seasonal_values(size, seed)
    times = FIRST_TIME + HOUR * np.arange(size, dtype=np.int64)
    known = {"value": 0, "day_off": 1}
    for name in (*(columns.targets or ()), *columns.covariates, *columns.known):
        if name not in known:
            fix = Setting("Use your own data", "data.path=PATH")
            raise UserError(
                "data", f"the synthetic series has no column {name}", expected="value, day_off", fix=fix
            )
    columns = Columns(columns.targets or ("value",), columns.covariates, columns.known, ("time",))
    series = Series("", SAMPLE_NAME, times, values[:, [known[name] for name in columns.features]])
    return SeriesFiles(columns, TimeStep("second", HOUR), [series], [])
