"""Writes the decisions of an inspection as a recipe file, with the reasons as comments."""

import shlex
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rnn_apps.errors import Argument, UserError, Wording, printable
from rnn_apps.inspecting.inspection import Inspection
from rnn_apps.recipe import dump_commented, given_values, packaged_values, parse_recipe
from rnn_apps.recipe.overriding import ORIGIN
from rnn_apps.tasks import settings_class

_WIDTH = 106
_SET_BY_DATA = ("task", "data.source", "data.path", "data.sample")


def parse_overrides(task: str, overrides: Iterable[str], origin: str = ORIGIN) -> dict[str, Any]:
    """Return the user's settings for a recipe that is to be written, dotted key to value.

    Args:
        task: Its name.
        overrides: Texts such as "data.label=stars".
        origin: What messages write before the key of an override.

    Raises:
        RecipeError: the task has no such setting, or a value does not fit.
        UserError: the setting follows from the data.
    """
    for text in overrides:
        key = text.partition("=")[0].strip()
        if f"{key}.".startswith(tuple(f"{name}." for name in _SET_BY_DATA)):
            problem = "follows from the task and the data that are named"
            raise UserError(f"{origin} {key}", problem, fix="Leave it out.", key=key)
    return given_values("imdb" if task == "text_classification" else task, overrides, origin)


def check_free(out: str | Path) -> None:
    """Raise UserError if a recipe cannot be written without overwriting something."""
    out = Path(out)
    if str(out) == "-":
        problem, fix = "a recipe is not written to standard output", "Name another."
        raise UserError(problem=problem, received="-", expected="a file", fix=fix, option="out")
    if out.exists() or out.is_symlink():
        other = Argument("Or name another file", "out=FILE")
        raise UserError(str(out), "already exists", fix=["Move it away.", other])
    if not out.absolute().parent.is_dir():
        raise UserError(str(out), "its folder does not exist", fix="Create the folder, or name another file.")


def recipe_text(inspection: Inspection, out: str | Path) -> str:
    """Return the text of a recipe: the packaged one with the decisions and their reasons.

    Args:
        inspection: `Inspection`.
        out: Path of the file, for the command in its header.
    """
    values = packaged_values(inspection.base)
    values["data"].pop("sample", None)
    values["data"] = {"source": "files", "path": inspection.path} | values["data"] | {"source": "files"}
    for decision in inspection.decisions:
        _set(values, decision.key.split("."), decision.value)
    comments = {decision.key: decision.why for decision in inspection.decisions if decision.why}
    comments["data.path"] = "relative to the folder in which rnn-apps is started"
    return "".join(f"# {line}\n" for line in _header(inspection, out)) + dump_commented(values, comments)


def _header(inspection, out):
    summary = settings_class(inspection.task).summary
    yield f"{summary[0].upper()}{summary[1:]}: written by rnn-apps init from the recipe {inspection.base}."
    yield f"  rnn-apps run {printable(shlex.quote(str(out)))}"
    yield "Comments give the reasons; rnn-apps show FILE prints all other settings."
    for warning in inspection.warnings:
        text = f"Look at this first: {warning.describe(Wording())}"
        yield from textwrap.wrap(text, _WIDTH, subsequent_indent="  ")


def _set(values, path, value):
    for key in path[:-1]:
        if not isinstance(values.get(key), dict):
            values[key] = {}
        values = values[key]
    values[path[-1]] = value


def write_recipe(inspection: Inspection, out: str | Path) -> str:
    """Validate the recipe of an inspection, write it, and return its text.

    Raises:
        UserError: the file already exists or cannot be written; no partial file is left.
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
