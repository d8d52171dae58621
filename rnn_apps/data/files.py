"""Reads text files, gzipped or not, as lines, CSV rows or JSON lines, and labelled texts from them."""

import csv
import gzip
import io
import json
import logging
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import NamedTuple

from rnn_apps.data.headers import (
    NUM_LINES_SAMPLED,
    check_columns,
    check_header,
    check_unique,
    find_table_start,
    name_columns,
)
from rnn_apps.data.numbers import decimal_marks
from rnn_apps.data.records import LabelledText
from rnn_apps.errors import DataError, shown

UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_log = logging.getLogger(__name__)


def read_records(file, text_column, label_column):
    """Yield a `LabelledText` for every record of a file, in order; invalid bytes are kept as surrogates.

    Args:
        file: Path, .csv, .tsv or .jsonl, gzipped or not. A table begins with the names of its columns.
        text_column, label_column: Names of the columns or keys; None reads no labels.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    columns = {"text": text_column} if label_column is None else {"text": text_column, "label": label_column}
    with open_table(file, log=True) as table:
        if not table.columns and table.delimiter is not None:
            raise DataError(table.location, "empty", expected=f"records with {shown(text_column)}")
        if table.columns:
            check_columns(table.location, table.columns, columns)
            check_unique(table.location, table.columns, columns.values())
        indices = {key: table.columns.index(name) for key, name in columns.items() if table.columns}
        for number, cells, problem in table.rows:
            values = {} if problem else {key: cells[index] for key, index in indices.items()}
            nested = [key for key, value in values.items() if isinstance(value, (dict, list))]
            problem = f"{nested[0]} is not a string" if nested else problem
            texts = ("" if value is None else str(value) for value in values.values())
            yield LabelledText(f"{file}:{number}", *texts, problem=problem)


@contextmanager
def open_lines(file):
    """Open a text file, gzipped or not, as lines; invalid bytes are kept as surrogates.

    Args:
        file: Path.

    Raises:
        DataError: it is UTF-16, or reading fails.
    """
    with open_bytes(file) as content:
        if content.read(2) in UTF_16:
            raise DataError(str(file), received="UTF-16", expected="UTF-8", fix="Save the file as UTF-8.")
        content.seek(0)
        with io.TextIOWrapper(content, "utf-8-sig", errors="surrogateescape", newline="") as lines:
            yield lines


@contextmanager
def open_bytes(file):
    """Open a file, gzipped or not.

    Args:
        file: Path.

    Raises:
        DataError: reading fails.
    """
    opener = gzip.open if file.name.lower().endswith(".gz") else open
    try:
        with opener(file, "rb") as content:
            yield content
    except (OSError, EOFError, zlib.error) as error:
        fix = "Check the file, or download it again."
        raise DataError(str(file), f"cannot be read: {error}", fix=fix) from error


class OpenTable(NamedTuple):
    """A table that is being read.

    Args:
        location: File and line of the names of the columns; only the file if there are none.
        columns: Names of the columns; of JSON lines the keys of the first object.
        rows: Iterator of (line number, cells, problem). Cells are as many as columns unless there is a
            problem, which is a text; otherwise it is None.
        delimiter: Delimiter of the columns, or None for JSON lines.
        above: Number of lines above the names of the columns that are not read.
    """

    location: str
    columns: list
    rows: Iterator
    delimiter: str | None
    above: int = 0


@contextmanager
def open_table(file, log=False):
    """Open a CSV file or JSON lines, gzipped or not, as an `OpenTable`.

    The first row of a CSV file holds the names of its columns, located by `find_table_start` and completed
    by `name_columns`. Empty lines are skipped.

    Args:
        file: Path.
        log: Whether to log that lines above the names of the columns are skipped.

    Raises:
        DataError: the file cannot be read or is not CSV, its delimiter is ambiguous, or it has no column
            names.
    """
    with open_lines(file) as lines:
        is_json = file.name.lower().removesuffix(".gz").endswith(".jsonl")
        yield _json_table(file, lines) if is_json else _csv_table(file, lines, log)


def _csv_table(file, lines, log):
    sample = list(islice(lines, NUM_LINES_SAMPLED))
    start = find_table_start(f"{file}:1", sample)
    rows = _raw_rows(file, chain(sample[start.skipped :], lines), start)
    number, header = next(rows, (1, None))
    if header is None:
        return OpenTable(str(file), [], rows, start.delimiter)
    location = f"{file}:{number}"
    if start.above and log:
        _log.info("%s: the columns are named on line %d; nothing above it is read", file, number)
    if start.has_row_names:
        header = ["", *header]
    elif start.width == len(header) - 1 and not header[-1].strip():
        header.pop()
    first_rows = list(islice(rows, NUM_LINES_SAMPLED))
    check_header(location, header, [row for _, row in first_rows])
    num_delimited = start.width if start.width == len(header) + 1 else None

    def completed_rows():
        for number, row in chain(first_rows, rows):
            cells = row[:-1] if len(row) == num_delimited and not row[-1].strip() else row
            yield number, cells, width_problem(cells, header)

    return OpenTable(location, name_columns(header), completed_rows(), start.delimiter, start.above)


def _json_table(file, lines):
    records = json_lines(lines)
    sample = list(islice(records, NUM_LINES_SAMPLED))
    first = next(((number, list(record)) for number, record, problem in sample if not problem), None)
    if first is None and len(sample) == NUM_LINES_SAMPLED:
        number, _, problem = sample[0]
        fix = f"Fix the lines, of which none of the first {len(sample)} can be read."
        raise DataError(f"{file}:{number}", problem, expected="a JSON object on each line", fix=fix)
    number, columns = first or (None, [])
    rows = (
        (number, None if problem else [record.get(name) for name in columns], problem)
        for number, record, problem in chain(sample, records)
    )
    return OpenTable(f"{file}:{number}" if first else str(file), columns, rows, None)


def _raw_rows(file, lines, start):
    csv.field_size_limit(sys.maxsize)
    without_nul = (line.replace("\0", "") for line in lines)
    rows = csv.reader(without_nul, strict=True, delimiter=start.delimiter)
    while True:
        number = rows.line_num + 1 + start.skipped
        try:
            row = next(rows, None)
        except csv.Error as error:
            fix = 'Close each quote; a quote inside a quoted field is written twice: "".'
            raise DataError(f"{file}:{number}", f"not CSV: {error}", fix=fix) from error
        if row is None:
            return
        if row:
            yield number, row


def file_decimal_marks(file, names):
    """Return the `decimal_marks` of columns of a CSV file, from all its rows.

    Args:
        file: Path.
        names: Names of the columns.
    """
    with open_table(file) as table:
        indices = [table.columns.index(name.strip()) for name in names]
        rows = ([cells[i] for i in indices] for _, cells, problem in table.rows if not problem)
        return decimal_marks(rows, table.delimiter) or ["."] * len(names)


def csv_bytes(header, rows):
    """Return the bytes of a CSV file.

    Args:
        header: Names of the columns.
        rows: Iterable of rows of cells.
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode("utf-8", "replace")


def width_problem(row, columns):
    """Return what is wrong with a row that has more or fewer fields than there are columns, or None."""
    if len(row) == len(columns):
        return None
    return f"{len(row)} {'field' if len(row) == 1 else 'fields'} where the header has {len(columns)}"


def json_lines(lines):
    """Yield (line number, object, problem) of each line that is not empty; one of the last two is None."""
    for number, _, record, problem in json_lines_with_text(lines):
        yield number, record, problem


def json_lines_with_text(lines):
    """Yield (line number, text, object, problem) of each line that is not empty, as `json_lines` does."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, line.rstrip("\r\n"), *_parse_json_object(line)


def _parse_json_object(line):
    """Return the JSON object on a line and None, or None and what is wrong with the line."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None, "not JSON"
    return (record, None) if isinstance(record, dict) else (None, "not a JSON object")
