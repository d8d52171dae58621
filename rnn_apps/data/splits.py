"""Splits of a data set: the files that hold them, files that are not read, and splits of train."""

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
SPLITS_BY_NAME = {name: split for split, names in SPLIT_NAMES.items() for name in names}
ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz")

_log = logging.getLogger(__name__)
_MAX_FILES_SHOWN = 8
TEST_FRACTION = 0.2
_MIN_HASHED = 100  # distinct keys below which a hash may leave a split empty or far from its fraction
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
        path: A folder with a file for train and optionally for validation and test, named as `SPLIT_NAMES`
            lists, also with a prefix before a dot, dash or underscore (``en-train.csv``), each with one of
            the endings; or one such file.
        required_split: Split that a folder must have, or None if any will do.
        endings: Of file names, lower case.

    Raises:
        DataError: nothing is there, nothing that can be read, or two files for one split.
    """
    path = Path(path).expanduser()
    if is_single_file(path, endings):
        return {"train": path}
    splits = one_per_split(path, {file: split_of_file(file, endings) for file in visible_files(path)})
    if not splits or (required_split and required_split not in splits):
        raise no_data(path, f"{required_split or 'test'}{_alternatives(endings)}")
    return splits


def is_single_file(path, endings):
    """Return whether a data path is a file, not a folder.

    Args:
        path: Path.
        endings: Of file names that can be read, lower case.

    Raises:
        DataError: there is neither, or the file has none of the endings.
    """
    if path.is_dir():
        return False
    if not path.is_file():
        raise DataError(str(path), "no such file or folder", fix=Setting("Check the path", "data.path"))
    if not path.name.lower().endswith(tuple(endings)):
        received = f"a {path.suffix} file" if path.suffix else "a file without an extension"
        expected, fix = _alternatives(endings), conversion_advice([path])
        raise DataError(str(path), received=received, expected=expected, fix=fix)
    return True


def check_folder(path):
    """Raise DataError if a data path is not a folder."""
    if not path.is_dir():
        problem = "not a folder" if path.exists() else "no such folder"
        raise DataError(str(path), problem, fix=Setting("Check the path", "data.path"))


def no_data(folder, expected, fix=None):
    """Return the `DataError` about a folder without the `expected` files; `fix` if none can be converted."""
    files = sorted(folder.iterdir())
    received = listed_files(files) or "an empty folder"
    return DataError(str(folder), received=received, expected=expected, fix=conversion_advice(files) or fix)


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
        endings: Of file names, lower case; other files have no split.
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
        and file.name.lower().partition(".")[0] not in _NO_DATA
    ]


def log_unread(folder, used):
    """Log in one line which data files of a folder are not read, if any; takes what `unread_files` takes."""
    if files := unread_files(folder, used):
        _log.info("Not read: %s in %s", listed_files(files), folder)


class DataSource(NamedTuple):
    """Where a recipe's examples come from.

    Attributes:
        name: ``tfds:NAME``, ``files`` or ``sample`` (synthetic data).
        path: Folder or file, if the name is ``files``.
        sample_size: Number of synthetic examples.
        seed: Of the synthetic data.
    """

    name: str
    path: str | None
    sample_size: int
    seed: int


class SplitRequest(NamedTuple):
    """Which splits are needed, and what is split off train if the data lacks one.

    Without a validation split, one is split off train; without a test split, the validation split becomes
    the test split and another validation split is split off; without either, 20 % become the test split.

    Attributes:
        validation_fraction: Fraction of train that is split off for validation.
        use_all_for_test: Only the test split is needed; if the data has no splits, it is all of the data.
        required_split: Split that a folder must have, or None if any will do.
    """

    validation_fraction: float = 0.1
    use_all_for_test: bool = False
    required_split: str | None = "train"

    def read_from(self, names):
        """Return which of the splits of the data are read."""
        if not self.use_all_for_test:
            return list(names)
        return [next(name for name in ("test", "validation", "train") if name in names)]

    def fractions(self, names):
        """Return the fractions of train that become the splits which the data lacks.

        Args:
            names: Splits that the data has.
        """
        if self.use_all_for_test:
            return {}
        fractions = {} if {"test", "validation"} & set(names) else {"test": TEST_FRACTION}
        if not {"validation", "test"} <= set(names):
            fractions["validation"] = self.validation_fraction * (1 - sum(fractions.values()))
        return fractions

    def name_of(self, name, names):
        """Return the split that the split `name` of the data becomes; `names` are all of its splits."""
        if self.use_all_for_test or (name == "validation" and "test" not in names):
            return "test"
        return name


def make_splits(name, found, request, key, invalid, kind="example", keep_labels=False):
    """Return split name to list of examples, for all splits of a request.

    Train is split by a hash of each example's key, so that equal ones stay in one split.

    Args:
        name: Of the data, for messages.
        found: Split name to the examples that the data has for it, the splits of `request.read_from`.
        request: `SplitRequest`.
        key: Function that returns the key of an example, a str.
        invalid: `InvalidRecords` that were found while reading.
        kind: What a message calls an example.
        keep_labels: Whether an example, with `labels`, stays in train if train would otherwise lack one of
            them.

    Raises:
        DataError: a split is empty.
    """
    splits = {split: [] for split in (("test",) if request.use_all_for_test else SPLIT_NAMES)}
    fractions = request.fractions(found) if "train" in found else {}
    split_of = make_splitter(map(key, found.get("train", ())), fractions)
    for split, examples in found.items():
        target = request.name_of(split, found)
        for example in examples:
            splits[split_of(key(example)) if target == "train" else target].append(example)
    if keep_labels:
        _keep_known_labels(splits, fractions)
    for split, examples in splits.items():
        if not examples:
            keys = [key(example) for others in splits.values() for example in others]
            raise _empty_split(name, split, keys, bool(fractions), invalid, kind)
    return splits


def _empty_split(name, split, keys, is_hashed, invalid, kind):
    num_distinct = len(set(keys)) if is_hashed else len(keys)
    counts = f"{len(keys):,} in all"
    if num_distinct < len(keys):
        counts += f", {num_distinct:,} of them distinct, and equal ones stay in one split"
    for reason, count in invalid.skipped.most_common(3):
        counts += f"; skipped {count:,}: {reason}"
    fix = f"Give more, or a file for {split}." if keys else "Give more."
    return DataError(name, f"no usable {kind} for {split}, {counts}", fix=fix)


def _keep_known_labels(splits, fractions):
    """Move examples that were split off back to train if train lacks one of their labels."""
    known = {label for example in splits.get("train", ()) for label in example.labels}
    for split in fractions:
        rare = [example for example in splits[split] if not known.issuperset(example.labels)]
        splits[split] = [example for example in splits[split] if known.issuperset(example.labels)]
        splits["train"] += rare


def split_generated(examples, train=0.8):
    """Return split name to examples of synthetic data, in order: train, then validation and 10 % test.

    Args:
        examples: List.
        train: Fraction of train.
    """
    size = len(examples)
    bounds = (0, round(train * size), round((train + 0.1) * size), size)
    return {split: examples[a:b] for split, a, b in zip(SPLIT_NAMES, bounds, bounds[1:])}


def hashed_split(text, fractions):
    """Return the name of the split that a text falls into, by its hash; equal texts share a split.

    Args:
        text: The text.
        fractions: Name to fraction, in order, with a sum of at most 1; the rest is ``"train"``.
    """
    position = _hash_position(text)
    for name, fraction in fractions.items():
        if position < fraction:
            return name
        position -= fraction
    return "train"


def _hash_position(text):
    """A number from 0 to 1 from the hash of a text."""
    return int(hashlib.sha1(text.encode("utf-8", "surrogatepass")).hexdigest()[:12], 16) / 16**12


def make_splitter(keys, fractions):
    """Return a function from a key to its split; equal keys share a split.

    Many keys are split by their hash. If there are few, those with the lowest hashes are taken, so that each
    split is as close to its fraction as possible and has at least one key, if there are enough.

    Args:
        keys: Of all examples of train.
        fractions: Name to fraction, as from `SplitRequest.fractions`; the rest is ``"train"``.
    """
    distinct = set(islice(dict.fromkeys(keys), _MIN_HASHED))
    if not fractions or len(distinct) >= _MIN_HASHED:
        return lambda key: hashed_split(key, fractions)
    ordered, splits, start = sorted(distinct, key=_hash_position), {}, 0
    for name, fraction in fractions.items():
        available = len(ordered) - start - 1  # one is left for train
        size = max(0, min(available, max(1, round(fraction * len(ordered)))))
        splits |= dict.fromkeys(ordered[start : start + size], name)
        start += size
    return lambda key: splits.get(key, "train")
