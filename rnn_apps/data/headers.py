"""The line of column names of a table: where it is, what it lacks, and whether it is a record instead."""

import csv
import re
from datetime import datetime
from typing import NamedTuple

from rnn_apps.data.numbers import is_number
from rnn_apps.data.separators import LINES_LOOKED_AT, SEPARATORS, find_separator
from rnn_apps.errors import DataError, Setting, nearest, shown

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # as Excel writes it
_MOST_ABOVE = 20  # lines that may be above the line of column names
_LEAST_BELOW = 3
_TIME = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?")
_USUAL_NAMES = re.compile(r"(text|label|id|date|time|class|category|rating|name|value|index|tags?|tokens?)s?")


def missing_column_fix(name, columns, assignment):
    """Return the `fix` of an error about a column that a table lacks.

    Args:
        name: of the column.
        columns: names of the columns that the table has.
        assignment: the setting that names another column, such as ``"data.text=COLUMN"``.
    """
    guess = nearest(name, columns)
    fix = [f'Did you mean "{guess}"?'] if guess else []
    return [*fix, "Rename the column in the file.", Setting("Or name the right one", assignment)]


class TableStart(NamedTuple):
    """Where a table begins in its file.

    Args:
        above: lines above the line of column names that are not empty and not read.
        skipped: lines before it, all told.
        separator: of the columns.
        width: fields of a row, where every row at the beginning has as many; else None.
        has_row_names: the line of names has one name less than rows have fields, and the first one counts.
    """

    above: int
    skipped: int
    separator: str
    width: int | None
    has_row_names: bool


def find_start(place, lines):
    """Return the `TableStart` of a table.

    A line ``sep=;`` names the separator. Other lines above the column names are known by the rows below: all
    of these are equally wide, and a column of numbers or dates has a name that is none.

    Args:
        place: of the first line, for messages.
        lines: the first lines of the file.

    Raises:
        DataError: several marks may separate the columns.
    """
    begin = next((i for i, line in enumerate(lines) if line.strip()), 0)
    said = _SEPARATOR_LINE.fullmatch(lines[begin].strip()) if lines else None
    if said:
        return _start(lines, begin + 1, 0, said[1])
    separator = find_separator(place, lines[begin:])
    rows = _rows(lines[begin:], separator)
    below = [len(row) == len(rows[0]) for row in rows[1:]]
    if not below or (len(rows[0]) > 1 and 2 * sum(below) >= len(below)):
        return _start(lines, begin, 0, separator)
    for at in range(begin + 1, min(begin + _MOST_ABOVE, len(lines) - _LEAST_BELOW)):
        for mark in SEPARATORS:
            if lines[at].strip() and _begins_table(_rows(lines[at:], mark)):
                above = sum(bool(line.strip()) for line in lines[:at])
                return _start(lines, at, above, mark)
    return _start(lines, begin, 0, separator)


def _start(lines, at, above, separator):
    header, *below = _rows(lines[at:], separator) or [[]]
    widths = {len(row) for row in below}
    width = widths.pop() if len(widths) == 1 else None
    has_row_names = len(below) >= _LEAST_BELOW and width == len(header) + 1 and _counts(below)
    return TableStart(above, at, separator, width, has_row_names)


def _counts(rows):
    """Whether the first cells of rows count them."""
    return _are_consecutive([row[0].strip() for row in rows])


def _are_consecutive(cells):
    whole = all(cell.isascii() and cell.isdigit() for cell in cells)
    return whole and all(int(b) - int(a) == 1 for a, b in zip(cells, cells[1:]))


def _begins_table(rows):
    header, *below = rows or [[]]
    if len(header) < 2 or len(below) < _LEAST_BELOW or any(len(row) != len(header) for row in below):
        return False
    return any(
        not _is_value(name) and all(_is_value(cell) for cell in cells)
        for name, *cells in zip(header, *below)
        if any(cell.strip() for cell in cells)
    )


def _rows(lines, mark):
    """The records of lines; the last one is left out where it may break off."""
    cut = len(lines) >= LINES_LOOKED_AT // 2 and sum(line.count('"') for line in lines) % 2
    rows = [row for row in csv.reader((line.replace("\0", "") for line in lines), delimiter=mark) if row]
    return rows[:-1] if cut and len(rows) > 1 else rows


def _is_value(cell):
    """Whether a cell is a number or a date, or empty."""
    cell = cell.strip()
    return not cell or is_number(cell) or is_number(cell, ",") or bool(_TIME.fullmatch(cell))


def name_columns(header):
    """Return the names of columns; the second without a name of its own is ``unnamed column 2``.

    Args:
        header: cells of the line of column names.
    """
    return [name.strip() or f"unnamed column {number}" for number, name in enumerate(header, start=1)]


def is_unnamed(header, index):
    """Return whether a column of `name_columns` had no name.

    Args:
        header: names of the columns.
        index: of the column, from 0.
    """
    return header[index] == f"unnamed column {index + 1}"


def refuse_record(place, header, rows):
    """Raise DataError where what should be the column names is a record.

    All of it are numbers and dates that do not count up, it has a date above dates, or a value that its
    column has again and again, and no name that is usual.

    Args:
        place: of the line.
        header: its cells.
        rows: of the table, as wide, the first ones.
    """
    names = [cell.strip() for cell in header]
    rows = [row for row in rows if len(row) == len(header) and [cell.strip() for cell in row] != names]
    if len(rows) < 2 or not any(names):
        return
    found = next((i for i, name in enumerate(names) if _is_date(name) and _is_date(rows[0][i])), None)
    if found is None and all(map(_is_value, names)) and not _count_up(names):
        found = next(i for i, name in enumerate(names) if name)
    if found is None and not any(_USUAL_NAMES.fullmatch(name.casefold()) for name in names):
        cells = [[row[i].strip() for row in rows] for i in range(len(names))]
        found = next(
            (i for i, name in enumerate(names) if name and cells[i].count(name) > 1 and _has_few(cells[i])),
            None,
        )
    if found is not None:
        problem = f"looks like a record, not like the names of the columns: cell {found + 1} of it is"
        fix = f"Add a line of names above it, such as {','.join(f'name{i + 1}' for i in range(len(names)))}"
        raise DataError(place, f"{problem} {shown(header[found])}", fix=f"{fix}.")


def _is_date(cell):
    for pattern in ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y"):
        try:
            datetime.strptime(re.split("[T ]", cell.strip())[0], pattern)
        except ValueError:
            continue
        return True
    return False


def _count_up(names):
    """Whether names are whole numbers that count up, as tables without names are often given."""
    numbers = [name for name in names if name]
    if len(numbers) == 1:
        return numbers[0] in ("0", "1")
    return _are_consecutive(numbers)


def _has_few(cells):
    """Whether values come again: each twice or more on average."""
    return 2 * len(set(cells)) <= len(cells)
