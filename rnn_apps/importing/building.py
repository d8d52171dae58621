"""A vetted configuration and its weights made into a model, whose size is known before it is built."""

import copy
import math
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np

from rnn_apps.errors import RnnAppsError, UserError, printable

__all__ = ["built", "planned"]

MOST_ACTIVATIONS = 1 << 28  # numbers in all layers' outputs, for one example of a few steps
STEPS = (12, 64, 512, 4096)  # the first that the layers can work on is taken for every side left open


def planned(path, config):
    """Return how many numbers the weights of a model will have, and steps that it can work on.

    No memory is taken for weights or outputs.

    Args:
        path: of the file, for messages.
        config: of the model.

    Raises:
        UserError: the layers do not fit one another, or an output is larger than any machine holds.
    """

    def plan(steps):
        with keras.StatelessScope(initialize_variables=False):
            model = _from_config(_closed(config, steps))
            return sum(math.prod(w.shape) for w in model.weights), _outputs(model)

    problem = None
    for steps in STEPS:
        with ThreadPoolExecutor(1) as thread:  # Keras notes the variables that have no value thread by thread
            try:
                size, outputs = thread.submit(plan, steps).result()
            except Exception as error:  # Keras raises whatever it meets in a configuration
                problem = problem or error
                continue
        if outputs > MOST_ACTIVATIONS:
            received = f"layers whose outputs have {outputs:,} numbers for one example of {steps} steps"
            raise UserError(str(path), received=received, expected=f"at most {MOST_ACTIVATIONS:,}")
        return size, steps
    raise UserError(str(path), f"its layers make no model ({_first_line(problem)})") from problem


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


def _closed(value, steps):
    """A configuration whose inputs are one example, with so many steps where a side is left open."""
    if isinstance(value, list):
        return [_closed(one, steps) for one in value]
    if not isinstance(value, dict):
        return value
    value = {key: _closed(one, steps) for key, one in value.items()}
    if value.get("class_name") == "InputLayer":
        shape = value["config"]["batch_shape"]
        value["config"]["batch_shape"] = [1, *(steps if side is None else side for side in shape[1:])]
    return value


def _outputs(model):
    """Numbers in the outputs of all operations."""
    total = 0
    for operation in getattr(model, "operations", model.layers):
        for node in operation._inbound_nodes:
            total += sum(math.prod(side or 1 for side in tensor.shape) for tensor in node.output_tensors)
        if isinstance(operation, keras.Model):
            total += _outputs(operation)
    return total


def _first_line(error):
    text = str(error).rpartition("Exception encountered: ")[2].strip().splitlines()
    return printable((text[0] if text else type(error).__name__)[:200])
