"""Splits of a data set: which are needed, and which examples of train become the missing ones."""

import hashlib
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
        dropped: Splits that are not needed; files that have nothing else are not read.
    """

    validation_fraction: float = 0.1
    use_all_for_test: bool = False
    required_split: str | None = "train"
    dropped: tuple[str, ...] = ()

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


class SplitReader:
    """Reads the splits of a data set, and assigns examples of train to the splits that it lacks.

    Train is split by a hash of each example's key, so that equal ones stay in one split.

    Args:
        name: Name of the data set, for messages.
        names: Names of the splits that the data has.
        read: ``read(split, invalid)`` returns the examples that the data has for a split, and reports invalid
            ones to `invalid`.
        request: `SplitRequest`.
        key: Function that returns the key of an example, a str.
        invalid: `InvalidRecords`.
        kind: What a message calls an example.
        keep_labels: Whether an example, with `labels`, stays in train if train would otherwise lack one of
            them.
        max_train: Number of examples of train that are kept, the first ones; None for all.
    """

    def __init__(
        self, name, names, read, request, key, invalid, kind="example", keep_labels=False, max_train=None
    ):
        self.name, self.invalid, self.request, self._max_train = name, invalid, request, max_train
        self._names, self._read, self._key = list(names), read, key
        self._kind, self._keep_labels, self._known = kind, keep_labels, None

    @property
    def split_names(self):
        """Names of the splits that are made."""
        return ["test"] if self.request.use_all_for_test else list(SPLIT_NAMES)

    def stream(self, invalid):
        """Yield (split, example) in the order of the data, without keeping examples in memory.

        The data is read again from the start to find out what is split off train.

        Args:
            invalid: `InvalidRecords` that invalid ones are reported to.
        """
        self.invalid = invalid

        def read_silently(split):
            return self._read(split, invalid.without_counts())

        yield from self._limit(self._assign(lambda split: self._read(split, invalid), read_silently))

    def lists(self):
        """Return split name to list of examples.

        Raises:
            DataError: a split is empty.
        """
        names, dropped = self.request.read_from(self._names), self.request.dropped
        loaded = {
            name: [] if self.request.name_of(name, names) in dropped else list(self._read(name, self.invalid))
            for name in names
        }
        splits = {split: [] for split in self.split_names}
        for split, example in self._limit(self._assign(loaded.get, loaded.get)):
            splits[split].append(example)
        sizes = {split: len(examples) for split, examples in splits.items() if split not in dropped}
        self.check_sizes(sizes, loaded.values())
        return splits

    def check_sizes(self, sizes, examples=()):
        """Raise DataError if a split is empty.

        Args:
            sizes: Split name to number of examples.
            examples: Lists of all examples, if they are in memory, to count distinct ones.
        """
        for split, size in sizes.items():
            if not size:
                total = sum(sizes.values())
                distinct = len({self._key(example) for several in examples for example in several})
                is_hashed = bool(self.request.fractions(self._names)) and distinct
                num_distinct = distinct if is_hashed else total
                raise _empty_split(self.name, split, total, num_distinct, self.invalid, self._kind)

    def _limit(self, examples):
        number = 0
        for split, example in examples:
            number += split == "train"
            if split != "train" or self._max_train is None or number <= self._max_train:
                yield split, example

    def _assign(self, read, read_again):
        names = self.request.read_from(self._names)
        fractions = self.request.fractions(names) if "train" in names else {}
        train = read_again("train") if fractions else ()
        split_of = make_splitter(map(self._key, train), fractions)
        if self._keep_labels and fractions and self._known is None:
            train = (example for example in read_again("train") if split_of(self._key(example)) == "train")
            self._known = {label for example in train for label in example.labels}
        for name in names:
            target = self.request.name_of(name, names)
            for example in read(name):
                split = split_of(self._key(example)) if target == "train" else target
                is_rare = self._known and target == "train" and not self._known.issuperset(example.labels)
                yield "train" if is_rare else split, example


class FixedSplits:
    """Examples in memory that have splits already, with the methods of `SplitReader`.

    Args:
        name: Name of the data set.
        splits: Split name to list of examples.
    """

    def __init__(self, name, splits):
        self.name, self._splits = name, splits

    @property
    def split_names(self):
        """Names of the splits."""
        return list(self._splits)

    def stream(self, invalid):
        """Yield (split, example)."""
        for split, examples in self._splits.items():
            yield from ((split, example) for example in examples)

    def lists(self):
        """Return split name to list of examples."""
        return {split: list(examples) for split, examples in self._splits.items()}

    def check_sizes(self, sizes, examples=()):
        """Do nothing, because synthetic data has all splits."""


def _empty_split(name, split, total, num_distinct, invalid, kind):
    counts = f"{total:,} in all"
    if num_distinct < total:
        counts += f", {num_distinct:,} of them distinct, and equal ones stay in one split"
    for reason, count in invalid.skipped.most_common(3):
        counts += f"; skipped {count:,}: {reason}"
    fix = f"Give more {kind}s" + (f", or a file for {split}." if total else ".")
    return DataError(name, f"no usable {kind} for {split}, {counts}", fix=fix)


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
    distinct = set()
    for key in keys if fractions else ():
        distinct.add(key)
        if len(distinct) == _MIN_HASHED:
            break
    if not fractions or len(distinct) == _MIN_HASHED:
        return lambda key: hashed_split(key, fractions)
    ordered, splits, start = sorted(distinct, key=_hash_position), {}, 0
    for name, fraction in fractions.items():
        available = len(ordered) - start - 1  # one is left for train
        size = max(0, min(available, max(1, round(fraction * len(ordered)))))
        splits |= dict.fromkeys(ordered[start : start + size], name)
        start += size
    return lambda key: splits.get(key, "train")
