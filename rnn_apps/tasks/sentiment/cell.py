"""The cell that a recipe names: built in, registered, or ``module:Class``."""

import importlib
import sys
from pathlib import Path

from rnn_apps.errors import UserError

__all__ = ["resolve_cell"]


def resolve_cell(name):
    """Return what `StackedRNN` takes as its cell.

    Args:
        name: a registered name, or ``module:Class``; the module is looked up in the working folder too.

    Raises:
        UserError: there is no such module or class.
    """
    module, _, attribute = name.partition(":")
    if not attribute:
        return name
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UserError("model.cell", received=f'"{name}"', fix=f"{error}. Write module:Class.") from error
