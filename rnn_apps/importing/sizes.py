"""Measures the size of an untrusted model before its layers are built or its outputs computed."""

import math
import threading
from ctypes import c_ulong, py_object, pythonapi

import keras

from rnn_apps.errors import RnnAppsError
from rnn_apps.importing.allowlist import GRAPHS, LAYERS, RNN_APPS_LAYERS
from rnn_apps.models.graph_walk import walk

_COUNTED = LAYERS | GRAPHS | RNN_APPS_LAYERS


def count_layer_calls(value):
    """Return how often a model calls layers, including those of nested models.

    Args:
        value: configuration of the model, or a part of it.
    """
    if isinstance(value, list):
        return sum(map(count_layer_calls, value))
    if not isinstance(value, dict):
        return 0
    calls = sum(count_layer_calls(item) for key, item in value.items() if key != "inbound_nodes")
    if value.get("class_name") not in _COUNTED:
        return calls
    nodes = value.get("inbound_nodes")
    return (1 + calls) * max(1, len(nodes) if isinstance(nodes, list) else 1)


def measure_outputs(model):
    """Return the number of values in the outputs and attention scores of all operations, and of calls.

    A nested model counts at every call, with the shapes of that call. Inside `TimeDistributed`, calls count
    for every step, and values for the largest output only, since the steps run one after another.

    Args:
        model: functional or sequential `keras.Model` with known input dimensions.
    """
    sizes = _measure(model, model.inputs)
    return sum(values for values, _ in sizes), sum(calls for _, calls in sizes)


def _measure(model, inputs):
    """Return (values, calls) of every operation in a model for symbolic inputs."""
    sizes = []

    def visit(operation, args, options):
        outputs = operation(*args, **options)
        values, calls = _internal_size(operation, args, options)
        values += sum(_product(tensor.shape) for tensor in keras.tree.flatten(outputs))
        sizes.append((values, calls))
        return outputs

    walk(model, inputs, visit)
    return sizes


def _product(shape):
    return math.prod(size or 1 for size in shape)


def _internal_size(operation, args, options):
    """Return the number of values that a layer computes in addition to its outputs, and its calls."""
    if isinstance(operation, keras.layers.MultiHeadAttention):
        query, value = (*args, *(options[name] for name in ("query", "value") if name in options))[:2]
        attended = [value.shape[axis] for axis in operation._attention_axes]
        return operation.num_heads * _product(query.shape[:-1]) * _product(attended), 1
    if isinstance(operation, keras.layers.Attention):
        query, value = (args[0] if args else options["inputs"])[:2]
        is_additive = isinstance(operation, keras.layers.AdditiveAttention)  # adds before it sums
        return _product([query.shape[-1] if is_additive else 1, *query.shape[:-1], value.shape[-2]]), 1
    if isinstance(operation, keras.layers.TimeDistributed):
        inputs = args[0] if args else options["inputs"]
        steps = inputs.shape[1] or 1
        if not isinstance(operation.layer, keras.Model):
            return 0, steps
        inner = _measure(operation.layer, keras.KerasTensor((1, *inputs.shape[2:]), inputs.dtype))
        largest = max((values for values, _ in inner), default=0)
        return steps * largest, steps * sum(calls for _, calls in inner)
    return 0, 1


class OperationTimeout(RnnAppsError):
    """A function did not finish in time."""


class _Stop(BaseException):
    """Raised in a thread from outside; not an Exception, so that error handlers do not catch it."""


def run_with_timeout(seconds, function, *args):
    """Return the result of a function, run in a thread that is stopped after some seconds.

    Args:
        seconds: time limit; a call into a C library finishes first.
        function: callable.
        *args: its arguments.

    Raises:
        OperationTimeout: the function took longer.
        Exception: any exception of the function.
    """
    result = {}

    def run():
        try:
            result["value"] = function(*args)
        except Exception as error:
            result["error"] = error
        except _Stop:
            return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        pythonapi.PyThreadState_SetAsyncExc(c_ulong(thread.ident), py_object(_Stop))
        thread.join(1)
    if "value" in result:
        return result["value"]
    if "error" in result:
        raise result["error"]
    raise OperationTimeout(f"it took more than {seconds} s")
