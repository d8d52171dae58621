"""Prepares data that is larger than memory: one pass learns the preprocessing, one encodes into shards."""

import hashlib
import json
import math
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np

from rnn_apps.data.columns import Column
from rnn_apps.data.prepared import (
    MANIFEST,
    PREPROCESSING,
    UNFINISHED,
    ColumnSpec,
    PreparedData,
    PreparedSplit,
    Shard,
    check_not_prepared,
    combined_digest,
)
from rnn_apps.data.shards import write_shard
from rnn_apps.data.splits import SPLIT_NAMES
from rnn_apps.data.tfds_source import SourceUnavailable
from rnn_apps.disk import replace_file, sha256_of, sha256_of_texts, to_disk, update_digest
from rnn_apps.errors import Setting, UserError
from rnn_apps.runs.console import PrintConsole, log_to_console
from rnn_apps.tasks import find_task
from rnn_apps.tasks.truncation import Truncation

CHUNK_EXAMPLES, CHUNK_BYTES = 16_384, 4 * 2**20  # raw examples that are encoded together
SHARD_BYTES = 16 * 2**20  # of decoded columns, from which a shard is complete


def prepare_data(recipe, out, console=None):
    """Turn the data of a recipe into shards of encoded examples, in bounded memory.

    An interrupted preparation continues after its last complete shards.

    Args:
        recipe: `Recipe`.
        out: folder to write: new, empty, or half prepared from the same data with the same settings.
        console: receives progress; prints lines by default.

    Returns:
        `PreparedData`.

    Raises:
        UserError: if the folder is not free, or the data or its task cannot be prepared.
    """
    console = console or PrintConsole()
    try:
        with log_to_console(console):
            return _Preparation(recipe, Path(out), console).run()
    except (KeyboardInterrupt, SystemExit):
        is_begun = (Path(out) / UNFINISHED).is_file()
        console.log(f"Stopped. The same command continues in {out}." if is_begun else "Stopped.")
        raise
    except SourceUnavailable as error:
        fix = [Setting("Set the path of your data", "data.path=PATH")]
        fix += [Setting("Or use synthetic data", "data.source=sample")]
        raise UserError("data.source", str(error), fix=fix) from error


class _Preparation:
    """One preparation; the arguments are those of `prepare_data`."""

    def __init__(self, recipe, out, console):
        self._recipe, self._out, self._console = recipe, out, console
        self._task = find_task(recipe.task)
        dataset = self._task.dataset(recipe)
        dataset.check_preparable()
        if recipe.data.source == "files":
            check_not_prepared(recipe.data.path)
        state = {"task": recipe.task, "settings": dataset.encoding_settings()}
        state["data"] = {"source": recipe.data.source, "files": _digest_of_files(recipe.data.path)}
        if recipe.data.source == "sample":
            state["data"]["sample"] = [recipe.seed, recipe.data.sample_size]
        self._state = json.loads(json.dumps(state))
        self._progress = {"examples": None, "columns": {}, "shards": {split: [] for split in SPLIT_NAMES}}

    def run(self):
        """Prepare, and return the `PreparedData`."""
        self._check_folder()
        dataset = self._task.dataset(self._recipe, self._learn())
        dataset.complete_preprocessing()
        writers = {split: self._writer(split, dataset) for split in SPLIT_NAMES}
        total = sum(self._progress["examples"].values())
        for done, (split, example) in enumerate(dataset.stream(), start=1):
            writers[split].add(example)
            if done % max(100_000, total // 20) == 0:
                self._console.log(f"Encoded {done:,} of {total:,} examples")
        for writer in writers.values():
            writer.finish()
            dataset.invalid.skipped.update(writer.skipped_before)
        used = sum(writer.records for writer in writers.values())
        dataset.invalid.check_fraction(dataset.source_name, used)
        return self._complete(dataset, writers)

    def _complete(self, dataset, writers):
        files = [path for path in sorted((self._out / PREPROCESSING).iterdir()) if path.is_file()]
        splits = {
            split: PreparedSplit(
                writer.shards,
                [list(one) for one in writer.truncations],
                self._raw_every(split, dataset),
                writer.count,
            )
            for split, writer in writers.items()
        }
        prepared = PreparedData(
            self._out,
            self._recipe.task,
            self._state["settings"],
            dataset.source_name,
            combined_digest({split: writer.digest.hexdigest() for split, writer in writers.items()}),
            dataset.skipped,
            {name: ColumnSpec(*spec) for name, spec in self._progress["columns"].items()},
            splits,
            {path.name: sha256_of(path) for path in files},
        )
        prepared.write()
        return prepared

    def _check_folder(self):
        """Check that the folder is free, or continue the preparation in it."""
        out = self._out
        if (out / MANIFEST).exists():
            raise UserError(problem=f"{out} is prepared already", fix="Name another folder.", option="to")
        if (out / UNFINISHED).is_file():
            content = json.loads((out / UNFINISHED).read_text(encoding="utf-8"))
            if any(content["progress"]["shards"].values()) or content["state"] == self._state:
                self._continue(content)
                return
            (out / UNFINISHED).unlink()  # nothing is lost: it has no shard, and other settings
            shutil.rmtree(out / PREPROCESSING, ignore_errors=True)
            for path in out.glob(".*.part"):
                path.unlink()
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UserError(problem=f"{out} exists and is not empty", fix="Name another folder.", option="to")

    def _continue(self, content):
        if changed := [key for key, value in self._state.items() if content["state"].get(key) != value]:
            problem = f"{self._out} is half prepared, but the {changed[0]} changed since"
            raise UserError(problem=problem, fix="Remove it, or name another folder.", option="to")
        self._progress = content["progress"]
        count = sum(entry["consumed"] for shards in self._progress["shards"].values() for entry in shards)
        self._console.log(f"Continuing in {self._out}: {count:,} examples are in complete shards")

    def _save_progress(self):
        content = {"state": self._state, "progress": self._progress}
        replace_file(self._out / UNFINISHED, json.dumps(content).encode())
        to_disk(self._out / UNFINISHED)

    def _learn(self):
        """Learn the preprocessing from train, or load it if that is done already."""
        folder = self._out / PREPROCESSING
        if self._progress["examples"] is None:
            self._console.log("Learning the preprocessing from train")
            dataset = self._task.dataset(self._recipe)
            preprocessing = dataset.learn()
            try:
                self._out.mkdir(parents=True, exist_ok=True)
                self._save_progress()
            except OSError as error:
                problem = f"{self._out} cannot be written: {error.strerror}"
                raise UserError(problem=problem, fix="Name another folder.", option="to") from error
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            preprocessing.save(folder)
            to_disk(folder)
            self._progress["examples"] = dict(dataset.streamed)
            self._save_progress()
        return self._task.preprocessing.load(folder, None)

    def _raw_every(self, split, dataset):
        count = self._progress["examples"][split]
        return math.ceil(count / dataset.max_raw_train) if split == "train" else 1

    def _writer(self, split, dataset):
        every = self._raw_every(split, dataset)
        return SplitWriter(self._out, split, dataset, every, self._progress, self._save_progress)


class SplitWriter:
    """Encodes the examples of one split and writes them into shards.

    Args:
        folder: path of the prepared data.
        split: name of the split.
        dataset: `Dataset` with the preprocessing, whose `piece` encodes a chunk of examples.
        raw_every: every how many examples one is kept as it was.
        progress: the columns, and a list of dicts for each split, one per complete shard; it continues after
            them, and appends to them.
        save: function that is called after each shard.

    Attributes:
        records: number of records that were encoded.
        digest: SHA-256 of the content.
        skipped_before: reason to number of examples that are missing in the complete shards.
    """

    def __init__(self, folder, split, dataset, raw_every, progress, save):
        self._folder, self._split, self._dataset, self._save = folder, split, dataset, save
        self._raw_every, self._progress, self._entries = raw_every, progress, progress["shards"][split]
        self._complete = sum(entry["consumed"] for entry in self._entries)
        self._dropped_before = {index for entry in self._entries for index in entry["dropped"]}
        self.skipped_before = Counter()
        for entry in self._entries:
            self.skipped_before.update(entry["skipped"])
        self._waiting, self._size, self._read, self._seen = [], 0, 0, 0
        self._start_shard()
        self.records, self.digest = 0, hashlib.sha256()

    def _start_shard(self):
        self._chunks, self._raw, self._truncations = [], [], []
        self._consumed, self._count, self._dropped, self._skipped = 0, 0, [], Counter()

    @property
    def shards(self):
        """List of `Shard`."""
        return [Shard(*entry["shard"]) for entry in self._entries]

    @property
    def truncations(self):
        """List of `Truncation` of the split."""
        return _add_truncations([Truncation(*one) for one in entry["truncations"]] for entry in self._entries)

    @property
    def count(self):
        """Number of examples, as `Dataset.count` counts them."""
        return sum(entry["count"] for entry in self._entries)

    def add(self, example):
        """Add an example."""
        self._waiting.append(example)
        self._size += _size_of(example)
        if len(self._waiting) == min(CHUNK_EXAMPLES, self._dataset.max_chunk) or self._size >= CHUNK_BYTES:
            self._encode_chunk()

    def finish(self):
        """Encode the rest, and write the last shard."""
        if self._waiting:
            self._encode_chunk()
        if self._chunks:
            self._write()

    def _encode_chunk(self):
        chunk, split, piece = self._waiting, self._split, self._dataset.piece()
        first, self._read = self._read, self._read + len(chunk)
        self._waiting, self._size = [], 0
        is_complete = first < self._complete
        if is_complete:
            examples = [one for n, one in enumerate(chunk, start=first) if n not in self._dropped_before]
        else:
            before = Counter(piece.invalid.skipped)
            examples = piece.drop_unusable(split, chunk)
            kept = set(map(id, examples))
            self._dropped += [n for n, one in enumerate(chunk, start=first) if id(one) not in kept]
            self._skipped.update(piece.invalid.skipped - before)
            self._consumed += len(chunk)
        piece.splits[split] = piece.collect(examples)
        update_digest(self.digest, piece.fingerprint(split))
        self.records += piece.count_records(piece.splits[split])
        first, self._seen = self._seen, self._seen + len(examples)
        if examples and not is_complete:
            self._add_chunk(piece, examples, first)

    def _add_chunk(self, piece, examples, first):
        piece.encoded[self._split] = piece.encode(self._split)
        columns = piece.columns(self._split)
        self._progress["columns"] = {name: ColumnSpec.of(column) for name, column in columns.items()}
        self._raw += [
            json.dumps(piece.to_json(self._split, example))
            for number, example in enumerate(examples, start=first)
            if number % self._raw_every == 0
        ]
        self._chunks.append(columns)
        self._truncations.append(piece.truncations(self._split))
        self._count += piece.count(self._split)
        if sum(column.values.nbytes for chunk in self._chunks for column in chunk.values()) >= SHARD_BYTES:
            self._write()

    def _write(self):
        columns = {
            name: Column(*(_concatenate([chunk[name][i] for chunk in self._chunks]) for i in (0, 1)))
            for name in self._progress["columns"]
        }
        name = f"{self._split}-{len(self._entries):05}"
        entry = {
            "shard": write_shard(self._folder, name, columns, self._raw),
            "consumed": self._consumed,
            "dropped": self._dropped,
            "skipped": self._skipped,
            "truncations": [list(one) for one in _add_truncations(self._truncations)],
            "count": self._count,
        }
        self._entries.append(entry)
        self._save()
        self._start_shard()


def _concatenate(arrays):
    return None if arrays[0] is None else np.concatenate(arrays)


def _add_truncations(lists):
    """Add the numbers of the `Truncation` of several pieces, each with the same list of kinds."""
    return [
        kinds[0]._replace(longer=sum(one.longer for one in kinds), total=sum(one.total for one in kinds))
        for kinds in zip(*lists)
    ]


def _size_of(value):
    """Approximate bytes of an example."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, (list, tuple)):
        return sum(map(_size_of, value))
    return getattr(value, "nbytes", 8)


def _digest_of_files(path):
    """SHA-256 of the names, sizes and times of change of the files of a data path; None without a path."""
    if path is None:
        return None
    path = Path(path).expanduser()
    files = [path] if path.is_file() else [file for file in sorted(path.rglob("*")) if file.is_file()]
    states = ((os.path.relpath(file, path), file.stat()) for file in files)
    return sha256_of_texts(f"{name} {state.st_size} {state.st_mtime_ns}\n" for name, state in states)
