"""How much a foreign model asks for, known before a layer of it is built or an output of it computed."""

import math
import threading
from ctypes import c_ulong, py_object, pythonapi

import keras

from rnn_apps.errors import RnnAppsError
from rnn_apps.importing.allowed import GRAPHS, LAYERS, OURS
from rnn_apps.models.graph_walk import walk

_COUNTED = LAYERS | GRAPHS | OURS


def layer_calls(value):
    """Return how often layers are called by a model whose inner models are unrolled, from its configuration.

    Args:
        value: configuration, or a part of it.
    """
    if isinstance(value, list):
        return sum(map(layer_calls, value))
    if not isinstance(value, dict):
        return 0
    calls = sum(layer_calls(one) for key, one in value.items() if key != "inbound_nodes")
    if value.get("class_name") not in _COUNTED:
        return calls
    nodes = value.get("inbound_nodes")
    return (1 + calls) * max(1, len(nodes) if isinstance(nodes, list) else 1)


def activations(model):
    """Return the numbers in the outputs of all calls of operations and in score matrices, and how many calls.

    An inner model counts at every call with the shapes that it is given there. Within `TimeDistributed` calls
    count at every step, and of the numbers the largest output: one step comes after the other.

    Args:
        model: `keras.Model` that is functional or sequential, its sides all known.
    """
    sizes = _sizes(model, model.inputs)
    return sum(numbers for numbers, _ in sizes), sum(calls for _, calls in sizes)


def _sizes(model, inputs):
    """For symbolic inputs, of every operation in a model the numbers that it holds and the calls."""
    sizes = []

    def visit(operation, args, options):
        found = operation(*args, **options)
        hidden, calls = _hidden(operation, args, options)
        sizes.append((_numbers(found) + hidden, calls))
        return found

    walk(model, inputs, visit)
    return sizes


def _numbers(tensors):
    return sum(_product(tensor.shape) for tensor in keras.tree.flatten(tensors))


def _product(sides):
    return math.prod(side or 1 for side in sides)


def _hidden(operation, args, options):
    """Numbers that a layer holds besides its outputs, where they can be many, and how many calls it is."""
    if isinstance(operation, keras.layers.MultiHeadAttention):
        query, value = (*args, *(options[name] for name in ("query", "value") if name in options))[:2]
        sides = [value.shape[axis] for axis in operation._attention_axes]
        return operation.num_heads * _product(query.shape[:-1]) * _product(sides), 1
    if isinstance(operation, keras.layers.Attention):  # additive is one of them, and adds before it sums
        query, value = (args[0] if args else options["inputs"])[:2]
        width = query.shape[-1] if isinstance(operation, keras.layers.AdditiveAttention) else 1
        return _product([width, *query.shape[:-1], value.shape[-2]]), 1
    if isinstance(operation, keras.layers.TimeDistributed):
        return _every_step(operation.layer, args[0] if args else options["inputs"])
    return 0, 1


def _every_step(layer, given):
    steps = given.shape[1] or 1
    if not isinstance(layer, keras.Model):
        return 0, steps
    inner = _sizes(layer, keras.KerasTensor((1, *given.shape[2:]), given.dtype))
    return steps * max((numbers for numbers, _ in inner), default=0), steps * sum(calls for _, calls in inner)


class TooLong(RnnAppsError):
    """What was asked did not come to its end in time."""


class _Stop(BaseException):
    """Raised in a thread from outside; no handler of errors is to keep it."""


def within(seconds, function, *args):
    """Return what a function gives, in a thread of its own that is given up after some seconds.

    Args:
        seconds: after which it is stopped; a call into a library ends first.
        function: callable.
        *args: for it.

    Raises:
        TooLong: it took longer.
        Exception: whatever it raises.
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
    raise TooLong(f"it took more than {seconds} s")
