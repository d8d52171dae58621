"""Tests the format for microcontrollers: every cell, refusals, the client, and the C code."""

import ctypes
import json
import re
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import rnn_apps
from rnn_apps.errors import RnnAppsError, UserError
from rnn_apps.export import export_model
from rnn_apps.export.micro import client, conversion
from rnn_apps.export.micro.c_source import write_c_source
from rnn_apps.export.micro.format import HAS_TFLM
from rnn_apps.layers import StackedRNN, get_cell, list_cells, register_cell
from rnn_apps.layers.recurrent_cell import RecurrentCell
from rnn_apps.tasks.stepwise import StepwiseNetwork, one_step

needs_tflm = pytest.mark.skipif(not HAS_TFLM, reason="tflite-micro has wheels for Linux on x86-64 only")
HAS_COMPILER = all(map(shutil.which, ("cc", "c++")))
needs_compiler = pytest.mark.skipif(not HAS_COMPILER, reason="no C and C++ compilers")
SETTINGS = {
    "data": {"sample": {"name": "vibration", "size": 100, "set": {}}},
    "model": {"units": [32]},
    "training": {"epochs": 2, "compile": False},
    "export": [],
    "views": False,
}
MOST = {"int8": 0.12, "int16x8": 0.03}  # difference from the network, of the largest output
MOST_NORMALIZED = {"int8": 0.6, "int16x8": 0.4}  # states of nearly equal values are divided by almost 0


@register_cell("leaky_for_micro")
class Leaky(RecurrentCell):
    """A leaky integrator with a learned leak, as in docs/cells.md."""

    gates = 1
    additive = True

    def step(self, z, r, states):
        """Mix the previous state and the new one."""
        return [0.9 * states[0] + 0.1 * keras.ops.tanh(z + r)]


CELLS = [name for name in list_cells() if get_cell(name).__module__.startswith("rnn_apps.")]
CELLS.append("leaky_for_micro")


def stepwise_of(cell, units=8, columns=3, classes=4):
    """A stepwise network with initial weights."""
    keras.utils.set_random_seed(1)
    stack = StackedRNN((units,), cell=cell, return_sequences=True, return_state=True)
    head = keras.layers.Dense(classes)
    stack.build((None, None, columns))
    head.build((None, None, units))
    zeros = stack.zero_states(1)
    sizes = tuple(state.shape[1] for state in keras.tree.flatten(zeros))
    constants = {"scale": [1.0] * columns, "offset": [0.0] * columns, "class_names": list("abcd")}
    example = np.random.default_rng(0).normal(size=(40, columns)).astype(np.float32)
    function = one_step(stack.forward_from_state, head, zeros)

    def answers(sequence):
        return head(stack.forward_from_state(sequence[None])[0]).numpy()[0]

    return StepwiseNetwork(
        "labels", constants, function, columns, sizes, lambda split: [example], answers, None, example
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on synthetic vibration."""
    folder = tmp_path_factory.mktemp("micro") / "run"
    return rnn_apps.run("frame_labelling", out=folder, overrides=SETTINGS)


@pytest.fixture(scope="module")
def exported(run):
    """The folder of its int8 export, and the measurements."""
    folder, (result,) = run.export("micro")
    return folder, {row["weights"]: row for row in result.measured}


def stream_all(folder, runtime, sequence):
    network, reader = client.load(folder, runtime)
    return client.stream(network, reader, sequence)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("weights", ["int8", "int16x8"])
def test_every_cell_becomes_integers_that_answer_as_the_network(cell, weights, tmp_path):
    stepwise, path = stepwise_of(cell), tmp_path / "network.tflite"
    reader, frozen = client.Labels(stepwise.constants), conversion.freeze(stepwise)
    path.write_bytes(conversion.convert(frozen, "float32"))
    floats = client.Network(client.LiteRT(path), conversion.describe(path))
    truth = stepwise.answers(stepwise.example)
    assert client.stream(floats, reader, stepwise.example) == pytest.approx(truth, abs=1e-4)
    samples = conversion.collect_samples(floats, reader, [stepwise.example])
    path.write_bytes(conversion.convert(frozen, weights, samples))
    runtimes = [client.LiteRT(path), *([client.TFLM(path)] if HAS_TFLM else [])]
    most = (MOST_NORMALIZED if "norm" in cell else MOST)[weights]
    for runtime in runtimes:
        answers = client.stream(client.Network(runtime, conversion.describe(path)), reader, stepwise.example)
        assert np.abs(answers - truth).max() <= most * np.abs(truth).max()


def test_the_export_scores_as_the_network_within_the_limits_of_a_small_board(exported, run):
    _, rows = exported
    for weights in ("int8", "int16x8"):
        row = rows[weights]
        assert row["accuracy"] == pytest.approx(rows["float32"]["accuracy"], abs=0.02)
        assert row["bytes"] <= 32_000
        if HAS_TFLM:
            assert row["accuracy in TFLM"] == pytest.approx(row["accuracy"], abs=0.02)
            assert row["arena"] <= 20_000
    assert rows["float32"]["accuracy"] == pytest.approx(run.evaluate()["accuracy"], abs=1e-6)


@needs_tflm
def test_the_arena_that_the_header_reserves_is_enough(exported):
    folder, rows = exported
    reserved = int(re.search(r"RNN_ARENA_BYTES (\d+)", (folder / "network.h").read_text())[1])
    description = json.loads((folder / "network.json").read_text())
    zeros = [np.zeros((1, one["size"]), one["type"]) for one in description["inputs"]]
    client.TFLM(folder / "network.tflite", reserved).run(zeros)
    with pytest.raises(RuntimeError):
        client.TFLM(folder / "network.tflite", rows["int8"]["arena"] - 512).run(zeros)


def test_the_client_runs_alone_and_names_what_it_cannot_read(exported, tmp_path):
    folder, _ = exported
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "gap.csv").write_text("x,y,z\n1,,2\n")

    def answer(path):
        command = [sys.executable, folder / "client.py", path]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    lines = [json.loads(line) for line in answer(folder / "example.csv").stdout.splitlines()]
    assert len(lines) == 24
    assert {line["label"] for line in lines} <= {"off", "normal", "unbalanced", "worn"}
    assert "no column x; the columns are a, b" in answer(tmp_path / "other.csv").stderr
    assert "line 2: a number is missing" in answer(tmp_path / "gap.csv").stderr


STUBS = {
    "micro_interpreter.h": """
#include <stdint.h>
#include "tensorflow/lite/schema/schema_generated.h"
enum TfLiteStatus { kTfLiteOk }; struct TfLiteTensor { void* data; };
namespace tflite {
template <class T> T* GetTensorData(TfLiteTensor* t) { return static_cast<T*>(t->data); }
struct MicroInterpreter {
  template <class R> MicroInterpreter(const Model*, R&, uint8_t*, int);
  TfLiteStatus AllocateTensors(); TfLiteStatus Invoke();
  TfLiteTensor* input(int); TfLiteTensor* output(int);
};
}""",
    "micro_log.h": "void MicroPrintf(const char*, ...);",
    "micro_mutable_op_resolver.h": """
namespace tflite { template <unsigned N> struct MicroMutableOpResolver {
  int AddFullyConnected(); int AddSplit(); int AddReshape(); int AddStridedSlice(); int AddAdd();
  int AddLogistic(); int AddMul(); int AddSub(); int AddTanh();
}; }""",
    "system_setup.h": "namespace tflite { void InitializeTarget(); }",
}


@needs_compiler
def test_the_c_code_compiles_and_computes_as_the_client(exported, tmp_path):
    folder, _ = exported
    micro = tmp_path / "tensorflow" / "lite" / "micro"
    schema = tmp_path / "tensorflow" / "lite" / "schema"
    micro.mkdir(parents=True)
    schema.mkdir()
    (schema / "schema_generated.h").write_text(
        "namespace tflite { struct Model; const Model* GetModel(const void*); }"
    )
    for name, text in STUBS.items():
        (micro / name).write_text(text)
    flags = ["-fsyntax-only", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path}"]
    subprocess.run(["c++", "-std=c++17", *flags, folder / "main.cc"], check=True)
    check_c(folder, json.loads((folder / "network.json").read_text()), tmp_path)


def check_c(folder, description, place, table=None):
    """The compiled code of a folder encodes and decodes the example as the client does."""
    library = place / "steps.so"
    sources = [folder / "steps.c", folder / "network.c"]
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, *sources, "-o", library, "-lm"], check=True)
    compiled, reader = ctypes.CDLL(str(library)), client.READERS[description["kind"]]
    reader = reader(description["constants"], table)
    steps = int(re.search(r"RNN_EXAMPLE_STEPS (\d+)", (folder / "network.h").read_text())[1])
    columns = int(re.search(r"RNN_COLUMNS (\d+)", (folder / "network.h").read_text())[1])
    example = np.ctypeslib.as_array((ctypes.c_float * (steps * columns)).in_dll(compiled, "rnn_example"))
    rng = np.random.default_rng(0)
    reader.reset()
    compiled.rnn_reset()

    def call(function, values, size):
        result, values = (ctypes.c_float * size)(), np.ascontiguousarray(values, np.float32)
        function(values.ctypes.data_as(ctypes.POINTER(ctypes.c_float)), result)
        return np.array(result)

    for step in example.reshape(steps, columns):
        features = reader.encode(step)
        found = call(compiled.rnn_encode, step, len(features))
        most = description["inputs"][0]["scale"] if table is not None else 1e-4
        assert found == pytest.approx(features, abs=most, rel=1e-4)
        outputs = rng.normal(size=description["outputs"][0]["size"]).astype(np.float32)
        answer = np.ravel(reader.decode(outputs))
        assert call(compiled.rnn_decode, outputs, len(answer)) == pytest.approx(answer, rel=1e-4, abs=1e-4)
    tensor = tuple(description["inputs"][0][key] for key in ("type", "size", "scale", "zero_point"))
    assert client.dequantize(client.quantize(np.zeros(3), tensor), tensor) == pytest.approx(0, abs=tensor[2])


FORECAST = {
    "targets": ["a", "b"],
    "periods": [24],
    "lags": 3,
    "horizon": 2,
    "quantiles": [0.1, 0.5, 0.9],
    "missing": [-999],
    "linear": {"kernel": [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], "bias": [0.1, -0.1]},
    "tiny": 1e-6,
    "min_relative_spread": 0.02,
    "max_log": 80.0,
}
SCALING = {"mean": [1.0, 2, 3, 0], "deviation": [1.0, 2, 3, 1], "spread": [0.5, 0.7], "level_feature": True}


@needs_compiler
@pytest.mark.parametrize(
    "transform", [{"offset": None, "by_window": False}, {"offset": [0, 1.0], "by_window": True}]
)
def test_the_c_code_of_forecasts_computes_as_the_client(transform, tmp_path):
    constants = {**FORECAST, "scaling": {**SCALING, **transform}}
    rows = np.random.default_rng(0).uniform(1, 5, (12, 4)).astype(np.float32)
    rows[:, 3], rows[3, 0], rows[5, 2], rows[6, 1] = np.arange(12), np.nan, np.nan, -999
    width, outputs = 2 * 3 + 2 + 2 + 2 + 2, 2 * 2 * 3
    check_c_of("forecasts", constants, rows, width, outputs, tmp_path)


@needs_compiler
def test_the_c_code_of_tokens_computes_as_the_client(tmp_path):
    table = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    check_c_of(
        "tags", {"class_names": ['a"b', "c\\", "é🎬"]}, np.array([[1.0], [5.0], [0.0]]), 5, 2, tmp_path, table
    )


def check_c_of(kind, constants, rows, width, outputs, folder, table=None):
    def tensors(*sizes):
        return [{"type": "int8", "size": size, "scale": 0.03, "zero_point": -3} for size in sizes]

    stepwise = stepwise_of("vanilla")._replace(kind=kind, constants=constants, width=width, table=table)
    description = {"kind": kind, "constants": constants, "weights": "int8", "operators": {"ADD": 1}}
    description |= {"inputs": tensors(width, 8), "outputs": tensors(outputs, 8), "arena_bytes": 1024}
    answers = np.zeros((len(rows), outputs), np.float32)
    write_c_source(folder, stepwise, description, b"model", (rows, answers))
    check_c(folder, description, folder, table)


def test_networks_that_cannot_read_step_by_step_say_why(run, tmp_path):
    predictor = run.predictor

    class Other(type(predictor)):
        can_stream = False

    other = Other(run.recipe, predictor.model, predictor.preprocessing)
    with pytest.raises(UserError, match="it is bidirectional"):
        export_model(other, "micro", tmp_path / "export")
    with pytest.raises(UserError, match="micro has no float32 weights, only int8, int16x8"):
        export_model(predictor, "micro", tmp_path / "export", weights="float32")


def test_only_the_type_of_weights_that_is_wanted_must_exist(run, tmp_path, monkeypatch):
    convert = conversion.convert

    def fail_for_int16(frozen, weights, samples=()):
        if weights == "int16x8":
            raise RnnAppsError("no int16x8 form of EXP")
        return convert(frozen, weights, samples)

    monkeypatch.setattr(conversion, "convert", fail_for_int16)
    _, (result,) = run.export("micro", out=tmp_path / "int8")
    assert result.measured[-1] == {"weights": "int16x8", "note": "no int16x8 form of EXP"}
    assert "| int16x8 |" in (tmp_path / "int8" / "README.md").read_text()
    with pytest.raises(RnnAppsError, match="no int16x8 form of EXP"):
        run.export("micro", out=tmp_path / "int16x8", weights="int16x8")
    assert not (tmp_path / "int16x8").exists()


def test_an_operation_without_an_integer_form_is_named():
    def function(features, states):
        return keras.ops.erfinv(features * 0.1), states

    with pytest.raises(RnnAppsError, match="cannot be converted to int8"):
        conversion.convert(conversion.freeze(stepwise_of("vanilla")._replace(function=function)), "int8", [])
