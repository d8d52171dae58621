"""SavedModel export: raw inputs to readable outputs with stock TensorFlow operations."""

import errno
import itertools
import json
import os

from rnn_apps.disk import sha256_of
from rnn_apps.errors import RnnAppsError
from rnn_apps.export.demo_files import write_demo_files
from rnn_apps.export.formats import ExportFormat

_PYTHON_OPERATIONS = ("PyFunc", "EagerPyFunc", "PyFuncStateless")


class SavedModel(ExportFormat):
    """A TensorFlow Serving folder with preprocessing, network and decoding in one graph."""

    name, title = "saved_model", "SavedModel"
    needs_plain_path = True

    def subdirectory(self, weights=None):
        """Return the path of version 1 in its run folder."""
        return "export/1"

    def write(self, predictor, folder, weights="float32", steps=None, examples=None):
        """Write the signatures, and compare their outputs with the predictor's.

        Raises:
            RnnAppsError: the export has an operation that stock runtimes lack, or its outputs differ.
        """
        import tensorflow as tf

        from rnn_apps.export.serving_files import write_readme, write_warm_up

        module = predictor.module
        try:
            tf.saved_model.save(module, str(folder), signatures=module.signatures)
        except tf.errors.PermissionDeniedError as error:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder)) from error
        _check_operations(folder)
        loaded = tf.saved_model.load(str(folder))
        predictor.verify_saved_model(loaded)
        (_, request), *_ = predictor.example_requests()
        recipe = predictor.recipe
        write_warm_up(folder, request)
        write_readme(folder, recipe.name, recipe.task, loaded.signatures, request, predictor.input_note())
        write_demo_files(folder, predictor, examples)
        _write_manifest(folder)
        return []


def _write_manifest(folder):
    """Write the SHA-256 of every file, by which a server recognizes a complete copy; written last."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digests = {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}
    (folder / "manifest.json").write_text(json.dumps({"sha256": digests}, indent=2) + "\n", encoding="utf-8")


def _check_operations(folder):
    """Raise RnnAppsError for Python functions and functions marked for XLA."""
    from tensorflow.core.protobuf import saved_model_pb2

    saved_model = saved_model_pb2.SavedModel()
    saved_model.ParseFromString((folder / "saved_model.pb").read_bytes())
    graph = saved_model.meta_graphs[0].graph_def
    functions = graph.library.function
    nodes = itertools.chain(graph.node, *(f.node_def for f in functions))
    python = {node.op for node in nodes if node.op in _PYTHON_OPERATIONS}
    compiled = [f.signature.name for f in functions if f.attr["_XlaMustCompile"].b]
    if python or compiled:
        raise RnnAppsError(
            f"{folder}: the export has {sorted(python) or compiled}, which stock runtimes lack."
        )
