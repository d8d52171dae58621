"""Reads text files, gzipped or not, as lines, CSV rows or JSON lines, and labelled texts from them."""

import csv
import gzip
import io
import json
import logging
import sys
import zlib
from contextlib import contextmanager
from itertools import chain, islice

from rnn_apps.data.delimiters import NUM_LINES_SAMPLED
from rnn_apps.data.headers import check_header, check_unique, find_table_start, missing_column, name_columns
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
    is_csv = file.name.lower().removesuffix(".gz").endswith((".csv", ".tsv"))
    reader = _csv_records if is_csv else _json_records
    columns = {"text": text_column} if label_column is None else {"text": text_column, "label": label_column}
    with open_lines(file) as lines:
        yield from reader(file, lines, columns)


@contextmanager
def open_lines(file):
    """Open a text file, gzipped or not, as lines; invalid bytes are kept as surrogates.

    Args:
        file: Path.

    Raises:
        DataError: it is UTF-16, or reading fails.
    """
    opener = gzip.open if file.name.lower().endswith(".gz") else open
    try:
        with opener(file, "rb") as content:
            if content.read(2) in UTF_16:
                raise DataError(str(file), received="UTF-16", expected="UTF-8", fix="Save the file as UTF-8.")
        with opener(file, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            yield lines
    except (OSError, EOFError, zlib.error) as error:
        fix = "Check the file, or download it again."
        raise DataError(str(file), f"cannot be read: {error}", fix=fix) from error


def _csv_records(file, lines, columns):
    rows = csv_rows(file, lines, log=True)
    number, header = next(rows, (1, []))
    _check_columns(f"{file}:{number}" if header else file, columns, header)
    check_unique(f"{file}:{number}", header, columns.values())
    indices = [header.index(column) for column in columns.values()]
    for number, row in rows:
        problem = width_problem(row, header)
        values = [] if problem else [row[index] for index in indices]
        yield LabelledText(f"{file}:{number}", *values, problem=problem)


def _check_columns(location, columns, names):
    for key, column in columns.items():
        if not names:
            raise DataError(str(location), "empty", expected=f"records with {shown(column)}")
        if column not in names:
            raise missing_column(location, column, names, f"data.{key}=COLUMN")


def csv_rows(file, lines, log=False):
    """Yield (line number, cells) of each row of a CSV file; empty lines are skipped.

    The first row holds the column names, located by `find_table_start` and completed by `name_columns`.

    Args:
        file: Path, for messages.
        lines: Lines of the file, as from `open_lines`.
        log: Whether to log that lines above the column names are skipped.

    Raises:
        DataError: the file is not CSV, its delimiter is ambiguous, or it has no column names.
    """
    sample = list(islice(lines, NUM_LINES_SAMPLED))
    start = find_table_start(f"{file}:1", sample)
    rows = _raw_rows(file, chain(sample[start.skipped :], lines), start)
    number, header = next(rows, (1, None))
    if header is None:
        return
    if start.above and log:
        _log.info("%s: the columns are named on line %d; nothing above it is read", file, number)
    if start.has_row_names:
        header = ["", *header]
    elif start.width == len(header) - 1 and not header[-1].strip():
        header.pop()
    has_trailing_delimiter = start.width == len(header) + 1
    first_rows = list(islice(rows, NUM_LINES_SAMPLED))
    check_header(f"{file}:{number}", header, [row for _, row in first_rows])
    yield number, name_columns(header)
    for number, row in chain(first_rows, rows):
        ends_empty = has_trailing_delimiter and len(row) == start.width and not row[-1].strip()
        yield number, row[:-1] if ends_empty else row


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
    with open_lines(file) as lines:
        delimiter = find_table_start(f"{file}:1", list(islice(lines, NUM_LINES_SAMPLED))).delimiter
    with open_lines(file) as lines:
        table = csv_rows(file, lines)
        _, header = next(table, (1, []))
        indices = [header.index(name.strip()) for name in names]
        rows = ([row[i] for i in indices] for _, row in table if len(row) == len(header))
        return decimal_marks(rows, delimiter) or ["."] * len(names)


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


def _json_records(file, lines, columns):
    is_first = True
    for location, record, problem in json_lines(file, lines):
        if problem:
            yield LabelledText(location, problem=problem)
            continue
        if is_first:
            _check_columns(location, columns, list(record))
            is_first = False
        values = {key: record.get(column) for key, column in columns.items()}
        nested = [key for key, value in values.items() if isinstance(value, (dict, list))]
        problem = f"{nested[0]} is not a string" if nested else None
        texts = ("" if value is None else str(value) for value in values.values())
        yield LabelledText(location, *texts, problem=problem)


def json_lines(file, lines):
    """Yield (location, object, problem) of each line that is not empty, as `parse_json_object` does."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield f"{file}:{number}", *parse_json_object(line)


def parse_json_object(line):
    """Return the JSON object on a line and None, or None and what is wrong with the line."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None, "not JSON"
    return (record, None) if isinstance(record, dict) else (None, "not a JSON object")
