"""A vetted configuration and its weights made into a model, whose size is known before it is built."""

import copy
import math
import time
from typing import NamedTuple

import keras
import numpy as np

from rnn_apps.errors import RnnAppsError, UserError, printable
from rnn_apps.importing.sizes import TooLong, activations, layer_calls, within
from rnn_apps.models.example_inputs import answers_of, example_inputs

MOST_ACTIVATIONS = 1 << 28  # numbers in all layers' outputs, for one example of a few steps
MOST_CALLS = 20_000  # of layers, those of inner models at every call of these, or step
PLANNING_SECONDS = 30
STEPS = (12, 64, 512, 4096)  # the first that the layers can work on is taken for every side left open


class Plan(NamedTuple):
    """What a model will take.

    Args:
        size: numbers in its weights.
        steps: of inputs that it can work on.
        activations: numbers in the outputs of its layers, for one example of so many steps.
    """

    size: int
    steps: int
    activations: int


def planned(path, config):
    """Return the `Plan` of a model.

    No memory is taken for weights or outputs.

    Args:
        path: of the file, for messages.
        config: of the model.

    Raises:
        UserError: the layers do not fit one another, are called too often or take too long to plan, or an
            output is larger than any machine holds.
    """
    _check_calls(path, layer_calls(config))
    problem, last = None, time.monotonic() + PLANNING_SECONDS
    for steps in STEPS:
        try:  # Keras notes the variables that have no value thread by thread
            size, outputs, calls = within(max(0, last - time.monotonic()), _sizes, config, steps)
        except TooLong as error:
            received = f"layers that take more than {PLANNING_SECONDS} s to plan"
            raise UserError(str(path), received=received, expected="a model of less") from error
        except Exception as error:  # Keras raises whatever it meets in a configuration
            problem = problem or error
            continue
        if outputs > MOST_ACTIVATIONS:
            received = f"layers whose outputs have {_count(outputs)} numbers for one example of {steps} steps"
            raise UserError(str(path), received=received, expected=f"at most {MOST_ACTIVATIONS:,}")
        _check_calls(path, calls)
        return Plan(size, steps, outputs)
    raise UserError(str(path), f"its layers make no model ({_first_line(problem)})") from problem


def plan_in_memory(model):
    """Return the `Plan` of a model that is built already.

    Raises:
        UserError: it is neither functional nor sequential, has no shape of inputs, or cannot be called.
    """
    where = f"model {model.name}"
    if not isinstance(model, (keras.Sequential, keras.Function)):
        fix = "Make it of layers called on keras.Input."
        expected = "a functional or sequential model"
        raise UserError(where, received=f"a {type(model).__name__}", expected=expected, fix=fix)
    if not model.built or not model.inputs:
        raise UserError(
            where, "it does not say the shape of its inputs", fix="Let it start with keras.Input."
        )
    problem = None
    for steps in STEPS:
        try:
            answers = answers_of(model, example_inputs(model, 1, steps))
        except Exception as error:  # a layer may raise whatever it likes
            problem = problem or error
            continue
        return Plan(model.count_params(), steps, sum(answer.size for answer in answers))
    raise UserError(where, f"it cannot be called ({_first_line(problem)})") from problem


def _sizes(config, steps):
    with keras.StatelessScope(initialize_variables=False):
        model = _from_config(_closed(config, steps))
        return sum(math.prod(w.shape) for w in model.weights), *activations(model)


def _check_calls(path, calls):
    if calls > MOST_CALLS:
        received = f"layers that are called {_count(calls)} times, models within models at each call of these"
        raise UserError(str(path), received=received, expected=f"at most {MOST_CALLS:,}")


def _count(number):
    return f"{number:,}" if number < 1e15 else f"10^{math.log10(number):.0f}"


def built(path, config, weights):
    """Return the `keras.Model` with its weights.

    Args:
        path: of the file, for messages.
        config: of the model.
        weights: path of an HDF5 file, in either of Keras' layouts.

    Raises:
        UserError: they do not fit.
    """
    try:
        model = _from_config(config)
        model.load_weights(weights)
    except Exception as error:  # as above
        raise UserError(str(path), f"its weights do not fit ({_first_line(error)})") from error
    if not all(np.isfinite(w).all() for w in model.get_weights() if w.dtype.kind == "f"):
        raise UserError(str(path), "a weight is infinite or no number")
    return model


def _from_config(config):
    model = keras.saving.deserialize_keras_object(copy.deepcopy(config), safe_mode=True)  # which changes it
    if not isinstance(model, keras.Model) or not model.built:
        raise RnnAppsError("it does not say the shape of its inputs")
    return model


def _closed(config, steps):
    """A configuration whose inputs are one example, with so many steps where a side is left open.

    Models within it keep their open sides: what comes to them is known when they are called.
    """
    config = copy.deepcopy(config)
    for layer in config["config"]["layers"]:
        if layer.get("class_name") == "InputLayer":
            shape = layer["config"]["batch_shape"]
            layer["config"]["batch_shape"] = [1, *(steps if side is None else side for side in shape[1:])]
    return config


def _first_line(error):
    text = str(error).rpartition("Exception encountered: ")[2].strip().splitlines()
    return printable((text[0] if text else type(error).__name__)[:200])
