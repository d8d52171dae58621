"""The command that exports a finished run."""

import copy

import click

from rnn_apps.cli import completing
from rnn_apps.cli.shared import cli, examples, print_table, run_argument, verbose_option


class _FormatOption(click.Option):
    """An option whose help lists the registered formats."""

    def get_help_record(self, ctx):
        """Return the names of the option, and its help with the placeholders filled in."""
        shown = copy.copy(self)
        shown.help = self.help.format(**_facts_of_formats())
        return click.Option.get_help_record(shown, ctx)


def _facts_of_formats():
    from rnn_apps.export import FORMATS, get_format

    formats = {name: get_format(name) for name in FORMATS}
    more = {name: [w for w in form.weights if w != "float32"] for name, form in formats.items()}
    weights = [f"for {name} {' and '.join(types)}" for name, types in more.items() if types]
    fixed = [name for name, form in formats.items() if form.takes_steps]
    return {"formats": ", ".join(formats), "weights": ", ".join(weights), "fixed": " or ".join(fixed)}


@cli.command(
    epilog=examples(
        "rnn-apps export RUN",
        "rnn-apps export RUN --out served/1 --no-examples",
        "rnn-apps export RUN --format onnx",
        "rnn-apps export RUN --format litert --weights int8",
        "rnn-apps export RUN --format litert --steps 200",
        "rnn-apps export RUN --format micro",
    )
)
@run_argument
@click.option(
    "--out", type=click.Path(), help="Folder for the export; by default a folder in export/ of the run."
)
@click.option(
    "--format",
    cls=_FormatOption,
    default="saved_model",
    shell_complete=completing.formats,
    show_default=True,
    help="Format: {formats}.",
)
@click.option(
    "--weights",
    cls=_FormatOption,
    shell_complete=completing.weights,
    help="Precision: float32 by default; {weights}.",
)
@click.option(
    "--steps",
    cls=_FormatOption,
    type=click.IntRange(1, 100_000),
    help="Fix the sequence length of a {fixed} file, in words, rows, frames or tokens; by default it is any.",
)
@click.option("--no-examples", is_flag=True, help="Do not include test inputs as examples for the demo page.")
@verbose_option
def export(run, out, format, weights, steps, no_examples):
    """Export the network of a RUN.

    A SavedModel takes raw input; the other formats are for other runtimes, and keras for programs without
    rnn-apps.
    """
    from rich.table import Table

    import rnn_apps.runs
    from rnn_apps.export import get_format

    opened = rnn_apps.runs.open_run(run)
    place, written = opened.export(format, out=out, weights=weights, steps=steps, examples=not no_examples)
    if written:
        table = Table("file", "MB", "largest difference", "same top prediction", "ms per call")
        for row in written:
            same = "-" if row.agreement is None else f"{100 * row.agreement:.1f} %"
            size, difference = f"{row.bytes / 1e6:.2f}", f"{row.difference:.1e}"
            table.add_row(row.name, size, difference, same, f"{row.milliseconds:.2f}")
        print_table(table)
        _print_layers(written)
        _print_measured(written)
    if weights not in (None, "float32") and not any(row.measured for row in written):
        click.echo(_score_line(opened.export_score(place)))
    click.echo(f"{get_format(format).title or format}: {place}")


def _print_layers(written):
    from rich.table import Table

    if any(row.layers for row in written):
        table = Table("file", "recurrent layer", "operator", "note")
        for row in written:
            for layer in row.layers:
                table.add_row(row.name, *layer)
        print_table(table)


def _print_measured(written):
    from rich.table import Table

    from rnn_apps.export.micro.format import table_of

    for row in written:
        if row.measured:
            header, lines = table_of(row.measured)
            table = Table(*header)
            for line in lines:
                table.add_row(*line)
            print_table(table)


def _score_line(score):
    if isinstance(score, str):
        return f"Weights of less precision {score}."
    values = f"{score.network:.4f} of the network, {score.files:.4f} of these files"
    return f"{score.name} on {score.records} test records: {values}"
