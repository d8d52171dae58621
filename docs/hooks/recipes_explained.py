"""Writes into pages what the recipes and their settings say themselves, so that no page can grow stale.

- a block ``recipe NAME`` of lines ``key, key: why`` becomes a table of these keys with the values that they
  have in that recipe; a key of the recipe that no line explains, or a line about no key, fails the build;
- ``<!-- shape: many-to-one -->`` becomes the picture of that shape that reports show;
- ``<!-- every command -->`` becomes what ``--help`` says, a heading a command;
- ``<!-- keys of TASK -->`` becomes the table of all keys of a task, ``<!-- keys of every recipe -->`` of
  those that all tasks share.
"""

import json
import re

import click
from jinja2 import Environment, PackageLoader
from mkdocs.exceptions import PluginError

from rnn_apps.cli import cli
from rnn_apps.recipe import packaged_values
from rnn_apps.recipe.overriding import leaves
from rnn_apps.recipe.problems import allowed_keys, described, node_at
from rnn_apps.tasks import settings_class
from rnn_apps.tasks.shapes import SHAPES

EXPLAINED = re.compile(r"^```recipe (\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHAPE = re.compile(r"^<!-- shape: ([\w -]+) -->$", re.MULTILINE)
KEYS = re.compile(r"^<!-- keys of (every recipe|\w+) -->$", re.MULTILINE)
EVERY = "text_classification"  # has nothing in `training` of its own
LONGEST_VALUE = 40


def on_page_markdown(markdown, page, config, files):
    """Replace blocks and marks by what they stand for."""
    markdown = EXPLAINED.sub(lambda found: _explained(found[1], found[2]), markdown)
    markdown = SHAPE.sub(lambda found: _drawn(found[1]), markdown)
    markdown = markdown.replace("<!-- every command -->", _commands())
    return KEYS.sub(lambda found: _keys("" if " " in found[1] else found[1]), markdown)


def _commands():
    parent = click.Context(cli, info_name="rnn-apps", **cli.context_settings)
    shown = {"rnn-apps": parent} | {
        f"rnn-apps {name}": click.Context(command, parent=parent, info_name=name)
        for name, command in sorted(cli.commands.items())
    }
    blocks = []
    for name, context in shown.items():
        context.terminal_width = context.max_content_width = 100
        blocks.append(f"## {name}\n\n```text\n{context.command.get_help(context)}\n```")
    return "\n\n".join(blocks)


def _explained(recipe, text):
    values = {".".join(path): value for path, value in leaves(packaged_values(recipe))}
    rows, explained = ["| key | here | why |", "|---|---|---|"], set()
    for line in text.splitlines():
        names, _, why = line.partition(": ")
        names = names.split(", ")
        below = [[key for key in values if f"{key}.".startswith(f"{name}.")] for name in names]
        if not why or not all(below):
            raise PluginError(f"recipe {recipe}: nothing in it is explained by {line!r}")
        explained.update(key for keys in below for key in keys)
        here = [_code(values[name]) if name in values else "above" for name in names]
        rows.append(f"| {'<br>'.join(map(_code_of_text, names))} | {'<br>'.join(here)} | {why} |")
    missing = [key for key in values if key not in explained]
    if missing:
        raise PluginError(f"recipe {recipe}: not explained: {', '.join(missing)}")
    return _table(rows)


def _table(rows):
    return "\n".join(['<div class="keys" markdown>\n', *rows, "\n</div>"])


def _drawn(shape):
    environment = Environment(loader=PackageLoader("rnn_apps.reporting", package_path=""), autoescape=True)
    environment.trim_blocks = environment.lstrip_blocks = True
    svg = environment.get_template("shape.html").render(shape=shape, diagram=SHAPES[shape])
    lines = "".join(line.strip() for line in svg.splitlines())
    return f'<figure class="shape">{lines}<figcaption>{shape}</figcaption></figure>'


def _keys(task):
    settings = settings_class(task or EVERY)
    rows = ["| key | what it takes | default | meaning |", "|---|---|---|---|"]
    for key in allowed_keys(settings):
        if key == "task":
            continue
        if key == "training" and task:
            rows += _rows(settings, ("training",), _trained_as_every(settings))
        elif (key in ("data", "model")) == bool(task):
            rows += _rows(settings, (key,))
    return _table(rows)


def _trained_as_every(settings):
    """The keys of `training` that mean the same in every task."""
    every = settings_class(EVERY)
    keys = [("training", key) for key in allowed_keys(settings, ("training",))]
    return {path for path in keys if node_at(settings, path) == node_at(every, path)}


def _rows(settings, path, left_out=()):
    if path in left_out:
        return
    node, above = node_at(settings, path), node_at(settings, path[:-1])
    below = allowed_keys(settings, path)
    if not below or node.get("nullable"):
        default = "required" if path[-1] in above.get("required", ()) else _default(node, below)
        takes = "keys below" + " or null" * bool(node.get("nullable")) if below else described(node)
        name = _code_of_text(".".join(path))
        rest = " | ".join(_cell(text) for text in (takes, default, node.get("description", "")))
        yield f"| {name} | {rest} |"
    for key in below:
        yield from _rows(settings, (*path, key), left_out)


def _default(node, below):
    if below:
        return "keys below" if node.get("default", ...) is ... else _code(node["default"])
    return _code(node["default"]) if "default" in node else _code({})


def _code(value):
    text = json.dumps(value, ensure_ascii=False)
    return _code_of_text(text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]} ...")


def _code_of_text(text):
    return f"`{text}`"


def _cell(text):
    return text.replace("|", "\\|").replace("\n", " ")
