"""Commands on recipes, which do not import TensorFlow."""

import json
import os

import click

from rnn_apps.cli.shared import cli, examples, knows_arrows, print_table, recipe_argument, set_option
from rnn_apps.errors import current_folder_note, shown


@cli.command("list", epilog=examples("rnn-apps list"))
def list_recipes():
    """List the packaged recipes, with their shapes of recurrence."""
    from rich.table import Table

    from rnn_apps.recipe import load_recipe, packaged_recipes
    from rnn_apps.tasks import settings_class
    from rnn_apps.tasks.shapes import draw_shape

    table = Table("recipe and its task", "", "shape of recurrence, what goes in and out", show_lines=True)
    table.columns[1].no_wrap = True  # a picture
    for column in table.columns:
        column.overflow = "fold"  # never truncate
    for name, line in packaged_recipes().items():
        task = load_recipe(name).task
        shape, (_, _, in_and_out) = settings_class(task).shape, line.partition(": ")
        picture = draw_shape(shape, ascii_only=not knows_arrows())
        table.add_row(name if name == task else f"{name}\n{task}", picture, f"{shape}\n{in_and_out or line}")
    print_table(table)
    click.echo("x: input. h: state, passed from step to step. y: output.")


@cli.command(epilog=examples("rnn-apps show imdb", "rnn-apps show imdb --set model.cell=gru"))
@recipe_argument
@set_option
def show(recipe, overrides):
    """Print a RECIPE with all defaults."""
    from rnn_apps.recipe import dump_recipe, load_recipe

    click.echo(dump_recipe(load_recipe(recipe, overrides, "--set")), nl=False)


@cli.command(epilog=examples("rnn-apps validate recipes/imdb.yaml"))
@recipe_argument
@set_option
def validate(recipe, overrides):
    """Check a RECIPE, and report all problems at once."""
    from rnn_apps.recipe import load_recipe

    loaded = load_recipe(recipe, overrides, "--set")
    click.echo(f"{recipe}: a valid recipe for the task {loaded.task}.")
    path = getattr(loaded.data, "path", None)
    if path is not None and not os.path.exists(os.path.expanduser(path)):
        note = f"Note: data.path: no such file or folder: {shown(path)}."
        click.echo(" ".join([note, *current_folder_note(path)]))


@cli.command(epilog=examples("rnn-apps schema > recipe.schema.json"))
def schema():
    """Print the JSON Schema of recipes, for editors."""
    from rnn_apps.recipe import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
