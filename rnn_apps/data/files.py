"""Labelled texts in the user's own files: CSV or JSON lines, gzipped or not."""

import csv
import gzip
import io
import json
import re
import sys
import zlib
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

from rnn_apps.data.records import LabelledText
from rnn_apps.data.separators import LINES_LOOKED_AT, find_separator
from rnn_apps.errors import DataError, did_you_mean, shown

__all__ = [
    "PART_NAMES",
    "csv_file",
    "csv_rows",
    "find_parts",
    "json_object",
    "open_lines",
    "read_records",
    "wrong_width",
]

PART_NAMES = {"train": ("train",), "validation": ("validation", "val", "dev"), "test": ("test",)}
ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz")
_TABLES = (".csv", ".tsv")
COLUMNS_SHOWN = 12
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def find_parts(path, needed="train", endings=ENDINGS):
    """Return part name to file for a data folder, or ``{"train": file}`` for a single file.

    Args:
        path: a folder with ``train.*`` and, where there are any, ``validation.*`` (or ``val``, ``dev``) and
            ``test.*``, with something in front of a dot, dash or underscore or not (``en-train.csv``), each
            with one of the endings; or one such file.
        needed: the part that must be there; None where any will do.
        endings: of file names, lower case.

    Raises:
        DataError: nothing is there, or nothing that can be read.
    """
    path = Path(path).expanduser()
    if path.is_file():
        if not path.name.lower().endswith(tuple(endings)):
            ending = f"a {path.suffix} file" if path.suffix else "a file without an ending"
            raise DataError(str(path), received=ending, expected=_expected(endings))
        return {"train": path}
    if not path.is_dir():
        raise DataError(str(path), "no such file or folder", fix="Check the path after --data or data.path.")
    found = {part: _one_file(path, part, endings) for part in PART_NAMES}
    parts = {part: file for part, file in found.items() if file is not None}
    if not parts or (needed and needed not in parts):
        names = sorted(p.name for p in path.iterdir())
        there = ", ".join(names[:8]) + (" and more" if len(names) > 8 else "")
        expected = f"{needed or 'test'}{_expected(endings)}"
        raise DataError(str(path), received=there or "an empty folder", expected=expected)
    return parts


def _expected(endings):
    return f"{', '.join(endings[:-1])} or {endings[-1]}"


def _one_file(folder, part, endings):
    names = PART_NAMES[part]
    stems = {file: _stem(file.name.lower(), endings) for file in sorted(folder.iterdir()) if file.is_file()}
    found = sorted(
        (file for file, stem in stems.items() if stem in names), key=lambda f: names.index(stems[f])
    )
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise DataError(
            str(folder), received=f"{names} for {part}", expected="one file a part", fix="Move one away."
        )
    return found[0] if found else None


def _stem(name, endings):
    """What stands before the ending, after the last dot, dash or underscore; None for another ending."""
    ending = max((end for end in endings if name.endswith(end)), key=len, default=None)
    return None if ending is None else re.split("[._-]", name.removesuffix(ending))[-1]


def read_records(file, text_column, label_column):
    """Yield `LabelledText` for every record of a file, in its order; bad bytes stay visible as surrogates.

    Args:
        file: path, .csv, .tsv or .jsonl, gzipped or not. A table opens with the names of its columns.
        text_column, label_column: names of the columns or keys.

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
    rows = csv_rows(file, lines)
    begin, columns = next(rows, (1, None))
    for key, column in (("text", text_column), ("label", label_column)):
        if column not in (columns or []):
            raise _no_column(file if columns is None else f"{file}:{begin}", key, column, columns or [])
    text, label = columns.index(text_column), columns.index(label_column)
    for begin, row in rows:
        place, problem = f"{file}:{begin}", wrong_width(row, columns)
        yield LabelledText(place, "", "", problem) if problem else LabelledText(place, row[text], row[label])


def csv_rows(file, lines):
    """Yield the line on which each row of a CSV file begins, and the row; empty lines are passed over.

    Columns are separated by a comma, a semicolon, a tab or a bar: `find_separator` says which.

    Args:
        file: path, for messages.
        lines: as `open_lines` gives them.

    Raises:
        DataError: it is not CSV, or several marks may separate its columns.
    """
    csv.field_size_limit(sys.maxsize)
    ahead = list(islice(lines, LINES_LOOKED_AT))
    whole = (line.replace("\0", "") for line in chain(ahead, lines))
    rows = csv.reader(whole, strict=True, delimiter=find_separator(f"{file}:1", ahead))
    while True:
        begin = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            fix = 'Close each quote; a quote inside a quoted field is written twice: "".'
            raise DataError(f"{file}:{begin}", f"not CSV: {error}", fix=fix) from error
        if row is None:
            return
        if row:
            yield begin, row


def csv_file(header, rows):
    """Return the bytes of a CSV file.

    Args:
        header: names of the columns.
        rows: iterable of rows of cells.
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode("utf-8", "replace")


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
            for key, column in (("text", text_column), ("label", label_column)):
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
    guess = did_you_mean(column, columns).partition("Allowed here")[0]
    fix = f"{guess}Name the right one: --set data.{key}=COLUMN"
    return DataError(str(place), f"no column {shown(column)}; the columns are {there}", fix=fix)
