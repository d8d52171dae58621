"""Commands on models that were made elsewhere."""

import json
from pathlib import Path

import click

from rnn_apps.cli.shared import cli, examples, json_option, print_table, verbose_option
from rnn_apps.errors import RnnAppsError, UserError

__all__ = ["check", "import_"]


@cli.command(
    "import",
    epilog=examples(
        "rnn-apps import model.keras",
        "rnn-apps import old_model.h5 --out runs/old_model",
        'rnn-apps predict runs/old_model "[[0.1, 0.2], [0.3, 0.4]]"',
    ),
)
@click.argument("model", type=click.Path())
@click.option("--out", type=click.Path(), help="Folder for the run; runs/MODEL/TIME by default.")
@click.option("--keep-layers", is_flag=True, help="Leave Keras' own recurrent layers as they are.")
@verbose_option
def import_(model, out, keep_layers):
    """Take a Keras MODEL (.keras or .h5, of Keras 2 or 3) in as a run to ask, score, export and serve."""
    from rnn_apps import runner

    run, found = runner.import_run(model, out, keep_layers)
    for line in (*found.changes, *found.kept):
        click.echo(f"  {line}")
    if found.difference or not keep_layers:
        click.echo(f"Answers on random inputs: largest difference {found.difference:.1e}")
    click.echo(f"Run folder: {run.folder}")


@cli.command(epilog=examples("rnn-apps check model.keras", "rnn-apps check RUN --plot gradient.png"))
@click.argument("model", type=click.Path())
@click.option("--plot", type=click.Path(), help="Picture file for the gradient norms by step.")
@json_option
@verbose_option
def check(model, plot, as_json):
    """Check a MODEL, a file of Keras or a run: padding, state between samples, reload, paths, gradients."""
    from rnn_apps import runner

    findings, norms = runner.check(model)
    if plot and norms is not None:
        from rnn_apps.checking import draw_gradient_norms

        try:
            draw_gradient_norms(norms, plot)
        except (OSError, ValueError) as error:
            fix = "Name a picture file, such as gradient.png."
            raise UserError("--plot", f"{plot} cannot be written ({error})", fix=fix) from error
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings]))
    else:
        _print(findings)
    if any(finding.passed is False for finding in findings):
        failed = sum(finding.passed is False for finding in findings)
        raise RnnAppsError(f"{Path(model).name}: {failed} of {len(findings)} checks failed.")


def _print(findings):
    from rich.table import Table

    table = Table("check", "", "what was found")
    marks = {True: "ok", False: "FAILED", None: "-"}
    for finding in findings:
        table.add_row(finding.check, marks[finding.passed], finding.detail)
    print_table(table)
