"""Commands that inspect raw data and write recipes for it."""

import json
import shlex

import click

from rnn_apps.cli import completing
from rnn_apps.cli.shared import (
    cli,
    examples,
    json_option,
    set_option,
    verbose_option,
    wording_of,
)


@cli.command(
    epilog=examples(
        "rnn-apps init text_classification my_reviews.csv",
        "rnn-apps init image_captioning my_photos/ --out photos.yaml",
        "rnn-apps init forecasting air.csv --set data.missing_values=[-200]",
    )
)
@click.argument("task", shell_complete=completing.tasks)
@click.argument("data", type=click.Path())
@click.option("--out", type=click.Path(), help="File of the recipe; TASK.yaml by default.")
@set_option
@json_option
@verbose_option
def init(task, data, out, overrides, as_json):
    """Inspect DATA, and write a recipe of TASK for it.

    DATA is any folder or file. Findings and decisions are printed, and written to the recipe as comments.
    Settings given by --set are kept, and the other settings are chosen to fit them.
    """
    from rnn_apps.inspecting import check_free, inspect_data, inspectable_tasks, write_recipe

    out = out or f"{task}.yaml"
    if task in inspectable_tasks():
        check_free(out)
    inspection = inspect_data(task, data, _given(task, overrides))
    write_recipe(inspection, out)
    if as_json:
        click.echo(json.dumps({**inspection.as_dict(), "recipe": str(out)}, ensure_ascii=False))
        return
    _print(inspection)
    click.echo("\nDecided:")
    for key, value, why in inspection.decisions:
        reason = f"  # {why}" if why else ""
        click.echo(f"  {key} = {json.dumps(value, ensure_ascii=False)}{reason}")
    click.echo(f"\nThe recipe is {out}. Train with: rnn-apps run {shlex.quote(str(out))}")


def _given(task, overrides):
    """Return the given settings; the inspection itself reports an unknown task."""
    from rnn_apps.inspecting import inspectable_tasks, parse_overrides

    return parse_overrides(task, overrides, "--set") if overrides and task in inspectable_tasks() else {}


@cli.command(
    epilog=examples(
        "rnn-apps inspect my_reviews/", "rnn-apps inspect data.csv --task text_classification --json"
    )
)
@click.argument("data", type=click.Path())
@click.option("--task", shell_complete=completing.tasks, help="Task for the data; guessed by default.")
@set_option
@json_option
@verbose_option
def inspect(data, task, overrides, as_json):
    """Inspect DATA, and report problems.

    DATA is any folder or file; nothing is written.
    """
    from rnn_apps.inspecting import guess_task, inspect_data

    why = None
    if task is None:
        task, why = guess_task(data)
    inspection = inspect_data(task, data, _given(task, overrides))
    if as_json:
        click.echo(json.dumps({**inspection.as_dict(), "guessed_because": why}, ensure_ascii=False))
        return
    if why:
        click.echo(f"Looks like {why}: the task {task}. Name another one with --task.\n")
    _print(inspection)
    settings = [part for setting in overrides for part in ("--set", setting)]
    click.echo(f"\nA recipe for it: {shlex.join(['rnn-apps', 'init', task, str(data), *settings])}")


def _print(inspection):
    wording = wording_of(click.get_current_context())
    click.echo("Found:")
    for finding in inspection.findings:
        if not finding.is_warning:
            click.echo(f"  {finding.text}")
    if inspection.warnings:
        click.echo("\nLook at this before training:")
    for warning in inspection.warnings:
        click.echo(f"  {warning.describe(wording)}")
