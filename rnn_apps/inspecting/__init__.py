"""Inspects raw data: what it holds, which settings follow from it, and a recipe that can be run."""

from rnn_apps.inspecting.guessing import guess_task
from rnn_apps.inspecting.inspection import Decision, Finding, Inspection
from rnn_apps.inspecting.inspectors import INSPECTORS, inspect_data, inspectable_tasks
from rnn_apps.inspecting.recipe_file import check_free, parse_overrides, recipe_text, write_recipe

__all__ = [
    "INSPECTORS",
    "Decision",
    "Finding",
    "Inspection",
    "check_free",
    "guess_task",
    "inspect_data",
    "inspectable_tasks",
    "parse_overrides",
    "recipe_text",
    "write_recipe",
]
