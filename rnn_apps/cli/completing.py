"""Shell completion of arguments and options.

It is asked at every press of a key, so it reads files and tables of the package and imports neither
TensorFlow nor pydantic. Each function is a `shell_complete` of click: (context, parameter, what is typed) to
items.
"""

import importlib.resources
import itertools
import json
import re
from pathlib import Path

from click.shell_completion import CompletionItem

from rnn_apps.export_formats import FORMATS

_RECIPES = "rnn_apps.recipes"
_NEWEST = 20  # runs that are offered where nothing is typed


def recipes(context, parameter, typed):
    """Names of packaged recipes, and YAML files."""
    return [*_starting(typed, _packaged()), *_paths(typed, lambda path: path.suffix in (".yaml", ".yml"))]


def runs(context, parameter, typed):
    """Run folders: the newest ones in runs/ if nothing is typed, else all matching folders."""
    newest = []
    if not typed:
        found = [path for path in Path("runs").glob("*/*") if _is_run(path)]
        newest = sorted(found, key=lambda path: path.name, reverse=True)[:_NEWEST]
    return [*(CompletionItem(str(path)) for path in newest), *_paths(typed, _is_run)]


def models(context, parameter, typed):
    """Keras model files, and run folders."""
    return list(_paths(typed, lambda path: path.suffix in (".keras", ".h5", ".hdf5") or _is_run(path)))


def files(context, parameter, typed):
    """Any file, completed by the shell."""
    return [CompletionItem(typed, type="file")]


def setting_keys(context, parameter, typed):
    """Keys of the recipe on the command line, or of all recipes, followed by =."""
    recipe = context.params.get("recipe") or next(iter(context.args), None)  # click stops at the open --set
    schema, task = _schema(), _task_of(recipe)
    names = [branch["if"]["properties"]["task"]["const"] for branch in schema["allOf"]]
    branches = [b for b, name in zip(schema["allOf"], names) if task in (name, None)]
    keys = dict.fromkeys(key for branch in branches for key in _keys(branch["then"], schema["$defs"]))
    return _starting(typed, (f"{key}=" for key in keys))


def tasks(context, parameter, typed):
    """Names of the tasks that have a recipe."""
    return _starting(typed, dict.fromkeys(map(_task_of, _packaged())))


def formats(context, parameter, typed):
    """Formats of an export."""
    return _starting(typed, FORMATS)


def weights(context, parameter, typed):
    """Precisions of exported weights."""
    from rnn_apps.export import weight_types

    return _starting(typed, weight_types())


def cells(context, parameter, typed):
    """Names of the cells that come with rnn-apps."""
    return _starting(typed, _schema()["$defs"]["TextClassificationModel"]["properties"]["cell"]["examples"])


def _starting(typed, names):
    return [CompletionItem(name) for name in names if name.startswith(typed)]


def _paths(typed, is_wanted):
    """Matching paths in the typed folder, and its subfolders, followed by a slash."""
    folder, slash, start = typed.rpartition("/")
    try:
        entries = sorted(Path(folder + slash or ".").expanduser().iterdir())
    except (OSError, RuntimeError):  # RuntimeError: no such user behind the ~
        return
    for path in entries:
        if path.name.startswith(start) and (start or not path.name.startswith(".")):
            if is_wanted(path):
                yield CompletionItem(f"{folder}{slash}{path.name}")
            elif path.is_dir():
                yield CompletionItem(f"{folder}{slash}{path.name}/")


def _is_run(path):
    try:
        return any((path / name).is_file() for name in ("recipe.yaml", "manifest.json"))
    except OSError:  # a folder that one may not enter
        return False


def _packaged():
    names = (file.name for file in importlib.resources.files(_RECIPES).iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def _schema():
    file = importlib.resources.files(_RECIPES) / "recipe.schema.json"
    return json.loads(file.read_text(encoding="utf-8"))


def _task_of(recipe):
    if not recipe:
        return None
    packaged = importlib.resources.files(_RECIPES) / f"{recipe}.yaml"
    try:
        lines = (packaged if recipe in _packaged() else Path(recipe)).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    found = (re.match(r"task: *(\w+)", line) for line in itertools.islice(lines, 1000))
    return next((match[1] for match in found if match), None)


def _keys(node, definitions, path=""):
    """Dotted paths of all settings below a node of the schema."""
    options = [
        definitions[o["$ref"].rpartition("/")[2]] if "$ref" in o else o for o in node.get("anyOf", [node])
    ]
    below = [item for option in options for item in option.get("properties", {}).items()]
    if path and (not below or len(options) > 1):
        yield path
    for key, child in below:
        yield from _keys(child, definitions, f"{path}.{key}" if path else key)
