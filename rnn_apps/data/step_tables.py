"""Streams whose steps have labels, in CSV files: a row a step, of numbers or of a picture's path."""

import math
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnn_apps.data import files
from rnn_apps.data.headers import is_unnamed, missing_column_fix
from rnn_apps.data.images import BadImage, read_image
from rnn_apps.data.numbers import number
from rnn_apps.data.records import BadRecords
from rnn_apps.data.samples.events import events
from rnn_apps.data.splits import (
    SPLITS_BY_NAME,
    find_splits,
    log_unread,
    make_splits,
    one_per_split,
    split_generated,
)
from rnn_apps.errors import DataError, Setting, shown

ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
LARGEST = float(np.finfo(np.float32).max)


class Columns(NamedTuple):
    """Which columns of a table are what.

    Args:
        label: of the label; None where there is none, as in a table that is to be labelled.
        stream: of the name of a row's stream; None: all rows of a file are one.
        features: of the numbers; None takes all columns that are nothing else.
        frames: of the paths of pictures, from the file's folder on, in place of numbers; or None.
        image_size: (height, width) of those.
        on_missing: ``"fail"``, or ``"previous"``: a cell without a number repeats the one before it.
    """

    label: str | None
    stream: str | None
    features: list | None
    frames: str | None
    image_size: tuple
    on_missing: str


class LabelledSteps(NamedTuple):
    """One stream.

    Args:
        place: the file, and the name of the stream where it holds several.
        steps: float32 (steps, features), or uint8 (steps, height, width, 3).
        labels: one per step, empty texts where the table has none.
        stream: name of the stream where the file holds several.
    """

    place: str
    steps: np.ndarray
    labels: list
    stream: str = ""


def load_streams(source, request, invalid, columns):
    """Read the streams of a source in their splits.

    A folder holds ``train.csv`` and, where there are any, ``validation.csv`` and ``test.csv``, gzipped or
    not; or folders of these names with one file per stream.

    Args:
        source: `DataSource`, files or the sample.
        request: `SplitRequest`; train is split by a hash of the names of the streams.
        invalid: `BadRecords`.
        columns: `Columns`.

    Returns:
        Name of the source, names of the features (None of pictures), and split name to list of
        `LabelledSteps`.

    Raises:
        DataError: a file cannot be read, or a split is empty.
    """
    if source.name == "sample":
        clips = events(source.sample_size, source.seed, columns.image_size[0])
        streams = [LabelledSteps(f"sample:{i}", *clip) for i, clip in enumerate(clips)]
        return "sample:events", None, split_generated(streams)
    files_of, names, found = _files(source.path, request.required_split), None, {}
    for split in request.read_from(files_of):
        found[split] = []
        for file in files_of[split]:
            streams, here = _streams(file, columns, names, invalid)
            names = names or here
            found[split] += streams
    name = str(source.path)
    splits = make_splits(
        name, found, request, lambda one: name_of(one, name), invalid, "stream", keep_labels=True
    )
    return name, names, splits


def _files(path, required_split):
    """Part name to the files of it."""
    path = Path(path).expanduser()
    found = {}
    for part, folder in part_folders(path).items():
        tables = sorted(file for file in folder.iterdir() if _is_table(file))
        log_unread(folder, tables)
        if tables:
            found[part] = tables
    if not found:
        lone = find_splits(path, required_split, ENDINGS)
        log_unread(path, lone.values())
        return {part: [file] for part, file in lone.items()}
    lone = find_splits(path, None, ENDINGS) if any(map(_is_table, path.iterdir())) else {}
    if both := set(lone) & set(found):
        part = sorted(both)[0]
        received = f"a file {lone[part].name} and a folder of tables for {part}"
        raise DataError(str(path), received=received, expected="one of them", fix="Move one away.")
    log_unread(path, lone.values())
    found |= {part: [file] for part, file in lone.items()}
    if required_split and required_split not in found:
        expected = f"{required_split}.csv, or a folder {required_split}/ with a file a stream"
        raise DataError(str(path), f"nothing for {required_split}", expected=expected)
    return found


def part_folders(path):
    """Return split name to the folder in a data folder that is called as that split is.

    Args:
        path: data folder.

    Raises:
        DataError: two folders for one split.
    """
    folders = [folder for folder in sorted(path.iterdir()) if folder.is_dir()] if path.is_dir() else []
    return one_per_split(path, {folder: SPLITS_BY_NAME.get(folder.name.lower()) for folder in folders})


def _is_table(file):
    return file.is_file() and file.name.lower().endswith(ENDINGS) and not file.name.startswith(".")


def name_of(stream, path):
    """Return the name of a stream below the data folder, wherever that lies."""
    return stream.place.removeprefix(str(Path(path).expanduser()))


def feature_columns(place, header, columns, known=None):
    """Return the names of the columns that hold the numbers of a step.

    Args:
        place: for messages.
        header: names of all columns.
        columns: `Columns`.
        known: those that a network or another part has; they must be there.

    Raises:
        DataError: a column is missing, or none is left.
    """
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError(
            place, f"two columns are called {shown(twice[0])}", fix="Give each a name of its own."
        )
    for key, name in (("label", columns.label), ("stream", columns.stream), ("frames", columns.frames)):
        if name is not None and name not in header:
            fix = missing_column_fix(name, header, f"data.{key}=COLUMN")
            problem = f"no column {shown(name)}; the columns are {', '.join(map(shown, header[:12]))}"
            raise DataError(place, problem, fix=fix)
    if columns.frames is not None:
        return []
    wanted = known or columns.features
    others = [name for i, name in enumerate(header) if not is_unnamed(header, i)]
    names = wanted or [name for name in others if name not in (columns.label, columns.stream)]
    missing = [name for name in names if name not in header]
    if missing:
        there = ", ".join(map(shown, header[:12]))
        problem = f"no column {shown(missing[0])}, which holds a feature; the columns are {there}"
        raise DataError(place, problem, fix="Columns go by their names, as in train.")
    if not names:
        raise DataError(place, "no column is left for features", expected="numbers beside the label")
    return names


def _streams(file, columns, known, bad):
    """The streams of a file, in the order in which they begin, and the names of the features."""
    rows, labels = {}, {}
    with files.open_lines(file) as lines:
        table = files.csv_rows(file, lines, log=True)
        begin, header = next(table, (1, None))
        if header is None:
            raise DataError(str(file), "empty", expected="a CSV file with a header")
        names = feature_columns(f"{file}:{begin}", header, columns, known)
        places, marks = [header.index(name) for name in names], files.column_marks(file, names)
        for begin, row in table:
            place = f"{file}:{begin}"
            problem = files.wrong_width(row, header)
            if problem:
                bad.report(place, problem, "Fix the row.")
                continue
            cell = dict(zip(header, row))
            stream = cell[columns.stream] if columns.stream else ""
            before = rows[stream][-1] if stream in rows else None
            step = _step(place, cell, names, [row[i] for i in places], before, columns, bad, marks)
            label = cell[columns.label].strip() if columns.label else ""
            if step is not None and columns.label and (problem := _wrong_label(label)):
                bad.report(place, *problem)
                step = None
            if step is not None:
                rows.setdefault(stream, []).append(step)
                labels.setdefault(stream, []).append(label)
    found = [
        LabelledSteps(f"{file}, {stream}" if stream else str(file), np.stack(steps), labels[stream], stream)
        for stream, steps in rows.items()
    ]
    return found, names


def _wrong_label(label):
    """Problem and advice, or None."""
    if not label:
        return "label is missing", "Add the label or remove the row."
    if any("\ud800" <= letter <= "\udfff" for letter in label):
        return "not valid UTF-8", "Save the file as UTF-8."
    return None


def _step(place, cell, names, cells, before, columns, bad, marks):
    """What one row holds, or None where it is bad and skipped."""
    if columns.frames is None:
        return numbers_of(place, names, cells, before, columns.on_missing, bad, marks)
    path = Path(place.rpartition(":")[0]).parent / cell[columns.frames]
    try:
        return read_image(path.read_bytes(), columns.image_size)
    except (OSError, BadImage) as error:
        text = error.strerror if isinstance(error, OSError) else str(error)
        bad.report(
            place, f"{shown(cell[columns.frames])} cannot be read ({text})", "Fix the path or the picture."
        )
        return None


def read_streams(path, columns):
    """Return the streams of a file that is to be labelled, a list of `LabelledSteps` without labels.

    Args:
        path: of a CSV file.
        columns: `Columns`; a file without the column of the streams is one stream.

    Raises:
        DataError: there is no such file, or a column or row of it cannot be used.
    """
    if not path.is_file():
        expected = "a CSV file with a row for each step"
        raise DataError(str(path)[:200], "no such file", expected=expected)
    if columns.stream is not None:
        with files.open_lines(path) as lines:
            _, header = next(files.csv_rows(path, lines), (1, None))
        columns = columns._replace(stream=columns.stream if columns.stream in (header or ()) else None)
    found, _ = _streams(path, columns, None, BadRecords("refuse", 0))
    if not found:
        raise DataError(str(path), "no row", expected="a row for each step below the header")
    return found


def numbers_of(place, names, cells, before, on_missing, bad, marks=None):
    """Return the numbers of a row, float32 (features,), or None where it is bad and skipped.

    Args:
        place: file and line.
        names: of the features.
        cells: their texts.
        before: the numbers of the row before in its stream, or None.
        on_missing: as of `Columns`.
        bad: `BadRecords`.
        marks: what stands before the decimals of each, as `column_marks` gives it; None for points.
    """
    values = np.empty(len(cells), np.float32)
    for index, (name, text, mark) in enumerate(zip(names, cells, marks or "." * len(cells))):
        try:
            value = number(text, mark) if text.strip() else math.nan
        except ValueError:
            expected = f"a number; decimals have a {'comma' if mark == ',' else 'point'}"
            bad.report(place, f"{name} is no number", "Fix the cell.", shown(text), expected)
            return None
        if abs(value) > LARGEST:
            kind = "infinite" if math.isinf(value) else "too large"
            bad.report(place, f"{name} is {kind}", "Fix the cell.", shown(text))
            return None
        if math.isnan(value):
            if on_missing == "fail" or before is None:
                where = "" if before is not None else " in the first row of its stream"
                repeat = Setting("Or repeat the number before it", "data.on_missing=previous")
                bad.report(place, f"{name} has no number{where}", ["Fill it in.", repeat])
                return None
            value = before[index]
        values[index] = value
    return values
