"""The format for microcontrollers: one step of a network in integers, as C source for TFLM."""

import json
import os
import platform
import shlex
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from rnn_apps.data.files import csv_bytes
from rnn_apps.errors import RnnAppsError, first_line
from rnn_apps.export.formats import ExportFormat
from rnn_apps.export.micro import client

HAS_TFLM = sys.platform == "linux" and platform.machine() == "x86_64"
UNKNOWN_ARENA = 32_768  # bytes, where it cannot be measured
NUM_COMPARED = 64  # steps that the network answers, too
NUM_TIMED = 300
ARENA_STEP = 256  # bytes
TOLERANCE = 1e-3
_README = """# {name}: one step of the network in {weights}

The network reads one step at a time: features and states in, outputs and new states out.

| file | content |
|---|---|
| `network.tflite` | the model, {bytes:,} bytes |
| `network.h`, `network.c` | the same model as an array, its scales, constants, and an example |
| `steps.c` | in C: raw step to features, integers to numbers, outputs to answer |
| `main.cc` | an example for TensorFlow Lite for Microcontrollers, which compares its answers with ours |
| `client.py`, `network.json` | the same in Python: `python client.py {example}` |

{operators}. {arena}

{table}

The score was measured on the whole test split, one step after another with carried states.
"""


class Micro(ExportFormat):
    """A folder with an integer model of one step, its C source, and a client."""

    name = extra = "micro"
    packages = ("ai_edge_litert", "tflite_micro") if HAS_TFLM else ("ai_edge_litert",)
    weights = {"int8": None, "int16x8": None}
    needs_data = True

    def unsupported(self, predictor):
        """Return why the network cannot run step by step, or None."""
        return predictor.stepwise_problem()

    def write(self, predictor, folder, weights="int8", steps=None, examples=None, dataset=None):
        """Write an export, and run it on the test split.

        Args:
            predictor, folder, weights, examples: as of `ExportFormat.write`.
            steps: not used: a step is the whole input.
            dataset: function that returns the `Dataset` of the run, with the splits train and test.

        Raises:
            RnnAppsError: an operation has no integer form, or the client's answers differ from the network's.
        """
        from rnn_apps.export.micro.c_source import write_c_source

        stepwise = predictor.stepwise(dataset())
        folder.mkdir()
        model, description, rows = _measure(stepwise, weights)
        (folder / "network.tflite").write_bytes(model)
        constants = {"kind": stepwise.kind, "constants": stepwise.constants, "measured": rows}
        description = {"weights": weights, **constants, **description}
        text = json.dumps(description, indent=1, ensure_ascii=False)
        (folder / "network.json").write_text(text + "\n", encoding="utf-8")
        shutil.copyfile(client.__file__, folder / "client.py")
        if stepwise.table is not None:
            np.save(folder / "table.npy", stepwise.table)
        network, reader = client.load(folder)
        example = stepwise.example if examples is None else stepwise.sequences("test")[0][:24]
        answers = client.stream(network, reader, example)
        write_c_source(folder, stepwise, description, model, (example, answers))
        shown = _write_example(folder, stepwise, example)
        text = _readme(predictor.recipe.name, description, len(model), rows, shown, stepwise.table)
        (folder / "README.md").write_text(text, encoding="utf-8")
        return [_result(rows, weights, len(model))]


def _result(rows, weights, size):
    from rnn_apps.export.verification import ExportResult

    (row,) = (row for row in rows if row["weights"] == weights)
    difference, agreement = row["difference"], row["agreement"]
    milliseconds = row["microseconds"] / 1000
    return ExportResult("network.tflite", size, difference, agreement, milliseconds, measured=tuple(rows))


def _measure(stepwise, wanted):
    """Convert the network in all types of weights, and stream the test split through each.

    Returns:
        Model and description of the type `wanted`, and a row of measurements for each type; only a note for
        another type that the network has no form of.
    """
    from rnn_apps.export.micro import conversion

    frozen, reader = conversion.freeze(stepwise), _reader(stepwise)
    rows, samples, truth = [], (), None
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "network.tflite"
        for weights in ("float32", *Micro.weights):
            try:
                path.write_bytes(conversion.convert(frozen, weights, samples))
                description = conversion.describe(path)
                network = client.Network(client.LiteRT(path), description)
                if weights == "float32":
                    _compare(stepwise, network, reader)
                    samples = conversion.collect_samples(
                        network, reader, conversion.excerpts(stepwise.sequences("train"))
                    )
                answers, row = _row(stepwise, weights, path, description, truth)
            except RnnAppsError as error:
                if weights in ("float32", wanted):
                    raise
                rows.append({"weights": weights, "note": first_line(error)})
                continue
            rows.append(row)
            truth = answers if truth is None else truth
            if weights == wanted:
                chosen = path.read_bytes(), description
    return *chosen, rows


def _reader(stepwise):
    """Return the client's reader, with the constants as it will read them from network.json."""
    return client.READERS[stepwise.kind](json.loads(json.dumps(stepwise.constants)), stepwise.table)


def _row(stepwise, weights, path, description, truth):
    """Return the answers of a model to the test split, and its measurements.

    The size of the arena is added to its description.

    Args:
        stepwise: `StepwiseNetwork`.
        weights: type of the weights.
        path: path of the model.
        description: its description.
        truth: answers of the model in float32; None if it is this one.
    """
    runtime, reader, test = client.LiteRT(path), _reader(stepwise), stepwise.sequences("test")
    answers = _stream(client.Network(runtime, description), reader, test)
    name, score = stepwise.score(answers)
    zeros = [np.zeros((1, one["size"]), one["type"]) for one in description["inputs"]]
    row = {"weights": weights, name: score, **_agreement(stepwise, truth or answers, answers)}
    row |= {"bytes": path.stat().st_size, "microseconds": _microseconds(runtime, zeros)}
    if HAS_TFLM and weights != "float32":
        answers_there = _stream(client.Network(_tflm(path), description), reader, test)
        row |= {f"{name} in TFLM": stepwise.score(answers_there)[1]}
        row["arena"] = description["arena"] = _arena(path, zeros)
    description["arena_bytes"] = -(-description.get("arena", UNKNOWN_ARENA) // 1024) * 1024
    return answers, row


def _tflm(path):
    """Return the file in TFLM.

    Raises:
        RnnAppsError: TFLM lacks an operation.
    """
    try:
        return client.TFLM(path)
    except Exception as error:
        problem = "TensorFlow Lite for Microcontrollers cannot run it"
        raise RnnAppsError(f"network.tflite: {problem} ({error}); it was not kept.") from error


def _compare(stepwise, network, reader):
    """Raise RnnAppsError unless the client gives the network's own answers in float32."""
    from rnn_apps.models.example_inputs import relative_difference

    sequence = stepwise.sequences("test")[0][:NUM_COMPARED]
    difference = relative_difference(stepwise.answers(sequence), client.stream(network, reader, sequence))
    if not difference <= TOLERANCE:
        problem = f"the answers of its client differ from the network's by {difference:.1e}"
        fix = "If the training data has changed since, train again."
        raise RnnAppsError(f"client.py: {problem}, more than {TOLERANCE:.0e}; it was not kept. {fix}")


def _stream(network, reader, sequences):
    """Return the answers to all sequences."""
    return [client.stream(network, reader, sequence) for sequence in sequences]


def _microseconds(runtime, sample):
    """Return the median microseconds of a step in LiteRT, on this computer."""
    times = []
    for _ in range(NUM_TIMED):
        start = time.perf_counter()
        runtime.run(sample)
        times.append(1e6 * (time.perf_counter() - start))
    return float(np.median(times))


def _agreement(stepwise, truth, answers):
    """Return the largest relative difference of the answers, and how often the highest output is the same."""
    from rnn_apps.models.example_inputs import relative_difference

    difference = max(relative_difference(*pair) for pair in zip(truth, answers))
    same = None
    if stepwise.kind != "forecasts":
        equal = [(one.argmax(-1) == other.argmax(-1)) for one, other in zip(truth, answers)]
        same = float(np.concatenate(equal).mean())
    return {"difference": float(difference), "agreement": same}


def _arena(path, sample):
    """Return the bytes of the smallest arena, in steps of `ARENA_STEP`, with which TFLM runs a file."""
    too_small, enough = 0, 1 << 24
    with _quiet():
        while enough - too_small > ARENA_STEP:
            size = (too_small + enough) // 2 // ARENA_STEP * ARENA_STEP
            try:
                client.TFLM(path, size).run(sample)
            except RuntimeError:
                too_small = size
            else:
                enough = size
    return enough


@contextmanager
def _quiet():
    """Context manager without the error stream, to which TFLM prints."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _write_example(folder, stepwise, example):
    """Return the argument of an example command, for which a file may be written."""
    if stepwise.kind in ("labels", "forecasts"):
        rows = [["" if np.isnan(value) else f"{value:.7g}" for value in row] for row in example]
        (folder / "example.csv").write_bytes(csv_bytes(stepwise.constants["columns"], rows))
        return "example.csv"
    first, tokens = stepwise.constants["first"], stepwise.constants["tokens"]
    if stepwise.kind == "text":
        first = client.Text.FIRST
    words = [tokens[int(step[0]) - first] for step in example if step[0] >= first]
    return shlex.quote(("" if stepwise.constants.get("unit") == "character" else " ").join(words))


def table_of(rows):
    """Return the measurements as a header and rows of text."""
    units = {"arena": "arena, bytes", "microseconds": "µs per step here", "agreement": "same highest output"}
    named = [name for row in rows for name, value in row.items() if value is not None]
    names = [name for name in dict.fromkeys(named) if name != "difference"]

    def text(name, value):
        if value is None:
            return "-"
        if name == "agreement":
            return f"{100 * value:.1f} %"
        digits = 1 if name == "microseconds" else 4
        return f"{value:.{digits}f}" if isinstance(value, float) else str(value)

    table = [[text(name, row.get(name)) for name in names] for row in rows]
    return [units.get(name, name) for name in names], table


def _table_bytes(description, table):
    if table is None:
        return ""
    size = table.size * np.dtype(description["inputs"][0]["type"]).itemsize
    return f". The features of {len(table):,} tokens in `network.c` take {size:,} bytes more"


def _readme(name, description, size, rows, example, table):
    header, texts = table_of(rows)
    lines = [header, ["---"] * len(header), *texts]
    operators = ", ".join(f"{one} x {n}" for one, n in description["operators"].items())
    arena = "The arena was not measured: tflite-micro has packages for Linux on x86-64 only."
    if "arena" in description:
        measured = f"{description['arena']:,} bytes on a 64-bit computer; a 32-bit board needs less"
        arena = f"The arena takes {measured}."
    return _README.format(
        name=name,
        weights=description["weights"],
        bytes=size,
        example=example,
        operators=f"Operations: {operators}{_table_bytes(description, table)}",
        arena=arena,
        table="\n".join(f"| {' | '.join(line)} |" for line in lines),
    )
