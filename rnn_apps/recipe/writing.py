"""Writes recipes as YAML with all defaults, and the JSON Schema of recipes."""

from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from rnn_apps.recipe.loading import Recipe
from rnn_apps.recipe.reading import CORE_SCALARS
from rnn_apps.tasks import settings_class, task_names

LONGEST_LINE = 110
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def dump_recipe(recipe: Recipe) -> str:
    """Returns the recipe as YAML with all defaults; loading it returns an equal recipe."""
    return yaml.dump(recipe.as_dict(), Dumper=CoreDumper, sort_keys=False, allow_unicode=True, width=100)


def dump_commented(values: dict[str, Any], comments: dict[str, str]) -> str:
    """Returns settings as YAML, one key per line, with comments.

    Args:
        values: settings, nested.
        comments: dotted path to what is said of it, behind its line, or above where the line would be long.
    """
    return "".join(f"{line}\n" for line in _commented(values, comments, ()))


def _commented(values, comments, path):
    for key, value in values.items():
        here, indent = (*path, key), "  " * len(path)
        comment = comments.get(".".join(here))
        is_mapping = isinstance(value, dict) and value
        line = f"{indent}{key}:" if is_mapping else indent + _one_line(key, value)
        note = f"  # {comment}" if comment else ""
        if len(line) + len(note) > LONGEST_LINE:
            yield f"{indent}# {comment}"
            note = ""
        yield line + note
        if is_mapping:
            yield from _commented(value, comments, here)


def _one_line(key, value):
    text = yaml.dump({key: value}, Dumper=CoreDumper, sort_keys=False, allow_unicode=True, width=10**6)
    return text.rstrip("\n")


def json_schema() -> dict[str, Any]:
    """Returns the JSON Schema (draft 2020-12) of recipes, with one branch per task."""
    tasks = {name: settings_class(name) for name in task_names()}
    references, schema = models_json_schema(
        [(settings, "validation") for settings in tasks.values()], schema_generator=WithoutFieldTitles
    )
    branches = [
        {
            "if": {"properties": {"task": {"const": name}}, "required": ["task"]},
            "then": references[settings, "validation"],
        }
        for name, settings in tasks.items()
    ]
    return {
        "$schema": DIALECT,
        "title": "rnn-apps recipe",
        "type": "object",
        "required": ["task"],
        "properties": {"task": {"enum": list(tasks), "description": "Name of the task."}},
        "allOf": branches,
        "$defs": schema["$defs"],
    }


class WithoutFieldTitles(GenerateJsonSchema):
    """Omits titles that only repeat a key."""

    def field_title_should_be_set(self, schema) -> bool:
        """Returns whether a key has its own title: never."""
        return False


class CoreDumper(yaml.SafeDumper):
    """Quotes texts that YAML 1.1 or YAML 1.2 would read as something else."""

    def ignore_aliases(self, data) -> bool:
        """Returns whether to write repeated values in full: always."""
        return True


def _represent_text(dumper: CoreDumper, text: str) -> yaml.Node:
    ambiguous = any(pattern.fullmatch(text) for pattern in CORE_SCALARS.values())
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if ambiguous else None)


def _represent_list(dumper: CoreDumper, entries: list) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", entries, flow_style=True)


CoreDumper.add_representer(str, _represent_text)
CoreDumper.add_representer(list, _represent_list)
