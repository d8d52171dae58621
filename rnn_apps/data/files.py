"""Labelled texts in the user's own files: CSV or JSON lines, gzipped or not."""

import csv
import gzip
import io
import json
import logging
import sys
import zlib
from contextlib import contextmanager
from itertools import chain, islice

from rnn_apps.data.headers import find_start, missing_column_fix, name_columns, refuse_record
from rnn_apps.data.numbers import decimal_marks
from rnn_apps.data.records import LabelledText
from rnn_apps.data.separators import LINES_LOOKED_AT
from rnn_apps.errors import DataError, shown

_TABLES = (".csv", ".tsv")
_log = logging.getLogger(__name__)
COLUMNS_SHOWN = 12
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def read_records(file, text_column, label_column):
    """Yield `LabelledText` for every record of a file, in its order; bad bytes stay visible as surrogates.

    Args:
        file: path, .csv, .tsv or .jsonl, gzipped or not. A table opens with the names of its columns.
        text_column, label_column: names of the columns or keys; None reads no labels.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    is_csv = file.name.lower().removesuffix(".gz").endswith(_TABLES)
    reader = _csv_records if is_csv else _json_records
    with open_lines(file) as lines:
        yield from reader(file, lines, text_column, label_column)


@contextmanager
def open_lines(file):
    """Open a text file, gzipped or not, as lines; bad bytes stay visible as surrogates.

    Args:
        file: path.

    Raises:
        DataError: it is UTF-16, or it breaks off while it is read.
    """
    opener = gzip.open if file.name.lower().endswith(".gz") else open
    try:
        with opener(file, "rb") as content:
            if content.read(2) in UTF_16:
                raise DataError(str(file), received="UTF-16", expected="UTF-8", fix="Save the file as UTF-8.")
        with opener(file, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            yield lines
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            str(file), f"cannot be read: {error}", fix="Check the file, or fetch it again."
        ) from error


def _csv_records(file, lines, text_column, label_column):
    rows = csv_rows(file, lines, log=True)
    begin, columns = next(rows, (1, None))
    for key, column in _wanted(text_column, label_column):
        if column not in (columns or []):
            raise _no_column(file if columns is None else f"{file}:{begin}", key, column, columns or [])
        refuse_twice(f"{file}:{begin}", columns, column)
    text, label = columns.index(text_column), None if label_column is None else columns.index(label_column)
    for begin, row in rows:
        place, problem = f"{file}:{begin}", wrong_width(row, columns)
        values = ("", "") if problem else (row[text], "" if label is None else row[label])
        yield LabelledText(place, *values, problem)


def _wanted(text_column, label_column):
    """Keys of the settings, and the columns that they name."""
    return [("text", text_column), *([] if label_column is None else [("label", label_column)])]


def csv_rows(file, lines, log=False):
    """Yield the line on which each row of a CSV file begins, and the row; empty lines are passed over.

    The first one holds the names of the columns, as `find_start` finds and `name_columns` gives them. Columns
    are separated by a comma, a semicolon, a tab or a bar: `find_separator` says which.

    Args:
        file: path, for messages.
        lines: as `open_lines` gives them.
        log: whether lines above the names of the columns are reported.

    Raises:
        DataError: it is not CSV, several marks may separate its columns, or it has no names of columns.
    """
    ahead = list(islice(lines, LINES_LOOKED_AT))
    start = find_start(f"{file}:1", ahead)
    rows = _raw_rows(file, chain(ahead[start.skipped :], lines), start)
    begin, header = next(rows, (1, None))
    if header is None:
        return
    if start.above and log:
        _log.info("%s: the columns are named on line %d; nothing above it is read", file, begin)
    if start.has_row_names:
        header = ["", *header]
    elif start.width == len(header) - 1 and not header[-1].strip():
        header.pop()
    has_end = start.width == len(header) + 1  # a separator ends each row
    below = list(islice(rows, LINES_LOOKED_AT))
    refuse_record(f"{file}:{begin}", header, [row for _, row in below])
    yield begin, name_columns(header)
    for begin, row in chain(below, rows):
        ends = has_end and len(row) == start.width and not row[-1].strip()
        yield begin, row[:-1] if ends else row


def _raw_rows(file, lines, start):
    """Yield the line on which each record begins, and its cells."""
    csv.field_size_limit(sys.maxsize)
    whole = (line.replace("\0", "") for line in lines)
    rows = csv.reader(whole, strict=True, delimiter=start.separator)
    while True:
        begin = rows.line_num + 1 + start.skipped
        try:
            row = next(rows, None)
        except csv.Error as error:
            fix = 'Close each quote; a quote inside a quoted field is written twice: "".'
            raise DataError(f"{file}:{begin}", f"not CSV: {error}", fix=fix) from error
        if row is None:
            return
        if row:
            yield begin, row


def column_marks(file, names):
    """Return `decimal_marks` of columns of a CSV file, all of which is read.

    Args:
        file: path.
        names: of the columns.
    """
    with open_lines(file) as lines:
        separator = find_start(f"{file}:1", list(islice(lines, LINES_LOOKED_AT))).separator
    with open_lines(file) as lines:
        table = csv_rows(file, lines)
        _, header = next(table, (1, []))
        places = [header.index(name.strip()) for name in names]
        rows = ([row[i] for i in places] for _, row in table if len(row) == len(header))
        return decimal_marks(rows, separator) or ["."] * len(names)


def csv_file(header, rows):
    """Return the bytes of a CSV file.

    Args:
        header: names of the columns.
        rows: iterable of rows of cells.
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode("utf-8", "replace")


def refuse_twice(place, columns, column):
    """Raise DataError where two columns have the name of one that is read."""
    if columns.count(column) > 1:
        raise DataError(place, f"two columns are called {shown(column)}", fix="Rename one of them.")


def wrong_width(row, columns):
    """Return what is wrong with a row that has more or fewer fields than there are columns, or None."""
    if len(row) == len(columns):
        return None
    return f"{len(row)} {'field' if len(row) == 1 else 'fields'} where the header has {len(columns)}"


def _json_records(file, lines, text_column, label_column):
    columns_are_known = False
    for number, line in enumerate(lines, start=1):
        place = f"{file}:{number}"
        if not line.strip():
            continue
        record, problem = json_object(line)
        if problem:
            yield LabelledText(place, "", "", problem=problem)
            continue
        if not columns_are_known:
            for key, column in _wanted(text_column, label_column):
                if column not in record:
                    raise _no_column(place, key, column, list(record))
            columns_are_known = True
        values = [record.get(text_column), record.get(label_column)]
        nested = [key for key, value in zip(("text", "label"), values) if isinstance(value, (dict, list))]
        problem = f"{nested[0]} is not a string" if nested else None
        yield LabelledText(place, *("" if value is None else str(value) for value in values), problem=problem)


def json_object(line):
    """Return the JSON object on a line and None, or None and what is wrong with the line."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None, "not JSON"
    return (record, None) if isinstance(record, dict) else (None, "not a JSON object")


def _no_column(place, key, column, columns):
    if not columns:
        return DataError(str(place), "empty", expected=f"records with {shown(column)}")
    there = ", ".join(map(shown, columns[:COLUMNS_SHOWN])) + (
        " and more" if len(columns) > COLUMNS_SHOWN else ""
    )
    fix = missing_column_fix(column, columns, f"data.{key}=COLUMN")
    return DataError(str(place), f"no column {shown(column)}; the columns are {there}", fix=fix)
