"""Loads labelled sequences from CSV files: one row per step, of numbers or of an image path."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnn_apps.data.files import file_decimal_marks, open_table
from rnn_apps.data.headers import check_columns, check_unique, is_unnamed, list_columns
from rnn_apps.data.images import InvalidImage, read_image
from rnn_apps.data.numbers import is_missing, is_number, number
from rnn_apps.data.records import INVALID_UTF8, SKIP, InvalidRecords, find_surrogate
from rnn_apps.data.split_files import find_splits, log_unread, one_per_split, visible_files
from rnn_apps.data.splits import SPLITS_BY_NAME, FixedSplits, SplitReader, split_generated
from rnn_apps.data.synthetic.labelled_clips import labelled_clips
from rnn_apps.data.synthetic.vibration import CHANNELS, vibration_streams
from rnn_apps.errors import DataError, Setting, shown

ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
LARGEST = float(np.finfo(np.float32).max)


class Columns(NamedTuple):
    """Roles of the columns of a table.

    Args:
        label: Column of the label, or None if the table has none.
        stream: Column of the stream that a row belongs to; None: all rows of a file are one stream.
        features: Columns of numbers; None takes all other columns.
        frames: Column of image paths, relative to the file, in place of numbers; or None.
        image_size: (height, width) in pixels.
        on_missing: ``"fail"``, or ``"previous"``: an empty cell repeats the one before it.
    """

    label: str | None
    stream: str | None
    features: list | None
    frames: str | None
    image_size: tuple
    on_missing: str


class LabelledSequence(NamedTuple):
    """One stream.

    Args:
        location: The file, and the name of the stream if the file holds several.
        steps: float32 (steps, features), or uint8 (steps, height, width, 3).
        labels: One per step; empty texts if the table has none.
        stream: Name of the stream if the file holds several.
    """

    location: str
    steps: np.ndarray
    labels: list
    stream: str = ""


def open_streams(source, request, invalid, columns, sample="events"):
    """Return the names of the features, None for images, and the `SplitReader` of `LabelledSequence`.

    A folder holds ``train.csv`` and optionally ``validation.csv`` and ``test.csv``, gzipped or not; or
    folders of these names with one file per stream.

    Args:
        source: `DataSource`, files or synthetic data.
        request: `SplitRequest`; train is split by a hash of the stream names.
        invalid: `InvalidRecords`.
        columns: `Columns`.
        sample: Kind of synthetic data: ``"events"`` or ``"vibration"``.

    Raises:
        DataError: a file cannot be read.
    """
    if source.name == "sample":
        return _generated(source, columns, sample)
    files_of, name = find_stream_files(source.path, request.required_split), str(source.path)
    first = next(files_of[split] for split in request.read_from(files_of))[0]
    with open_table(first) as table:
        names = feature_columns(table.location, table.columns, columns) if table.columns else None

    def read(split, invalid):
        for file in files_of[split]:
            yield from _read_file(file, columns, names, invalid)

    def key(stream):
        return name_of(stream, name)

    return names, SplitReader(name, files_of, read, request, key, invalid, "stream", keep_labels=True)


def _generated(source, columns, sample):
    names, made = None, (source.sample_size, source.seed)
    if sample == "vibration":
        names, made = list(CHANNELS), vibration_streams(*made)
    else:
        made = labelled_clips(*made, columns.image_size[0])
    streams = [LabelledSequence(f"sample:{i}", *one) for i, one in enumerate(made)]
    return names, FixedSplits(f"sample:{sample}", split_generated(streams))


def find_stream_files(path, required_split):
    """Return split name to its files, for a file or a folder as described in `load_streams`.

    Args:
        path: File or folder.
        required_split: Split that a folder must have, or None if any will do.

    Raises:
        DataError: there are no tables, or a file and a folder for one split.
    """
    path = Path(path).expanduser()
    tables_of = {}
    for split, folder in split_folders(path).items():
        tables = tables_in(folder)
        log_unread(folder, tables)
        if tables:
            tables_of[split] = tables
    if not tables_of:
        single = find_splits(path, required_split, ENDINGS)
    else:
        single = find_splits(path, None, ENDINGS) if tables_in(path) else {}
    if both := sorted(set(single) & set(tables_of)):
        received = f"a file {single[both[0]].name} and a folder of tables for {both[0]}"
        raise DataError(str(path), received=received, expected="one of them", fix="Move one away.")
    log_unread(path, single.values())
    tables_of |= {split: [file] for split, file in single.items()}
    if path.is_dir() and required_split and required_split not in tables_of:
        expected = f"{required_split}.csv, or a folder {required_split}/ with one file per stream"
        raise DataError(str(path), f"nothing for {required_split}", expected=expected)
    return tables_of


def split_folders(path):
    """Return split name to the folder in a data folder that is named as the split.

    Args:
        path: Data folder.

    Raises:
        DataError: two folders for one split.
    """
    folders = [folder for folder in sorted(path.iterdir()) if folder.is_dir()] if path.is_dir() else []
    return one_per_split(path, {folder: SPLITS_BY_NAME.get(folder.name.lower()) for folder in folders})


def tables_in(folder):
    """Return the CSV files of a folder, sorted."""
    return [file for file in visible_files(folder) if file.name.lower().endswith(ENDINGS)]


def name_of(stream, path):
    """Return the name of a `LabelledSequence` relative to the data folder."""
    return stream.location.removeprefix(str(Path(path).expanduser()))


def feature_columns(location, header, columns, known=None):
    """Return the names of the columns that hold the numbers of a step.

    Args:
        location: For messages.
        header: Names of all columns.
        columns: `Columns`.
        known: Columns of a network or another split; they must exist.

    Raises:
        DataError: a column is missing, or none is left.
    """
    check_unique(location, header)
    named = {"label": columns.label, "stream": columns.stream, "frames": columns.frames}
    check_columns(location, header, named)
    if columns.frames is not None:
        return []
    others = [name for i, name in enumerate(header) if not is_unnamed(header, i)]
    names = known or columns.features
    names = names or [name for name in others if name not in (columns.label, columns.stream)]
    missing = [name for name in names if name not in header]
    if missing:
        problem = f"no column {shown(missing[0])}, which holds a feature; the columns are"
        fix = "Columns are matched by name with those of train."
        raise DataError(location, f"{problem} {list_columns(header)}", fix=fix)
    if not names:
        raise DataError(location, "no column is left for features", expected="numbers next to the label")
    return names


def _read_file(file, columns, known, invalid):
    """The streams of a file, in the order in which they begin."""
    rows, labels = {}, {}
    with open_table(file, log=True) as table:
        if not table.columns:
            raise DataError(str(file), "empty", expected="a CSV file with a header")
        names = feature_columns(table.location, table.columns, columns, known)
        marks = file_decimal_marks(file, names)
        for line, row, problem in table.rows:
            location = f"{file}:{line}"
            if problem:
                invalid.report(location, problem, "Fix the row.")
                continue
            cells = dict(zip(table.columns, row))
            stream = cells[columns.stream] if columns.stream else ""
            previous = rows[stream][-1] if stream in rows else None
            step = _read_step(location, cells, names, previous, columns, invalid, marks)
            label = cells[columns.label].strip() if columns.label else ""
            if step is None:
                continue
            if columns.label and not label:
                invalid.report(location, "label is missing", "Add the label or remove the row.")
            elif find_surrogate(label):
                invalid.report(location, *INVALID_UTF8)
            else:
                rows.setdefault(stream, []).append(step)
                labels.setdefault(stream, []).append(label)
    streams = []
    for stream, steps in rows.items():
        location = f"{file}, {stream}" if stream else str(file)
        streams.append(LabelledSequence(location, np.stack(steps), labels[stream], stream))
    return streams


def _read_step(location, cells, names, previous, columns, invalid, marks):
    """The features or the image of a row, or None if it is invalid and skipped."""
    if columns.frames is None:
        texts = [cells[name] for name in names]
        are_guessed = columns.features is None and columns.stream is None
        if invalid.action == "fail" and previous is None and are_guessed:
            _check_are_numbers(location, names, texts, marks)
        return parse_features(location, names, texts, previous, columns.on_missing, invalid, marks)
    path = Path(location.rpartition(":")[0]).parent / cells[columns.frames]
    try:
        return read_image(path.read_bytes(), columns.image_size)
    except (OSError, InvalidImage) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        problem = f"{shown(cells[columns.frames])} cannot be read ({reason})"
        invalid.report(location, problem, "Fix the path or the image.")
        return None


def read_streams(path, columns):
    """Return the streams of a file without labels, a list of `LabelledSequence`.

    Args:
        path: Path of a CSV file.
        columns: `Columns`; a file without the stream column is one stream.

    Raises:
        DataError: there is no such file, or a column or row of it cannot be used.
    """
    if not path.is_file():
        problem = "a folder" if path.is_dir() else "no such file"
        raise DataError(str(path)[:200], problem, expected="a CSV file with one row per step")
    if columns.stream is not None:
        with open_table(path) as table:
            columns = columns._replace(stream=columns.stream if columns.stream in table.columns else None)
    streams = _read_file(path, columns, None, InvalidRecords("refuse", 0))
    if not streams:
        raise DataError(str(path), "no row", expected="one row per step below the header")
    return streams


def parse_features(location, names, cells, previous, on_missing, invalid, marks=None):
    """Return the numbers of a row, float32 (features,), or None if it is invalid and skipped.

    Args:
        location: File and line.
        names: Names of the features.
        cells: Their texts.
        previous: Numbers of the preceding row of the stream, or None.
        on_missing: As in `Columns`.
        invalid: `InvalidRecords`.
        marks: Decimal mark of each feature, as from `file_decimal_marks`, or None for points.
    """
    values = np.empty(len(cells), np.float32)
    for index, (name, text, mark) in enumerate(zip(names, cells, marks or "." * len(cells))):
        try:
            value = math.nan if is_missing(text) else number(text, mark)
        except ValueError:
            expected = f"a number; decimals have a {'comma' if mark == ',' else 'point'}"
            invalid.report(location, f"{name} is not a number", "Fix the cell.", shown(text), expected)
            return None
        if abs(value) > LARGEST:
            problem = f"{name} is {'infinite' if math.isinf(value) else 'too large'}"
            invalid.report(location, problem, "Fix the cell.", shown(text))
            return None
        if math.isnan(value):
            if on_missing == "fail" or previous is None:
                where = "" if previous is not None else " in the first row of its stream"
                invalid.report(location, f"{name} has no number{where}", _fill_in(invalid, previous))
                return None
            value = previous[index]
        values[index] = value
    return values


def _check_are_numbers(location, names, texts, marks):
    """Raise DataError if a column that no setting names does not begin with a number."""
    for name, text, mark in zip(names, texts, marks):
        if not is_missing(text) and not is_number(text, mark):
            fix = [
                "Fix the cell.",
                Setting("Or if the column names the streams, set", f"data.stream={name}"),
                Setting("Or name the columns of numbers", "data.features=[...]"),
                SKIP,
            ]
            expected = "a number; decimals have a point" if mark == "." else "a number"
            problem = f"{name} is not a number"
            raise DataError(location, problem, received=shown(text), expected=expected, fix=fix)


def _fill_in(invalid, previous):
    """The fixes of a missing number; no setting helps a trained network or the first row of a stream."""
    if previous is None:
        return "Fill it in."
    if invalid.action == "refuse":
        return "Fill it in. A network trained with data.on_missing=previous repeats the previous number."
    return ["Fill it in.", Setting("Or repeat the previous number", "data.on_missing=previous")]
