"""ONNX: every part of a network with a free batch and, where it has steps, any number of them."""

import logging
from contextlib import contextmanager

import tensorflow as tf

from rnn_apps.exporting.comparing import compared
from rnn_apps.layers import graph_form

__all__ = ["write_onnx"]

OPSET = 18
TOLERANCE = 1e-4
BATCHES = ((1, 7), (3, 12), (2, 1))


def write_onnx(parts, folder, weights="float32"):
    """Write ``NAME.onnx`` for every part of a network, run each with ONNX Runtime, and compare.

    Args:
        parts: list of `Part`.
        folder: path of a folder that is there.
        weights: ``"float32"`` or ``"int8"``; int8 are those of products and tables outside of loops.

    Returns:
        Rows as of `compared`.

    Raises:
        RnnAppsError: the answers differ by more than `TOLERANCE`; those of int8 weights may.
    """
    import onnxruntime
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    packages = tf2onnx, onnxruntime
    return [_written(part, folder / f"{part.name}.onnx", weights, *packages) for part in parts]


def _written(part, path, weights, tf2onnx, runtime):
    specs = list(part.inputs.values())
    function = tf.function(part.function, input_signature=specs, autograph=False)
    with graph_form():
        tf2onnx.convert.from_function(function, specs, opset=OPSET, output_path=str(path))
    if weights == "int8":
        _quantize(path)
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(inputs):
        return dict(zip(names, session.run(names, dict(zip(part.inputs, inputs)))))

    return compared(part, run, path, BATCHES, TOLERANCE if weights == "float32" else None)


def _quantize(path):
    """Write weights of int8 in the place of those in a file, by ONNX Runtime's own means."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    smaller = path.with_suffix(".int8")
    with _quiet():
        quantize_dynamic(path, smaller, weight_type=QuantType.QInt8)
    smaller.replace(path)


@contextmanager
def _quiet():
    """Within this context the root logger says nothing: of every tensor it cannot shrink it would."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
