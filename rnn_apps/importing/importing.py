"""Imports a Keras model: from a file or memory to a model with rnn-apps layers and a list of changes."""

import tempfile
from pathlib import Path
from typing import NamedTuple

import keras

from rnn_apps.errors import RnnAppsError, UserError, printable, type_and_line
from rnn_apps.importing.allowlist import check_allowed
from rnn_apps.importing.building import build_model, plan_in_memory, plan_model
from rnn_apps.importing.cudnn_weights import convert_cudnn_weights, has_cudnn_layers
from rnn_apps.importing.migrate_config import migrate_config
from rnn_apps.importing.subprocess_reader import read_in_subprocess
from rnn_apps.layers import from_keras, is_recurrent, rebuilt, why_not, with_open_steps
from rnn_apps.models.example_inputs import answers_of, example_inputs, relative_difference, tolerance_of

NUM_EXAMPLES = 3
LARGE_ACTIVATIONS = 1 << 24  # values; from this size on, only one example is compared


class Imported(NamedTuple):
    """An imported model.

    Args:
        model: `keras.Model`.
        version: Keras version that wrote it, or "" if the file does not say.
        changes: one line for each difference from the file.
        kept: one line for each recurrent layer that was not converted, with the reason.
        difference: largest difference between the outputs before and after the conversion on random inputs,
            relative to the largest output if that exceeds 1.
        steps: number of steps of inputs that it can process.
    """

    model: keras.Model
    version: str
    changes: list
    kept: list
    difference: float
    steps: int


def import_model(source: str | Path | keras.Model, keep_layers: bool = False) -> Imported:
    """Import a Keras model of any version, with its recurrent layers converted to rnn-apps layers.

    A file is treated as hostile: it may use only listed layers and functions, no code, no links, no other
    files, and no more weights than it holds, all checked before a layer is built. A model in memory is
    trusted and may have layers of any class.

    Args:
        source: .keras archive or .h5 file, or a functional or sequential `keras.Model`, which is not changed.
        keep_layers: keep the recurrent layers of Keras.

    Raises:
        UserError: the file cannot be read or holds something that is not allowed.
        RnnAppsError: the outputs of the converted model differ from those of the original.
    """
    where = f"model {source.name}" if isinstance(source, keras.Model) else source
    try:
        if isinstance(source, keras.Model):
            plan = plan_in_memory(source)
            return _convert(where, source, keras.__version__, [], plan, keep_layers)
        return _import_file(source, keep_layers)
    except RnnAppsError:
        raise
    except Exception as error:  # an invalid model can cause an error anywhere
        problem = f"not a valid model ({printable(type_and_line(error, 150))})"
        raise UserError(str(where), problem) from error


def _import_file(path, keep_layers):
    with tempfile.TemporaryDirectory(prefix="rnn-apps-") as folder:
        contents = read_in_subprocess(path, folder)
        check_allowed(path, contents.config)  # again, since the file may have compromised its reader
        config, changes = migrate_config(path, contents.config, contents.version)
        plan = plan_model(path, config)
        if plan.size > contents.size:
            problem = f"its layers need {plan.size:,} weights, but the file holds {contents.size:,}"
            raise UserError(str(path), problem, expected="a whole model")
        if has_cudnn_layers(contents.config):
            convert_cudnn_weights(path, contents.weights)
        model = build_model(path, config, contents.weights)
    return _convert(path, model, contents.version, changes, plan, keep_layers)


def _convert(where, model, version, changes, plan, keep_layers):
    if any("string" in str(tensor.dtype) for tensor in model.inputs):
        raise UserError(str(where), "an input is text", expected="a model with numeric inputs")
    converted = model
    if replaced := _open_step_layers(model):
        converted = rebuilt(model, with_open_steps)
    moved, kept = ([], []) if keep_layers else _recurrent_layers(converted)
    if moved:
        converted = from_keras(converted)
    difference = _compare(where, model, converted, plan)
    return Imported(converted, version, changes + replaced + moved, kept, difference, plan.steps)


def _open_step_layers(model):
    """Return a line for each `TimeDistributed` with an unknown number of steps, also in nested models."""
    lines = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            lines += _open_step_layers(layer)
        elif with_open_steps(layer):
            reason = "exports of the Keras layer are wrong for an unknown number of steps"
            lines.append(f"{layer.name}: TimeDistributed converted to rnn-apps, since {reason}")
    return lines


def _recurrent_layers(model):
    """Return a line for each recurrent layer that `from_keras` converts, and for each that it keeps."""
    moved, kept = [], []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            inner = _recurrent_layers(layer)
            moved += inner[0]
            kept += inner[1]
        elif is_recurrent(layer) and (reason := why_not(layer)):
            kept.append(f"{layer.name}: {type(layer).__name__} kept as it is, {reason}")
        elif is_recurrent(layer):
            kind = type(layer).__name__
            if isinstance(layer, keras.layers.Bidirectional):
                kind = f"Bidirectional {type(layer.forward_layer).__name__}"
            moved.append(f"{layer.name}: {kind} converted to rnn-apps, with its weights")
    return moved, kept


def _compare(where, before, after, plan):
    if after is before:
        return 0.0
    inputs = example_inputs(before, NUM_EXAMPLES if plan.activations < LARGE_ACTIVATIONS else 1, plan.steps)
    pairs = zip(answers_of(before, inputs), answers_of(after, inputs))
    difference = max(relative_difference(*pair, whole=True) for pair in pairs)
    if not difference <= tolerance_of(before):
        advice = "Import it with keep_layers, and report this as a bug."
        raise RnnAppsError(
            f"{where}: the outputs of the converted layers differ by {difference:.1e}. {advice}"
        )
    return difference
