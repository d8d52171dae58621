"""Time series in CSV files: read row by row, checked, and put on an even grid of steps."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from rnn_apps.data.files import column_marks, csv_rows, open_lines, wrong_width
from rnn_apps.data.numbers import number
from rnn_apps.data.series_columns import Columns, find_columns
from rnn_apps.data.splits import SPLIT_NAMES, find_splits, log_unread
from rnn_apps.data.time_steps import Cells, TimeStep, find_step
from rnn_apps.errors import DataError, Setting, shown

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
MOST_STEPS = 50_000_000  # of one series, with its gaps


class Repairs(NamedTuple):
    """What is done with data that is not as it should be.

    Args:
        bad: `BadRecords`, for rows that cannot be read.
        on_missing: ``"mask"`` keeps a missing value as NaN, ``"fill"`` repeats the value before it,
            ``"fail"`` refuses it.
        on_gap: ``"fail"`` refuses steps without a row, ``"fill"`` puts in rows of missing values,
            ``"ignore"`` takes each row for the next step.
        sort: rows that are not in the order of time are sorted, not refused.
    """

    bad: object
    on_missing: str = "mask"
    on_gap: str = "fail"
    sort: bool = False


@dataclass
class Series:
    """One series on an even grid.

    Args:
        name: its id; empty where the file holds one series.
        place: file and first row, for messages.
        times: int64 (steps,), as of `TimeStep`.
        values: float64 (steps, features), NaN where a value is missing.
        ends: part name to the step behind its last, of the parts that came in files of their own.
    """

    name: str
    place: str
    times: np.ndarray
    values: np.ndarray
    ends: dict = field(default_factory=dict)

    def __len__(self):
        return len(self.values)


class SeriesFiles(NamedTuple):
    """All series of a file or folder.

    Args:
        columns: `Columns`, all named.
        step: `TimeStep`.
        series: list of `Series`.
        parts: names of the parts that came in files of their own.
    """

    columns: Columns
    step: TimeStep
    series: list
    parts: list


@dataclass
class _Rows:
    """What was read of one series, before it is on a grid."""

    places: list = field(default_factory=list)
    times: list = field(default_factory=list)
    values: list = field(default_factory=list)
    parts: list = field(default_factory=list)


def read_series(path, columns, repairs, required_split="train", step=None):
    """Read the series of a CSV file, or of a folder with ``train.csv`` and the parts that follow it in time.

    Args:
        path: file or folder; files may be gzipped.
        columns: `Columns`, as the recipe names them or as a trained network knows them.
        repairs: `Repairs`.
        required_split: the part that a folder must hold; None where any will do.
        step: `TimeStep` that the rows must be apart; None takes what most of them are.

    Returns:
        `SeriesFiles`.

    Raises:
        DataError: a column or row cannot be used, named with file and row.
    """
    files = find_splits(path, required_split)
    log_unread(path, files.values())
    for file in files.values():
        if not file.name.lower().removesuffix(".gz").endswith(".csv"):
            raise DataError(str(file), received=f"a {file.suffix} file", expected=".csv or .csv.gz")
    rows, numbers = {}, None
    for part in SPLIT_NAMES:
        if part in files:
            columns, numbers = _read_file(files[part], part, columns, repairs, rows)
    for one in rows.values():
        _put_in_order(one, repairs)
    found = find_step([one.times for one in rows.values()], numbers)
    if step is not None and columns.time:
        _refuse_other_step(path, found, step, rows)
    found = step or found
    series = [_on_grid(name, one, found, repairs) for name, one in rows.items()]
    if repairs.on_missing == "fill":
        for one in series:
            one.values = _filled(one.values)
    return SeriesFiles(columns, found, series, list(files) if len(files) > 1 else [])


def _refuse_other_step(path, found, step, rows):
    several = any(len(one.times) > 1 for one in rows.values())
    if several and not step.fits(found):
        received, expected = f"a row every {found}", f"one every {step}, as in training"
        raise DataError(str(path), received=received, expected=expected)


def _read_file(file, part, columns, repairs, rows):
    """Add a file's rows to those of its series; returns the columns with every name, and whether numbers."""
    with open_lines(file) as lines:
        table = csv_rows(file, lines, log=True)
        begin, header = next(table, (1, None))
        first = next(table, None)
        if header is None or first is None:
            received = "an empty file" if header is None else "column names alone"
            raise DataError(str(file), received=received, expected="a line of column names and rows")
        ahead = [first, *(row for _, row in zip(range(200), table))]
        columns = find_columns(f"{file}:{begin}", header, [row for _, row in ahead], columns)
        whole = [row for _, row in ahead if len(row) == len(header)]
        reader = RowReader(file, header, columns, repairs, whole[0] if whole else [""] * len(header))
        reader.marks = dict(zip(columns.features, column_marks(file, columns.features)))
        for begin, row in (*ahead, *table):
            reader.read(begin, row, part, rows)
    if not rows:
        raise DataError(str(file), "no usable row", fix="Fix the rows that were skipped.")
    return columns, reader.cells.is_number


class RowReader:
    """Reads the rows of one table.

    Args:
        file: path, for messages.
        header: names of its columns.
        columns: `Columns`, all named.
        repairs: `Repairs`.
        example: cells of a row, from which it is seen how times are written.

    Attributes:
        marks: name of a column to what stands before its decimals, a point where it is not named.
    """

    def __init__(self, file, header, columns, repairs, example):
        self.file, self.header, self.columns, self.repairs, self.count = file, header, columns, repairs, 0
        self.marks = {}
        self.at = {name: header.index(name) for name in columns.all}
        times = [example[self.at[name]] for name in columns.time]
        self.cells = Cells(len(times), times or ["0"], columns.time_format)
        if not times:
            self.cells.is_number = True

    def read(self, begin, row, part, rows):
        """Add one row to its series, or report it; the time of one whose values are bad is kept.

        Args:
            begin: line on which it begins.
            row: its cells.
            part: that it belongs to.
            rows: name of a series to what was read of it, with `places`, `times`, `values` and `parts`.
        """
        place, values, bad = f"{self.file}:{begin}", None, self.repairs.bad
        self.count += 1
        problem = wrong_width(row, self.header)
        if problem:
            bad.report(place, problem, "Fix the row.")
        else:
            values = self._values(place, row)
        time = self._time(place, row, problem)
        if time is None:
            return
        name = self.columns.series
        at = self.at[name] if name else None
        if at is not None and (at >= len(row) or not row[at].strip()):
            if not problem:
                bad.report(f"{place}  {name}", "the id of the series is missing", "Fix the row.")
            return
        one = rows.setdefault(row[at].strip() if at is not None else "", _Rows())
        one.places.append(place)
        one.times.append(time)
        one.parts.append(part)
        one.values.append(values or [np.nan] * len(self.columns.features))

    def _values(self, place, row):
        found, bad = [], self.repairs.bad
        for name in self.columns.features:
            cell = row[self.at[name]].strip()
            try:
                value = np.nan if cell.lower() in MISSING else number(cell, self.marks.get(name, "."))
                value = np.nan if value in self.columns.missing else value
            except ValueError:
                received, fix = shown(cell), "Fix the cell, or leave it empty where it is missing."
                bad.report(f"{place}  {name}", "not a number", fix, received)
                return None
            if np.isnan(value) and self.repairs.on_missing == "fail":
                fix = [
                    "Fill it in.",
                    Setting("Or let the network be told", "data.on_missing=mask"),
                    Setting("Or repeat the value before", "data.on_missing=fill"),
                ]
                raise DataError(f"{place}  {name}", "missing", expected="a number", fix=fix)
            if np.isinf(value) or abs(value) > 1e37:
                fix = "Leave the cell empty where it is missing."
                bad.report(f"{place}  {name}", "infinite or too large", fix, shown(cell), "a finite number")
                return None
            found.append(value)
        return found

    def _time(self, place, row, problem):
        """The row's time; None where it cannot be read, which is reported once a row."""
        names = self.columns.time
        if not names:
            return self.count
        cells = [row[self.at[name]] if self.at[name] < len(row) else "" for name in names]
        try:
            return self.cells.read(cells)
        except (ValueError, OverflowError):
            if problem is None:
                where, fix = (
                    f"{place}  {', '.join(names)}",
                    "Fix it; data.time_format says how times are written.",
                )
                self.repairs.bad.report(where, "not a time", fix, shown(" ".join(cells)), self.cells.expected)
            return None


def _put_in_order(rows, repairs):
    """Rows in the order of time, each time once."""
    times = np.asarray(rows.times, np.int64)
    backwards = np.flatnonzero(np.diff(times) < 0)
    if len(backwards) and not repairs.sort:
        fix = ["Sort the rows.", Setting("Or let them be sorted", "data.sort=true")]
        raise DataError(rows.places[backwards[0] + 1], "its time is before that of the row above", fix=fix)
    order = np.argsort(times, kind="stable")
    kept, last = [], None
    for index in order:
        if times[index] == last:
            problem = f"the time of {rows.places[kept[-1]].rpartition(':')[2]} again"
            repairs.bad.report(rows.places[index], "a time stands twice", "Remove one of the rows.", problem)
            continue
        kept.append(int(index))
        last = times[index]
    parts = [list(SPLIT_NAMES).index(rows.parts[index]) for index in kept]
    if parts != sorted(parts):
        at = next(i for i in range(1, len(parts)) if parts[i] < parts[i - 1])
        before = rows.parts[kept[at - 1]]
        problem = f"its time is after that of a row of {before}"
        raise DataError(rows.places[kept[at]], problem, expected="parts that follow one another in time")
    for name in ("places", "times", "values", "parts"):
        column = getattr(rows, name)
        setattr(rows, name, [column[index] for index in kept])


def _on_grid(name, rows, step, repairs):
    """The `Series` with a row for every step."""
    times, values = np.asarray(rows.times, np.int64), np.asarray(rows.values, np.float64)
    if repairs.on_gap != "ignore" and len(times) > 1:
        positions = step.positions(times)
        apart = np.diff(positions)
        refuse_uneven(rows, apart, step, repairs)
        places = np.rint(positions - positions[0]).astype(np.int64)
        if places[-1] >= MOST_STEPS:
            received, fix = f"{places[-1] + 1:,} steps of a {step}", "Is the time column the right one?"
            raise DataError(rows.places[0], received=received, expected=f"at most {MOST_STEPS:,}", fix=fix)
        if len(places) <= places[-1]:
            whole = np.full((places[-1] + 1, values.shape[1]), np.nan)
            whole[places] = values
            values = whole
            times = np.array([step.later(times[0], steps) for steps in range(len(whole))], np.int64)
    else:
        places = np.arange(len(times))
    ends = {part: int(places[rows.parts.index(part) :][:1][0]) for part in dict.fromkeys(rows.parts)}
    begins = [*ends.values(), len(values)]
    ends = dict(zip(ends, begins[1:]))
    return Series(name, rows.places[0], times, values, ends)


def refuse_uneven(rows, apart, step, repairs):
    """Raise DataError for a row that is off the grid of times, or behind a gap where none may be.

    Args:
        rows: `places` and `times` of rows.
        apart: steps from each to the next.
        step: `TimeStep`.
        repairs: `Repairs`.
    """
    uneven = np.flatnonzero((np.abs(apart - np.rint(apart)) > 1e-9) | (apart < 0.5))
    gaps = np.flatnonzero(apart > 1.5)
    if len(uneven) or (len(gaps) and repairs.on_gap == "fail"):
        at = int(uneven[0] if len(uneven) else gaps[0])
        before, here = (step.text(rows.times[i]) for i in (at, at + 1))
        gap = round(apart[at]) - 1
        missing = f"{gap} {'step is' if gap == 1 else 'steps are'} missing before it"
        problem = "off the grid of times" if len(uneven) else missing
        fill = Setting("Or let them count as missing", "data.on_gap=fill")
        fix = ["Fix its time."] if len(uneven) else ["Add the rows.", fill]
        fix += [Setting("Or take each row for the next step", "data.on_gap=ignore")]
        received, expected = f"{here} after {before}", f"a row every {step}"
        raise DataError(rows.places[at + 1], problem, received=received, expected=expected, fix=fix)


def _filled(values):
    """Values (steps, features) with what is missing taken from the step before."""
    last = np.where(np.isnan(values), 0, np.arange(len(values))[:, None])
    return np.take_along_axis(values, np.maximum.accumulate(last, axis=0), axis=0)
