"""LiteRT (TensorFlow Lite) without Flex: one example, a fixed number of steps, built-in operations only."""

from rnn_apps.errors import RnnAppsError, first_line
from rnn_apps.export.formats import ExportFormat


class LiteRT(ExportFormat):
    """One ``NAME.tflite`` per part; int8 are weights only, the arithmetic stays in float."""

    name = extra = "litert"
    packages = ("ai_edge_litert",)
    weights = {"float32": 1e-3, "float16": 0.1, "int8": None}
    fixed_steps = True
    ending = "tflite"
    client_package = "ai-edge-litert"

    def batches_of(self, part):
        """Return 24 examples of the file's own length."""
        return ((1, part.steps),) * 24

    def convert(self, part, path, weights):
        """Write a part, frozen, with inputs of `part.steps` steps.

        Raises:
            RnnAppsError: an operation is not among the built-in ones.
        """
        import tensorflow as tf
        from tensorflow.python.framework import convert_to_constants

        from rnn_apps.layers import graph_form

        shapes = [
            tf.TensorSpec(array.shape, spec.dtype, name=name)
            for array, (name, spec) in zip(part.examples(1, part.steps, 0), part.inputs.items())
        ]
        with graph_form():
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
            except Exception as error:  # the converter raises whatever it meets
                problem = f"it has no form without Flex ({first_line(error)})"
                raise RnnAppsError(f"{path.name}: {problem}") from error

    def load(self, path, part):
        """Return a function that runs a file as the client does, with LiteRT's interpreter."""
        from rnn_apps.export.client_files import load_as_client

        return load_as_client(path, part, self)
