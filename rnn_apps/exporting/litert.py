"""LiteRT (TensorFlow Lite) without Flex: one example, a fixed number of steps, built-in operations alone."""

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from rnn_apps.errors import RnnAppsError
from rnn_apps.exporting.comparing import compared
from rnn_apps.layers import graph_form

__all__ = ["TOLERANCES", "write_litert"]

TOLERANCES = {"float32": 1e-3, "float16": 0.1, "int8": None}
EXAMPLES = 24


def write_litert(parts, folder, weights="float32"):
    """Write ``NAME.tflite`` for every part of a network, run each with LiteRT's interpreter, and compare.

    Args:
        parts: list of `Part`, whose `steps` become the length of the file's inputs.
        folder: path of a folder that is there.
        weights: ``"float32"``, ``"float16"`` or ``"int8"``; int8 are weights alone, computed with in float.

    Returns:
        Rows as of `compared`.

    Raises:
        RnnAppsError: an operation is no built-in of LiteRT, or the answers differ by more than `TOLERANCES`.
    """
    from ai_edge_litert.interpreter import Interpreter

    return [_written(part, folder / f"{part.name}.tflite", Interpreter, weights) for part in parts]


def _written(part, path, interpreter_class, weights):
    path.write_bytes(_converted(part, weights))
    interpreter = interpreter_class(model_path=str(path))
    interpreter.allocate_tensors()
    places = {detail["name"]: detail["index"] for detail in interpreter.get_input_details()}
    outputs = [detail["index"] for detail in interpreter.get_output_details()]
    names = sorted(part.answers(part.examples(1, part.steps, 0)))

    def run(inputs):
        for name, array in zip(part.inputs, inputs):
            if name in places:  # a mask that nothing reads is not there
                interpreter.set_tensor(places[name], array)
        interpreter.invoke()
        return {name: interpreter.get_tensor(index).copy() for name, index in zip(names, outputs)}

    batches = [(1, part.steps)] * EXAMPLES
    return compared(part, run, path, batches, TOLERANCES[weights])


def _converted(part, weights):
    shapes = [
        tf.TensorSpec(array.shape, spec.dtype, name=name)
        for array, (name, spec) in zip(part.examples(1, part.steps, 0), part.inputs.items())
    ]
    with graph_form():
        concrete = tf.function(part.function, autograph=False).get_concrete_function(*shapes)
        frozen = convert_variables_to_constants_v2(concrete, lower_control_flow=False)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if weights != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if weights == "float16":
            converter.target_spec.supported_types = [tf.float16]
        try:
            return converter.convert()
        except Exception as error:  # the converter raises whatever it meets
            text = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise RnnAppsError(f"{part.name}.tflite: it has no form without Flex ({text})") from error
