"""Loads and validates recipes, and writes them with all defaults. Does not import TensorFlow."""

from rnn_apps.recipe.loading import (
    Recipe,
    apply_overrides,
    given_values,
    load_recipe,
    load_run_recipe,
    parse_recipe,
    with_data,
    with_sample,
    with_values,
)
from rnn_apps.recipe.packaged import packaged_recipes, packaged_values
from rnn_apps.recipe.writing import dump_commented, dump_recipe, json_schema

__all__ = [
    "Recipe",
    "apply_overrides",
    "dump_commented",
    "dump_recipe",
    "json_schema",
    "given_values",
    "load_recipe",
    "load_run_recipe",
    "packaged_recipes",
    "packaged_values",
    "parse_recipe",
    "with_data",
    "with_sample",
    "with_values",
]
