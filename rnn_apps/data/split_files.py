"""Finds the files of a data folder: one per split, files that are not read, unsupported formats."""

import logging
import re
from pathlib import Path

from rnn_apps.data.splits import SPLIT_NAMES, SPLITS_BY_NAME
from rnn_apps.errors import DataError, Setting, current_folder_note

ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz")
_log = logging.getLogger(__name__)
_MAX_FILES_SHOWN = 8
_SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods")
_COLUMNAR = (".parquet", ".feather", ".arrow", ".orc")
_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".bz2", ".xz", ".7z", ".rar")
_ARRAYS = (".npy", ".npz", ".pkl", ".pickle", ".mat", ".h5", ".hdf5")
_DATABASES = (".sqlite", ".db", ".sav", ".dta", ".rds")
_CONVERSIONS = {
    _SPREADSHEETS: 'Spreadsheets are not read: save the sheet as "CSV UTF-8".',
    _COLUMNAR: "Columnar files are not read: convert it to CSV, in pandas with read_parquet and to_csv.",
    (".json",): "A .json file is not read: write one JSON object per line, as .jsonl. If it has that form "
    "already, rename it.",
    _ARRAYS + _DATABASES: "Binary formats are not read: save the data as CSV.",
    _ARCHIVES: "Archives are not unpacked: unpack it first.",
}
_TEXT = (".csv", ".tsv", ".txt", ".jsonl")
_CONLL = (".conll", ".conllu", ".bio", ".iob", ".iob2")
_DATA = (*_TEXT, *_CONLL, *_ARCHIVES, *_SPREADSHEETS, *_COLUMNAR, *_ARRAYS, *_DATABASES, ".json")
_NO_DATA = ("readme", "license", "licence", "notice", "changelog", "requirements")


def find_splits(path, required_split="train", endings=ENDINGS):
    """Return split name to file for a data folder, or ``{"train": file}`` for a single file.

    The only file of a folder may have any name. README, licence and similar files are ignored.

    Args:
        path: A folder with a file for train and optionally for validation and test, named as `SPLIT_NAMES`
            lists, also with a prefix before a dot, dash or underscore (``en-train.csv``), each with one of
            the endings; or one such file.
        required_split: Split that a folder must have, or None if any will do.
        endings: Endings of file names, lower case.

    Raises:
        DataError: nothing is there, nothing that can be read, or two files for one split.
    """
    path = Path(path).expanduser()
    if is_single_file(path, endings):
        return {"train": path}
    named = (file for file in visible_files(path) if file.name.lower().endswith(tuple(endings)))
    files = [file for file in named if not _is_document(file)]
    splits = one_per_split(path, {file: split_of_file(file, endings) for file in files})
    if not splits and len(files) == 1:
        return {"train": files[0]}
    if not splits or (required_split and required_split not in splits):
        train, validation, test = (f"{split}{endings[0]}" for split in SPLIT_NAMES)
        fix = f"Name the files {train}, {validation} and {test}, or give the path of one file."
        expected = f"{required_split or 'test'}{_alternatives(endings)}, or a single file"
        raise no_data(path, expected, fix)
    return splits


def _is_document(file):
    return file.name.lower().partition(".")[0] in _NO_DATA


def is_single_file(path, endings):
    """Return whether a data path is a file, not a folder.

    Args:
        path: Path.
        endings: Endings of file names that can be read, lower case.

    Raises:
        DataError: there is neither, or the file has none of the endings.
    """
    if path.is_dir():
        return False
    if not path.is_file():
        raise _missing(path, "no such file or folder")
    if not path.name.lower().endswith(tuple(endings)):
        received = f"a {path.suffix} file" if path.suffix else "a file without an extension"
        expected, fix = _alternatives(endings), conversion_advice([path])
        raise DataError(str(path), received=received, expected=expected, fix=fix)
    return True


def check_folder(path):
    """Raise DataError if a data path is not a folder."""
    if not path.is_dir():
        problem = "not a folder" if path.exists() else "no such folder"
        raise _missing(path, problem)


def _missing(path, problem):
    fix = [*current_folder_note(path), Setting("Check the path", "data.path")]
    return DataError(str(path), problem, fix=fix)


def no_data(path, expected, fix=None):
    """Return the `DataError` about a path without the `expected` files; `fix` if none can be converted."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    received = listed_files(files) or "an empty folder"
    return DataError(str(path), received=received, expected=expected, fix=conversion_advice(files) or fix)


def one_per_split(folder, files):
    """Return split name to its file or folder, in the order of `SPLIT_NAMES`.

    Args:
        folder: Path, for messages.
        files: Path to the split that it holds, or None.

    Raises:
        DataError: two paths for one split.
    """
    splits = {}
    for split in SPLIT_NAMES:
        paths = [path for path, split_of_path in files.items() if split_of_path == split]
        if len(paths) > 1:
            fix = "Keep the one that you want here and move the others away."
            received, expected = f"{listed_files(paths)} for {split}", f"one file for {split}"
            raise DataError(str(folder), received=received, expected=expected, fix=fix)
        if paths:
            splits[split] = paths[0]
    return splits


def visible_files(folder):
    """Return the files of a folder that are not hidden, sorted."""
    return [file for file in sorted(folder.iterdir()) if file.is_file() and not file.name.startswith(".")]


def split_of_file(file, endings):
    """Return the split in a file's name, after its last dot, dash or underscore, or None.

    Args:
        file: Path.
        endings: Endings of file names, lower case; other files have no split.
    """
    name = file.name.lower()
    ending = max((end for end in endings if name.endswith(end)), key=len, default=None)
    return ending and SPLITS_BY_NAME.get(re.split("[._-]", name.removesuffix(ending))[-1])


def _alternatives(endings):
    return f"{', '.join(endings[:-1])} or {endings[-1]}"


def listed_files(files):
    """Return the names of the first few of a list of paths as one text."""
    names = ", ".join(file.name for file in files[:_MAX_FILES_SHOWN])
    hidden = len(files) - _MAX_FILES_SHOWN
    return f"{names} and {hidden} more" if hidden > 0 else names


def conversion_advice(files):
    """Return how to convert the first of a list of paths whose format is not supported, or None."""
    for file in files:
        for endings, advice in _CONVERSIONS.items():
            if file.name.lower().endswith(endings):
                return f"{file.name}: {advice}" if len(files) > 1 else advice
    return None


def unread_files(folder, used):
    """Return the data files of a folder that are not read, sorted.

    A data file has the extension of a table, text, archive or spreadsheet, or that of a file that is read.

    Args:
        folder: Path; a file gives an empty list.
        used: Paths of the files that are read.
    """
    folder, used = Path(folder).expanduser(), {Path(file).name for file in used}
    if not folder.is_dir():
        return []
    suffixes = {*_DATA, *(Path(name.lower().removesuffix(".gz")).suffix for name in used)} - {""}
    return [
        file
        for file in visible_files(folder)
        if file.name not in used
        and file.name.lower().removesuffix(".gz").endswith(tuple(suffixes))
        and not _is_document(file)
    ]


def log_unread(folder, used):
    """Log in one line which data files of a folder are not read, if any; takes what `unread_files` takes."""
    if files := unread_files(folder, used):
        _log.info("Not read: %s in %s", listed_files(files), folder)
