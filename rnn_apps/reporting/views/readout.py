"""The way from the states of a network to its output: which steps it takes, and the weights that it passes.

In the textbooks' formula y_t = W_hy h_t these weights are W_hy.
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
    """How an output is computed from the states of the highest level.

    Attributes:
        pooling: how the states of all steps become one vector, in the order of the graph: "last" for the
            state that each direction computes last, "mean", "max", "sum", "concatenation", "first step",
            "final step", or the name of another layer. Empty where every step has an output.
        weights: of the layers from the states, or from the pooled vector, to the output, in their order.
        before: of the layers between the states and the pooling.
    """

    pooling: list[str] = field(default_factory=list)
    weights: Weights = field(default_factory=dict)
    before: Weights = field(default_factory=dict)


def readout(network: Network) -> Readout | None:
    """Returns how the output of a network is computed from its states; None where its graph does not say.

    Args:
        network: as for `hidden_states`. The graph of a functional or sequential model is followed; a
            subclassed model has none.
    """
    if isinstance(network, RECURRENT):
        return Readout([] if network.return_sequences else [LAST])
    graph = _graph_of(network)
    if graph is None:
        return None
    search = _Search()
    every_step = [search.follow(output, {}) for output in graph.outputs]
    if search.is_unknown:
        return None
    if search.pooling and not all(every_step):
        return Readout(search.pooling, search.after, search.before)
    return Readout([], search.before | search.after)


class _Search:
    """Follows tensors back to the recurrence and notes what they pass, the lowest first."""

    def __init__(self):
        self.pooling: list[str] = []
        self.before: Weights = {}
        self.after: Weights = {}
        self.is_unknown = False
        self._seen: dict[tuple[int, int], bool | None] = {}
        self._scopes = []  # kept, so that no two of them have one id

    def follow(self, tensor: keras.KerasTensor, scope: Mapping[int, Any]) -> bool | None:
        """Returns whether a tensor still has the steps of the recurrence, None where it comes from elsewhere.

        Args:
            tensor: of a graph.
            scope: of a model within a model: its input tensors, by id, to the tensor and scope outside.
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
            outer = {id(own): (given, scope) for own, given in zip(graph.inputs, node.input_tensors)}
            return self.follow(graph.outputs[tensor_index], outer)
        if isinstance(operation, keras.layers.Layer) and recurrent_layers(operation):
            return self._reached(operation, tensor)
        found = [(given, self.follow(given, scope)) for given in node.input_tensors]
        followed = [(given, has_steps) for given, has_steps in found if has_steps is not None]
        return self._passed(operation, node, tensor, followed) if followed else None

    def _reached(self, layer, tensor):
        """The recurrence itself: the outputs of all steps, or a state."""
        if isinstance(layer, SequenceDecoder):
            self.before |= {one.name: weight_shapes(one) for one in _head_of(layer)}
            return True
        self.is_unknown |= not isinstance(layer, RECURRENT)
        has_steps = len(tensor.shape) > 2
        if not has_steps:
            self._pool([LAST])
        return has_steps

    def _passed(self, operation, node, tensor, followed):
        """An operation after the recurrence."""
        had_steps = any(has_steps for _, has_steps in followed)
        given = next((given for given, has_steps in followed if has_steps), followed[0][0])
        has_steps = had_steps and not _loses_steps(operation, node, given.shape, tensor.shape)
        if isinstance(operation, keras.layers.Layer) and operation.weights:
            (self.before if had_steps else self.after)[operation.name] = weight_shapes(operation)
        if had_steps and not has_steps:
            self._pool(_pooling(operation, node))
        return has_steps

    def _pool(self, names):
        self.pooling += [name for name in names if name not in self.pooling]


def weight_shapes(layer: Network) -> dict[str, list[int]]:
    """Returns the names and shapes of a layer's weights, with those of the layers that it is made of."""
    shapes = {_name_in(layer, weight): list(map(int, weight.shape)) for weight in layer.weights}
    return {name: shape for name, shape in shapes.items() if "seed" not in name}


def _name_in(layer, weight):
    """Its name, with those of the layers between where the layer is made of layers."""
    own = [
        inner
        for inner in layer._flatten_layers(include_self=False)
        if any(weight is one for one in inner.weights)  # == would compare numbers
    ]
    return "/".join([*(inner.name for inner in own), weight.path.rpartition("/")[2]])


def _graph_of(operation):
    """The functional model that an operation is, None where it is not one."""
    graph = operation._functional if isinstance(operation, keras.Sequential) else operation
    return graph if isinstance(graph, keras.Model) and hasattr(graph, "outputs") else None


def _head_of(decoder: SequenceDecoder) -> Sequence[keras.layers.Layer]:
    """The layers from the states of a decoder to its logits."""
    return [decoder.join, decoder.embedder if decoder.tied else decoder.logits]


def _loses_steps(operation, node, given, result):
    """Whether the steps are gone between two shapes, be it that an axis of length 1 is left."""
    if len(result) == len(given):
        return result[1] == 1 and given[1] != 1
    if type(operation).__name__ == "GetItem":
        return isinstance(_step_of(node), int)
    axis = getattr(operation, "axis", None)
    if axis is not None:
        axes = axis if isinstance(axis, (list, tuple)) else [axis]
        return 1 in [one % len(given) for one in axes]
    return len(result) < min(3, len(given))


def _step_of(node):
    """What a sequence is indexed with along its steps."""
    key = [*node.arguments.args, *node.arguments.kwargs.values()][1]
    key = key if isinstance(key, (list, tuple)) else [key]
    plain = len(key) > 1 and all(isinstance(one, (int, slice)) for one in key[:2])
    return key[1] if plain else slice(None)


def _pooling(operation, node):
    """Names of how an operation makes one vector of the steps."""
    kind = type(operation).__name__
    if isinstance(operation, SequencePooling):
        return operation.mode.split("_")
    if kind == "GetItem":
        step = _step_of(node)
        step = step.start if isinstance(step, slice) else step
        return [{0: FIRST_STEP, -1: FINAL_STEP}.get(step, operation.name)]
    return [POOLING_LAYERS.get(kind) or OPERATIONS.get(kind) or operation.name]
