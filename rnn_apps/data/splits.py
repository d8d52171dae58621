"""Splits of a data set: the files that hold them, files that are not read, and what is split off train."""

import hashlib
import logging
import re
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from rnn_apps.errors import DataError, Setting

SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "eval"),
    "test": ("test",),
}
SPLITS_BY_NAME = {name: part for part, names in SPLIT_NAMES.items() for name in names}
ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz")

_log = logging.getLogger(__name__)
_FILES_SHOWN = 8
TEST_FRACTION = 0.2
_FEW = 100  # distinct keys below which a hash alone may leave a split empty or far from its fraction
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

    Args:
        path: a folder with a file for train and, where there are any, for validation and test, called as
            `SPLIT_NAMES` lists, with something before a dot, dash or underscore or not (``en-train.csv``),
            each with one of the endings; or one such file.
        required_split: the split that must be there; None where any will do.
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
        raise DataError(str(path), "no such file or folder", fix=Setting("Check the path", "data.path"))
    files = {file: _part_of_file(file, endings) for file in _visible(path)}
    parts = one_per_split(path, files)
    if not parts or (required_split and required_split not in parts):
        there = sorted(path.iterdir())
        expected = f"{required_split or 'test'}{_expected(endings)}"
        received = listed_files(there) or "an empty folder"
        raise DataError(str(path), received=received, expected=expected, fix=conversion_advice(there))
    return parts


def one_per_split(folder, files):
    """Return split name to its file or folder, in the order of `SPLIT_NAMES`.

    Args:
        folder: path, for messages.
        files: path to the split that it holds, None for none.

    Raises:
        DataError: two paths for one split.
    """
    parts = {}
    for part in SPLIT_NAMES:
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
    return SPLITS_BY_NAME.get(re.split("[._-]", name.removesuffix(ending))[-1])


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


class DataSource(NamedTuple):
    """Where a recipe's examples come from.

    Attributes:
        name: ``tfds:NAME``, ``files`` or ``sample``.
        path: folder or file, where the name is ``files``.
        sample_size, seed: examples of the generated sample, and its seed.
    """

    name: str
    path: str | None
    sample_size: int
    seed: int


class SplitRequest(NamedTuple):
    """Which splits are wanted, and what is split off train where the data lacks one.

    With no validation split it is split off train; with no test split the validation split is the test and
    another validation is split off; with neither 20 % are the test.

    Attributes:
        validation_fraction: of train, where validation has to be split off.
        use_all_for_test: only the test split is wanted; where the data names none, it is all of the data.
        required_split: the split that a folder must hold; None where any will do.
    """

    validation_fraction: float = 0.1
    use_all_for_test: bool = False
    required_split: str | None = "train"

    def read_from(self, names):
        """Return which of the splits that the data has are read."""
        if not self.use_all_for_test:
            return list(names)
        return [next(name for name in ("test", "validation", "train") if name in names)]

    def fractions(self, names):
        """Return the fractions of train that become the splits which the data lacks.

        Args:
            names: of the splits that the data has.
        """
        if self.use_all_for_test:
            return {}
        fractions = {} if {"test", "validation"} & set(names) else {"test": TEST_FRACTION}
        if not {"validation", "test"} <= set(names):
            fractions["validation"] = self.validation_fraction * (1 - sum(fractions.values()))
        return fractions

    def name_of(self, name, names):
        """Return which split one of the data's becomes, before anything is split off train."""
        if self.use_all_for_test:
            return "test"
        return "test" if name == "validation" and "test" not in names else name


def make_splits(name, found, request, key, invalid, what="example", keep_labels=False):
    """Return split name to list of examples, for all splits of a request.

    Train is split by a hash of each example's key, so that equal ones stay in one split.

    Args:
        name: of the data, for messages.
        found: split name to the examples that the data has for it, those of `request.read_from`.
        request: `SplitRequest`.
        key: function that returns the key of an example, a str.
        invalid: `BadRecords` that were found while reading.
        what: an example is called.
        keep_labels: whether an example, with `labels`, stays in train where train would else never show one
            of them.

    Raises:
        DataError: a split is empty.
    """
    splits = {split: [] for split in (("test",) if request.use_all_for_test else SPLIT_NAMES)}
    fractions = request.fractions(found) if "train" in found else {}
    split_of = splitter(map(key, found.get("train", ())), fractions)
    for split, examples in found.items():
        target = request.name_of(split, found)
        for one in examples:
            splits[split_of(key(one)) if target == "train" else target].append(one)
    if keep_labels:
        _keep_known_labels(splits, fractions)
    for split, examples in splits.items():
        if not examples:
            keys = (key(one) for several in splits.values() for one in several)
            raise _empty_split(name, split, keys, fractions, invalid, what)
    return splits


def _empty_split(name, split, keys, fractions, invalid, what):
    keys = list(keys)
    distinct = len(set(keys)) if fractions else len(keys)
    counted = f"{len(keys):,} in all"
    if distinct < len(keys):
        counted += f", {distinct:,} of them distinct, and equal ones stay in one split"
    for reason, count in invalid.skipped.most_common(3):
        counted += f"; skipped {count:,}: {reason}"
    fix = f"Give more, or a file for {split}." if keys else "Give more."
    return DataError(name, f"no usable {what} for {split}, {counted}", fix=fix)


def _keep_known_labels(splits, fractions):
    """Move what was split off train back to it where it has a label that train would never show."""
    known = {label for one in splits.get("train", ()) for label in one.labels}
    for split in fractions:
        rare = [one for one in splits[split] if not known.issuperset(one.labels)]
        splits[split] = [one for one in splits[split] if known.issuperset(one.labels)]
        splits["train"] += rare


def split_generated(examples, train=0.8):
    """Return split name to examples of a generated set, in order: train, then validation and 10 % test.

    Args:
        examples: list.
        train: fraction of train.
    """
    size = len(examples)
    cuts = (0, round(train * size), round((train + 0.1) * size), size)
    return {split: examples[a:b] for split, a, b in zip(SPLIT_NAMES, cuts, cuts[1:])}


def hashed_split(text, fractions):
    """Return the name of the split that a text falls into, by a hash of the text only.

    Args:
        text: the text; equal texts fall into the same split.
        fractions: name to fraction, in order, with a sum of at most 1; the rest is ``"train"``.
    """
    position = _hash_position(text)
    for name, fraction in fractions.items():
        if position < fraction:
            return name
        position -= fraction
    return "train"


def _hash_position(text):
    """Where a text lies between 0 and 1, by a hash of the text only."""
    return int(hashlib.sha1(text.encode("utf-8", "surrogatepass")).hexdigest()[:12], 16) / 16**12


def splitter(keys, fractions):
    """Return a function that gives the split of a key; equal keys fall into the same split.

    Many keys are split by their hash only. Of few, those with the lowest hashes are taken, so many that each
    split is as near to its fraction as possible and has one key at least, where there are enough.

    Args:
        keys: those of all examples of train.
        fractions: name to fraction, as `SplitRequest.fractions` gives it; the rest is ``"train"``.
    """
    distinct = set(islice(dict.fromkeys(keys), _FEW))
    if not fractions or len(distinct) >= _FEW:
        return lambda key: hashed_split(key, fractions)
    ordered, splits, start = sorted(distinct, key=_hash_position), {}, 0
    for name, fraction in fractions.items():
        room = len(ordered) - start - 1  # one is left for train
        size = min(room, max(1, round(fraction * len(ordered))))
        splits |= dict.fromkeys(ordered[start : start + max(0, size)], name)
        start += max(0, size)
    return lambda key: splits.get(key, "train")
