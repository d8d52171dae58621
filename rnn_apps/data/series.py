"""Reads time series from CSV files, checks them, and puts them on a grid of even steps."""

from dataclasses import dataclass, field
from itertools import chain, islice
from typing import NamedTuple

import numpy as np

from rnn_apps.data.files import file_decimal_marks, open_table, width_problem
from rnn_apps.data.numbers import is_missing, number
from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.series_columns import Columns, find_columns
from rnn_apps.data.split_files import find_splits, log_unread
from rnn_apps.data.splits import SPLIT_NAMES
from rnn_apps.data.time_steps import TimeParser, TimeStep, find_step
from rnn_apps.errors import DataError, Setting, shown

ENDINGS = (".csv", ".csv.gz")
MAX_STEPS = 50_000_000  # of one series, including gaps
_NUM_ROWS_SAMPLED = 200


class CleaningOptions(NamedTuple):
    """How to handle missing values, gaps and unsorted rows.

    Args:
        invalid: `InvalidRecords`, for rows that cannot be read.
        on_missing: ``"mask"`` keeps a missing value as NaN, ``"fill"`` repeats the previous value,
            ``"fail"`` refuses it.
        on_gap: ``"fail"`` refuses missing rows, ``"fill"`` inserts rows of missing values, ``"ignore"``
            takes each row as the next step.
        sort: Whether unsorted rows are sorted instead of refused.
    """

    invalid: InvalidRecords
    on_missing: str = "mask"
    on_gap: str = "fail"
    sort: bool = False


@dataclass
class Series:
    """One series on an even grid.

    Args:
        name: Its id; empty if the file holds one series.
        location: File and first row, for messages.
        times: int64 (steps,), in the unit of `TimeStep`.
        values: float64 (steps, features), NaN for missing values.
        stops: Split name to the step after its last, for splits in files of their own.
    """

    name: str
    location: str
    times: np.ndarray
    values: np.ndarray
    stops: dict = field(default_factory=dict)

    def __len__(self):
        return len(self.values)


class SeriesFiles(NamedTuple):
    """All series of a file or folder.

    Args:
        columns: `Columns`, all named.
        step: `TimeStep`.
        series: List of `Series`.
        splits: Names of the splits in files of their own.
    """

    columns: Columns
    step: TimeStep
    series: list
    splits: list


@dataclass
class _Rows:
    """The rows of one series before they are put on a grid."""

    locations: list = field(default_factory=list)
    times: list = field(default_factory=list)
    values: list = field(default_factory=list)
    splits: list = field(default_factory=list)


def read_series(path, columns, options, required_split="train", step=None):
    """Read the series of a CSV file, or of a folder with ``train.csv`` and the splits that follow in time.

    Args:
        path: File or folder; files may be gzipped.
        columns: `Columns`, as named by the recipe or a trained network.
        options: `CleaningOptions`.
        required_split: Split that a folder must have, or None if any will do.
        step: `TimeStep` between the rows, or None to detect the most frequent one.

    Returns:
        `SeriesFiles`.

    Raises:
        DataError: a column or row cannot be used; the message names file and row.
    """
    files = find_splits(path, required_split, ENDINGS)
    log_unread(path, files.values())
    rows_of, are_numbers = {}, None
    for split, file in files.items():
        columns, are_numbers = _read_file(file, split, columns, options, rows_of)
    for rows in rows_of.values():
        _sort(rows, options)
    detected = find_step([rows.times for rows in rows_of.values()], are_numbers)
    has_steps = bool(columns.time) and any(len(rows.times) > 1 for rows in rows_of.values())
    if step is not None and has_steps and not step.fits(detected):
        received, expected = f"a row every {detected}", f"one every {step}, as in training"
        raise DataError(str(path), received=received, expected=expected)
    step = step or detected
    series = [_on_grid(name, rows, step, options) for name, rows in rows_of.items()]
    return SeriesFiles(columns, step, series, list(files) if len(files) > 1 else [])


def _read_file(file, split, columns, options, rows_of):
    """Add a file's rows to those of its series; return all columns, and whether times are numbers."""
    with open_table(file, log=True) as table:
        header, sample = table.columns, list(islice(table.rows, _NUM_ROWS_SAMPLED))
        if not sample:
            received = "only column names" if header else "an empty file"
            raise DataError(str(file), received=received, expected="a line of column names and rows")
        columns = find_columns(table.location, header, [row for _, row, _ in sample], columns)
        example = next((row for _, row, problem in sample if not problem), [""] * len(header))
        reader = RowReader(f"{file}:", header, columns, options, example)
        reader.marks = dict(zip(columns.features, file_decimal_marks(file, columns.features)))
        for line, row, _ in chain(sample, table.rows):
            reader.read(line, row, split, rows_of)
    if not rows_of:
        raise DataError(str(file), "no usable row", fix="Fix the rows that were skipped.")
    return columns, reader.times.is_number


class RowReader:
    """Reads the rows of one table.

    Args:
        place: Location of a line in messages, before its number.
        header: Names of its columns.
        columns: `Columns`, all named.
        options: `CleaningOptions`.
        example: Cells of a row, which show the format of times.

    Attributes:
        marks: Column name to its decimal mark; the default is a point.
    """

    def __init__(self, place, header, columns, options, example):
        self._place, self.header, self.columns, self.options = place, header, columns, options
        self.count, self.marks = 0, {}
        self._index = {name: header.index(name) for name in columns.all}
        times = [example[self._index[name]] for name in columns.time]
        self.times = TimeParser(len(times), times or ["0"], columns.time_format)
        if not times:
            self.times.is_number = True

    def read(self, line, row, split, rows_of):
        """Add one row to its series, or report it; if only its values are invalid, its time is kept.

        Args:
            line: Number of its first line.
            row: Its cells.
            split: Split of the file.
            rows_of: Series name to its rows, with `locations`, `times`, `values` and `splits`.
        """
        location, values = f"{self._place}{line}", None
        self.count += 1
        problem = width_problem(row, self.header)
        if problem:
            self.options.invalid.report(location, problem, "Fix the row.")
        else:
            values = self._read_values(location, row)
        time = self._read_time(location, row, is_reported=problem is not None)
        if time is None:
            return
        column = self.columns.series
        name = "" if column is None else self._cell(row, column).strip()
        if column is not None and not name:
            if not problem:
                problem, reason = f"the series id in {column} is missing", "the series id is missing"
                self.options.invalid.report(location, problem, "Fix the row.", counted_as=reason)
            return
        rows = rows_of.setdefault(name, _Rows())
        rows.locations.append(location)
        rows.times.append(time)
        rows.splits.append(split)
        rows.values.append(values or [np.nan] * len(self.columns.features))

    def _cell(self, row, name):
        index = self._index[name]
        return row[index] if index < len(row) else ""

    def _read_values(self, location, row):
        values, invalid = [], self.options.invalid
        for name in self.columns.features:
            cell = row[self._index[name]].strip()
            try:
                value = np.nan if is_missing(cell) else number(cell, self.marks.get(name, "."))
            except ValueError:
                fix = "Fix the cell, or leave it empty if the value is missing."
                reason = "not a number"
                invalid.report(location, f"{name} is {reason}", fix, shown(cell), counted_as=reason)
                return None
            value = np.nan if value in self.columns.missing else value
            if np.isnan(value) and self.options.on_missing == "fail":
                fix = [
                    "Fill it in.",
                    Setting("Or tell the network that it is missing", "data.on_missing=mask"),
                    Setting("Or repeat the previous value", "data.on_missing=fill"),
                ]
                raise DataError(location, f"{name} is missing", expected="a number", fix=fix)
            if np.isinf(value) or abs(value) > 1e37:
                fix = "Leave the cell empty if the value is missing."
                reason, expected = "infinite or too large", "a finite number"
                invalid.report(location, f"{name} is {reason}", fix, shown(cell), expected, reason)
                return None
            values.append(value)
        return values

    def _read_time(self, location, row, is_reported):
        """The row's time, or None if it cannot be read, which is reported once per row."""
        names = self.columns.time
        if not names:
            return self.count
        cells = [self._cell(row, name) for name in names]
        try:
            return self.times.parse(cells)
        except (ValueError, OverflowError):
            if not is_reported:
                fix, reason = "Fix it; data.time_format names the format.", "not a time"
                problem = f"{' with '.join(names)} is {reason}"
                received, expected = shown(" ".join(cells)), self.times.expected
                self.options.invalid.report(location, problem, fix, received, expected, reason)
            return None


def _sort(rows, options):
    """Sort the rows by time, and drop those with a duplicate time."""
    times = np.asarray(rows.times, np.int64)
    backwards = np.flatnonzero(np.diff(times) < 0)
    if len(backwards) and not options.sort:
        fix = ["Sort the rows.", Setting("Or sort them with", "data.sort=true")]
        raise DataError(rows.locations[backwards[0] + 1], "its time is before that of the row above", fix=fix)
    kept = []
    for index in map(int, np.argsort(times, kind="stable")):
        if kept and times[index] == times[kept[-1]]:
            received = f"the time of row {rows.locations[kept[-1]].rpartition(':')[2]} again"
            fix = "Remove one of the rows."
            options.invalid.report(rows.locations[index], "duplicate time", fix, received)
        else:
            kept.append(index)
    splits = [list(SPLIT_NAMES).index(rows.splits[index]) for index in kept]
    backwards = np.flatnonzero(np.diff(splits) < 0)
    if len(backwards):
        index = kept[backwards[0] + 1]
        problem = f"its time is after that of a row of {rows.splits[kept[backwards[0]]]}"
        raise DataError(rows.locations[index], problem, expected="splits that follow one another in time")
    for name in ("locations", "times", "values", "splits"):
        column = getattr(rows, name)
        setattr(rows, name, [column[index] for index in kept])


def _on_grid(name, rows, step, options):
    """The `Series` with a row for every step."""
    times, values = np.asarray(rows.times, np.int64), np.asarray(rows.values, np.float64)
    indices = np.arange(len(times))
    if options.on_gap != "ignore" and len(times) > 1:
        positions = step.positions(times)
        check_spacing(rows, np.diff(positions), step, options)
        indices = np.rint(positions - positions[0]).astype(np.int64)
        size = indices[-1] + 1
        if size > MAX_STEPS:
            received, fix = f"{size:,} steps of a {step}", "Is the time column the right one?"
            raise DataError(rows.locations[0], received=received, expected=f"at most {MAX_STEPS:,}", fix=fix)
        if len(indices) < size:
            grid = np.full((size, values.shape[1]), np.nan)
            grid[indices] = values
            values = grid
            times = np.array([step.later(times[0], steps) for steps in range(size)], np.int64)
    starts = {split: int(indices[rows.splits.index(split)]) for split in dict.fromkeys(rows.splits)}
    stops = dict(zip(starts, [*list(starts.values())[1:], len(values)]))
    if options.on_missing == "fill":
        values = _forward_fill(values)
    return Series(name, rows.locations[0], times, values, stops)


def check_spacing(rows, spacing, step, options):
    """Raise DataError for a row that is unevenly spaced, or after a gap if gaps are refused.

    Args:
        rows: `locations` and `times` of rows.
        spacing: Steps from each row to the next.
        step: `TimeStep`.
        options: `CleaningOptions`.
    """
    uneven = np.flatnonzero((np.abs(spacing - np.rint(spacing)) > 1e-9) | (spacing < 0.5))
    gaps = np.flatnonzero(spacing > 1.5) if options.on_gap == "fail" else []
    if len(uneven):
        problem, fix = "its distance from the row before is not a multiple of the step", ["Fix its time."]
        index = int(uneven[0])
    elif len(gaps):
        index = int(gaps[0])
        count = round(spacing[index]) - 1
        problem = f"{count} {'step is' if count == 1 else 'steps are'} missing before it"
        fix = ["Add the rows.", Setting("Or let them count as missing", "data.on_gap=fill")]
    else:
        return
    fix.append(Setting("Or take each row as the next step", "data.on_gap=ignore"))
    previous, current = (step.text(rows.times[i]) for i in (index, index + 1))
    received, expected = f"{current} after {previous}", f"a row every {step}"
    raise DataError(rows.locations[index + 1], problem, received=received, expected=expected, fix=fix)


def _forward_fill(values):
    """Values (steps, features) with each missing one replaced by the previous value."""
    last = np.where(np.isnan(values), 0, np.arange(len(values))[:, None])
    return np.take_along_axis(values, np.maximum.accumulate(last, axis=0), axis=0)
