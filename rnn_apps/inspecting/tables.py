"""Reads tables of unknown contents, and guesses what each column holds and what marks missing values."""

import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from rnn_apps.data.files import open_table
from rnn_apps.data.headers import check_unique, is_unnamed
from rnn_apps.data.numbers import decimal_marks, is_missing, is_number, number
from rnn_apps.data.series_columns import has_counter_name, is_counter
from rnn_apps.data.splits import SPLITS_BY_NAME
from rnn_apps.data.time_formats import find_format, is_compact_date, is_time_of_day
from rnn_apps.errors import DataError, did_you_mean, shown
from rnn_apps.inspecting.encodings import check_encoding
from rnn_apps.inspecting.measures import count_of

_DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_KIND_NAMES = {"date": "dates", "clock": "times of day", "split": "names of splits", "empty": "empty"}
_DATE = re.compile(
    r"(\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{1,2}/\d{4}"
    r"|\d{1,2}[- ][A-Za-z]{3,9}[- ]\d{2,4}|[A-Za-z]{3,9} \d{1,2}, \d{4}|[A-Za-z]{3,9}[- ]\d{4})"
    r"([T ]\d{1,2}:\d{2}.*)?"
)
MAX_ROWS = 5_000_000
_MIN_ROWS = 3  # of a sentinel
_MIN_OTHERS = 10  # rows with another value
_COMMON_SENTINELS = frozenset(sign * int("9" * digits) for digits in range(2, 8) for sign in (1, -1)) | {
    -200.0,
    -1e4,
}


class Column(NamedTuple):
    """The contents of a column.

    Args:
        name: Name of the column.
        cells: Its texts, stripped, without empty ones.
        mark: Decimal mark, if they are numbers.
        kind: ``"number"``, ``"date"``, ``"clock"`` (times of day), ``"split"`` (names of splits), ``"text"``,
            or ``"empty"``.
    """

    name: str
    cells: list
    mark: str
    kind: str

    @property
    def distinct(self):
        """Number of distinct values."""
        return len(set(self.cells))

    @property
    def is_index(self):
        """Whether it counts rows, and is called so."""
        return has_counter_name(self.name) and is_counter(self.cells)

    @property
    def mean_words(self):
        """Average number of words of a cell."""
        return sum(len(cell.split()) for cell in self.cells) / max(1, len(self.cells))


class Table(NamedTuple):
    """A file of rows.

    Args:
        file: Path.
        encoding: As from `check_encoding`.
        delimiter: Delimiter of its columns, or None for JSON lines.
        header: Names of its columns.
        rows: Lists of cells, as wide as the header.
        num_invalid: Number of rows that were wider or narrower, or not JSON, and are not in `rows`.
        above: Number of lines above the header that are not read.
        ignored: Numbers, from 1, of the columns without a name and without a cell.
        unnamed: Names that were given to other columns without one.
    """

    file: Path
    encoding: str
    delimiter: str | None
    header: list
    rows: list
    num_invalid: int
    above: int = 0
    ignored: tuple = ()
    unnamed: tuple = ()

    def cells(self, name):
        """Return the cells of a column, one per row."""
        index = self.header.index(name)
        return [row[index] for row in self.rows]

    def columns(self):
        """Return a `Column` for every column."""
        marks = decimal_marks(self.rows, self.delimiter or ",") or ["."] * len(self.header)
        columns = []
        for index, (name, mark) in enumerate(zip(self.header, marks)):
            cells = [cell for row in self.rows if (cell := row[index].strip())]
            columns.append(Column(name, cells, mark, _kind(cells, mark)))
        return columns


def _kind(cells, mark):
    if not cells:
        return "empty"
    if {cell.casefold() for cell in set(cells)} <= set(SPLITS_BY_NAME):
        return "split"
    if sum(map(is_compact_date, cells)) >= 0.9 * len(cells):
        return "date"
    if is_time_of_day("", cells) and (":" in cells[0] or find_format(cells) == ""):
        return "clock"
    numbers = [cell for cell in cells if not is_missing(cell)]
    if numbers and sum(is_number(cell, mark) for cell in numbers) >= 0.9 * len(numbers):
        return "number"
    return "date" if sum(map(is_date, cells)) >= 0.9 * len(cells) else "text"


def is_date(cell):
    """Return whether a cell looks like a date, with or without a time of day."""
    return bool(_DATE.fullmatch(cell.strip()))


def read_table(file):
    """Return a CSV file or JSON lines as a `Table`.

    Raises:
        DataError: it cannot be read, is empty, or its column names are not distinct.
    """
    file = Path(file)
    encoding = check_encoding(file)
    with open_table(file) as table:
        header, is_csv = table.columns, table.delimiter is not None
        rows, widths = [], Counter()
        for _, cells, problem in islice(table.rows, MAX_ROWS):
            if problem:
                widths[len(cells or ())] += 1
            else:
                rows.append(cells)
    if is_csv and widths.total() > len(rows):
        ((width, _),) = widths.most_common(1)
        received = f"{count_of(len(header), 'field')}, and {width} in most rows below"
        line = table.location.rpartition(":")[2]
        fix = f"If line {line} does not hold the column names, remove the lines above the one that does."
        raise DataError(table.location, received=received, expected="as many names as columns", fix=fix)
    if not header:
        raise DataError(str(file), "empty", expected="a line of column names, and rows below it")
    if not rows:
        raise DataError(str(file), "no row below the header", expected="at least one")
    check_unique(file, header)
    unnamed, ignored = [i for i in range(len(header)) if is_csv and is_unnamed(header, i)], []
    if not is_csv:
        rows = [["" if cell is None else str(cell) for cell in cells] for cells in rows]
    elif ignored := [i for i in unnamed if not any(row[i].strip() for row in rows)]:
        header, *rows = ([cell for i, cell in enumerate(row) if i not in ignored] for row in (header, *rows))
    names = tuple(table.columns[i] for i in unnamed if i not in ignored)
    ignored = tuple(i + 1 for i in ignored)
    return Table(file, encoding, table.delimiter, header, rows, widths.total(), table.above, ignored, names)


def named_column(table, columns, key, name):
    """Return the `Column` that a setting names.

    Args:
        table: `Table`, for messages.
        columns: Its list of `Column`.
        key: Key of the setting, such as ``data.label``.
        name: Name of the column.

    Raises:
        DataError: there is no such column.
    """
    column = next((column for column in columns if column.name == name), None)
    if column is None:
        fix = did_you_mean(name, table.header[:20])
        raise DataError(str(table.file), f"no column {shown(name)}, which {key} names", fix=fix)
    return column


def column_of_setting(inspection, table, columns, key):
    """Return the `Column` that one of the user's settings names, or None without such a setting.

    Args:
        inspection: `Inspection`.
        table, columns, key: As for `named_column`.
    """
    name = inspection.overrides.get(key)
    return None if name is None else named_column(table, columns, key, name)


def describe_table(inspection, tables):
    """Describe the format of the files of a data set, and their columns.

    Args:
        inspection: `Inspection`.
        tables: Split name to `Table`.
    """
    for split, table in tables.items():
        file, delimiter = table.file.name, table.delimiter
        form = f"columns separated by {_DELIMITER_NAMES[delimiter]}" if delimiter else "JSON lines"
        rows = f"{len(table.rows):,} rows{f' for {split}' if len(tables) > 1 else ''}"
        value = {"file": file, "encoding": table.encoding, "separator": delimiter, "rows": len(table.rows)}
        inspection.add("file", value, f"{file}: {table.encoding}, {form}, {rows}.")
        if table.above:
            text = f"{count_of(table.above, 'line')} above the column names in {file}: not read."
            inspection.warn("lines_above", table.above, text)
        if table.ignored:
            listed = ", ".join(map(str, table.ignored))
            text = f"Columns without a name and without a cell in {file}: number {listed} ignored."
            inspection.add("empty_columns", list(table.ignored), text)
        if table.unnamed:
            text = f"Columns without a name in {file} are called {', '.join(map(shown, table.unnamed))}."
            inspection.add("unnamed", list(table.unnamed), text)
        if table.num_invalid:
            problem = "wider or narrower than the header" if delimiter else "not JSON objects"
            text = f"{table.num_invalid:,} rows of {file} are {problem}."
            inspection.warn("bad_rows", table.num_invalid, text)
    columns = next(iter(tables.values())).columns()
    listed = ", ".join(f"{column.name} ({_describe(column)})" for column in columns[:20])
    inspection.add("columns", [column.name for column in columns], f"Columns: {listed}.")


def _describe(column):
    if column.kind == "number":
        return "numbers with decimal commas" if column.mark == "," else "numbers"
    return _KIND_NAMES.get(column.kind, f"texts, {column.distinct:,} distinct")


def find_sentinels(values):
    """Return (value, rows, range of the others as text) of numbers that are far from all others.

    Such a number is the lowest or highest, occurs several times, and is farther from the next one than the
    range of the others; common ones, such as -999, only half as far. 0 never counts.

    Args:
        values: Numbers, NaN for missing values.
    """
    counts, sentinels = Counter(value for value in values if value == value), []
    for pick in (min, max):
        while len(counts) > _MIN_ROWS:
            value = pick(counts)
            others = [other for other in counts if other != value]
            low, high = min(others), max(others)
            gap = low - value if value < low else value - high
            min_gap = (high - low) * (0.5 if value in _COMMON_SENTINELS else 1)
            is_rare = counts[value] < _MIN_ROWS or counts.total() - counts[value] < _MIN_OTHERS
            if is_rare or value == 0 or gap <= min_gap:
                break
            sentinels.append((value, counts.pop(value), f"{low:g} to {high:g}"))
    return sentinels


def warn_of_sentinels(inspection, column, fix):
    """Warn of numbers in a column that may mark a missing value.

    Args:
        inspection: `Inspection`, whose override of ``data.missing_values`` is applied.
        column: `Column`.
        fix: Function of a number that returns how to fix it, a sentence or a `rnn_apps.errors.Fix`.
    """
    missing = {float(value) for value in inspection.overrides.get("data.missing_values", ())}
    numbers = (number(cell, column.mark) for cell in column.cells if is_number(cell, column.mark))
    for value, count, rest in find_sentinels(value for value in numbers if value not in missing):
        text = f"{column.name}: {value:g} in {count_of(count, 'row')} is far from all other values ({rest})."
        inspection.warn("sentinel", {"column": column.name, "value": value, "rows": count}, text, fix(value))
