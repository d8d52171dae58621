"""A SavedModel that takes raw input and gives readable output, on stock operations."""

import errno
import itertools
import json
import os

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from rnn_apps.disk import sha256_of
from rnn_apps.errors import RnnAppsError
from rnn_apps.exporting.demo_files import write_demo_files
from rnn_apps.exporting.serving_files import write_readme, write_warm_up
from rnn_apps.layers import graph_form

__all__ = ["export_saved_model"]

_FOREIGN = ("PyFunc", "EagerPyFunc", "PyFuncStateless")


def export_saved_model(predictor, folder, examples=None):
    """Write a SavedModel in TF Serving's layout and verify its answers.

    Args:
        predictor: `Predictor` of the trained network.
        folder: where to write; must not be there.
        examples: folder of a run with what its test part was given, for the demo page, or None.

    Raises:
        RnnAppsError: the export holds an operation that a stock runtime lacks, or it answers otherwise.
    """
    with graph_form():
        module = predictor.make_module()
        try:
            tf.saved_model.save(module, str(folder), signatures=module.signatures)
        except tf.errors.PermissionDeniedError as error:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder)) from error
    _check_operations(folder)
    loaded = tf.saved_model.load(str(folder))
    predictor.verify_saved_model(loaded)
    request = predictor.example_requests()[0][1]
    write_warm_up(folder, request)
    recipe, note = predictor.recipe, predictor.input_note()
    write_readme(folder, recipe.name, recipe.task, loaded.signatures, request, note)
    write_demo_files(folder, predictor, examples)
    _write_manifest(folder)


def _write_manifest(folder):
    """Write the sha256 of every file, last: by it a server knows a version that was copied whole."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digests = {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}
    (folder / "manifest.json").write_text(json.dumps({"sha256": digests}, indent=2) + "\n", encoding="utf-8")


def _check_operations(folder):
    """Refuse Python functions and functions marked for XLA."""
    graph = _graph_of(folder)
    functions = graph.library.function
    nodes = itertools.chain(graph.node, *(f.node_def for f in functions))
    foreign = {node.op for node in nodes if node.op in _FOREIGN}
    compiled = [f.signature.name for f in functions if f.attr["_XlaMustCompile"].b]
    if foreign or compiled:
        raise RnnAppsError(
            f"{folder}: the export holds {sorted(foreign) or compiled}, which stock runtimes lack."
        )


def _graph_of(folder):
    model = saved_model_pb2.SavedModel()
    model.ParseFromString((folder / "saved_model.pb").read_bytes())
    return model.meta_graphs[0].graph_def
