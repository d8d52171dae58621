"""Inference: the exported files of one layer, and of a small run of every task, next to their peers.

    python benchmarks/inference.py layers [--before TREE] [--cells vanilla gru lstm] [--rounds 21]
    python benchmarks/inference.py tasks [--before TREE] [--tasks tagging forecasting]

TREE is a checkout of an earlier commit (`git worktree add TREE COMMIT`), whose files run in the same rounds.
All take turns; before each timed call its own session has run once, because idle threads of another ONNX
Runtime session keep a core busy for a while.
"""

import argparse
import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from peers import CELLS, cores, table

UNITS = FEATURES = 128
SHAPES = ((1, 400), (32, 200))  # batch, steps
PAUSE = 0.03  # seconds
SIZES, STEPS = (1, 32), 100
RECIPES = (
    "imdb",
    "imdb_gru",
    "tagging",
    "frame_labelling",
    "forecasting",
    "language_model",
    "translation",
    "image_captioning",
    "video_captioning",
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["layers", "tasks", "write-layer", "write-task"])
    parser.add_argument("names", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--before", type=Path, help="checkout of an earlier commit")
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=["vanilla", "gru", "lstm"])
    parser.add_argument("--tasks", nargs="+")
    parser.add_argument("--rounds", type=int, default=21)
    given = parser.parse_args()
    if given.what == "write-layer":
        return write_layer(*given.names)
    if given.what == "write-task":
        return write_task(*given.names)
    print(f"{cores()} cores, float32, medians of {given.rounds} interleaved rounds, milliseconds\n")
    measure = measure_layers if given.what == "layers" else measure_tasks
    with tempfile.TemporaryDirectory() as folder:
        print(table(*measure(Path(folder), given)))


def timed(runs, rounds):
    """Name to the times of each function, in milliseconds, all taking turns."""
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            time.sleep(PAUSE)
            run()
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) * 1000)
    return times


def in_tree(tree, *arguments):
    """Run this script with the package of a checkout, or with the installed one."""
    package = {"PYTHONPATH": str(tree.resolve())} if tree else {}
    command = [sys.executable, __file__, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **package})
    if done.returncode:
        sys.exit(done.stderr[-2000:])


# One bidirectional layer


def write_layer(cell, masked, folder):
    """Write a bidirectional layer as ONNX and as SavedModel, and its weights."""
    import keras

    from rnn_apps.export.onnx import Onnx
    from rnn_apps.layers import StackedRNN, graph_form
    from rnn_apps.tasks import predictor

    folder, masked = Path(folder), masked == "masked"
    keras.utils.set_random_seed(0)
    layer = StackedRNN(UNITS, cell=cell, bidirectional=True, return_sequences=True)
    layer.build((None, None, FEATURES))
    specs = {"x": tf.TensorSpec([None, None, FEATURES], name="x")}
    if masked:
        specs["mask"] = tf.TensorSpec([None, None], tf.bool, name="mask")

    def function(x, mask=None):
        return {"y": layer(x, mask=mask)}

    folder.mkdir(parents=True)
    Onnx().convert(predictor.NetworkPart("layer", function, specs, None, 1), folder / "layer.onnx", "float32")
    module = tf.Module()
    module.kept = [weight.value for weight in layer.weights]
    signature = list(specs.values())
    with graph_form():
        compiled = tf.function(function, input_signature=signature, jit_compile=True)
        module.compiled = compiled.get_concrete_function()
    steps = getattr(predictor, "STEPS_PER_ITERATION", None)
    with graph_form(steps) if steps else graph_form():  # earlier commits had no choice
        module.plain = tf.function(function, input_signature=signature).get_concrete_function()
    tf.saved_model.save(module, folder / "saved_model")
    np.savez(folder / "weights.npz", *[weight.numpy() for weight in layer.weights])


def measure_layers(folder, given):
    names = ["ONNX", "ONNX before", "hand-built node", "SavedModel", "SavedModel before", "XLA", "torch"]
    names = [name for name in names if given.before or "before" not in name]
    rows = []
    for cell in given.cells:
        for mask in ("", "masked"):
            trees = {"": None, " before": given.before} if given.before else {"": None}
            for name, tree in trees.items():
                in_tree(tree, "write-layer", cell, mask or "-", folder / f"{cell}{mask}{name}")
            for batch, steps in SHAPES:
                runs = layer_runs(folder, f"{cell}{mask}", trees, cell, batch, steps, bool(mask))
                times = {name: statistics.median(all) for name, all in timed(runs, given.rounds).items()}
                shown = [f"{times[name]:.2f}" if name in times else "-" for name in names]
                rows.append([cell, mask or "no mask", f"{batch} x {steps}", *shown])
                print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return ["cell", "", "batch x steps", *names], rows


def layer_runs(folder, name, trees, cell, batch, steps, masked):
    """Name to function of each implementation, checked against one another."""
    import onnxruntime

    inputs = {"x": np.random.default_rng(0).normal(size=(batch, steps, FEATURES)).astype(np.float32)}
    if masked:
        inputs["mask"] = np.ones((batch, steps), bool)  # so that the same steps are computed by all
    tensors = {key: tf.constant(value) for key, value in inputs.items()}
    runs = {}
    for suffix in trees:
        place = folder / f"{name}{suffix}"
        session = onnxruntime.InferenceSession(place / "layer.onnx")
        loaded = tf.saved_model.load(str(place / "saved_model"))
        runs[f"ONNX{suffix}"] = lambda session=session: session.run(None, inputs)[0]
        runs[f"SavedModel{suffix}"] = lambda loaded=loaded: loaded.plain(**tensors)["y"].numpy()
        if not suffix:
            runs["XLA"] = lambda loaded=loaded: loaded.compiled(**tensors)["y"].numpy()
    with np.load(folder / name / "weights.npz") as archive:
        weights = list(archive.values())
    runs["hand-built node"] = node_run(cell, inputs["x"], steps, batch, masked)
    runs |= torch_run(cell, inputs["x"], weights)
    expected = runs["ONNX"]()
    for other, run in runs.items():
        if other != "hand-built node" and not np.allclose(run(), expected, atol=1e-4):
            sys.exit(f"{name}: {other} gives other outputs")
    return runs


def node_run(cell, sequences, steps, batch, masked):
    """Run one bidirectional node of ONNX with random weights, in its own layout."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    rng, rows = np.random.default_rng(0), CELLS[cell] * UNITS
    shapes = {"W": (2, rows, FEATURES), "R": (2, rows, UNITS), "B": (2, 2 * rows)}
    arrays = {key: (0.05 * rng.normal(size=shape)).astype(np.float32) for key, shape in shapes.items()}
    extra = {"linear_before_reset": 1} if cell == "gru" else {}
    operator = {"vanilla": "RNN", "gru": "GRU", "lstm": "LSTM"}[cell]
    names = ["x", *shapes, *(["lengths"] if masked else [])]
    node = helper.make_node(operator, names, ["y"], hidden_size=UNITS, direction="bidirectional", **extra)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, None, FEATURES])]
    if masked:
        inputs.append(helper.make_tensor_value_info("lengths", TensorProto.INT32, [None]))
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 2, None, UNITS])
    initializers = [numpy_helper.from_array(array, key) for key, array in arrays.items()]
    graph = helper.make_graph([node], "node", inputs, [output], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    feeds = {"x": np.ascontiguousarray(sequences.swapaxes(0, 1))}
    if masked:
        feeds["lengths"] = np.full(batch, steps, np.int32)
    return lambda: session.run(None, feeds)[0]


def torch_run(cell, sequences, weights):
    """Run torch's layer with the weights of ours, without gradients; nothing if torch is not installed."""
    try:
        import torch
    except ImportError:
        return {}
    torch.set_num_threads(cores())
    kinds = {"vanilla": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    layer = kinds[cell](FEATURES, UNITS, batch_first=True, bidirectional=True).eval()
    order = {"vanilla": [0], "lstm": [0, 1, 2, 3], "gru": [1, 0, 2]}[cell]  # torch's gates in ours

    def ordered(array):
        gates = np.split(array, len(order), axis=-1)
        return torch.tensor(np.concatenate([gates[i] for i in order], -1).T.copy())

    with torch.no_grad():
        for suffix, (kernel, recurrent, bias) in (("", weights[:3]), ("_reverse", weights[3:])):
            biases = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
            values = {"weight_ih": kernel, "weight_hh": recurrent, "bias_ih": biases[0], "bias_hh": biases[1]}
            for name, value in values.items():
                getattr(layer, f"{name}_l0{suffix}").copy_(ordered(value))
    tensor = torch.tensor(sequences)

    def run():
        with torch.inference_mode():
            return layer(tensor)[0].numpy()

    return {"torch": run}


# The files of every task


def write_task(recipe, run, folder):
    """Export a run in every format, with random inputs of every part next to the files."""
    from rnn_apps.errors import UserError
    from rnn_apps.export import FORMATS
    from rnn_apps.runs import open_run

    run, folder = open_run(run), Path(folder)
    folder.mkdir(parents=True)
    for name in FORMATS:
        try:
            run.export(name, out=folder / name)
        except UserError as error:
            print(f"{recipe}: {error}")
    for part in run.predictor.network_parts():
        for size in SIZES:
            steps = max(part.min_steps, min(STEPS, part.max_steps or STEPS))
            arrays = dict(zip(part.inputs, part.examples(size, steps, 0)))
            np.savez(folder / f"{part.name}-{size}.npz", **arrays)


def measure_tasks(folder, given):
    """Head and rows of the table: every part of every task in ONNX and LiteRT, and the SavedModel."""
    rows = []
    for recipe in given.tasks or RECIPES:
        settings = ["--set", "training.epochs=1", "--set", "views=false"]
        command = ["run", recipe, "--out", folder / recipe, *settings]
        subprocess.run([sys.executable, "-m", "rnn_apps", *command], check=True, capture_output=True)
        trees = {"": None, " before": given.before} if given.before else {"": None}
        for name, tree in trees.items():
            in_tree(tree, "write-task", recipe, folder / recipe, folder / f"{recipe} files{name}")
        for size in SIZES:
            for part, runs in task_runs(folder, recipe, trees, size).items():
                for name, times in timed(runs, given.rounds).items():
                    shown = [f"{np.percentile(times, percent):.2f}" for percent in (50, 99)]
                    rows.append([recipe, part, name, size, *shown])
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return ["recipe", "part", "format", "batch", "p50", "p99"], rows


def task_runs(folder, recipe, trees, size):
    """Part to the functions that run its files on `size` examples."""
    from rnn_apps.export.client import Client

    parts = {"SavedModel": {}}
    for suffix in trees:
        files = folder / f"{recipe} files{suffix}"
        loaded = tf.saved_model.load(str(files / "saved_model"))
        request = json.loads((files / "saved_model/assets.extra/request.json").read_text())["inputs"]
        specs = loaded.signatures["serving_default"].structured_input_signature[1]
        tensors = {key: request_tensor(value, specs[key].dtype, size) for key, value in request.items()}
        parts["SavedModel"][f"SavedModel{suffix}"] = lambda loaded=loaded, tensors=tensors: loaded.signatures[
            "serving_default"
        ](**tensors)
        for format in ("onnx", "litert") if size == 1 else ("onnx",):
            if not (files / format).is_dir():
                continue
            for part, run in Client(files / format).parts.items():
                with np.load(files / f"{part}-{size}.npz") as archive:
                    inputs = dict(archive)
                parts.setdefault(part, {})[f"{format}{suffix}"] = lambda run=run, inputs=inputs: run(inputs)
    return parts


def request_tensor(value, dtype, size):
    """One example of a request as a batch of `size`."""

    def decoded(item):
        if isinstance(item, list):
            return [decoded(each) for each in item]
        return base64.b64decode(item["b64"]) if isinstance(item, dict) else item

    return tf.repeat(tf.constant(decoded(value), dtype)[:1], size, axis=0)


if __name__ == "__main__":
    main()
