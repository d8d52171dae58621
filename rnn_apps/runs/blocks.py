"""Blocks of prepared data: examples that are encoded and written into shards independently of all others."""

import json
import logging
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnn_apps.data.columns import Column
from rnn_apps.data.prepared import BLOCKS, ColumnSpec, Shard
from rnn_apps.data.shards import find_damage, write_shard
from rnn_apps.disk import replace_file, to_disk
from rnn_apps.errors import UserError
from rnn_apps.tasks.truncation import Truncation

_log = logging.getLogger(__name__)
CHUNK_EXAMPLES, CHUNK_BYTES = 16_384, 4 * 2**20  # raw examples that are encoded together
BLOCK_CHUNKS = 16  # at most 262,144 texts, or 1,024 images
SHARD_BYTES = 16 * 2**20  # of decoded columns, from which a shard is complete
_KEYS = {"consumed", "kept", "dropped", "count", "shard", "skipped", "truncations"}  # of an entry


class Chunk(NamedTuple):
    """Consecutive examples of a split that are encoded together.

    Args:
        split: name of the split.
        block: number of its block in the split.
        first: index of its first example in the block.
        examples: list of raw examples.
    """

    split: str
    block: int
    first: int
    examples: list


def read_chunks(stream, max_chunk):
    """Yield the `Chunk`s of a stream, and (split, block) in place of a chunk when a block is complete.

    Args:
        stream: iterable of (split, example), such as `Dataset.stream`.
        max_chunk: maximum number of examples in a chunk.
    """
    collectors = {}
    for split, example in stream:
        collector = collectors.setdefault(split, _Collector(split, min(CHUNK_EXAMPLES, max_chunk)))
        yield from collector.add(example)
    for collector in collectors.values():
        yield from collector.finish()


class _Collector:
    """Collects the examples of one split into chunks; chunks and blocks depend on nothing else."""

    def __init__(self, split, max_chunk):
        self._split, self._max_chunk = split, max_chunk
        self._block, self._num_chunks, self._first = 0, 0, 0
        self._examples, self._bytes = [], 0

    def add(self, example):
        self._examples.append(example)
        self._bytes += _size_of(example)
        if len(self._examples) == self._max_chunk or self._bytes >= CHUNK_BYTES:
            yield self._next_chunk()
            if self._num_chunks == BLOCK_CHUNKS:
                yield self._end_block()

    def finish(self):
        if self._examples:
            yield self._next_chunk()
        if self._num_chunks:
            yield self._end_block()

    def _next_chunk(self):
        chunk = Chunk(self._split, self._block, self._first, self._examples)
        self._num_chunks += 1
        self._first += len(chunk.examples)
        self._examples, self._bytes = [], 0
        return chunk

    def _end_block(self):
        ended = (self._split, self._block)
        self._block, self._num_chunks, self._first = self._block + 1, 0, 0
        return ended


class Block:
    """Encodes the chunks of a block, and writes them into shards.

    A file says which shards are complete; a block that was begun continues after them.

    Args:
        folder: path of the prepared data.
        split: name of the split.
        number: number of the block in the split.
        raw_every: every how many examples one is kept as it was.

    Attributes:
        name: name of the block, with which the names of its shards begin.
        is_complete: whether all chunks were written.
        columns: column name to the fields of its `ColumnSpec`, once a chunk was encoded.
        entries: list of dicts, one for each complete shard.
        skipped_before: reason to number of examples that are missing in shards written before.
    """

    def __init__(self, folder, split, number, raw_every):
        self._folder, self._split, self._raw_every = Path(folder), split, raw_every
        self.name = f"{split}-{number:05}"
        self._path = self._folder / BLOCKS / f"{self.name}.json"
        self.is_complete, self.columns, self.entries = False, {}, []
        if self._path.is_file():
            self.is_complete, self.columns, self.entries = _read(self._path)
            self._leave_out_damaged()
        self._written = sum(entry["consumed"] for entry in self.entries)
        self.skipped_before = Counter()
        for entry in self.entries:
            self.skipped_before.update(entry["skipped"])
        self._dropped_before = {index for entry in self.entries for index in entry["dropped"]}
        self._kept = sum(entry["kept"] for entry in self.entries)
        self._start_shard()

    def _leave_out_damaged(self):
        """Leave out the shards from the first one on that is missing or damaged: they are encoded again."""
        for number, entry in enumerate(self.entries):
            damaged = entry["shard"] and find_damage(self._folder, Shard(*entry["shard"]))
            if damaged:
                _log.warning("%s is missing or damaged: it is encoded again", damaged)
                self.is_complete, self.entries = False, self.entries[:number]
                return

    def _start_shard(self):
        self._chunks, self._raw, self._truncations = [], [], []
        self._entry = {"consumed": 0, "kept": 0, "dropped": [], "count": 0}
        self._skipped = Counter()

    def add(self, chunk, dataset):
        """Encode a chunk, unless it is in a complete shard.

        Args:
            chunk: the next `Chunk`.
            dataset: `Dataset` with the preprocessing.

        Returns:
            The part of the dataset with the usable examples of this chunk, as `Dataset.piece` returns it.
        """
        split, piece = self._split, dataset.piece()
        numbered = enumerate(chunk.examples, start=chunk.first)
        if chunk.first < self._written:
            usable = [example for number, example in numbered if number not in self._dropped_before]
        else:
            before = Counter(piece.invalid.skipped)
            usable = piece.drop_unusable(split, chunk.examples)
            kept = set(map(id, usable))
            self._entry["dropped"] += [number for number, example in numbered if id(example) not in kept]
            self._entry["consumed"] += len(chunk.examples)
            self._skipped.update(piece.invalid.skipped - before)
        piece.splits[split] = piece.collect(usable)
        if usable and chunk.first >= self._written:
            self._encode(piece, usable)
        return piece

    def _encode(self, piece, usable):
        piece.encoded[self._split] = piece.encode(self._split)
        columns = piece.columns(self._split)
        self.columns = {name: list(ColumnSpec.of(column)) for name, column in columns.items()}
        self._raw += [
            json.dumps(piece.to_json(self._split, example))
            for number, example in enumerate(usable, start=self._kept)
            if number % self._raw_every == 0
        ]
        self._kept += len(usable)
        self._entry["kept"] += len(usable)
        self._entry["count"] += piece.count(self._split)
        self._chunks.append(columns)
        self._truncations.append(piece.truncations(self._split))
        if sum(column.values.nbytes for chunk in self._chunks for column in chunk.values()) >= SHARD_BYTES:
            self._write()

    def finish(self):
        """Write the last shard, and note that the block is complete."""
        if self.is_complete:
            return
        if self._chunks:
            self._write()
        elif self._entry["consumed"]:  # nothing of it was usable
            self._append(None)
        self.is_complete = True
        self._save()

    def _write(self):
        columns = {
            name: Column(*(_concatenate([chunk[name][i] for chunk in self._chunks]) for i in (0, 1)))
            for name in self.columns
        }
        name = f"{self.name}-{len(self.entries):03}"
        self._append(write_shard(self._folder, name, columns, self._raw))

    def _append(self, shard):
        sums = [list(one) for one in add_truncations(self._truncations)]
        self.entries.append({**self._entry, "shard": shard, "skipped": self._skipped, "truncations": sums})
        self._save()
        self._start_shard()

    def _save(self):
        content = {"complete": self.is_complete, "columns": self.columns, "entries": self.entries}
        replace_file(self._path, json.dumps(content).encode())
        to_disk(self._path)


def consumed_in(path):
    """Return the number of raw examples in the complete shards of a block, from the path of its file."""
    *_, entries = _read(path)
    return sum(entry["consumed"] for entry in entries)


def _read(path):
    """Return whether a block is complete, its columns and its entries, from the path of its file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        is_complete, columns, entries = (content[key] for key in ("complete", "columns", "entries"))
        if not all(entry.keys() >= _KEYS for entry in entries):
            raise ValueError("keys")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        fix = "Remove the folder, or name another one."
        raise UserError(str(path), "damaged", expected="the complete shards of a block", fix=fix) from error
    return is_complete, columns, entries


def _concatenate(arrays):
    return None if arrays[0] is None else np.concatenate(arrays)


def add_truncations(lists):
    """Add the numbers of the `Truncation` of several parts, each with the same list of kinds."""
    return [
        kinds[0]._replace(longer=sum(one.longer for one in kinds), total=sum(one.total for one in kinds))
        for kinds in zip(*([Truncation(*one) for one in kinds] for kinds in lists))
    ]


def _size_of(value):
    """Approximate bytes of an example."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, (list, tuple)):
        return sum(map(_size_of, value))
    return getattr(value, "nbytes", 8)
