"""Splits of a data set: the files that hold them, files that are not read, and what is split off train."""

import logging
import re
from itertools import islice
from pathlib import Path

from rnn_apps.data.records import part_of, split_position
from rnn_apps.errors import DataError

PART_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "eval"),
    "test": ("test",),
}
PARTS_BY_NAME = {name: part for part, names in PART_NAMES.items() for name in names}
ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz")

_log = logging.getLogger(__name__)
_FILES_SHOWN = 8
_FEW = 100  # distinct keys below which a hash alone may leave a split empty or far from its fraction
_SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods")
_COLUMNAR = (".parquet", ".feather", ".arrow", ".orc")
_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".bz2", ".xz", ".7z", ".rar")
_BINARY = (
    ".npy",
    ".npz",
    ".pkl",
    ".pickle",
    ".mat",
    ".h5",
    ".hdf5",
    ".sqlite",
    ".db",
    ".sav",
    ".dta",
    ".rds",
)
_CONVERSIONS = {
    _SPREADSHEETS: 'Spreadsheets are not read: save the sheet as "CSV UTF-8".',
    _COLUMNAR: "Columnar files are not read: convert it to CSV, in pandas with read_parquet and to_csv.",
    (".json",): "A .json file is not read: write one JSON object per line, as .jsonl. If it has that form "
    "already, rename it.",
    _BINARY: "Binary formats are not read: save the data as CSV.",
    _ARCHIVES: "Archives are not unpacked: unpack it first.",
}
_DATA = (".csv", ".tsv", ".txt", ".jsonl", ".conll", ".conllu", ".bio", ".iob", ".iob2", *_ARCHIVES)
_DATA += (*_SPREADSHEETS, *_COLUMNAR, *_BINARY, ".json")
_NO_DATA = ("readme", "license", "licence", "notice", "changelog", "requirements")


def find_parts(path, needed="train", endings=ENDINGS):
    """Return split name to file for a data folder, or ``{"train": file}`` for a single file.

    Args:
        path: a folder with a file for train and, where there are any, for validation and test, called as
            `PART_NAMES` lists, with something before a dot, dash or underscore or not (``en-train.csv``),
            each with one of the endings; or one such file.
        needed: the split that must be there; None where any will do.
        endings: of file names, lower case.

    Raises:
        DataError: nothing is there, nothing that can be read, or two files for one split.
    """
    path = Path(path).expanduser()
    if path.is_file():
        if not path.name.lower().endswith(tuple(endings)):
            ending = f"a {path.suffix} file" if path.suffix else "a file without an ending"
            fix = conversion_advice([path])
            raise DataError(str(path), received=ending, expected=_expected(endings), fix=fix)
        return {"train": path}
    if not path.is_dir():
        raise DataError(str(path), "no such file or folder", fix="Check the path after --data or data.path.")
    files = {file: _part_of_file(file, endings) for file in _visible(path)}
    parts = one_per_part(path, files)
    if not parts or (needed and needed not in parts):
        there = sorted(path.iterdir())
        expected = f"{needed or 'test'}{_expected(endings)}"
        received = listed_files(there) or "an empty folder"
        raise DataError(str(path), received=received, expected=expected, fix=conversion_advice(there))
    return parts


def one_per_part(folder, files):
    """Return split name to its file or folder, in the order of `PART_NAMES`.

    Args:
        folder: path, for messages.
        files: path to the split that it holds, None for none.

    Raises:
        DataError: two paths for one split.
    """
    parts = {}
    for part in PART_NAMES:
        found = [file for file, of in files.items() if of == part]
        if len(found) > 1:
            fix = "Keep the one that you want here and move the others away."
            received, expected = f"{listed_files(found)} for {part}", f"one file for {part}"
            raise DataError(str(folder), received=received, expected=expected, fix=fix)
        if found:
            parts[part] = found[0]
    return parts


def _visible(folder):
    return [file for file in sorted(folder.iterdir()) if file.is_file() and not file.name.startswith(".")]


def _part_of_file(file, endings):
    """The split that a file's name says, after its last dot, dash or underscore; None for another ending."""
    name = file.name.lower()
    ending = max((end for end in endings if name.endswith(end)), key=len, default=None)
    if ending is None:
        return None
    return PARTS_BY_NAME.get(re.split("[._-]", name.removesuffix(ending))[-1])


def _expected(endings):
    return f"{', '.join(endings[:-1])} or {endings[-1]}"


def listed_files(files):
    """Return the names of files as one text, the first few of them.

    Args:
        files: list of paths.
    """
    names = ", ".join(file.name for file in files[:_FILES_SHOWN])
    return names + (f" and {len(files) - _FILES_SHOWN} more" if len(files) > _FILES_SHOWN else "")


def conversion_advice(files):
    """Return what to do about the first file whose format is not read, or None where there is no such file.

    Args:
        files: list of paths.
    """
    for file in files:
        for endings, advice in _CONVERSIONS.items():
            if file.name.lower().endswith(endings):
                return f"{file.name}: {advice}" if len(files) > 1 else advice
    return None


def unread_files(folder, used):
    """Return the data files of a folder that are not read, sorted.

    A data file has the ending of a table, text, archive or spreadsheet, or that of a file that is read.

    Args:
        folder: path; a file has none beside it.
        used: paths of what is read.
    """
    folder, used = Path(folder).expanduser(), {Path(file).name for file in used}
    if not folder.is_dir():
        return []
    endings = {*_DATA, *(_plain_suffix(name) for name in used)} - {""}
    return [
        file
        for file in _visible(folder)
        if file.name not in used
        and file.name.lower().removesuffix(".gz").endswith(tuple(endings))
        and file.name.lower().partition(".")[0] not in _NO_DATA
    ]


def _plain_suffix(name):
    return Path(name.lower().removesuffix(".gz")).suffix


def log_unread(folder, used):
    """Log in one line which data files of a folder are not read, if there are any.

    Args:
        folder, used: as for `unread_files`.
    """
    if files := unread_files(folder, used):
        _log.info("Not read: %s in %s", listed_files(files), folder)


def said_to_split(keys, fractions):
    """Return how many examples there are to be split, and how many of them are distinct where some are equal.

    Args:
        keys: those of all examples.
        fractions: of the splits that are split off train; empty where none is.
    """
    keys = list(keys)
    distinct = len(set(keys)) if fractions else len(keys)
    more = f", {distinct} of them distinct, and equal ones stay in one split" if distinct < len(keys) else ""
    return f"{len(keys)} in all{more}"


def splitter(keys, fractions):
    """Return a function that gives the split of a key; equal keys fall into the same split.

    Many keys are split by their hash alone. Of few, those with the lowest hashes are taken, so many that each
    split is as near to its fraction as possible and has one key at least, where there are enough.

    Args:
        keys: those of all examples of train.
        fractions: name to fraction, as `carved_fractions` gives it; the rest is ``"train"``.
    """
    distinct = set(islice(dict.fromkeys(keys), _FEW))
    if not fractions or len(distinct) >= _FEW:
        return lambda key: part_of(key, fractions)
    ordered, parts, begin = sorted(distinct, key=split_position), {}, 0
    for name, fraction in fractions.items():
        room = len(ordered) - begin - 1  # one is left for train
        size = min(room, max(1, round(fraction * len(ordered))))
        parts |= dict.fromkeys(ordered[begin : begin + max(0, size)], name)
        begin += max(0, size)
    return lambda key: parts.get(key, "train")
