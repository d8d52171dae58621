"""The cell that a recipe names, built in, registered, or ``module:Class``, and the levels made of it."""

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
    cell = _found(name, where)
    if not (isinstance(cell, type) and issubclass(cell, keras.layers.Layer)):
        raise UserError(
            where, received=shown(name), expected="a class that is a RecurrentCell or a Keras cell"
        )
    if keras.saving.get_registered_object(keras.saving.get_registered_name(cell)) is None:
        keras.saving.register_keras_serializable(package=module)(cell)  # so that a saved network loads again
    return cell


def import_user_module(module, where, received):
    """Return a module of the user's own, which is looked up in the working folder too.

    Args:
        module: its name.
        where: what a message calls the place that the name is from.
        received: what stands there.

    Raises:
        UserError: there is no such module, or it raises.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:  # whatever the user's module raises
        problem, fix = _why_not_imported(module, error)
        raise UserError(where, problem, received=shown(received), fix=fix) from error


def raised_at(error, module):
    """Return the last place in a module on the way to an exception, ``file:line``, or None.

    Args:
        error: the exception.
        module: name of the module; the packages that it is in count too.
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


def _found(name, where):
    """What stands under a name ``module:Class``."""
    module, _, attribute = name.partition(":")
    found = import_user_module(module, where, name)
    if not hasattr(found, attribute):
        problem = f"the module {module} has no class {attribute}"
        raise UserError(where, problem, received=shown(name), fix=_classes_of(found, attribute))
    return getattr(found, attribute)


def _why_not_imported(module, error):
    """The problem and its fix: a module that is not found, or one that raises."""
    said = error.msg if isinstance(error, SyntaxError) else error  # without its place, which comes below
    text = f"{type(error).__name__}: {said}".rstrip(".: ")
    if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
        folder = f"the folder that holds the module {module}"
        return text, f"Start rnn-apps in {folder}, or put that folder on PYTHONPATH."
    place = raised_at(error, module)
    problem = f"the module {module} cannot be imported: {text}" + (f" ({place})" if place else "")
    return problem, f'Fix it; python -c "import {module}" shows the whole of the error.'


def _classes_of(module, name):
    """Which classes a module defines, itself or in its submodules, and which was probably meant."""
    own = f"{module.__name__}."
    classes = [
        n for n, v in vars(module).items() if isinstance(v, type) and f"{v.__module__}.".startswith(own)
    ]
    guess, file = nearest(name, classes), getattr(module, "__file__", None) or module.__name__
    advice = f'Did you mean "{guess}"? ' if guess else ""
    return f"{advice}Classes of {file}: {', '.join(classes) or 'none'}."


def make_levels(recipe, **options):
    """Return the `StackedRNN` that `RecurrentLayers` ask for, which gives the outputs of all steps.

    Args:
        recipe: whose `model` they are.
        **options: further arguments of the layer.
    """
    model, training = recipe.model, recipe.training
    return StackedRNN(
        tuple(model.units),
        cell=resolve_cell(model.cell),
        dropout=model.layer_dropout,
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
    """How to fix a cell name that nothing is registered under, or None for any other."""
    if ":" in name or name in list_cells():
        return None
    return "A cell of your own is written module:Class, so that its module is imported."
