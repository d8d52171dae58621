"""ONNX: every part of a network with a free batch and, where it has steps, any number of them."""

import logging
from contextlib import contextmanager

from rnn_apps.export.formats import ExportFormat

OPSET = 18


class Onnx(ExportFormat):
    """One ``NAME.onnx`` per part; int8 are the weights of products and tables outside of loops."""

    name = extra = "onnx"
    packages = ("tf2onnx", "onnxruntime")
    weights = {"float32": 1e-4, "int8": None}
    ending = "onnx"
    batches = ((1, 7), (3, 12), (2, 1))
    client_package = "onnxruntime"

    def convert(self, part, path, weights):
        """Write a part with tf2onnx, its weights made smaller by ONNX Runtime's own means."""
        import tensorflow as tf
        import tf2onnx

        from rnn_apps.layers import graph_form

        logging.getLogger("tf2onnx").setLevel(logging.ERROR)
        specs = list(part.inputs.values())
        function = tf.function(part.function, input_signature=specs, autograph=False)
        with graph_form():
            tf2onnx.convert.from_function(function, specs, opset=OPSET, output_path=str(path))
        if weights == "int8":
            _quantize(path)

    def load(self, path, part):
        """Return a function that runs a file as the client does, with ONNX Runtime."""
        from rnn_apps.export.client_files import load_as_client

        return load_as_client(path, part, self)


def _quantize(path):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    smaller = path.with_suffix(".int8")
    with _quiet():
        quantize_dynamic(path, smaller, weight_type=QuantType.QInt8)
    smaller.replace(path)


@contextmanager
def _quiet():
    """Silence the root logger, which would name every tensor that stays as it is."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
