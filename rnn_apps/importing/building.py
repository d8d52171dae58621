"""Builds a model from a checked configuration and its weights, after measuring its size."""

import copy
import math
import time
from typing import NamedTuple

import keras
import numpy as np

from rnn_apps.errors import RnnAppsError, UserError, printable
from rnn_apps.importing.sizes import OperationTimeout, count_layer_calls, measure_outputs, run_with_timeout
from rnn_apps.models.example_inputs import answers_of, example_inputs

MAX_ACTIVATIONS = 1 << 28  # values in the outputs of all layers, for one example of a few steps
MAX_CALLS = 20_000  # of layers, including those of nested models at every call or step
PLANNING_SECONDS = 30
STEPS = (12, 64, 512, 4096)  # candidates for an unknown number of steps; the first that works is used


class Plan(NamedTuple):
    """The size of a model.

    Args:
        size: number of values in its weights.
        steps: number of steps of inputs that it can process.
        activations: number of values in the outputs of its layers, for one example of `steps` steps.
    """

    size: int
    steps: int
    activations: int


def plan_model(path, config):
    """Return the `Plan` of a model, without allocating weights or outputs.

    Args:
        path: path of the file, for messages.
        config: configuration of the model.

    Raises:
        UserError: the layers do not fit together, are called too often or take too long to plan, or their
            outputs are too large.
    """
    _check_calls(path, count_layer_calls(config))
    problem, deadline = None, time.monotonic() + PLANNING_SECONDS
    for steps in STEPS:
        try:  # in one thread: Keras keeps track of uninitialized variables per thread
            remaining = max(0, deadline - time.monotonic())
            size, outputs, calls = run_with_timeout(remaining, _measure, config, steps)
        except OperationTimeout as error:
            received = f"layers that take more than {PLANNING_SECONDS} s to plan"
            raise UserError(str(path), received=received, expected="a smaller model") from error
        except Exception as error:  # Keras raises exceptions of many types for an invalid configuration
            problem = problem or error
            continue
        if outputs > MAX_ACTIVATIONS:
            values = _format_count(outputs)
            received = f"layers whose outputs have {values} values for one example of {steps} steps"
            raise UserError(str(path), received=received, expected=f"at most {MAX_ACTIVATIONS:,}")
        _check_calls(path, calls)
        return Plan(size, steps, outputs)
    raise UserError(str(path), f"its layers do not form a model ({_first_line(problem)})") from problem


def plan_in_memory(model):
    """Return the `Plan` of a model that is already built.

    Raises:
        UserError: the model is not functional or sequential, its input shape is unknown, or it cannot be
            called.
    """
    where = f"model {model.name}"
    if not isinstance(model, (keras.Sequential, keras.Function)):
        fix, expected = "Build it from layers called on keras.Input.", "a functional or sequential model"
        raise UserError(where, received=f"a {type(model).__name__}", expected=expected, fix=fix)
    if not model.built or not model.inputs:
        raise UserError(where, "its input shape is unknown", fix="Start it with keras.Input.")
    problem = None
    for steps in STEPS:
        try:
            outputs = answers_of(model, example_inputs(model, 1, steps))
        except Exception as error:  # a layer may raise any exception
            problem = problem or error
            continue
        return Plan(model.count_params(), steps, sum(output.size for output in outputs))
    raise UserError(where, f"it cannot be called ({_first_line(problem)})") from problem


def _measure(config, steps):
    with keras.StatelessScope(initialize_variables=False):
        model = _from_config(_with_fixed_shapes(config, steps))
        return sum(math.prod(w.shape) for w in model.weights), *measure_outputs(model)


def _check_calls(path, calls):
    if calls > MAX_CALLS:
        received = f"layers that are called {_format_count(calls)} times, including nested models"
        raise UserError(str(path), received=received, expected=f"at most {MAX_CALLS:,}")


def _format_count(number):
    return f"{number:,}" if number < 1e15 else f"10^{math.log10(number):.0f}"


def build_model(path, config, weights):
    """Return the `keras.Model` with its weights.

    Args:
        path: path of the imported file, for messages.
        config: configuration of the model.
        weights: path of an HDF5 file in either of Keras' layouts.

    Raises:
        UserError: the weights do not fit the model, or are not finite.
    """
    try:
        model = _from_config(config)
        model.load_weights(weights)
    except Exception as error:  # Keras raises exceptions of many types
        raise UserError(str(path), f"its weights do not fit ({_first_line(error)})") from error
    if not all(np.isfinite(w).all() for w in model.get_weights() if w.dtype.kind == "f"):
        raise UserError(str(path), "a weight is infinite or NaN")
    return model


def _from_config(config):
    config = copy.deepcopy(config)  # deserialization changes it
    model = keras.saving.deserialize_keras_object(config, safe_mode=True)
    if not isinstance(model, keras.Model) or not model.built:
        raise RnnAppsError("its input shape is unknown")
    return model


def _with_fixed_shapes(config, steps):
    """Return a configuration for one example, with `steps` for every unknown dimension of an input.

    Nested models keep their unknown dimensions, which are determined when they are called.
    """
    config = copy.deepcopy(config)
    for layer in config["config"]["layers"]:
        if layer.get("class_name") == "InputLayer":
            shape = layer["config"]["batch_shape"]
            layer["config"]["batch_shape"] = [1, *(steps if size is None else size for size in shape[1:])]
    return config


def _first_line(error):
    text = str(error).rpartition("Exception encountered: ")[2].strip().splitlines()
    return printable((text[0] if text else type(error).__name__)[:200])
