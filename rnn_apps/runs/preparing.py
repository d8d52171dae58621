"""Prepares data that is larger than memory: one pass learns the preprocessing, one encodes into shards."""

import hashlib
import json
import math
import os
import shutil
from contextlib import suppress
from pathlib import Path

from rnn_apps.data.prepared import (
    BLOCKS,
    ENDINGS,
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
from rnn_apps.data.splits import SPLIT_NAMES
from rnn_apps.data.tfds_source import SourceUnavailable
from rnn_apps.disk import replace_file, sha256_of, sha256_of_texts, to_disk, update_digest
from rnn_apps.errors import Setting, UserError
from rnn_apps.recipe import with_data
from rnn_apps.runs.blocks import Block, Chunk, add_truncations, consumed_in, read_chunks
from rnn_apps.runs.console import PrintConsole, log_to_console
from rnn_apps.tasks import find_task

LAYOUT = 2  # of half prepared folders


def prepare_data(recipe, out, console=None, beam=None):
    """Turn the data of a recipe into shards of encoded examples, in bounded memory.

    An interrupted preparation continues after its last complete shards.

    Args:
        recipe: `Recipe`.
        out: folder to write: new, empty, or half prepared from the same data with the same settings.
        console: receives progress; prints lines by default.
        beam: `rnn_apps.runs.beam.BeamJob` whose workers encode; None for this process.

    Returns:
        `PreparedData`.

    Raises:
        UserError: if the folder is not free, or the data or its task cannot be prepared.
    """
    console = console or PrintConsole()
    try:
        with log_to_console(console):
            return _Preparation(recipe, Path(out), console).run(beam)
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
        state = {"layout": LAYOUT, "task": recipe.task, "settings": dataset.encoding_settings()}
        state["data"] = {"source": recipe.data.source, "files": _digest_of_files(recipe.data.path)}
        if recipe.data.source == "sample":
            state["data"]["sample"] = [recipe.seed, recipe.data.sample_size]
        self._state = json.loads(json.dumps(state))
        self._num_examples = None  # by split; known when the preprocessing is learned

    def run(self, beam=None):
        """Prepare, and return the `PreparedData`."""
        self._check_folder()
        preprocessing = self._learn()
        if beam is not None:
            self._encode_on_beam(beam)
        dataset = self._task.dataset(self._recipe, preprocessing)
        dataset.complete_preprocessing()
        splits, records = {split: _Split() for split in SPLIT_NAMES}, 0
        for chunk, block in _blocks(dataset, self._out, self._num_examples, log=self._log_progress):
            split = splits[chunk.split]
            if not split.blocks or block is not split.blocks[-1]:
                split.blocks.append(block)
                if beam is not None and not block.is_complete:
                    self._console.log(f"No worker has completed {block.name}: it is encoded here")
            piece = block.add(chunk, dataset)
            update_digest(split.digest, piece.fingerprint(chunk.split))
            records += piece.count_records(piece.splits[chunk.split])
        for block in (block for split in splits.values() for block in split.blocks):
            dataset.invalid.skipped.update(block.skipped_before)
        dataset.invalid.check_fraction(dataset.source_name, records)
        return self._complete(dataset, splits)

    def _encode_on_beam(self, beam):
        import apache_beam

        path = self._recipe.data.path
        absolute = None if path is None else os.path.abspath(os.path.expanduser(path))
        recipe = self._recipe if path is None else with_data(self._recipe, absolute)
        self._console.log(f"Encoding in {beam}")
        part = _EncodePart(recipe, os.path.abspath(self._out), beam.workers)
        beam.run(lambda workers: workers | apache_beam.Map(part))

    def _log_progress(self, done, total):
        if total >= 100_000:
            self._console.log(f"Encoded {done:,} of {total:,} examples")

    def _complete(self, dataset, splits):
        files = [path for path in sorted((self._out / PREPROCESSING).iterdir()) if path.is_file()]
        blocks = (block for split in splits.values() for block in split.blocks if block.columns)
        columns = next(blocks).columns
        found = {
            name: PreparedSplit(
                [Shard(*entry["shard"]) for entry in split.entries if entry["shard"]],
                [list(one) for one in add_truncations(e["truncations"] for e in split.entries if e["shard"])],
                _raw_every(name, dataset, self._num_examples),
                sum(entry["count"] for entry in split.entries),
            )
            for name, split in splits.items()
        }
        prepared = PreparedData(
            self._out,
            self._recipe.task,
            self._state["settings"],
            dataset.source_name,
            combined_digest({name: split.digest.hexdigest() for name, split in splits.items()}),
            dataset.skipped,
            {name: ColumnSpec(*spec) for name, spec in columns.items()},
            found,
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
            content = _read_state(out / UNFINISHED)
            has_shards = any(out.glob(f"*{ENDINGS[0]}"))
            changed = [key for key, value in self._state.items() if content["state"].get(key) != value]
            if changed and has_shards:
                problem = f"{out} is half prepared, but the {changed[0]} changed since"
                raise UserError(problem=problem, fix="Remove it, or name another folder.", option="to")
            if not changed:
                self._continue(content)
                return
            self._console.log(
                f"Starting again in {out}: it has no complete shard, and the {changed[0]} changed"
            )
            (out / UNFINISHED).unlink()
            for folder in (PREPROCESSING, BLOCKS):
                shutil.rmtree(out / folder, ignore_errors=True)
            for path in out.glob(".*.part"):
                path.unlink()
        above = next((parent for parent in out.absolute().parents if parent.exists()), None)
        if above is not None and not above.is_dir():
            raise UserError(
                problem=f"{above} is a file, not a folder", fix="Name another folder.", option="to"
            )
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UserError(problem=f"{out} exists and is not empty", fix="Name another folder.", option="to")

    def _continue(self, content):
        self._num_examples = content.get("examples")
        count = sum(map(consumed_in, (self._out / BLOCKS).glob("*.json")))
        self._console.log(f"Continuing in {self._out}: {count:,} examples are in complete shards")

    def _save_progress(self):
        content = {"state": self._state, "examples": self._num_examples}
        replace_file(self._out / UNFINISHED, json.dumps(content).encode())
        to_disk(self._out / UNFINISHED)

    def _learn(self):
        """Learn the preprocessing from train, or load it if that is done already."""
        folder = self._out / PREPROCESSING
        if self._num_examples is None:
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
            (self._out / BLOCKS).mkdir(exist_ok=True)
            self._num_examples = dict(dataset.streamed)
            self._save_progress()
        return self._task.preprocessing.load(folder, None)


def _blocks(dataset, folder, num_examples, wants=lambda split, number: True, log=lambda done, total: None):
    """Yield each `Chunk` of the data with its `Block`, which is finished after its last chunk.

    Args:
        dataset: `Dataset` with the preprocessing.
        folder: path of the prepared data.
        num_examples: split name to number of raw examples.
        wants: function that returns whether the block of a split with a number is yielded.
        log: function that is called, at most 20 times, with the number of examples so far and of all.
    """
    blocks, done, total = {}, 0, sum(num_examples.values())
    for found in read_chunks(dataset.stream(), dataset.max_chunk):
        if not isinstance(found, Chunk):
            if found in blocks:
                blocks.pop(found).finish()
            continue
        before, done = done, done + len(found.examples)
        if done * 20 // total > before * 20 // total:
            log(done, total)
        key = (found.split, found.block)
        if wants(*key):
            if key not in blocks:
                blocks[key] = Block(folder, *key, _raw_every(found.split, dataset, num_examples))
            yield found, blocks[key]


def _read_state(path):
    """Return the state of a half prepared folder, from the path of its file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        content["state"].keys()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        fix = "Remove the folder, or name another one."
        raise UserError(str(path), "damaged", expected="the state of a preparation", fix=fix) from error
    return content


def _raw_every(split, dataset, num_examples):
    return math.ceil(num_examples[split] / dataset.max_raw_train) if split == "train" else 1


class _EncodePart:
    """Encodes, in a worker of Beam, one in `workers` blocks of data whose preprocessing is learned.

    An invalid record ends it; the process that started the workers then finds it again, and reports it.

    Args:
        recipe: `Recipe`, with an absolute path.
        folder: absolute path of the prepared data.
        workers: number of workers.
    """

    def __init__(self, recipe, folder, workers):
        self._recipe, self._folder, self._workers = recipe, Path(folder), workers

    def __call__(self, worker):
        task = find_task(self._recipe.task)
        num_examples = _read_state(self._folder / UNFINISHED)["examples"]
        dataset = task.dataset(self._recipe, task.preprocessing.load(self._folder / PREPROCESSING, None))
        dataset.complete_preprocessing()

        def is_mine(split, number):
            return (number + [*SPLIT_NAMES].index(split)) % self._workers == worker

        with suppress(UserError):
            for chunk, block in _blocks(dataset, self._folder, num_examples, is_mine):
                if not block.is_complete:
                    block.add(chunk, dataset)


class _Split:
    """The blocks of a split, and the digest of its content."""

    def __init__(self):
        self.blocks, self.digest = [], hashlib.sha256()

    @property
    def entries(self):
        """The entries of all blocks, in order."""
        return [entry for block in self.blocks for entry in block.entries]


def _digest_of_files(path):
    """SHA-256 of the names, sizes and times of change of the files of a data path; None without a path."""
    if path is None:
        return None
    path = Path(path).expanduser()
    files = [path] if path.is_file() else [file for file in sorted(path.rglob("*")) if file.is_file()]
    states = ((os.path.relpath(file, path), file.stat()) for file in files)
    return sha256_of_texts(f"{name} {state.st_size} {state.st_mtime_ns}\n" for name, state in states)
