"""Holds the floors of the design: imports go down only, sizes, public names, and the light commands.

Every law is a function of a package folder that returns what breaks it, so that a control can plant a fault
in a copy and see it caught.
"""

import ast
import functools
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "rnn_apps"
FLOORS = {
    "cli": 8,
    "tuning": 7,
    "runs": 6,
    **dict.fromkeys(("training", "checkpoint", "export", "importing", "serving"), 5),
    **dict.fromkeys(("checking", "inspecting", "reporting", "run_folder", "progress"), 5),
    "recipe": 4,
    "tasks": 3,
    "models": 2,
    **dict.fromkeys(("layers", "data", "metrics", "baselines"), 1),
    **dict.fromkeys(
        ("cluster", "compiled_form", "disk", "errors", "export_formats", "memory", "settings"), 0
    ),
}
FRONT = {"", "__main__"}  # rnn_apps itself and `python -m rnn_apps` open every floor
SAMPLES_OF_RECIPES = "recipes"  # package data, no code
FORBIDDEN_PAIRS = {("models", "data")}
# The strict settings speak in the message formula and know the names of the formats.
WITHIN_FLOOR = {("settings", "errors"), ("settings", "export_formats"), ("cluster", "errors")}
ONLY = {"serving": {"errors", "compiled_form"}}  # of ours it may import nothing else
MORE = {"serving.demo": {"data"}}  # but its page reads a visitor's files as the commands read a user's
PUBLIC = {"errors", "settings"}  # besides the packages: modules whose names users import
# They start commands, or write documents that show commands.
WRITES_COMMANDS = {
    "runs.kill_test",
    "inspecting.recipe_file",
    "export.client",
    "export.client_files",
    "export.serving_files",
}
COMMANDS = "check|check-cell|compare|evaluate|explain|export|import|init|inspect|list|predict|run|schema"
COMMANDS += "|serve|show|tune"
OPTION = re.compile(rf'(?<!style=")--[a-z][a-z-]*|\brnn-apps (?:{COMMANDS}|validate)\b')
MAX_FILE, MAX_FUNCTION = 350, 70
LONGER = {"export.client": 425}  # copied next to an export as one file


@functools.cache
def modules(package):
    """Dotted name below the package to path; a package's name stands for its __init__."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(p for p in parts if p != "__init__")] = path
    return found


def imports(package, name, path):
    """Names below the package that a module imports, also inside functions, relative imports resolved."""
    known, tree, found = modules(package), ast.parse(path.read_text()), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = (f"rnn_apps.{name}" if name else "rnn_apps").split(".")
                here = parts if path.name == "__init__.py" else parts[:-1]
                base = ".".join([*here[: len(here) - node.level + 1], *([base] if base else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found.add(inner if inner.removeprefix("rnn_apps.") in known else base)
    return {m.removeprefix("rnn_apps").lstrip(".") for m in found if m.split(".")[0] == "rnn_apps"}


def _run_on_import(tree):
    """The statements that run when the module is imported: not those inside functions."""
    todo = list(tree.body)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            todo += ast.iter_child_nodes(node)


def place_of(name):
    return name.split(".")[0]


def wrong_directions(package):
    """Imports that go up, sideways between packages, or where they never may."""
    wrong = []
    for name, path in modules(package).items():
        here = place_of(name)
        if here in FRONT or here == SAMPLES_OF_RECIPES:
            continue
        if here not in FLOORS:
            wrong.append(f"{name}: is on no floor")
            continue
        for target in imports(package, name, path):
            there = place_of(target)
            inside = there in (here, "", SAMPLES_OF_RECIPES)
            down = FLOORS.get(there, 99) < FLOORS[here] or (here, there) in WITHIN_FLOOR
            allowed = (inside or down) and (here, there) not in FORBIDDEN_PAIRS
            if here in ONLY and there != here:
                more = {
                    p for part, places in MORE.items() if f"{name}.".startswith(f"{part}.") for p in places
                }
                allowed = allowed and there in ONLY[here] | more
            if not allowed:
                wrong.append(f"{name} imports {target}")
    return wrong


def cycles(package):
    """Modules that can be reached from themselves by imports, those inside functions among them."""
    known = modules(package)
    edges = {n: imports(package, n, p) & set(known) - {n} for n, p in known.items()}
    wrong = []
    for name in known:
        seen, todo = set(), list(edges[name])
        while todo:
            step = todo.pop()
            if step not in seen:
                seen.add(step)
                todo += edges[step]
        if name in seen:
            wrong.append(name)
    return wrong


def too_large(package):
    wrong = []
    for name, path in modules(package).items():
        text = path.read_text()
        lines = text.count("\n")
        if lines > LONGER.get(name, MAX_FILE):
            wrong.append(f"{name}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = node.end_lineno - node.lineno + 1
                if length > MAX_FUNCTION:
                    wrong.append(f"{name}.{node.name}: {length} lines")
    return wrong


def unclear_names(package):
    vague = {"utils", "util", "misc", "common", "helpers"}
    return [name for name in modules(package) if set(name.split(".")) & vague]


def wrong_all(package):
    """Public modules without `__all__`, or an `__all__` with names that are not there, or there twice."""
    wrong = []
    for name, path in modules(package).items():
        tree = ast.parse(path.read_text())
        if name == "__main__" or place_of(name) == SAMPLES_OF_RECIPES or not tree.body:
            continue
        listed = _assigned(tree, "__all__")
        if listed is None:
            is_public = path.name == "__init__.py" or name in PUBLIC
            if is_public and any(not isinstance(node, ast.Expr) for node in tree.body):
                wrong.append(f"{name}: no __all__")
            continue
        lazy = any(isinstance(n, ast.FunctionDef) and n.name == "__getattr__" for n in tree.body)
        missing = set(listed) - _defined(tree)
        wrong += [f"{name}: __all__ names {n}, which is not there" for n in sorted(missing) if not lazy]
        wrong += [f"{name}: __all__ names {n} twice" for n in set(listed) if listed.count(n) > 1]
    return wrong


def _assigned(tree, name):
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(getattr(t, "id", None) == name for t in node.targets):
            try:
                return list(ast.literal_eval(node.value))
            except ValueError:
                return [*_defined(tree)]  # computed; the import below checks it
    return None


def _defined(tree):
    names = set()
    for node in _run_on_import(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(a.asname or a.name).split(".")[0] for a in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def undocumented(package):
    """Modules, and public classes, functions and methods, without a docstring."""
    wrong = []
    for name, path in modules(package).items():
        tree = ast.parse(path.read_text())
        if tree.body and ast.get_docstring(tree) is None:
            wrong.append(f"{name}: module")
        wrong += [f"{name}.{n}" for n in _without_docstring(tree.body)]
    return wrong


def _without_docstring(body, prefix=""):
    for node in body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        if node.name.startswith("_") or any(_is_setter(d) for d in node.decorator_list):
            continue
        if ast.get_docstring(node) is None:
            yield prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield from _without_docstring(node.body, f"{node.name}.")


def _is_setter(decorator):
    return isinstance(decorator, ast.Attribute) and decorator.attr in ("setter", "deleter")


def shadowed_methods(package):
    """Classes whose instances set an attribute with the name of a method, their own or an inherited one."""
    classes = {}
    for name, path in modules(package).items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                classes[node.name] = (f"{name}.{node.name}", node)
    return [
        f"{place}: self.{name}"
        for place, node in classes.values()
        for name in sorted(_attributes_set(node) & _methods(node, classes))
    ]


def _attributes_set(node):
    stored = (n for n in ast.walk(node) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store))
    return {one.attr for one in stored if getattr(one.value, "id", None) == "self"}


def _methods(node, classes):
    """Plain methods of a class and of those that it inherits from: a property may be set."""
    functions = [n for n in node.body if isinstance(n, ast.FunctionDef)]
    decorators = {f.name: [getattr(one, "id", None) for one in f.decorator_list] for f in functions}
    found = {name for name, names in decorators.items() if not set(names) - {"abstractmethod"}}
    for base in node.bases:
        if getattr(base, "id", None) in classes:
            found |= _methods(classes[base.id][1], classes)
    return found


def options_below_the_command_line(package):
    """Texts that name an option or a command, in modules that do not know how they are called."""
    wrong = []
    for name, path in modules(package).items():
        if place_of(name) == "cli" or name in WRITES_COMMANDS:
            continue
        tree = ast.parse(path.read_text())
        documents = {id(node.body[0].value) for node in ast.walk(tree) if _has_docstring(node)}
        for node in ast.walk(tree):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if is_text and id(node) not in documents:
                wrong += [f"{name}:{node.lineno}: {found[0]}" for found in OPTION.finditer(node.value)]
    return wrong


def _has_docstring(node):
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(node, kinds) and ast.get_docstring(node) is not None


LAWS = [
    wrong_directions,
    cycles,
    too_large,
    unclear_names,
    wrong_all,
    undocumented,
    shadowed_methods,
    options_below_the_command_line,
]
DOC = '"""It."""\n\n'
FAULTS = [
    (wrong_directions, {"layers/a.py": "from rnn_apps.models import b"}, "layers.a imports models"),
    (wrong_directions, {"layers/a.py": "from rnn_apps import data"}, "layers.a imports data"),
    (wrong_directions, {"metrics/a.py": "import rnn_apps.baselines"}, "metrics.a imports baselines"),
    (wrong_directions, {"models/a.py": "def f():\n    from rnn_apps.data import b"}, "models.a imports data"),
    (wrong_directions, {"training.py": "from rnn_apps.export import b"}, "training imports export"),
    (wrong_directions, {"tasks/a.py": "from ..recipe import b"}, "tasks.a imports recipe"),
    (wrong_directions, {"serving.py": "from rnn_apps.models import b"}, "serving imports models"),
    (wrong_directions, {"serving/a.py": "from rnn_apps.data import b"}, "serving.a imports data"),
    (wrong_directions, {"serving/demo/a.py": "from rnn_apps.tasks import b"}, "serving.demo.a imports tasks"),
    (wrong_directions, {"errors.py": "from rnn_apps import cli"}, "errors imports cli"),
    (wrong_directions, {"errors.py": "from rnn_apps import settings"}, "errors imports settings"),
    (wrong_directions, {"somewhere.py": ""}, "somewhere: is on no floor"),
    (cycles, {"layers/a.py": "import rnn_apps.layers.b", "layers/b.py": "from . import a"}, "layers.a"),
    (
        cycles,
        {"models/a.py": "from rnn_apps.models.a1 import x", "models/a1.py": "from . import a"},
        "models.a1",
    ),
    (
        cycles,
        {"layers/a.py": "from rnn_apps.layers.b import x", "layers/b.py": "def f():\n    from . import a"},
        "layers.b",
    ),
    (too_large, {"errors.py": "x = 1\n" * 351}, "errors: 351 lines"),
    (too_large, {"errors.py": "def f():\n" + "    x = 1\n" * 70}, "errors.f: 71 lines"),
    (unclear_names, {"layers/utils.py": ""}, "layers.utils"),
    (unclear_names, {"common/a.py": ""}, "common.a"),
    (wrong_all, {"errors.py": DOC + "x = 1"}, "errors: no __all__"),
    (wrong_all, {"layers/__init__.py": DOC + "x = 1"}, "layers: no __all__"),
    (wrong_all, {"errors.py": DOC + "__all__ = ['gone']"}, "errors: __all__ names gone, which is not there"),
    (wrong_all, {"errors.py": DOC + "x = 1\n__all__ = ['x', 'x']"}, "errors: __all__ names x twice"),
    (
        shadowed_methods,
        {
            "errors.py": "class A:\n    @abstractmethod\n    def parts(self): ...",
            "tasks/a.py": "class B(A):\n    def __init__(self):\n        self.x, self.parts = 1, {}",
        },
        "tasks.a.B: self.parts",
    ),
    (options_below_the_command_line, {"data/a.py": "x = 'Try: --set data.sort=true'"}, "data.a:1: --set"),
    (options_below_the_command_line, {"tasks/a.py": "x = f'{y} --stream'"}, "tasks.a:1: --stream"),
    (options_below_the_command_line, {"errors.py": "x = 'See: rnn-apps list'"}, "errors:1: rnn-apps list"),
    (undocumented, {"errors.py": "x = 1"}, "errors: module"),
    (undocumented, {"errors.py": DOC + "def f(): pass"}, "errors.f"),
    (undocumented, {"errors.py": DOC + 'class A:\n    """It."""\n    def f(self): pass'}, "errors.A.f"),
]
SOUND = {
    "cli.py": DOC + "x = '--set'\n__all__ = []\n",
    "data/a.py": '"""As --set does."""\n\nx = \'<td style="--share:1">\'\n',
    "layers/a.py": DOC + "from rnn_apps.layers import b\nfrom rnn_apps import errors\n__all__ = ['f']\n"
    'def f():\n    """It."""\n',
    "layers/b.py": DOC + "def _g():\n    import rnn_apps.errors\n",
    "models/a.py": DOC + "from rnn_apps.layers.a import f\n__all__ = ['f']\n",
}


def plant(folder, files):
    package = folder / "rnn_apps"
    names = ("errors.py", "settings.py", "cli.py", "training.py", "export.py", "serving.py")
    packages = ("layers", "data", "metrics", "baselines", "models", "tasks", "recipe")
    for name in (*names, "__init__.py", *(f"{p}/__init__.py" for p in packages), *files):
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files.get(name, ""))
    return package


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_nothing_breaks_the_law(law):
    assert len(modules(PACKAGE)) > 10, "the package was not found"
    assert law(PACKAGE) == []


@pytest.mark.parametrize(
    ("law", "files", "caught"), FAULTS, ids=lambda value: getattr(value, "__name__", None)
)
def test_a_planted_fault_is_caught(law, files, caught, tmp_path):
    assert any(found.startswith(caught) for found in law(plant(tmp_path, files)))


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_sound_code_passes(law, tmp_path):
    assert law(plant(tmp_path, SOUND)) == []


def test_all_names_what_an_import_gives():
    for name in modules(PACKAGE):
        if name in ("", "__main__") or place_of(name) == SAMPLES_OF_RECIPES:
            continue
        module = importlib.import_module(f"rnn_apps.{name}")
        assert [n for n in getattr(module, "__all__", ()) if not hasattr(module, n)] == [], name


LIGHT = """
import sys
from rnn_apps.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
heavy = {"tensorflow", "keras"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.parametrize(
    "command", ["--help", "list", "validate imdb", "schema", "completion bash", "export --help"]
)
def test_a_light_command_never_imports_tensorflow(command):
    line = [sys.executable, "-c", LIGHT, *command.split()]
    done = subprocess.run(
        line, capture_output=True, text=True, cwd=PACKAGE.parent, env=os.environ, timeout=60
    )
    assert done.returncode == 0, done.stderr
