"""Looks at data that nobody prepared: what is there, what follows from it, and a recipe that runs on it."""

from rnn_apps.inspecting.findings import Decision, Finding, Inspection
from rnn_apps.inspecting.guessing import guess_task
from rnn_apps.inspecting.inspectors import INSPECTORS, inspect_data, inspectable_tasks
from rnn_apps.inspecting.writing import check_free, given_settings, recipe_text, write_recipe

__all__ = [
    "INSPECTORS",
    "Decision",
    "Finding",
    "Inspection",
    "check_free",
    "given_settings",
    "guess_task",
    "inspect_data",
    "inspectable_tasks",
    "recipe_text",
    "write_recipe",
]
