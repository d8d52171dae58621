"""LiteRT (TensorFlow Lite) export: one example, any or a fixed number of steps, built-in operations only."""

import logging
import shutil

from rnn_apps.errors import RnnAppsError, first_line
from rnn_apps.export.formats import ExportFormat

_log = logging.getLogger("rnn_apps.export")


class LiteRT(ExportFormat):
    """One ``NAME.tflite`` per part; int8 and float16 apply to the weights, not to the arithmetic."""

    name = extra = "litert"
    packages = ("ai_edge_litert",)
    weights = {"float32": 1e-3, "float16": 0.1, "int8": None}
    can_fix_steps = True
    extension = "tflite"
    client_package = "ai-edge-litert"

    def batches_of(self, part):
        """Return 24 single examples, most of them of the usual length."""
        others = () if part.fixed_steps or not part.sequences else (1, 20, 21, 50)
        lengths = [min(steps, part.max_steps) for steps in others]
        return ((1, part.steps),) * (24 - len(lengths)) + tuple((1, steps) for steps in lengths)

    def write(self, predictor, folder, weights="float32", steps=None, examples=None):
        """Write files for sequences of any length, or of one length if the runtime cannot run the former."""
        try:
            return super().write(predictor, folder, weights, steps, examples)
        except (RnnAppsError, RuntimeError, ValueError) as error:  # also of the runtime
            lengths = [part.steps for part in predictor.network_parts() if part.max_steps is not None]
            if steps is not None or not lengths:
                raise
            shutil.rmtree(folder)
            _log.info(
                "%s: sequences of %d steps only, because %s", self.name, max(lengths), first_line(error)
            )
            return super().write(predictor, folder, weights, max(lengths), examples)

    def convert(self, part, path, weights):
        """Write a frozen part.

        Raises:
            RnnAppsError: the part has an operation that is not built in.
        """
        import tensorflow as tf
        from tensorflow.python.framework import convert_to_constants

        from rnn_apps.layers import graph_form

        specs = []
        for array, (name, spec) in zip(part.examples(1, part.steps, 0), part.inputs.items()):
            is_open = name in part.sequences and not part.fixed_steps
            shape = [1, None, *array.shape[2:]] if is_open else array.shape
            specs.append(tf.TensorSpec(shape, spec.dtype, name=name))
        with graph_form(in_blocks=True):
            concrete = tf.function(part.function, autograph=False).get_concrete_function(*specs)
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
