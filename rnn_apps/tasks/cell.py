"""The cell that a recipe names, built in, registered, or ``module:Class``, and the levels made of it."""

import importlib
import sys
from contextlib import contextmanager
from pathlib import Path

import keras

from rnn_apps.errors import UserError, shown
from rnn_apps.layers import StackedRNN, list_cells

__all__ = ["make_levels", "model_errors", "resolve_cell"]


def resolve_cell(name):
    """Return what `StackedRNN` takes as its cell.

    Args:
        name: a registered name, or ``module:Class``; the module is looked up in the working folder too.

    Raises:
        UserError: there is no such module or class, or it is no cell.
    """
    module, _, attribute = name.partition(":")
    if not attribute:
        return name
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        cell = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # whatever the user's module raises
        fix = (
            f"Start rnn-apps in the folder that holds the module {module}, or put that folder on PYTHONPATH."
        )
        problem = f"{type(error).__name__}: {error}".rstrip(".")
        raise UserError("model.cell", problem, received=shown(name), fix=fix) from error
    if not (isinstance(cell, type) and issubclass(cell, keras.layers.Layer)):
        raise UserError(
            "model.cell", received=shown(name), expected="a class that is a RecurrentCell or a Keras cell"
        )
    if keras.saving.get_registered_object(keras.saving.get_registered_name(cell)) is None:
        keras.saving.register_keras_serializable(package=module)(cell)  # so that a saved network loads again
    return cell


def make_levels(recipe, **options):
    """Return the `StackedRNN` that `RecurrentLevels` ask for, which gives the outputs of all steps.

    Args:
        recipe: whose `model` they are.
        **options: further arguments of the layer.
    """
    model, training = recipe.model, recipe.training
    return StackedRNN(
        tuple(model.units),
        cell=resolve_cell(model.cell),
        dropout=model.level_dropout,
        recurrent_dropout=model.recurrent_dropout,
        residual=model.residual,
        return_sequences=True,
        compile=training.compile,
        recompute_every=training.recompute_every,
        seed=recipe.seed,
        **options,
    )


@contextmanager
def model_errors(cell):
    """Within this context what a layer refuses becomes a `UserError` on the recipe's model.

    Args:
        cell: name of the recipe's cell.
    """
    try:
        yield
    except ValueError as error:
        raise UserError("model", str(error).rstrip("."), fix=_cell_advice(cell)) from error


def _cell_advice(name):
    """How to mend a cell name that nothing is registered under, or None for any other."""
    if ":" in name or name in list_cells():
        return None
    return "A cell of your own is written module:Class, so that its module is imported."
