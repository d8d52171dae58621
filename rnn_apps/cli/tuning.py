"""The command that searches for settings."""

import os
import shlex
import sys
from functools import partial

import click

from rnn_apps.cli import completing
from rnn_apps.cli.quiet import speak_again
from rnn_apps.cli.shared import cli, examples, print_table, set_option, verbose_option


@cli.command(
    epilog=examples(
        "rnn-apps tune imdb --space space.yaml --trials 50",
        "rnn-apps tune imdb --space space.yaml --data my_reviews/ --set training.epochs=4 --no-compare",
        "rnn-apps tune --study runs/tune/imdb/2026-01-31-120000/study.db",
        "rnn-apps tune imdb --space space.yaml --study postgresql://user@server/studies",
    )
)
@click.argument("recipe", required=False, shell_complete=completing.recipes)
@click.option("--space", type=click.Path(), help="YAML file with the settings to search.")
@click.option(
    "--trials",
    type=click.IntRange(1, 100_000),
    help="Number of trials; 50 by default, or that of the study.",
)
@set_option
@click.option("--data", type=click.Path(), help="Folder or file of your own data.")
@click.option("--out", type=click.Path(), help="Folder for the results; runs/tune/RECIPE/TIME by default.")
@click.option(
    "--study",
    metavar="FILE_OR_URL",
    help="SQLite file or URL of a database, to create, continue or join; RECIPE and --space may be "
    "omitted if it is in the folder of a search.",
)
@click.option("--name", help="Name of the study in a database; that of the recipe by default.")
@click.option(
    "--sampler",
    type=click.Choice(["tpe", "random"]),
    help="tpe, the default, learns from earlier trials.",
)
@click.option(
    "--compare/--no-compare",
    default=None,
    help="Compare the best recipe with RECIPE and with random search at equal cost. On by default; more than "
    "doubles the time.",
)
@click.option(
    "--no-sample",
    is_flag=True,
    help="Fail if the data set is unavailable; do not fall back to synthetic data.",
)
@verbose_option
@click.pass_context
def tune(context, recipe, space, trials, overrides, data, out, study, name, sampler, compare, no_sample):
    """Search for the settings of a RECIPE that score best on validation.

    Trains RECIPE once per trial, with settings from the space file; the test split is not used. Stop it at
    any time, continue it with --study, or start more processes with the same --study.
    """
    from rnn_apps.progress import Progress
    from rnn_apps.recipe import load_recipe, with_data

    if recipe is not None:
        recipe = load_recipe(recipe, overrides, "--set")
        recipe, data = (recipe if data is None else with_data(recipe, data, "--data")), None
        overrides = ()
    with Progress() as console:
        import rnn_apps.tuning

        options = {"study": study, "name": name, "sampler": sampler, "compare": compare}
        found = rnn_apps.tuning.tune(
            recipe,
            space,
            trials=trials,
            data=data,
            out=out,
            sample=not no_sample,
            overrides=overrides,
            console=console,
            on_full=partial(_continue_in_place, context, console),
            **options,
        )
    _print_results(found)


def _continue_in_place(context, console, location):
    """Replace this process by a new one that continues the search: XLA never frees what it compiled."""
    arguments = list(context.obj["arguments"])
    if not any(text.partition("=")[0] == "--study" for text in arguments):
        arguments += ["--study", location]
    console.log("XLA has compiled as much as a process can hold: continuing in a new one")
    console.close()
    program = context.obj["program"]
    sys.stdout.flush()
    speak_again()
    os.execvp(program[0], [*program, *arguments])


def _print_results(found):
    results = found.results
    name, best = results["monitor"]["name"], results["best"]
    mark = f"  [{results['mark']}]" if results["mark"] else ""
    if results["comparison"]:
        _print_comparison(results["comparison"]["candidates"], name)
    click.echo(f"Best: trial {best['number']}, {name} {best['score']:.4f}{mark}")
    for key, value in best["settings"].items():
        click.echo(f"  {key}: {value}")
    click.echo(f"Run it with: rnn-apps run {shlex.quote(str(found.folder / 'best.yaml'))}")
    click.echo(f"Report: {found.folder / 'report.html'}")


def _print_comparison(candidates, name):
    from rich.table import Table

    table = Table("", f"{name}, mean", "lowest", "highest")
    for one in candidates:
        scores = [score for score in one["scores"].values() if score is not None]
        values = (sum(scores) / len(scores), min(scores), max(scores)) if scores else ()
        table.add_row(one["label"], *(f"{value:.4f}" for value in values))
    print_table(table)
