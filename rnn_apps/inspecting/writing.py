"""From what was decided to a recipe in a file, with the reasons behind its settings."""

import shlex
import textwrap
from pathlib import Path

from rnn_apps.errors import Argument, UserError, Wording, printable
from rnn_apps.recipe import dump_commented, given_values, packaged_values, parse_recipe
from rnn_apps.recipe.overriding import ORIGIN
from rnn_apps.tasks import settings_class

_WIDTH = 106


_SET_BY_DATA = ("task", "data.source", "data.path", "data.sample")


def given_settings(task, overrides, origin=ORIGIN):
    """Return the settings that a user gives for a recipe that is to be written, dotted path to value.

    Args:
        task: its name.
        overrides: "data.label=stars" texts.
        origin: what messages write before the key of an override.

    Raises:
        RecipeError: the task has no such setting, or a value does not fit.
        UserError: it is a setting that follows from the data.
    """
    for text in overrides:
        key = text.partition("=")[0].strip()
        if f"{key}.".startswith(tuple(f"{one}." for one in _SET_BY_DATA)):
            problem = "follows from the task and the data that are named"
            raise UserError(f"{origin} {key}", problem, fix="Leave it out.", key=key)
    return given_values("imdb" if task == "text_classification" else task, overrides, origin)


def check_free(out):
    """Raise UserError where a recipe cannot be written without overwriting something."""
    out = Path(out)
    if str(out) == "-":
        problem = "a recipe is not written to standard output"
        details = {"received": "-", "expected": "a file", "fix": "Name another."}
        raise UserError(problem=problem, **details, option="out")
    if out.exists() or out.is_symlink():
        fix = ["Move it away.", Argument("Or name another file", "out=FILE")]
        raise UserError(str(out), "is there already", fix=fix)
    if not out.absolute().parent.is_dir():
        raise UserError(str(out), "its folder is not there", fix="Make the folder, or name another file.")


def recipe_text(inspection, out):
    """Return the text of a recipe: the packaged one with what was decided, and why.

    Args:
        inspection: `Inspection`.
        out: path of the file, for the command in its head.
    """
    values = packaged_values(inspection.base)
    values["data"].pop("sample", None)
    values["data"] = {"source": "files", "path": inspection.path} | values["data"] | {"source": "files"}
    for key, value, _ in inspection.decisions:
        _put(values, key.split("."), value)
    comments = {key: why for key, _, why in inspection.decisions if why}
    comments["data.path"] = "as seen from the folder in which rnn-apps is started"
    return "".join(f"# {line}\n" for line in _head(inspection, out)) + dump_commented(values, comments)


def _head(inspection, out):
    summary = settings_class(inspection.task).summary
    yield f"{summary[0].upper()}{summary[1:]}: made by rnn-apps init from the recipe {inspection.base}."
    yield f"  rnn-apps run {printable(shlex.quote(str(out)))}"
    yield "What stands behind a # says why; rnn-apps show FILE writes all other settings out."
    for warning in inspection.warnings:
        yield from textwrap.wrap(
            f"Look at this first: {warning.describe(Wording())}", _WIDTH, subsequent_indent="  "
        )


def _put(values, path, value):
    for key in path[:-1]:
        if not isinstance(values.get(key), dict):
            values[key] = {}
        values = values[key]
    values[path[-1]] = value


def write_recipe(inspection, out):
    """Write the recipe of an inspection, checked to its last key, and return its text.

    Raises:
        UserError: the file is there already, or cannot be written; nothing is left behind then.
    """
    out, text = Path(out), recipe_text(inspection, out)
    check_free(out)
    parse_recipe(text.encode(), out)
    try:
        with open(out, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        check_free(out)
    except OSError as error:
        out.unlink(missing_ok=True)
        raise UserError(str(out), f"cannot be written: {error.strerror}") from error
    return text
