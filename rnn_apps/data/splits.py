"""Splits of a data set: which are needed, and which examples of train become the missing ones."""

import hashlib
from itertools import islice
from typing import NamedTuple

from rnn_apps.errors import DataError

SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "eval"),
    "test": ("test",),
}
SPLITS_BY_NAME = {name: split for split, names in SPLIT_NAMES.items() for name in names}
TEST_FRACTION = 0.2
_MIN_HASHED = 100  # distinct keys below which a hash may leave a split empty or far from its fraction


class DataSource(NamedTuple):
    """Where a recipe's examples come from.

    Attributes:
        name: ``tfds:NAME``, ``files`` or ``sample`` (synthetic data).
        path: Folder or file, if the name is ``files``.
        sample_size: Number of synthetic examples.
        seed: Random seed of the synthetic data.
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


def make_splits(name, names, read, request, key, invalid, kind="example", keep_labels=False):
    """Read a data set; return split name to list of examples, for all splits of a request.

    Train is split by a hash of each example's key, so that equal ones stay in one split.

    Args:
        name: Name of the data set, for messages.
        names: Names of the splits that the data has.
        read: ``read(split)`` returns the examples that the data has for a split.
        request: `SplitRequest`.
        key: Function that returns the key of an example, a str.
        invalid: `InvalidRecords`, to which `read` reports.
        kind: What a message calls an example.
        keep_labels: Whether an example, with `labels`, stays in train if train would otherwise lack one of
            them.

    Raises:
        DataError: a split is empty.
    """
    by_split = {split: list(read(split)) for split in request.read_from(names)}
    splits = {split: [] for split in (("test",) if request.use_all_for_test else SPLIT_NAMES)}
    fractions = request.fractions(by_split) if "train" in by_split else {}
    split_of = make_splitter(map(key, by_split.get("train", ())), fractions)
    for split, examples in by_split.items():
        target = request.name_of(split, by_split)
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
    fix = f"Give more {kind}s" + (f", or a file for {split}." if keys else ".")
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
        keys: Keys of all examples of train.
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
