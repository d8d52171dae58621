"""Folders of prepared data: shards, the learned preprocessing, and a manifest, which is written last."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnn_apps.data.splits import SPLIT_NAMES
from rnn_apps.disk import has_digest, replace_file, sha256_of_texts, to_disk
from rnn_apps.errors import DataError, shown

MANIFEST = "prepared.json"
ENDINGS = (".tfrecord.gz", ".npy", ".jsonl.gz")  # of the files of a shard
MAX_DECODED = 2**30  # bytes of one shard in memory
UNFINISHED, BLOCKS = "preparing.json", "preparing"  # until the manifest is written
PREPROCESSING = "preprocessing"
FORMAT = 1
NOT_ENCODED = ("source", "path", "sample", "on_invalid_record", "max_invalid_records", "shuffle")  # of `data`
_MAX_MANIFEST = 64 * 2**20
_SHARD_NAME = re.compile(r"((?:train|validation|test)-\d{5,9})-\d{3,9}|(train|validation|test)-\d{5}")
_KINDS = re.compile(r"(u?int(8|16|32|64)|bool|float16|float32)")
_AGAIN = "Prepare the data again into another folder."


class ColumnSpec(NamedTuple):
    """The type of a column.

    Args:
        dtype: Name of a NumPy type: an integer type, ``float16`` or ``float32``.
        shape: Shape of a step, or of the value of an example.
        has_steps: Whether an example has any number of steps.
    """

    dtype: str
    shape: tuple
    has_steps: bool

    @classmethod
    def of(cls, column):
        """Return the type of a `Column`."""
        return cls(str(column.values.dtype), tuple(column.values.shape[1:]), column.lengths is not None)

    @property
    def is_float(self):
        """Whether values are floats."""
        return np.dtype(self.dtype).kind == "f"

    @property
    def is_bytes(self):
        """Whether values are stored as bytes, as pixels are."""
        return self.dtype == "uint8"

    @property
    def is_in_index(self):
        """Whether the index holds the values."""
        return not self.has_steps and not self.shape and not self.is_float


class Shard(NamedTuple):
    """A shard as the manifest describes it.

    Args:
        name: File name without ``.tfrecord.gz``.
        examples: Number of examples.
        bytes: Size of the file of examples.
        decoded: Bytes of all columns in memory.
        raw: Number of examples in the file of raw examples.
        sha256, index_sha256, raw_sha256: Digests of the files.
    """

    name: str
    examples: int
    bytes: int
    decoded: int
    raw: int
    sha256: str
    index_sha256: str
    raw_sha256: str


class PreparedSplit(NamedTuple):
    """A split of prepared data.

    Args:
        shards: List of `Shard`.
        truncations: List of the fields of each `rnn_apps.tasks.truncation.Truncation`.
        raw_every: Every how many examples of a block one is kept as it was.
        size: Number of examples, of a language model of tokens.
    """

    shards: list
    truncations: list
    raw_every: int
    size: int

    def raw_rows(self):
        """Return the index of each example that is kept as it was, where each shard row is an example."""
        rows, end, sizes = [np.zeros(0, np.int64)], 0, Counter()
        for shard in self.shards:
            block, split = _SHARD_NAME.fullmatch(shard.name).groups()
            sizes[block or split] += shard.examples  # without a block: data prepared by an older version
        for size in sizes.values():
            rows.append(np.arange(end, end + size, self.raw_every))
            end += size
        return np.concatenate(rows)


class PreparedData(NamedTuple):
    """The manifest of a folder of prepared data.

    Args:
        folder: Path.
        task: Name of the task.
        settings: Dotted recipe keys that the content depends on, and their values.
        source: Name of the data source.
        fingerprint: SHA-256 of the content of all splits.
        skipped: Reason to number of skipped records.
        columns: Column name to `ColumnSpec`.
        splits: Split name to `PreparedSplit`.
        files: File in the folder ``preprocessing`` to its SHA-256.
    """

    folder: Path
    task: str
    settings: dict
    source: str
    fingerprint: str
    skipped: dict
    columns: dict
    splits: dict
    files: dict

    @classmethod
    def find(cls, path):
        """Return the prepared data in a folder, or None if it holds other data.

        Raises:
            DataError: the folder is half prepared, or its manifest or a file is missing or damaged.
        """
        folder = Path(path).expanduser()
        if not (folder / MANIFEST).is_file():
            if (folder / UNFINISHED).is_file():
                fix = "Run the command that prepares it again: it continues where it stopped."
                raise DataError(str(path), "half prepared: its preparation did not finish", fix=fix)
            if (folder / PREPROCESSING).is_dir() and any(folder.glob(f"*{ENDINGS[0]}")):
                raise DataError(str(path), f"prepared data whose {MANIFEST} is missing", fix=_AGAIN)
            return None
        try:
            found = cls._from_json(folder, _read_json(folder / MANIFEST))
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            problem = f"not a manifest of prepared data ({error})"
            raise DataError(str(folder / MANIFEST), problem, fix=_AGAIN) from error
        found._check_files()
        return found

    @classmethod
    def _from_json(cls, folder, content):
        if content["format"] != FORMAT:
            problem = f"of format {shown(content['format'])}, this version reads format {FORMAT}"
            raise DataError(str(folder), problem, fix=_AGAIN)
        columns = {
            str(name): ColumnSpec(dtype, tuple(map(int, shape)), bool(has_steps))
            for name, (dtype, shape, has_steps) in content["columns"].items()
        }
        splits = {
            split: PreparedSplit(
                [Shard(*shard) for shard in values["shards"]],
                values["truncations"],
                int(values["raw_every"]),
                int(values["size"]),
            )
            for split, values in content["splits"].items()
        }
        shards = [shard for split in splits.values() for shard in split.shards]
        if set(splits) != set(SPLIT_NAMES) or not all(_SHARD_NAME.fullmatch(shard.name) for shard in shards):
            raise ValueError("its splits or shards have other names")
        sizes = [(shard.examples, shard.bytes, shard.raw, shard.decoded) for shard in shards]
        if not all(type(size) is int and size >= 0 for each in sizes for size in each):
            raise ValueError("the size of a shard is not a number")
        if not all(decoded <= MAX_DECODED for *_, decoded in sizes):
            raise ValueError("a shard is too large")
        specs = columns.values()
        if not all(_KINDS.fullmatch(spec.dtype) and min(spec.shape, default=1) > 0 for spec in specs):
            raise ValueError("a column has no such type")
        names = ("task", "settings", "source", "fingerprint", "skipped")
        return cls(folder, *(content[name] for name in names), columns, splits, content["files"])

    def _check_files(self):
        for name, sha256 in self.files.items():
            path = self.folder / PREPROCESSING / name
            if "/" in name or not has_digest(path, sha256):
                raise DataError(str(path), "missing or damaged", fix=_AGAIN)
        for shard in (shard for split in self.splits.values() for shard in split.shards):
            path = self.folder / f"{shard.name}{ENDINGS[0]}"
            size = path.stat().st_size if path.is_file() else None
            if size != shard.bytes:
                received = "no such file" if size is None else f"{size:,} bytes"
                expected = f"{shard.bytes:,} bytes"
                raise DataError(str(path), received=received, expected=expected, fix=_AGAIN)

    def check_task(self, task):
        """Raise DataError if the data is prepared for another task."""
        if task != self.task:
            received, expected = f"data prepared for the task {self.task}", f"data for {task}"
            raise DataError(str(self.folder), received=received, expected=expected)

    def check_settings(self, settings):
        """Raise DataError if a recipe would prepare the data in another way.

        Args:
            settings: As of this class, of the recipe.
        """
        for key in sorted({*settings, *self.settings}):
            own, other = self.settings.get(key), settings.get(key)
            if own != other:
                problem = f"prepared with {key}={shown(own)}, the recipe has {shown(other)}"
                fix = "Change the recipe, or prepare the data with it into another folder."
                raise DataError(str(self.folder), problem, fix=fix)

    def write(self):
        """Write the manifest, which completes the folder."""
        content = self._asdict() | {"format": FORMAT}
        del content["folder"]
        content["splits"] = {split: values._asdict() for split, values in self.splits.items()}
        replace_file(self.folder / MANIFEST, json.dumps(content, indent=1).encode())
        to_disk(self.folder / MANIFEST)
        (self.folder / UNFINISHED).unlink(missing_ok=True)
        shutil.rmtree(self.folder / BLOCKS, ignore_errors=True)


def check_not_prepared(path):
    """Raise DataError if a path is a folder of prepared data, in place of the data itself."""
    if (prepared := PreparedData.find(path)) is not None:
        problem = f"prepared data for the task {prepared.task}"
        fix = f"Give the data that it was prepared from: {prepared.source}"
        raise DataError(str(path), problem, fix=fix)


def combined_digest(digests):
    """Return the SHA-256 of all splits, from split name to the SHA-256 of its content."""
    return sha256_of_texts(f"{split} {digest}\n" for split, digest in digests.items())


def is_synthetic(data):
    """Return whether the `data` settings of a recipe name synthetic data, or data prepared from it."""
    source, path = getattr(data, "source", None), getattr(data, "path", None)
    if source == "files" and path is not None:
        try:
            source = _read_json(Path(path).expanduser() / MANIFEST)["source"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return False  # it holds other data, or is gone
    return str(source).partition(":")[0] == "sample"


def _read_json(path):
    """Return the content of a JSON file of limited size."""
    if path.stat().st_size > _MAX_MANIFEST:
        raise ValueError(f"larger than {_MAX_MANIFEST:,} bytes")
    return json.loads(path.read_text(encoding="utf-8"))
