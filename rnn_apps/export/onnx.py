"""ONNX export: one file per part of a network, with any batch size and any number of steps."""

import logging

from rnn_apps.export.formats import ExportFormat

OPSET = 18


class Onnx(ExportFormat):
    """One ``NAME.onnx`` per part, with the operators of ONNX for the layers that they compute."""

    name = extra = "onnx"
    packages = ("tf2onnx", "onnxruntime")
    weights = {"float32": 1e-4, "int8": None}
    extension = "onnx"
    batches = ((1, 7), (3, 12), (2, 1))
    client_package = "onnxruntime"

    def convert(self, part, path, weights):
        """Write a part with tf2onnx, and return the `LayerForm` of each recurrent layer."""
        import tensorflow as tf
        import tf2onnx

        from rnn_apps.export.onnx_operators import handlers
        from rnn_apps.export.onnx_quantization import quantize
        from rnn_apps.export.verification import LayerForm
        from rnn_apps.layers.onnx_operators import onnx_operators

        logging.getLogger("tf2onnx").setLevel(logging.ERROR)
        specs = list(part.inputs.values())
        function = tf.function(part.function, input_signature=specs, autograph=False)
        with onnx_operators() as written:
            tf2onnx.convert.from_function(
                function, specs, opset=OPSET, output_path=str(path), custom_op_handlers=handlers(written)
            )
        forms = dict.fromkeys(LayerForm(one.layer, one.form, one.note) for one in written)
        return quantize(path, forms) if weights == "int8" else list(forms)

    def load(self, path, part):
        """Return a function that runs a file with the client's ONNX Runtime code."""
        from rnn_apps.export.client_files import make_runner

        return make_runner(path, part, self)
