"""Commands that import, check and serve models."""

import json
from pathlib import Path

import click

from rnn_apps.cli import completing
from rnn_apps.cli.shared import cli, examples, json_option, print_table, run_argument, verbose_option
from rnn_apps.errors import RnnAppsError, UserError


@cli.command(
    "import",
    epilog=examples(
        "rnn-apps import model.keras",
        "rnn-apps import old_model.h5 --out runs/old_model",
        "rnn-apps import model.keras --keep-layers",
    ),
)
@click.argument("model", type=click.Path(), shell_complete=completing.models)
@click.option("--out", type=click.Path(), help="Folder for the run; runs/MODEL/TIME by default.")
@click.option("--keep-layers", is_flag=True, help="Keep Keras' own recurrent layers.")
@verbose_option
def import_(model, out, keep_layers):
    """Import a Keras MODEL as a run.

    MODEL is a .keras or .h5 file of Keras 2 or 3. The run supports predict, evaluate, export, serve and
    check.
    """
    import rnn_apps.runs

    run, found = rnn_apps.runs.import_run(model, out, keep_layers)
    for line in (*found.changes, *found.kept):
        click.echo(f"  {line}")
    if found.difference or not keep_layers:
        click.echo(f"Answers on random inputs: largest difference {found.difference:.1e}")
    click.echo(f"Run folder: {run.folder}")


@cli.command(epilog=examples("rnn-apps check model.keras", "rnn-apps check RUN --plot gradient.png"))
@click.argument("model", type=click.Path(), shell_complete=completing.models)
@click.option("--plot", type=click.Path(), help="Image file for a plot of gradient norms by step.")
@json_option
@verbose_option
def check(model, plot, as_json):
    """Check a MODEL: a Keras file or a run.

    Checks padding, independence of examples, saving, the paths of recurrent layers, and gradients.
    """
    import rnn_apps.runs

    findings, norms = rnn_apps.runs.check(model)
    if plot and norms is not None:
        from rnn_apps.checking import draw_gradient_norms

        try:
            draw_gradient_norms(norms, plot)
        except (OSError, ValueError) as error:
            fix = "Name a picture file, such as gradient.png."
            raise UserError(problem=f"{plot} cannot be written ({error})", fix=fix, option="plot") from error
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings]))
    else:
        _print(findings)
    _fail_where_needed(Path(model).name, findings)


@cli.command(
    "check-cell",
    epilog=examples(
        "rnn-apps check-cell my_module:MyCell",
        "rnn-apps check-cell min_gru --units 32",
        "rnn-apps check-cell my_module:MyCell --no-cost --json",
    ),
)
@click.argument("cell", shell_complete=completing.cells)
@click.option(
    "--units",
    type=click.IntRange(1, 4096),
    default=8,
    show_default=True,
    help="Size of the state in the checks.",
)
@click.option(
    "--cost/--no-cost", default=True, help="Compare time and memory with vanilla, GRU and LSTM cells."
)
@json_option
@verbose_option
def check_cell(cell, units, cost, as_json):
    """Check a CELL against the cell interface, and measure its cost.

    CELL is module:Class or a registered name.
    """
    import rnn_apps.runs

    findings, prices = rnn_apps.runs.check_cell(cell, units, cost)
    if as_json:
        found = {"findings": [f._asdict() for f in findings], "cost": [p._asdict() for p in prices]}
        click.echo(json.dumps(found))
    else:
        _print(findings)
        _print_cost(prices)
    _fail_where_needed(cell, findings)


def _print_cost(prices):
    from rich.table import Table

    if not prices:
        return
    table = Table("cell", "weights", "ms, forward and backward", "beside the first", "peak memory, MB")
    for price in prices:
        ratio = f"{price.milliseconds / prices[0].milliseconds:.2f}"
        memory = "-" if price.megabytes is None else f"{price.megabytes:.0f}"
        table.add_row(price.cell, f"{price.weights:,}", f"{price.milliseconds:.1f}", ratio, memory)
    print_table(table)
    click.echo("Batch 32, 100 steps, 64 features, 128 units, float32.")


def _fail_where_needed(name, findings):
    failed = sum(finding.passed is False for finding in findings)
    if failed:
        raise RnnAppsError(f"{name}: {failed} of {len(findings)} checks failed.")


def _print(findings):
    from rich.table import Table

    table = Table("check", "", "what was found")
    marks = {True: "ok", False: "FAILED", None: "-"}
    for finding in findings:
        table.add_row(finding.check, marks[finding.passed], finding.detail)
    print_table(table)


@cli.command(
    epilog=examples(
        "rnn-apps serve runs/imdb/2026-01-01-120000",
        "rnn-apps serve RUN --demo",
        "rnn-apps serve RUN --port 9000 --name reviews",
        "rnn-apps serve RUN --host 0.0.0.0 --token SECRET",
    )
)
@run_argument
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8501,
    show_default=True,
    help="Port to listen on; 0 selects a free one.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; any that is not a loopback address requires a token.",
)
@click.option("--name", help="Model name in the URL; the recipe's name by default.")
@click.option(
    "--token",
    envvar="RNN_APPS_TOKEN",
    help="Bearer token required of clients; preferably set in RNN_APPS_TOKEN.",
)
@click.option("--demo", is_flag=True, help="Also serve a demo page at /demo.")
@verbose_option
def serve(run, port, host, name, token, demo):
    """Serve the SavedModel of a RUN over HTTP.

    RUN may also be a folder of model versions; the REST paths are those of TensorFlow Serving.
    """
    from rnn_apps import serving

    folder = Path(run) / "export" if (Path(run) / "recipe.yaml").is_file() else Path(run)
    if not folder.is_dir():
        fix = "Name the folder of a run, or one that holds versions: 1/, 2/."
        raise UserError(str(run), "nothing is exported there", fix=fix)
    serving.serve(folder, name or _name_of(Path(run)), host, port, token, click.echo, demo)


def _name_of(run):
    if not (run / "recipe.yaml").is_file():
        return run.absolute().name
    from rnn_apps.recipe import load_run_recipe

    return load_run_recipe(run).name
