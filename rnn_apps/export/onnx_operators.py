"""Puts the recurrent operators of ONNX in place of the placeholders that `rnn_apps.layers` traces."""

import numpy as np
from tf2onnx import utils

PLACEHOLDER, _REVERSED = "CudnnRNNV3", "reversed_steps"


def handlers(operators):
    """Return the ``custom_op_handlers`` of tf2onnx for a graph.

    Args:
        operators: list of `rnn_apps.layers.onnx_operators.Operator`; the seed of a placeholder is an index.
    """

    def replace(graph, node, _name, _arguments):
        _replace(graph, node, operators[node.get_attr_value("seed")])

    return {PLACEHOLDER: (replace, [PLACEHOLDER]), "ReverseV2": (_reverse, ["ReverseV2"])}


def _replace(graph, node, operator):
    sequences, *states, _, lengths = node.input
    states = states[: 2 if operator.form == "LSTM" else 1]
    weights = [_constant(graph, f"{node.name}/{key}", array) for key, array in zip("WRB", operator.weights)]
    outputs, name = list(node.output), utils.make_name(node.name)
    graph.remove_node(node.name)
    inputs = [sequences, *weights, lengths if operator.masked else "", *(states if operator.starts else ())]
    made = graph.make_node(operator.form, inputs, operator.attributes, 1 + len(states), name=name)
    direction = _constant(graph, f"{node.name}/direction", np.array([1]))
    graph.make_node("Squeeze", [made.output[0], direction], outputs=outputs[:1])
    for new, old in zip(made.output[1:], outputs[1:]):
        graph.make_node("Identity", [new], outputs=[old])


def _constant(graph, name, array):
    return graph.make_const(utils.make_name(name), array).output[0]


def _reverse(graph, node, _name, _arguments):
    """Reverse axes with one ``Slice``; what is reversed twice is taken as it was."""
    before, outputs = node.inputs[0], list(node.output)
    axes = [int(axis) for axis in np.atleast_1d(node.inputs[1].get_tensor_value())]
    graph.remove_node(node.name)
    if before.name.startswith(_REVERSED) and before.inputs[3].get_tensor_value() == axes:
        graph.make_node("Identity", [before.input[0]], outputs=outputs)
        return
    name, end = utils.make_name(_REVERSED), np.iinfo(np.int64).min
    values = ([-1] * len(axes), [end] * len(axes), axes, [-1] * len(axes))
    inputs = [_constant(graph, f"{name}/{index}", np.array(value)) for index, value in enumerate(values)]
    graph.make_node("Slice", [node.input[0], *inputs], outputs=outputs, name=name)
