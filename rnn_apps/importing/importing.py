"""A model file of Keras as a model on our layers, with all that was changed on the way."""

import tempfile
from typing import NamedTuple

import keras

from rnn_apps.errors import RnnAppsError, UserError, printable
from rnn_apps.importing.allowed import check_allowed
from rnn_apps.importing.apart import read_apart
from rnn_apps.importing.building import built, planned
from rnn_apps.importing.cudnn_weights import convert_cudnn_weights, has_cudnn_layers
from rnn_apps.importing.modernizing import modernized
from rnn_apps.layers import from_keras, is_recurrent, why_not
from rnn_apps.models.example_inputs import answers_of, example_inputs, relative_difference, tolerance_of

__all__ = ["Imported", "import_model"]

EXAMPLES, MANY = 3, 1 << 24  # numbers in the outputs of one example, from which on it is one alone


class Imported(NamedTuple):
    """A model that came in.

    Args:
        model: `keras.Model`.
        version: of the Keras that wrote it, "" where the file does not say.
        changes: lines, what is not as it was in the file.
        kept: recurrent layers that are Keras' own still, with the reason: lines.
        difference: largest between the answers before and after layers were moved, on random inputs, relative
            beside the largest answer where that is larger than 1.
        steps: of inputs that it can work on.
    """

    model: keras.Model
    version: str
    changes: list
    kept: list
    difference: float
    steps: int


def import_model(path, keep_layers=False):
    """Return a model that Keras saved, whatever its version, on our recurrent layers.

    The file is taken for hostile: only layers and functions of a list, no code, no link, no file beside it,
    weights no larger than the file, and all of that known before a layer is built.

    Args:
        path: .keras archive or .h5 file.
        keep_layers: leave Keras' own recurrent layers as they are.

    Returns:
        `Imported`.

    Raises:
        UserError: the file cannot be read, or holds what is refused.
        RnnAppsError: the answers on our layers are not those of the file.
    """
    try:
        return _imported(path, keep_layers)
    except RnnAppsError:
        raise
    except Exception as error:  # what is wrong in a stranger's file shows itself anywhere
        text = printable((str(error).strip().splitlines() or [""])[0][:150])
        raise UserError(str(path), f"no sound model ({type(error).__name__}: {text})") from error


def _imported(path, keep_layers):
    with tempfile.TemporaryDirectory(prefix="rnn-apps-") as folder:
        found = read_apart(path, folder)
        check_allowed(path, found.config)  # once more: a file may have got the better of its reader
        config, changes = modernized(path, found.config, found.version)
        plan = planned(path, config)
        if plan.size > found.size:
            problem = f"its layers need {plan.size:,} weights, and the file holds {found.size:,}"
            raise UserError(str(path), problem, expected="a whole model")
        if has_cudnn_layers(found.config):
            convert_cudnn_weights(path, found.weights)
        model = built(path, config, found.weights)
    if any("string" in str(given.dtype) for given in model.inputs):
        raise UserError(str(path), "an input of it is text", expected="a model of numbers")
    if keep_layers:
        return Imported(model, found.version, changes, [], 0.0, plan.steps)
    moved, kept = _moves(model)
    ours = from_keras(model) if moved else model
    difference = _difference(path, model, ours, plan)
    return Imported(ours, found.version, changes + moved, kept, difference, plan.steps)


def _moves(model):
    """What `from_keras` does with the recurrent layers of a model, and with which it does nothing: lines."""
    moved, kept = [], []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            inner = _moves(layer)
            moved += inner[0]
            kept += inner[1]
        elif is_recurrent(layer) and (reason := why_not(layer)):
            kept.append(f"{layer.name}: {type(layer).__name__} as it was, {reason}")
        elif is_recurrent(layer):
            moved.append(f"{layer.name}: {_kind(layer)} moved onto ours, with its weights")
    return moved, kept


def _kind(layer):
    if isinstance(layer, keras.layers.Bidirectional):
        return f"Bidirectional {type(layer.forward_layer).__name__}"
    return type(layer).__name__


def _difference(path, before, after, plan):
    if after is before:
        return 0.0
    inputs = example_inputs(before, EXAMPLES if plan.activations < MANY else 1, plan.steps)
    pairs = zip(answers_of(before, inputs), answers_of(after, inputs))
    difference = max(relative_difference(*pair, whole=True) for pair in pairs)
    if not difference <= tolerance_of(before):
        advice = "Import it with --keep-layers, and tell us."
        raise RnnAppsError(f"{path}: on our layers its answers differ by {difference:.1e}. {advice}")
    return difference
