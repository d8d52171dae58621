"""A model file of Keras as a model on our layers, with all that was changed on the way."""

import tempfile
from typing import NamedTuple

import keras

from rnn_apps.errors import RnnAppsError, UserError, printable, type_and_line
from rnn_apps.importing.allowed import check_allowed
from rnn_apps.importing.apart import read_apart
from rnn_apps.importing.building import built, plan_in_memory, planned
from rnn_apps.importing.cudnn_weights import convert_cudnn_weights, has_cudnn_layers
from rnn_apps.importing.modernizing import modernized
from rnn_apps.layers import from_keras, is_recurrent, rebuilt, why_not, with_open_steps
from rnn_apps.models.example_inputs import answers_of, example_inputs, relative_difference, tolerance_of

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


def import_model(source, keep_layers=False):
    """Return a model of Keras, whatever its version, on our recurrent layers.

    A file is taken for hostile: only layers and functions of a list, no code, no link, no file beside it,
    weights no larger than the file, and all of that known before a layer is built. A model in memory is
    trusted, and may have layers of any class.

    Args:
        source: .keras archive or .h5 file, or a functional or sequential `keras.Model`, which stays as it is.
        keep_layers: leave Keras' own recurrent layers as they are.

    Returns:
        `Imported`.

    Raises:
        UserError: the file cannot be read, or holds what is refused.
        RnnAppsError: the answers on our layers are not those of the model.
    """
    where = f"model {source.name}" if isinstance(source, keras.Model) else source
    try:
        if isinstance(source, keras.Model):
            plan = plan_in_memory(source)
            return _converted(where, source, keras.__version__, [], plan, keep_layers)
        return _from_file(source, keep_layers)
    except RnnAppsError:
        raise
    except Exception as error:  # what is wrong in a stranger's file shows itself anywhere
        problem = f"no sound model ({printable(type_and_line(error, 150))})"
        raise UserError(str(where), problem) from error


def _from_file(path, keep_layers):
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
    return _converted(path, model, found.version, changes, plan, keep_layers)


def _converted(where, model, version, changes, plan, keep_layers):
    """What becomes of a model that is built."""
    if any("string" in str(given.dtype) for given in model.inputs):
        raise UserError(str(where), "an input of it is text", expected="a model of numbers")
    ours = model
    if open_steps := _open_steps(model):
        ours = rebuilt(model, with_open_steps)
        changes = changes + open_steps
    moved, kept = ([], []) if keep_layers else _moves(ours)
    ours = from_keras(ours) if moved else ours
    difference = _difference(where, model, ours, plan)
    return Imported(ours, version, changes + moved, kept, difference, plan.steps)


def _open_steps(model):
    """The layers of a model, and of models within it, that a `TimeDistributed` of ours replaces: lines."""
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += _open_steps(layer)
        elif with_open_steps(layer):
            reason = "an export of Keras' own is wrong where the number of steps is open"
            found.append(f"{layer.name}: TimeDistributed moved onto ours, {reason}")
    return found


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


def _difference(where, before, after, plan):
    if after is before:
        return 0.0
    inputs = example_inputs(before, EXAMPLES if plan.activations < MANY else 1, plan.steps)
    pairs = zip(answers_of(before, inputs), answers_of(after, inputs))
    difference = max(relative_difference(*pair, whole=True) for pair in pairs)
    if not difference <= tolerance_of(before):
        advice = "Import it with keep_layers, and tell us."
        raise RnnAppsError(f"{where}: on our layers its answers differ by {difference:.1e}. {advice}")
    return difference
