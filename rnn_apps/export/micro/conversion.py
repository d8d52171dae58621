"""Converts one step of a network to a LiteRT model of integers, calibrated on training data."""

import re
import warnings
from collections import Counter

import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.python.framework import convert_to_constants

from rnn_apps.errors import RnnAppsError, first_line
from rnn_apps.layers import graph_form

NUM_SAMPLES = 1_000  # steps of train on which ranges are measured
MAX_STREAMED = 20_000  # steps of train that are read for them
MAX_PIECES = 20
_TYPES = {"int8": tf.int8, "int16x8": tf.int16}
_OPERATIONS = {
    "int8": tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
    "int16x8": tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
}


def freeze(stepwise):
    """Return the concrete function of a `StepwiseNetwork`, with its weights as constants."""
    sizes = {"features": stepwise.width}
    sizes |= {f"state_{number}": size for number, size in enumerate(stepwise.states)}
    specs = [tf.TensorSpec([1, size], tf.float32, name=name) for name, size in sizes.items()]

    def step(features, *states):
        outputs, states = stepwise.function(features, states)
        return [outputs, *states]

    with graph_form():
        concrete = tf.function(step, autograph=False).get_concrete_function(*specs)
    return convert_to_constants.convert_variables_to_constants_v2(concrete)


def convert(frozen, weights, samples=()):
    """Return a model as bytes.

    Args:
        frozen: result of `freeze`.
        weights: ``"float32"``, ``"int8"``, or ``"int16x8"``: weights of 8 bits, and values of 16.
        samples: lists of input arrays, which cover the ranges of all values.

    Raises:
        RnnAppsError: an operation of the network has no integer form.
    """
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: iter(samples)
        converter.target_spec.supported_ops = [_OPERATIONS[weights]]
        converter.inference_input_type = converter.inference_output_type = _TYPES[weights]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # no statistics of inputs, which the samples replace
            return converter.convert()
    except Exception as error:  # the converter raises exceptions of many types
        missing = sorted(set(re.findall(r"'?tfl?\.([A-Z]\w+)'? op", str(error))))
        reason = f"no {weights} form of {', '.join(missing)}" if missing else first_line(error)
        raise RnnAppsError(f"it cannot be converted to {weights} ({reason}).") from error


def excerpts(sequences):
    """Return pieces of raw sequences with at most `MAX_STREAMED` steps, spread over all of them."""
    pieces = []
    for sequence in sequences:
        length = max(1, MAX_STREAMED // MAX_PIECES)
        pieces += [sequence[start : start + length] for start in range(0, len(sequence), length)]
    total = sum(map(len, pieces))
    if total <= MAX_STREAMED:
        return pieces
    chosen = np.linspace(0, len(pieces) - 1, int(len(pieces) * MAX_STREAMED / total)).astype(int)
    return [pieces[number] for number in sorted(set(chosen.tolist()))]


def collect_samples(network, reader, sequences):
    """Return the inputs of evenly spaced steps of some raw sequences, a list of lists of arrays.

    Args:
        network: `rnn_apps.export.micro.client.Network` in float32.
        reader: its reader.
        sequences: list of arrays (steps, columns).
    """
    every, number, samples = max(1, sum(map(len, sequences)) // NUM_SAMPLES), 0, []
    for sequence in sequences:
        network.reset()
        reader.reset()
        for step in sequence:
            features = reader.encode(step)
            if number % every == 0:
                samples.append([features[None], *network.states])
            network.step(features)
            number += 1
    return samples


def describe(path):
    """Return type, size, scale and zero point of inputs and outputs, and the operations, of a model.

    Raises:
        RnnAppsError: a model of integers has numbers of floating point.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    model = schema.ModelT.InitFromPackedBuf(bytearray(path.read_bytes()))
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}
    (graph,) = model.subgraphs
    codes = [model.operatorCodes[one.opcodeIndex] for one in graph.operators]
    operators = Counter(names[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in codes)
    inputs, outputs = map(_tensors, (interpreter.get_input_details(), interpreter.get_output_details()))
    floats = [one.name for one in graph.tensors if one.type == schema.TensorType.FLOAT32]
    if inputs[0]["scale"] is not None and floats:
        raise RnnAppsError(f"{path.name}: {floats[0].decode()} has no integer form; it was not kept.")
    return {"inputs": inputs, "outputs": outputs, "operators": dict(operators)}


def _tensors(details):
    described = []
    for one in details:
        scale, zero_point = one["quantization"]
        integer = np.issubdtype(one["dtype"], np.integer)
        values = (float(scale), int(zero_point)) if integer else (None, None)
        described.append(
            {
                "type": np.dtype(one["dtype"]).name,
                "size": int(one["shape"][-1]),
                **dict(zip(("scale", "zero_point"), values)),
            }
        )
    return described
