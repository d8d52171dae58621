"""LiteRT (TensorFlow Lite) export: one example, a fixed number of steps, built-in operations only."""

from rnn_apps.errors import RnnAppsError, first_line
from rnn_apps.export.formats import ExportFormat


class LiteRT(ExportFormat):
    """One ``NAME.tflite`` per part; int8 and float16 apply to the weights, not to the arithmetic."""

    name = extra = "litert"
    packages = ("ai_edge_litert",)
    weights = {"float32": 1e-3, "float16": 0.1, "int8": None}
    fixed_steps = True
    extension = "tflite"
    client_package = "ai-edge-litert"

    def batches_of(self, part):
        """Return 24 single examples with the length of the file."""
        return ((1, part.steps),) * 24

    def convert(self, part, path, weights):
        """Write a frozen part with inputs of `part.steps` steps.

        Raises:
            RnnAppsError: the part has an operation that is not built in.
        """
        import tensorflow as tf
        from tensorflow.python.framework import convert_to_constants

        from rnn_apps.layers import graph_form

        shapes = [
            tf.TensorSpec(array.shape, spec.dtype, name=name)
            for array, (name, spec) in zip(part.examples(1, part.steps, 0), part.inputs.items())
        ]
        with graph_form(in_blocks=True):
            concrete = tf.function(part.function, autograph=False).get_concrete_function(*shapes)
            frozen = convert_to_constants.convert_variables_to_constants_v2(
                concrete, lower_control_flow=False
            )
            converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
            if weights != "float32":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            if weights == "float16":
                converter.target_spec.supported_types = [tf.float16]
            try:
                path.write_bytes(converter.convert())
            except Exception as error:  # the converter raises exceptions of many types
                problem = f"it cannot be converted without Flex operations ({first_line(error)})"
                raise RnnAppsError(f"{path.name}: {problem}") from error

    def load(self, path, part):
        """Return a function that runs a file with the client's LiteRT code."""
        from rnn_apps.export.client_files import make_runner

        return make_runner(path, part, self)
