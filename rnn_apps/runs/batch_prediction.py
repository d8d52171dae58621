"""Predictions for any number of inputs: streamed, written in shards, and continued after an interruption."""

import os
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from rnn_apps.errors import UserError, shown
from rnn_apps.runs.batch_inputs import BatchInputs
from rnn_apps.runs.batch_outputs import FORMATS, Names, Progress, ShardFiles

SHARD_SIZE = 10_000
_BATCH = 256  # inputs of similar length that are predicted together


class Inputs(NamedTuple):
    """Where the inputs of a batch prediction are.

    Args:
        patterns: list of paths or patterns.
        column: name of the column with the texts, or None.
        shard_size: number of inputs whose answers are in one shard.
    """

    patterns: list
    column: str | None
    shard_size: int

    def open(self, predictor):
        """Return the `BatchInputs`."""
        return BatchInputs(self.patterns, predictor, self.column)

    def chunks(self, inputs):
        """Yield (number of the shard, list of its `BatchInput`) of what `open` returned."""
        return enumerate(_batched(inputs, self.shard_size))


def predict_files(predictor, identity, given, out, console, format, options, beam=None):
    """Predict all inputs of files; see `rnn_apps.runs.Run.predict_files`.

    Args:
        predictor: `Predictor`.
        identity: what identifies the network, a JSON value.
        given: `Inputs`.
        out, format: as of `Run.predict_files`.
        console: as in `run`.
        options: options of `Predictor.predict`.
        beam: function from a `ShardWriter` and the number of the first shard that is missing, which predicts
            the missing shards in other processes; None to predict all in this process.

    Returns:
        `BatchResult`.
    """
    _check_arguments(out, format, given.shard_size)
    inputs = given.open(predictor)
    format = format or ("csv" if inputs.are_csv else "jsonl")
    inputs.check_outside(f"{out}-00000-of-00001.{format}")
    columns, total = inputs.column_names(), sum(1 for _ in inputs)
    if not total:
        raise UserError("inputs", received="no record", expected="at least one", fix="Check the files.")
    settings = {
        "network": identity,
        "inputs": inputs.facts(),
        "column": given.column,
        "format": format,
        "shard_size": given.shard_size,
        "options": options,
    }
    with _locked(Path(out)):
        progress = Progress(out, settings)
        files = ShardFiles(str(out), -(-total // given.shard_size), format)
        writer = ShardWriter(files, Names(columns, progress.answers, format), options)
        resumed = len(progress.shards)
        try:
            if written := resumed + files.num_notes():
                console.log(f"{written} of {files.num_shards} shards were written before")
            console.step(0, total, {})
            _write_all(predictor, given.chunks(inputs), progress, writer, console, total, beam)
        except (KeyboardInterrupt, SystemExit):
            console.close()
            written = f"{len(progress.shards) + files.num_notes()} of {files.num_shards} shards are written"
            console.log(f"Stopped. The same command continues: {written}.")
            raise
        progress.finish()
    return progress.result(resumed)


def _write_all(predictor, chunks, progress, writer, console, total, beam):
    """Write the shards that are missing; see `predict_files`."""
    files, resumed = writer.files, len(progress.shards)
    done, on_beam = 0, False
    for number, chunk in chunks:
        done += len(chunk)
        if number >= resumed:
            shard = files.take(number)
            if shard is None and beam is not None and writer.names.answers is not None:
                beam(writer, number)
                beam, shard, on_beam = None, files.take(number), True
            if on_beam and shard is None:
                console.log(f"No worker has written shard {number}: it is predicted here")
            progress.add(shard or writer.write(number, chunk, predictor), writer.names.answers)
        console.step(done, total, {})
    console.close()


class ShardWriter(NamedTuple):
    """Predicts the inputs of a shard, and writes its files.

    Args:
        files: `ShardFiles`.
        names: `Names`.
        options: options of `Predictor.predict`.
    """

    files: ShardFiles
    names: Names
    options: dict

    def write(self, number, chunk, predictor):
        """Return what `ShardFiles.write` returns."""
        return self.files.write(number, *self.names.contents(*self.predict(chunk, predictor)))

    def predict(self, chunk, predictor):
        """Return the pairs of inputs and answers, in order, and the pairs of invalid inputs and reasons."""
        return _predict(predictor, chunk, self.options)


def _check_arguments(out, format, shard_size):
    if format is not None and format not in FORMATS:
        raise UserError(received=shown(format), expected=" or ".join(FORMATS), option="format")
    if isinstance(shard_size, bool) or not isinstance(shard_size, int) or shard_size < 1:
        raise UserError(received=shown(shard_size), expected="a whole number from 1 on", option="shard_size")
    if not Path(out).name or str(out).endswith(("/", os.sep)) or Path(out).is_dir():
        expected = "the beginning of the names of files, such as answers/reviews"
        raise UserError(received=f"the folder {out}", expected=expected, option="out")


@contextmanager
def _locked(out):
    """Context manager that makes the folder of a prefix, and keeps other processes from using the prefix."""
    path = out.with_name(f".{out.name}.lock")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=0)
        lock.acquire()
    except Timeout as error:
        problem = f"another process writes files with the prefix {out}"
        raise UserError(problem=problem, fix="Wait for it, or name another prefix.", option="out") from error
    except OSError as error:
        problem = f"{out.parent} cannot be written to: {error.strerror}"
        raise UserError(problem=problem, fix="Name another prefix.", option="out") from error
    try:
        yield
    finally:
        lock.release()
        path.unlink(missing_ok=True)


def _batched(items, size):
    """Yield lists of `size` consecutive items; the last may be shorter."""
    items = iter(items)
    while some := list(islice(items, size)):
        yield some


def _predict(predictor, chunk, options):
    """Return the pairs of inputs and answers, in order, and the pairs of invalid inputs and reasons."""
    answers, reasons = {}, {i: one.problem for i, one in enumerate(chunk) if one.problem}
    order = sorted((i for i in range(len(chunk)) if i not in reasons), key=lambda i: len(chunk[i].raw))
    for some in _batched(order, _BATCH):
        try:
            found = predictor.predict([chunk[i].raw for i in some], **options)
        except UserError as error:
            if error.option is not None:  # it is about an option, not about an input
                raise
            found = []
        if len(found) == len(some):
            answers |= {i: [answer] for i, answer in zip(some, found)}
            continue
        for i in some:  # an input cannot be read, or one has several answers: a table of several streams
            try:
                answers[i] = predictor.predict([chunk[i].raw], **options)
            except UserError as error:
                reasons[i] = str(error)
    key = predictor.input_key
    rows = [(chunk[i], _flat(answer, key)) for i in sorted(answers) for answer in answers[i]]
    return rows, [(chunk[i], reasons[i]) for i in sorted(reasons)]


def _flat(answer, input_key):
    """An answer with one entry per class in place of a dict, and without the input itself."""
    flat = {}
    for name, value in answer.items():
        if isinstance(value, dict):
            prefix = "probability_" if name == "probabilities" else f"{name}."
            flat |= {f"{prefix}{key}": inner for key, inner in value.items()}
        elif name != input_key:
            flat[name] = value
    return flat
