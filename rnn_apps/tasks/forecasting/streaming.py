"""Streaming forecasts: one after every row of a table."""

from collections import Counter

import numpy as np
import tensorflow as tf

from rnn_apps.data.files import width_problem
from rnn_apps.data.numbers import decimal_marks
from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.series import CleaningOptions, RowReader, check_spacing
from rnn_apps.data.series_columns import find_columns
from rnn_apps.data.time_steps import calendar_values
from rnn_apps.errors import UserError
from rnn_apps.tasks.forecasting.answers import ANY_NUMBER, OUTPUTS, describe_skipped, forecast_answer
from rnn_apps.tasks.streaming import Stream, TableLines

PLACE = "line "
_LATE_FIX = "Leave the row out. A network trained with data.on_invalid_record=skip skips such rows."


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
        data = predictor.recipe.data
        super().__init__(predictor.module.signature("step"), predictor.initial_state(1))
        self._predictor, self._initial, self._reader = predictor, self._states, None
        self._table = TableLines(PLACE, self._start)
        invalid, self._reported = InvalidRecords(data.on_invalid_record, ANY_NUMBER), Counter()
        self._options = CleaningOptions(invalid, data.on_missing, data.on_gap)
        self._progress = {}  # states and last row of each series

    def feed(self, lines):
        """Return for every row the times of the next steps, and the forecast and bounds of each target.

        If the recipe skips invalid records, ``"skipped"`` lists those since the previous answer.
        """
        return [answer for row in self._table.rows(lines) for answer in self._answers(row)]

    def _start(self, header):
        self._columns = find_columns(self._table.where, header, [], self._predictor.columns)

    def _answers(self, row):
        table = self._table
        problem = width_problem(row, table.header)
        if self._reader is None and not problem:
            self._reader = RowReader(PLACE, table.header, self._columns, self._options, row)
        if self._reader is None:
            self._options.invalid.report(table.where, problem, "Fix the row.")
            return []
        self._reader.marks = dict(zip(table.header, decimal_marks([row], table.delimiter)))
        rows = {}
        self._reader.read(table.number, row, "test", rows)
        answers = (self._answer(name, one) for name, one in rows.items())
        return [answer for answer in answers if answer is not None]

    def _answer(self, name, now):
        """Read the single row `now`, after rows of missing values if the recipe fills gaps.

        Returns None if it is invalid and skipped.
        """
        predictor, step = self._predictor, self._predictor.step
        self._states, before = self._progress.get(name, (self._initial, None))
        steps = self._steps_since(before, now)
        if steps is None:
            return None
        values = np.full((steps, len(now.values[0])), np.nan)
        values[-1] = now.values[0]
        if self._options.on_missing == "fill" and before is not None:
            values = np.where(np.isnan(values), before.values[0], values)
            now.values = [values[-1]]
        if predictor.recipe.data.calendar:
            times = [step.later(now.times[0], ahead) for ahead in range(1 - steps, 1)]
            values = np.concatenate([values, calendar_values(times, predictor.recipe.data.calendar)], axis=-1)
        past = np.concatenate([self._states[0][0], values])
        outputs = self.read(tf.constant(values[None], tf.float32))
        answer = forecast_answer(predictor, now.locations[0], name, now.times[0], past, outputs)
        self._progress[name] = (self._states, now)
        total = self._options.invalid.skipped
        skipped, self._reported = total - self._reported, Counter(total)
        return {**answer, "skipped": describe_skipped(skipped)} if skipped else answer

    def _steps_since(self, before, now):
        """Number of steps from the previous row to this one; None if it is not later, and skipped."""
        if before is None:
            return 1
        both = type(now)(before.locations + now.locations, before.times + now.times)
        (steps,) = np.diff(self._predictor.step.positions(both.times))
        if steps <= 0:
            reason = "duplicate time" if steps == 0 else "time before that of the previous row"
            self._options.invalid.report(now.locations[0], reason, _LATE_FIX)
            return None
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
        if "note" in answer:
            cells.append(f"({answer['note']})")
        if "skipped" in answer:
            cells.append(f"(skipped: {answer['skipped']})")
        return "\t".join(cells)
