"""Labelled texts in the user's own files: CSV or JSON lines, gzipped or not."""

import csv
import gzip
import json
import sys
from pathlib import Path

from rnn_apps.data.records import LabelledText
from rnn_apps.errors import DataError, did_you_mean

__all__ = ["find_parts", "read_records"]

PART_NAMES = {"train": ("train",), "validation": ("validation", "val", "dev"), "test": ("test",)}
ENDINGS = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz")


def find_parts(path):
    """Return part name to file for a data folder, or ``{"train": file}`` for a single file.

    Args:
        path: a folder with ``train.*`` and, where there are any, ``validation.*`` (or ``val``, ``dev``) and
            ``test.*``, each .csv or .jsonl, gzipped or not; or one such file.

    Raises:
        DataError: nothing is there, or nothing that can be read.
    """
    path = Path(path).expanduser()
    if path.is_file():
        if not path.name.endswith(ENDINGS):
            raise DataError(str(path), received=f"a {path.suffix or 'nameless'} file", expected=_expected())
        return {"train": path}
    if not path.is_dir():
        raise DataError(str(path), "no such file or folder", fix="Check the path after --data or data.path.")
    parts = {part: _one_file(path, part) for part in PART_NAMES}
    if parts["train"] is None:
        there = ", ".join(sorted(p.name for p in path.iterdir())[:8]) or "nothing"
        raise DataError(str(path), received=there, expected=f"train{_expected()}")
    return {part: file for part, file in parts.items() if file is not None}


def _expected():
    return f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"


def _one_file(folder, part):
    found = [folder / (stem + end) for stem in PART_NAMES[part] for end in ENDINGS if (folder / (stem + end)).is_file()]
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise DataError(str(folder), received=f"{names} for {part}", expected="one file a part", fix="Move one away.")
    return found[0] if found else None


def read_records(file, text_column, label_column):
    """Yield `LabelledText` for every record of a file, in its order; bad bytes stay visible as surrogates.

    Args:
        file: path, .csv or .jsonl, gzipped or not. A CSV opens with the names of its columns.
        text_column, label_column: names of the columns or keys.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    opener = gzip.open if file.name.endswith(".gz") else open
    reader = _csv_records if ".csv" in file.suffixes else _json_records
    try:
        with opener(file, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            yield from reader(file, lines, text_column, label_column)
    except (OSError, EOFError, csv.Error) as error:
        raise DataError(str(file), f"cannot be read: {error}", fix="Check the file, or fetch it again.") from error


def _csv_records(file, lines, text_column, label_column):
    csv.field_size_limit(sys.maxsize)
    rows = csv.DictReader(line.replace("\0", "") for line in lines)
    columns = rows.fieldnames or []
    for key, column in (("text", text_column), ("label", label_column)):
        if column not in columns:
            raise _no_column(f"{file}:1", key, column, columns)
    for row in rows:
        yield LabelledText(f"{file}:{rows.line_num}", row[text_column] or "", row[label_column] or "")


def _json_records(file, lines, text_column, label_column):
    for number, line in enumerate(lines, start=1):
        place = f"{file}:{number}"
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise DataError(place, f"not JSON: {error}", expected='one {"text": ..., "label": ...} a line') from error
        if not isinstance(record, dict):
            raise DataError(place, received=type(record).__name__, expected="an object with text and label")
        if number == 1:
            for key, column in (("text", text_column), ("label", label_column)):
                if column not in record:
                    raise _no_column(place, key, column, list(record))
        values = (record.get(text_column), record.get(label_column))
        yield LabelledText(place, *("" if value is None else str(value) for value in values))


def _no_column(place, key, column, columns):
    advice = did_you_mean(column, columns) if columns else "The file is empty."
    there = ", ".join(map(repr, columns[:12])) or "none"
    fix = f"{advice} Name the right one: --set data.{key}=COLUMN"
    return DataError(place, f"no column {column!r}; the columns are {there}", fix=fix)
