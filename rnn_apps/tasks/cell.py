"""Resolves the cell of a recipe (built in, registered, or ``module:Class``), and creates its layers."""

import importlib
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path

import keras

from rnn_apps.errors import UserError, nearest, shown
from rnn_apps.layers import StackedRNN, list_cells


def resolve_cell(name, where="model.cell"):
    """Return what `StackedRNN` takes as its cell.

    Args:
        name: a registered name, or ``module:Class``; the module is looked up in the working folder too.
        where: what a message calls the place that the name is from.

    Raises:
        UserError: there is no such module or class, or it is no cell.
    """
    module, colon, attribute = name.partition(":")
    if not colon:
        return name
    if not (module and attribute):
        raise UserError(where, received=shown(name), expected="module:Class, such as my_cells:LeakyCell")
    cell = _import_class(name, where)
    if not (isinstance(cell, type) and issubclass(cell, keras.layers.Layer)):
        raise UserError(
            where, received=shown(name), expected="a class that is a RecurrentCell or a Keras cell"
        )
    if keras.saving.get_registered_object(keras.saving.get_registered_name(cell)) is None:
        keras.saving.register_keras_serializable(package=module)(cell)  # so that a saved network loads again
    return cell


def import_user_module(module, where, received):
    """Import a user's module; the working directory is searched as well.

    Args:
        module: name of the module.
        where: location of the name, for messages.
        received: full text at that location.

    Raises:
        UserError: if there is no such module, or importing it raises an exception.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:  # whatever the user's module raises
        problem, fix = _import_problem(module, error)
        raise UserError(where, problem, received=shown(received), fix=fix) from error


def raised_at(error, module):
    """Return the innermost location in a module of an exception's traceback, ``file:line``, or None.

    Args:
        error: exception.
        module: name of the module; its parent packages count as well.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    places = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if f"{module}.".startswith(f"{frame.f_globals.get('__name__')}.")
        and Path(frame.f_code.co_filename).is_file()
    ]
    return places[-1] if places else None


def _import_class(name, where):
    module_name, _, attribute = name.partition(":")
    module = import_user_module(module_name, where, name)
    if not hasattr(module, attribute):
        problem = f"the module {module_name} has no class {attribute}"
        raise UserError(where, problem, received=shown(name), fix=_list_classes(module, attribute))
    return getattr(module, attribute)


def _import_problem(module, error):
    """Return the problem and its fix for a module that is not found or raises an exception."""
    reason = error.msg if isinstance(error, SyntaxError) else error  # the location is added below
    text = f"{type(error).__name__}: {reason}".rstrip(".: ")
    if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
        folder = f"the folder that contains the module {module}"
        return text, f"Start rnn-apps in {folder}, or add that folder to PYTHONPATH."
    place = raised_at(error, module)
    problem = f"the module {module} cannot be imported: {text}" + (f" ({place})" if place else "")
    return problem, f'Fix it; python -c "import {module}" shows the full traceback.'


def _list_classes(module, name):
    """List the classes of a module and its submodules, with the best match for `name` first."""
    own = f"{module.__name__}."
    classes = [
        n for n, v in vars(module).items() if isinstance(v, type) and f"{v.__module__}.".startswith(own)
    ]
    guess, file = nearest(name, classes), getattr(module, "__file__", None) or module.__name__
    advice = f'Did you mean "{guess}"? ' if guess else ""
    return f"{advice}Classes of {file}: {', '.join(classes) or 'none'}."


def make_recurrent_layers(recipe, **options):
    """Return the `StackedRNN` of a recipe, which returns the outputs of all steps.

    Args:
        recipe: `Recipe` whose `model` has the settings of `RecurrentLayers`.
        **options: further arguments of `StackedRNN`.
    """
    model = recipe.model
    return StackedRNN(
        tuple(model.units),
        dropout=model.layer_dropout,
        residual=model.residual,
        return_sequences=True,
        seed=recipe.seed,
        **recurrent_options(recipe),
        **options,
    )


def recurrent_options(recipe):
    """Return the arguments of `StackedRNN` that all recurrent layers of a recipe share."""
    return {
        "cell": resolve_cell(recipe.model.cell),
        "recurrent_dropout": recipe.model.recurrent_dropout,
        "compile": recipe.training.compile,
        "recompute_every": recipe.training.recompute_every,
    }


@contextmanager
def model_errors(cell):
    """Context manager that turns a layer's ValueError into a `UserError` about the recipe's model.

    Args:
        cell: name of the recipe's cell.
    """
    try:
        yield
    except ValueError as error:
        raise UserError("model", str(error).rstrip("."), fix=_cell_advice(cell)) from error


def _cell_advice(name):
    """Return how to fix the name of an unregistered cell, or None if it is registered."""
    if ":" in name or name in list_cells():
        return None
    return "Write a custom cell as module:Class, so that its module is imported."
