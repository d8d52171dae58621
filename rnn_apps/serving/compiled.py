"""Turns on the compiled form of the loops in a SavedModel of this package."""

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from rnn_apps.compiled_form import FUNCTION, LENGTHS, SWITCH
from rnn_apps.serving.protocol import DEFAULT_SIGNATURE, BadRequest, Limits, make_request

MOST_WARM_UP_STEPS = 1024


def load_compiled(folder):
    """Load a SavedModel with its loops over single sequences compiled by XLA.

    Args:
        folder: path of a SavedModel, which is not changed.

    Returns:
        The loaded SavedModel, and the number of loops with a compiled form.
    """
    folder = Path(folder)
    model = saved_model_pb2.SavedModel()
    model.ParseFromString((folder / "saved_model.pb").read_bytes())
    num_loops = _turn_on(model.meta_graphs[0].graph_def.library.function)
    if not num_loops:
        return tf.saved_model.load(str(folder)), 0
    with tempfile.TemporaryDirectory(prefix="rnn-apps-") as copy:
        for name in ("variables", "assets"):
            if (folder / name).is_dir():
                _link(folder / name, Path(copy) / name)
        (Path(copy) / "saved_model.pb").write_bytes(model.SerializeToString())
        return tf.saved_model.load(copy), num_loops


def _link(folder, place):
    try:
        place.symlink_to(folder.resolve(), target_is_directory=True)
    except OSError:  # no links on this system
        shutil.copytree(folder, place)


def warm_up_requests(folder, specs):
    """Yield the inputs of requests with which every loop of the default signature is compiled.

    These are the example in the export, and for inputs of any length, that example as long as each of the
    compiled lengths up to `MOST_WARM_UP_STEPS`.

    Args:
        folder: path of a SavedModel.
        specs: input name to its spec.
    """
    try:
        text = (folder / "assets.extra" / "request.json").read_text(encoding="utf-8")
        values = json.loads(text)["inputs"]
        example = make_request(DEFAULT_SIGNATURE, values, specs, Limits()).inputs
    except (OSError, ValueError, KeyError, TypeError, BadRequest):
        return
    yield example
    for length in (length for length in LENGTHS if length <= MOST_WARM_UP_STEPS):
        longer = {name: _lengthened(array, specs[name], length) for name, array in example.items()}
        if any(longer[name] is not array for name, array in example.items()):
            yield longer


def _lengthened(array, spec, length):
    """Return an input with this many steps or words, or the same if it has a fixed length or is of files."""
    if array.dtype != object:
        return (
            np.resize(array, (len(array), length, *array.shape[2:])) if spec.shape[1:2] == [None] else array
        )
    try:
        words = [one.decode("utf-8").split() for one in array.ravel()]
    except UnicodeDecodeError:
        return array
    if array.ndim > 1 or not all(words):
        return array
    return np.array([" ".join((length * each)[:length]).encode() for each in words], object)


def _turn_on(functions):
    """Set every switch, and mark the loops for XLA; return their number."""
    num_loops = 0
    for function in functions:
        if FUNCTION in function.signature.name:
            function.attr["_XlaMustCompile"].b = True
            num_loops += 1
        for node in function.node_def:
            if node.op == "Const" and SWITCH in node.name:
                node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(True))
            elif "f" in node.attr and FUNCTION in node.attr["f"].func.name:
                node.attr["_XlaMustCompile"].b = True
    return num_loops
