"""ONNX export: one file per part of a network, with any batch size and any number of steps."""

import logging

from rnn_apps.export.formats import ExportFormat

OPSET = 18


class Onnx(ExportFormat):
    """One ``NAME.onnx`` per part; int8 applies to the weights of matrix products and tables outside loops."""

    name = extra = "onnx"
    packages = ("tf2onnx", "onnxruntime")
    weights = {"float32": 1e-4, "int8": None}
    extension = "onnx"
    batches = ((1, 7), (3, 12), (2, 1))
    client_package = "onnxruntime"

    def convert(self, part, path, weights):
        """Write a part with tf2onnx; int8 weights are quantized with ONNX Runtime."""
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
        """Return a function that runs a file with the client's ONNX Runtime code."""
        from rnn_apps.export.client_files import make_runner

        return make_runner(path, part, self)


def _quantize(path):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantized, level = path.with_suffix(".int8"), logging.root.manager.disable
    logging.disable(logging.WARNING)  # it would name every tensor that is not quantized
    try:
        quantize_dynamic(path, quantized, weight_type=QuantType.QInt8)
    finally:
        logging.disable(level)
    quantized.replace(path)
