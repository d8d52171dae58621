"""Finds how the output of a network is computed from its states: which steps it uses, and which weights.

In the textbook equation y_t = W_hy h_t these weights are W_hy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras

from rnn_apps.layers import StackedRNN
from rnn_apps.models.sequence_decoder import SequenceDecoder
from rnn_apps.models.sequence_encoder import SequencePooling
from rnn_apps.reporting.views.recording import Network, recurrent_layers

Weights = dict[str, dict[str, list[int]]]  # layer to weight to shape

LAST, FIRST_STEP, FINAL_STEP = "last", "first step", "final step"
POOLING_LAYERS = {"GlobalAveragePooling1D": "mean", "GlobalMaxPooling1D": "max", "Flatten": "concatenation"}
OPERATIONS = {"Mean": "mean", "Max": "max", "Sum": "sum", "Reshape": "concatenation"}
RECURRENT = (keras.layers.RNN, keras.layers.Bidirectional, StackedRNN)


@dataclass(frozen=True)
class Readout:
    """How an output is computed from the states of the top level.

    Attributes:
        pooling: how the states of all steps become one vector, in graph order: "last" for the state that each
            direction computes last, "mean", "max", "sum", "concatenation", "first step", "final step", or the
            name of another layer. Empty if every step has an output.
        weights: weights of the layers from the states, or from the pooled vector, to the output, in order.
        before: weights of the layers between the states and the pooling.
    """

    pooling: list[str] = field(default_factory=list)
    weights: Weights = field(default_factory=dict)
    before: Weights = field(default_factory=dict)


def readout(network: Network) -> Readout | None:
    """Return how the output of a network is computed from its states, or None if its graph does not tell.

    Args:
        network: see `hidden_states`. The graph of a functional or sequential model is followed; a subclassed
            model has none.
    """
    if isinstance(network, RECURRENT):
        return Readout([] if network.return_sequences else [LAST])
    graph = _graph_of(network)
    if graph is None:
        return None
    trace = _Trace()
    every_step = [trace.follow(output, {}) for output in graph.outputs]
    if trace.is_unknown:
        return None
    if trace.pooling and not all(every_step):
        return Readout(trace.pooling, trace.after, trace.before)
    return Readout([], trace.before | trace.after)


class _Trace:
    """Follows tensors back to the recurrence and collects the operations between, the lowest first."""

    def __init__(self):
        self.pooling: list[str] = []
        self.before: Weights = {}
        self.after: Weights = {}
        self.is_unknown = False
        self._seen: dict[tuple[int, int], bool | None] = {}
        self._scopes = []  # kept alive, so that their ids stay unique

    def follow(self, tensor: keras.KerasTensor, scope: Mapping[int, Any]) -> bool | None:
        """Return whether a tensor still has the steps of the recurrence; None if it does not depend on it.

        Args:
            tensor: tensor of a graph.
            scope: for a nested model, the id of each input tensor to the outer tensor and its scope.
        """
        key = (id(tensor), id(scope))
        if key not in self._seen:
            self._scopes.append(scope)
            self._seen[key] = self._follow(tensor, scope)
        return self._seen[key]

    def _follow(self, tensor, scope):
        if id(tensor) in scope:
            return self.follow(*scope[id(tensor)])
        operation, node_index, tensor_index = tensor._keras_history
        if operation is None or isinstance(operation, keras.layers.InputLayer):
            return None
        node = operation._inbound_nodes[node_index]
        graph = _graph_of(operation)
        if graph is not None:
            nested_scope = {
                id(inner): (outer, scope) for inner, outer in zip(graph.inputs, node.input_tensors)
            }
            return self.follow(graph.outputs[tensor_index], nested_scope)
        if isinstance(operation, keras.layers.Layer) and recurrent_layers(operation):
            return self._add_recurrence(operation, tensor)
        inputs = [(source, self.follow(source, scope)) for source in node.input_tensors]
        inputs = [(source, has_steps) for source, has_steps in inputs if has_steps is not None]
        return self._add_operation(operation, node, tensor, inputs) if inputs else None

    def _add_recurrence(self, layer, tensor):
        """Handle an output of the recurrence itself: the outputs of all steps, or a state."""
        if isinstance(layer, SequenceDecoder):
            self.before |= {part.name: weight_shapes(part) for part in _output_layers(layer)}
            return True
        self.is_unknown |= not isinstance(layer, RECURRENT)
        has_steps = len(tensor.shape) > 2
        if not has_steps:
            self._add_pooling([LAST])
        return has_steps

    def _add_operation(self, operation, node, tensor, inputs):
        """Handle an operation after the recurrence."""
        source, had_steps = next((pair for pair in inputs if pair[1]), inputs[0])
        has_steps = had_steps and not _removes_steps(operation, node, source.shape, tensor.shape)
        if isinstance(operation, keras.layers.Layer) and operation.weights:
            (self.before if had_steps else self.after)[operation.name] = weight_shapes(operation)
        if had_steps and not has_steps:
            self._add_pooling(_pooling(operation, node))
        return has_steps

    def _add_pooling(self, names):
        self.pooling += [name for name in names if name not in self.pooling]


def weight_shapes(layer: Network) -> dict[str, list[int]]:
    """Return the names and shapes of the weights of a layer and its sublayers."""
    shapes = {_weight_name(layer, weight): list(map(int, weight.shape)) for weight in layer.weights}
    return {name: shape for name, shape in shapes.items() if "seed" not in name}


def _weight_name(layer, weight):
    """Return the name of a weight, after the names of the sublayers that contain it."""
    sublayers = [
        sublayer.name
        for sublayer in layer._flatten_layers(include_self=False)
        if any(weight is other for other in sublayer.weights)  # == would compare values
    ]
    return "/".join([*sublayers, weight.path.rpartition("/")[2]])


def _graph_of(operation):
    """Return an operation as a functional model, or None if it is not one."""
    graph = operation._functional if isinstance(operation, keras.Sequential) else operation
    return graph if isinstance(graph, keras.Model) and hasattr(graph, "outputs") else None


def _output_layers(decoder: SequenceDecoder) -> Sequence[keras.layers.Layer]:
    """Return the layers from the states of a decoder to its logits."""
    return [decoder.output_projection, decoder.embedder if decoder.tied else decoder.logits]


def _removes_steps(operation, node, before, after):
    """Whether an operation between two shapes removes the steps or reduces them to length 1."""
    if len(after) == len(before):
        return after[1] == 1 and before[1] != 1
    if type(operation).__name__ == "GetItem":
        return isinstance(_step_index(node), int)
    axis = getattr(operation, "axis", None)
    if axis is not None:
        axes = axis if isinstance(axis, (list, tuple)) else [axis]
        return 1 in [axis % len(before) for axis in axes]
    return len(after) < min(3, len(before))


def _step_index(node):
    """Return the index of a `GetItem` along the steps."""
    key = [*node.arguments.args, *node.arguments.kwargs.values()][1]
    key = key if isinstance(key, (list, tuple)) else [key]
    is_basic = len(key) > 1 and all(isinstance(index, (int, slice)) for index in key[:2])
    return key[1] if is_basic else slice(None)


def _pooling(operation, node):
    """Return the names of the poolings of an operation that reduces the steps to one vector."""
    kind = type(operation).__name__
    if isinstance(operation, SequencePooling):
        return operation.mode.split("_")
    if kind == "GetItem":
        step = _step_index(node)
        step = step.start if isinstance(step, slice) else step
        return [{0: FIRST_STEP, -1: FINAL_STEP}.get(step, operation.name)]
    return [POOLING_LAYERS.get(kind) or OPERATIONS.get(kind) or operation.name]
