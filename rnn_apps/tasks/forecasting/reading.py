"""The series of a recipe: from its source, with what a calendar says, cut by time."""

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


def wanted_columns(data):
    """Return the `Columns` that a recipe names.

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
        seed: of the generated sample.
        columns, step: `Columns` and `TimeStep` of a trained network; None takes those of recipe and data.
        required_split: part that a folder must hold; None where any will do.

    Attributes:
        columns, step: as of `SeriesFiles`.
        series: list of `Series`, with a column for each entry of `data.calendar` at their end.
        cuts: list of `SplitBounds`, as long.
        bad: `InvalidRecords` with what was left out.

    Raises:
        DataError: the data cannot be used, with file and row.
    """

    def __init__(self, data, seed, columns=None, step=None, required_split="train"):
        self._data = data
        self.bad = InvalidRecords(data.on_invalid_record, data.max_invalid_records)
        columns = columns or wanted_columns(data)
        if data.source == "sample":
            self.name, found = SAMPLE_NAME, _sample(data.sample_size, seed, columns)
        else:
            options = CleaningOptions(self.bad, data.on_missing, data.on_gap, data.sort)
            self.name, found = str(data.path), read_series(data.path, columns, options, required_split, step)
        self.columns, self.step, self.series, self._parts = found
        self.cuts = []
        self.bad.check_fraction(self.name, sum(map(len, self.series)))
        if data.calendar:
            self._add_calendar()

    @property
    def has_test(self):
        """Whether a part came in a file of its own that is to be tested on."""
        return bool({"validation", "test"} & set(self._parts))

    def _add_calendar(self):
        if self.step.kind == "number":
            received, expected = "whole numbers or none", "a date or a time"
            raise UserError("data.calendar", "times say nothing", received=received, expected=expected)
        for one in self.series:
            more = calendar_values(one.times, self._data.calendar)
            one.values = np.concatenate([one.values, more], axis=-1)

    def cut(self, lags):
        """Cut every series in train, validation and test; one that teaches nothing is refused or left out.

        Args:
            lags: last steps that are seen at once.
        """
        data = self._data
        least = max(lags, data.period) + data.horizon
        fractions = (data.validation_fraction, data.test_fraction)
        self._keep(lambda one: split_series(one, self._parts, *fractions, least, data.horizon))

    def cut_whole(self, first):
        """Take all of every series but its first steps as the test part.

        Args:
            first: steps that are read before the first forecast.
        """
        self._keep(lambda one: use_whole_series_for_test(one, first, self._data.horizon), constant=False)

    def _keep(self, cut, constant=True):
        kept, self.cuts = [], []
        for one in self.series:
            try:
                cuts = cut(one)
            except DataError:
                if self.bad.action == "fail":
                    raise
                self.bad.report(one.location, "a series is too short", "Give more rows.")
                continue
            if not constant or not self._is_constant(one, cuts.train):
                kept.append(one)
                self.cuts.append(cuts)
        self.series = kept
        if not kept:
            raise DataError(self.name, "no series that can be used", fix="Give more rows.")

    def _is_constant(self, one, train):
        """Whether a target has no two values in train; reported."""
        for index, name in enumerate(self.columns.targets):
            values = one.values[train[0] : train[1], index]
            values = values[~np.isnan(values)]
            if not len(values) or (values == values[0]).all():
                received = f"{values[0]:g} in every row of train" if len(values) else "no value in train"
                fix = "Leave the column out: data.targets names those to forecast."
                where = f"{one.location}  {one.name + ' ' if one.name else ''}{name}"
                self.bad.report(where, "a series is constant", fix, received, "values that differ")
                return True
        return False


def _sample(size, seed, columns):
    """The generated series as `read_series` gives what it reads."""
    values = seasonal_values(size, seed)
    times = FIRST_TIME + HOUR * np.arange(size, dtype=np.int64)
    known = {"value": 0, "day_off": 1}
    for name in (*(columns.targets or ()), *columns.covariates, *columns.known):
        if name not in known:
            fix = Setting("Name your own data", "data.path=PATH")
            raise UserError(
                "data", f"the generated series has no column {name}", expected="value, day_off", fix=fix
            )
    found = Columns(columns.targets or ("value",), columns.covariates, columns.known, ("time",))
    series = Series("", SAMPLE_NAME, times, values[:, [known[name] for name in found.features]])
    return SeriesFiles(found, TimeStep("second", HOUR), [series], [])
