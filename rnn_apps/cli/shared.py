"""The command group, and what several commands share."""

import click

from rnn_apps.cli import completing
from rnn_apps.cli.wording import CommandWording
from rnn_apps.errors import RnnAppsError, UserError

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def examples(*lines):
    """Return an epilog of examples, one per line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


verbose_option = click.option(
    "--verbose",
    is_flag=True,
    expose_value=False,
    help="Show TensorFlow's own log lines and full tracebacks.",
)


class Failure(click.ClickException):
    """An error of rnn-apps in the wording of the command that failed.

    Args:
        error: `RnnAppsError`.
        wording: of the command.
    """

    def __init__(self, error, wording):
        super().__init__(error.text(wording))
        number = getattr(error, "signal_number", None)
        self.exit_code = 2 if isinstance(error, UserError) else 128 + number if number else 1

    def show(self, file=None):
        """Print the message."""
        click.echo(self.message, file=file, err=True)


class _Command(click.Command):
    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except RnnAppsError as error:
            raise Failure(error, wording_of(ctx)) from error


class _Commands(click.Group):
    command_class = _Command


def wording_of(context):
    """Return the `CommandWording` of the command in a click context."""
    return CommandWording(context.command, context.parent.command.commands if context.parent else {})


@click.group(
    cls=_Commands,
    context_settings=_CONTEXT,
    epilog=examples("rnn-apps list", "rnn-apps run imdb", "rnn-apps run --help"),
)
@verbose_option
@click.version_option(package_name="rnn-apps")
def cli():
    """Recurrent networks, from one YAML recipe to a trained, measured and exported RNN."""


recipe_argument = click.argument("recipe", shell_complete=completing.recipes)
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=completing.setting_keys,
    help="Override a setting; repeatable.",
)


def beam_options(command):
    """Add the options that run a command on Apache Beam."""
    options = (
        click.option(
            "--runner",
            metavar="NAME",
            help="Runner of Apache Beam, such as DirectRunner, FlinkRunner, SparkRunner or DataflowRunner.",
        ),
        click.option(
            "--workers",
            type=int,
            help="With --runner: number of parts; by default the cores.",
        ),
        click.option(
            "--beam-options",
            metavar="OPTIONS",
            help="With --runner: options of Apache Beam in quotes, such as '--flink_master=host:8081'.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


run_argument = click.argument("run", type=click.Path(), shell_complete=completing.runs)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object per line.")


def mark_after(metrics):
    """Return the mark of scores on synthetic data."""
    mark = metrics.get("score_mark")
    return f"  [{mark}]" if mark else ""


def knows_arrows():
    """Whether standard output supports more than ASCII."""
    from rich.console import Console

    return not Console().options.ascii_only


def print_table(table):
    """Print a rich table in the width of the terminal, or in its natural width without a terminal."""
    from rich.console import Console
    from rich.measure import Measurement

    console = Console(markup=False)  # brackets in names are no tags
    if not console.is_terminal:
        needed = Measurement.get(console, console.options.update(max_width=10_000), table)
        console.width = max(console.width, needed.maximum)
    console.print(table)
