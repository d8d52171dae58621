"""Finds the delimiter and the header of a table, and what the header lacks or whether it is data instead."""

import csv
import re
from datetime import datetime
from typing import NamedTuple

from rnn_apps.data.numbers import is_number, parses
from rnn_apps.errors import DataError, Setting, nearest, shown

DELIMITERS = (",", ";", "\t", "|")
NUM_LINES_SAMPLED = 50
MAX_COLUMNS_SHOWN = 12
_DELIMITER_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # as Excel writes it
_MAX_LINES_ABOVE = 20  # lines that may precede the header
_MIN_ROWS = 3
_TIME = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?")
_COMMON_NAMES = re.compile(
    r"(text|label|id|date|time|class|category|rating|name|value|index|tags?|tokens?)s?"
)
_QUOTED = re.compile(r'(?<![^,;\t|\r\n])"[^"]*(?:""[^"]*)*"(?![^,;\t|\r\n])')  # may span several lines


def find_delimiter(location, lines):
    """Return the delimiter of a table.

    The header decides: it is the only delimiter that occurs outside quotes, or a comma if there is none. If
    several occur, it is the one that gives the most rows as many fields as the header; among equals a comma,
    otherwise the most frequent one in the header.

    Args:
        location: Location of the header, for messages.
        lines: First lines of the file, with the header.

    Raises:
        DataError: several delimiters fit every row equally well.
    """
    start = next((i for i, line in enumerate(lines) if line.strip()), None)
    if start is None:
        return ","
    header = re.split("[\r\n]", _QUOTED.sub("", "".join(lines[start:])), maxsplit=1)[0]
    tables = {
        delimiter: sample_rows(lines[start:], delimiter, NUM_LINES_SAMPLED)
        for delimiter in DELIMITERS
        if delimiter in header
    }
    widths = {delimiter: len(rows[0]) for delimiter, rows in tables.items() if rows and len(rows[0]) > 1}
    if len(widths) < 2:
        return next(iter(widths), ",")
    shares = {delimiter: _share_as_wide(tables[delimiter]) for delimiter in widths}
    highest = max(shares.values())
    best = [delimiter for delimiter in widths if shares[delimiter] == highest]
    if len(best) > 1 and highest == 1:
        problem = f"{' and '.join(map(shown, best))} may both separate the columns"
        raise DataError(location, problem, fix="Quote the names that contain one of these characters.")
    return "," if "," in best else max(best, key=widths.get)


def _share_as_wide(rows):
    """Share of the rows below the header with as many fields; 1 if there are none."""
    header, *below = rows
    return sum(len(row) == len(header) for row in below) / len(below) if below else 1


def sample_rows(lines, delimiter, min_lines):
    """Return the records of the first lines of a file, without a last one that is cut off inside quotes.

    Args:
        lines: First lines of the file.
        delimiter: Delimiter of the columns.
        min_lines: Only a sample of at least this many lines can be cut off.
    """
    is_cut = len(lines) >= min_lines and sum(line.count('"') for line in lines) % 2
    lines = (line.replace("\0", "") for line in lines)
    rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    return rows[:-1] if is_cut and len(rows) > 1 else rows


def missing_column(location, name, columns, assignment=None):
    """Return the `DataError` about a column that a table lacks.

    Args:
        location: File and line of the header.
        name: Name of the column.
        columns: Names of the columns of the table.
        assignment: Setting that names another column, such as ``"data.text=COLUMN"``, or None.
    """
    fix = None
    if assignment is not None:
        guess = nearest(name, columns)
        fix = [f'Did you mean "{guess}"?'] if guess else []
        fix += ["Rename the column in the file.", Setting("Or name the right one", assignment)]
    problem = f"no column {shown(name)}; the columns are {list_columns(columns)}"
    return DataError(str(location), problem, fix=fix)


def check_columns(location, columns, named):
    """Raise DataError if a table lacks a column.

    Args:
        location, columns: As for `missing_column`.
        named: Key of the data settings to the name of the column, or None.
    """
    for key, name in named.items():
        if name is not None and name not in columns:
            raise missing_column(location, name, columns, f"data.{key}=COLUMN")


def list_columns(names):
    """Return the first names of columns as one text."""
    listed = ", ".join(map(shown, names[:MAX_COLUMNS_SHOWN])) or "none"
    return f"{listed} and more" if len(names) > MAX_COLUMNS_SHOWN else listed


def check_unique(location, columns, names=None):
    """Raise DataError if two columns have the same name, one of `names` unless that is None."""
    for name in columns if names is None else names:
        if columns.count(name) > 1:
            raise DataError(str(location), f"two columns are called {shown(name)}", fix="Rename one of them.")


class TableStart(NamedTuple):
    """Where a table begins in its file.

    Args:
        above: Number of non-empty lines above the header that are not read.
        skipped: Number of all lines above the header.
        delimiter: Delimiter of the columns.
        width: Fields per row, if all sampled rows have the same number; otherwise None.
        has_row_names: The header has one name less than the rows have fields; the first field is a counter.
    """

    above: int
    skipped: int
    delimiter: str
    width: int | None
    has_row_names: bool


def find_table_start(location, lines):
    """Return the `TableStart` of a table.

    A line ``sep=;`` names the delimiter. Other lines above the header are recognized by the rows below it:
    they are all equally wide, and a column of numbers or dates has a name that is neither.

    Args:
        location: Location of the first line, for messages.
        lines: First lines of the file.

    Raises:
        DataError: several delimiters are possible.
    """
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    named = _DELIMITER_LINE.fullmatch(lines[first].strip()) if lines else None
    if named:
        return _table_start(lines, first + 1, 0, named[1])
    delimiter = find_delimiter(location, lines[first:])
    header, *below = _sample(lines[first:], delimiter) or [[]]
    num_as_wide = sum(len(row) == len(header) for row in below)
    if not below or (len(header) > 1 and 2 * num_as_wide >= len(below)):
        return _table_start(lines, first, 0, delimiter)
    for index in range(first + 1, min(first + _MAX_LINES_ABOVE, len(lines) - _MIN_ROWS)):
        for other in DELIMITERS:
            if lines[index].strip() and _is_table(_sample(lines[index:], other)):
                above = sum(bool(line.strip()) for line in lines[:index])
                return _table_start(lines, index, above, other)
    return _table_start(lines, first, 0, delimiter)


def _sample(lines, delimiter):
    return sample_rows(lines, delimiter, NUM_LINES_SAMPLED // 2)


def _table_start(lines, index, above, delimiter):
    header, *below = _sample(lines[index:], delimiter) or [[]]
    widths = {len(row) for row in below}
    width = widths.pop() if len(widths) == 1 else None
    has_row_names = len(below) >= _MIN_ROWS and width == len(header) + 1
    has_row_names = has_row_names and _are_consecutive([row[0].strip() for row in below])
    return TableStart(above, index, delimiter, width, has_row_names)


def _are_consecutive(cells):
    are_integers = all(cell.isascii() and cell.isdigit() for cell in cells)
    return are_integers and all(int(b) - int(a) == 1 for a, b in zip(cells, cells[1:]))


def _is_table(rows):
    header, *below = rows or [[]]
    if len(header) < 2 or len(below) < _MIN_ROWS or any(len(row) != len(header) for row in below):
        return False
    return any(
        not _is_value(name) and all(_is_value(cell) for cell in cells)
        for name, *cells in zip(header, *below)
        if any(cell.strip() for cell in cells)
    )


def _is_value(cell):
    """Whether a cell is a number, a date, or empty."""
    cell = cell.strip()
    return not cell or is_number(cell) or is_number(cell, ",") or bool(_TIME.fullmatch(cell))


def name_columns(header):
    """Return the names of the columns; the second one, if it has none, is ``unnamed column 2``."""
    return [name.strip() or f"unnamed column {number}" for number, name in enumerate(header, start=1)]


def is_unnamed(header, index):
    """Return whether the column at `index` of the result of `name_columns` had no name."""
    return header[index] == f"unnamed column {index + 1}"


def check_header(location, header, rows):
    """Raise DataError if the line that should be the header is a record.

    It is a record if it consists of numbers and dates that are not consecutive, if it has a date in a column
    of dates, or if it has no common column name and a value that recurs in its column.

    Args:
        location: File and line.
        header: Its cells.
        rows: First rows of the table, equally wide.
    """
    names = [cell.strip() for cell in header]
    rows = [row for row in rows if len(row) == len(header) and [cell.strip() for cell in row] != names]
    if len(rows) < 2 or not any(names):
        return
    index = next((i for i, name in enumerate(names) if _is_date(name) and _is_date(rows[0][i])), None)
    if index is None and all(map(_is_value, names)) and not _are_numbered(names):
        index = next(i for i, name in enumerate(names) if name)
    if index is None and not any(_COMMON_NAMES.fullmatch(name.casefold()) for name in names):
        columns = [[row[i].strip() for row in rows] for i in range(len(names))]
        recurs = (
            bool(name) and cells.count(name) > 1 and 2 * len(set(cells)) <= len(cells)
            for name, cells in zip(names, columns)
        )
        index = next((i for i, is_recurring in enumerate(recurs) if is_recurring), None)
    if index is not None:
        problem = f"looks like a record, not a line of column names: its cell {index + 1} is"
        example = ",".join(f"name{i + 1}" for i in range(len(names)))
        fix = f"Add a line of column names above it, such as {example}."
        raise DataError(location, f"{problem} {shown(header[index])}", fix=fix)


def _is_date(cell):
    day, patterns = re.split("[T ]", cell.strip())[0], ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
    return any(parses(datetime.strptime, day, pattern) for pattern in patterns)


def _are_numbered(names):
    """Whether names are consecutive integers, as tables without column names are often exported."""
    numbers = [name for name in names if name]
    return numbers[0] in ("0", "1") if len(numbers) == 1 else _are_consecutive(numbers)
