"""Streaming forecasts: one after every row of a table."""

import csv
from collections import Counter

import numpy as np
import tensorflow as tf

from rnn_apps.data.files import width_problem
from rnn_apps.data.headers import find_delimiter
from rnn_apps.data.numbers import decimal_marks
from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.series import CleaningOptions, RowReader, check_spacing
from rnn_apps.data.series_columns import find_columns
from rnn_apps.data.time_steps import calendar_values
from rnn_apps.errors import DataError, UserError
from rnn_apps.tasks.forecasting.answers import ANY_NUMBER, check_finite, describe_skipped
from rnn_apps.tasks.forecasting.dataset import json_numbers
from rnn_apps.tasks.forecasting.module import OUTPUTS
from rnn_apps.tasks.streaming import Stream

PLACE = "stream"


class ForecastStream(Stream):
    """Forecasts after every row of a CSV table, whose first line has the column names.

    The first line also determines the delimiter; if it is not a comma, numbers may have a decimal comma. Each
    series of the table has its own states.

    Args:
        predictor: `ForecastPredictor`.

    Raises:
        UserError: if there are known covariates, whose future values a stream does not contain.
    """

    def __init__(self, predictor):
        if predictor.columns.known:
            names = ", ".join(predictor.columns.known)
            problem = f"this network needs future values of {names}, which a stream does not have"
            fix = "Give files with these rows as inputs."
            raise UserError(problem=problem, fix=fix, option="stream")
        forecaster, data = predictor.module, predictor.recipe.data
        super().__init__(forecaster.step, forecaster.initial_state(1))
        self._predictor, self._initial, self._lines = predictor, self._states, 0
        self._header = self._reader = None
        invalid, self._reported = InvalidRecords(data.on_invalid_record, ANY_NUMBER), Counter()
        self._options = CleaningOptions(invalid, data.on_missing, data.on_gap)
        self._separator = ","
        self._progress = {}  # states and last row of each series

    def feed(self, lines):
        """Return for every row the times of the next steps, and the forecast and bounds of each target.

        If the recipe skips invalid records, ``"skipped"`` lists those since the previous answer.
        """
        answers = []
        for line in lines:
            self._lines += 1
            line = line.replace("\0", "").removeprefix("\ufeff")
            if self._header is None:
                self._separator = find_delimiter(f"{PLACE}:{self._lines}", [line])
            row = next(csv.reader([line], delimiter=self._separator), None)
            if row and self._header is None:
                self._header = row
                self._columns = find_columns(f"{PLACE}:{self._lines}", row, [], self._predictor.columns)
            elif row:
                answers += self._answers(row)
        return answers

    def _answers(self, row):
        if self._reader is None and not width_problem(row, self._header):
            self._reader = RowReader(PLACE, self._header, self._columns, self._options, row)
        if self._reader is None:
            problem = width_problem(row, self._header)
            self._options.invalid.report(f"{PLACE}:{self._lines}", problem, "Fix the row.")
            return []
        rows, marks = {}, decimal_marks([row], self._separator)
        self._reader.marks = dict(zip(self._header, marks))
        self._reader.read(self._lines, row, "test", rows)
        return [self._answer(name, one) for name, one in rows.items()]

    def _answer(self, name, now):
        """Read the single row `now`, after rows of missing values if the recipe fills gaps."""
        predictor, step = self._predictor, self._predictor.step
        self._states, before = self._progress.get(name, (self._initial, None))
        steps = self._steps_since(before, now)
        values = np.full((steps, len(now.values[0])), np.nan)
        values[-1] = now.values[0]
        if self._options.on_missing == "fill" and before is not None:
            values = np.where(np.isnan(values), before.values[0], values)
            now.values = [values[-1]]
        if predictor.recipe.data.calendar:
            times = [step.later(now.times[0], ahead) for ahead in range(1 - steps, 1)]
            values = np.concatenate([values, calendar_values(times, predictor.recipe.data.calendar)], axis=-1)
        answer = self.read(tf.constant(values[None], tf.float32))
        times = [step.text(step.later(now.times[0], ahead + 1)) for ahead in range(len(answer["forecast"]))]
        targets = {
            target: {key: json_numbers(answer[key][:, index]) for key in OUTPUTS}
            for index, target in enumerate(predictor.columns.targets)
        }
        check_finite(f"{now.locations[0]}  {name}".rstrip(), predictor.columns, values, targets)
        self._progress[name] = (self._states, now)
        answer = {"series": name, "times": times, "targets": targets}
        total = self._options.invalid.skipped
        skipped, self._reported = total - self._reported, Counter(total)
        return {**answer, "skipped": describe_skipped(skipped)} if skipped else answer

    def _steps_since(self, before, now):
        """Number of steps from the previous row to this one."""
        if before is None:
            return 1
        both = type(now)(before.locations + now.locations, before.times + now.times)
        (steps,) = np.diff(self._predictor.step.positions(both.times))
        if steps <= 0:
            raise DataError(now.locations[0], "its time is not after that of the previous row")
        if self._options.on_gap == "ignore":
            return 1
        check_spacing(both, np.array([steps]), self._predictor.step, self._options)
        return round(steps)

    def line(self, answer):
        """Time of the next step, and the forecast and interval of each target."""
        cells = [answer["series"]] if answer["series"] else []
        cells.append(answer["times"][0])
        for bounds in answer["targets"].values():
            cells += [f"{bounds[key][0]:.6g}" for key in OUTPUTS]
        if "skipped" in answer:
            cells.append(f"(skipped: {answer['skipped']})")
        return "\t".join(cells)
