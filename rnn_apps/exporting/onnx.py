"""ONNX: every part of a network with a free batch and, where it has steps, any number of them."""

import logging

import tensorflow as tf

from rnn_apps.exporting.comparing import compared
from rnn_apps.layers import graph_form

__all__ = ["write_onnx"]

OPSET = 18
TOLERANCE = 1e-4
BATCHES = ((1, 7), (3, 12), (2, 1))


def write_onnx(task, folder):
    """Write ``NAME.onnx`` for every part of a task, run each with ONNX Runtime, and compare.

    Args:
        task: a trained `Task`.
        folder: path of a folder that is there.

    Returns:
        Rows as of `compared`.

    Raises:
        RnnAppsError: the answers differ by more than `TOLERANCE`.
    """
    import onnxruntime
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    return [_written(part, folder / f"{part.name}.onnx", tf2onnx, onnxruntime) for part in task.parts()]


def _written(part, path, tf2onnx, runtime):
    specs = list(part.inputs.values())
    function = tf.function(part.function, input_signature=specs, autograph=False)
    with graph_form():
        tf2onnx.convert.from_function(function, specs, opset=OPSET, output_path=str(path))
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(inputs):
        return dict(zip(names, session.run(names, dict(zip(part.inputs, inputs)))))

    return compared(part, run, path, BATCHES, TOLERANCE)
