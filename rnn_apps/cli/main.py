"""Runs a command and returns its exit code."""

import os
import signal
import sys

import click

from rnn_apps.cli.quiet import be_quiet
from rnn_apps.cli.shared import cli
from rnn_apps.errors import type_and_line


def main():
    """Run the command line; TensorFlow's own log lines appear only with --verbose."""
    verbose = "--verbose" in sys.argv
    if not verbose:
        be_quiet()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that files are tidied up
    program = sys.orig_argv[: len(sys.orig_argv) - len(sys.argv) + 1]
    sys.exit(call(sys.argv[1:], verbose, program))


def call(arguments, verbose=False, program=None):
    """Run a command and return its exit code: 0, 1, 2, and 130 or 143 after a signal.

    Args:
        arguments: list of strings, without the name of the program.
        verbose: raise what is a bug of ours in place of one line about it.
        program: the command that started this process, without the arguments.
    """
    try:
        started = {"arguments": arguments, "program": program}
        code = cli.main(arguments, prog_name="rnn-apps", standalone_mode=False, obj=started)
        return code if isinstance(code, int) else 0  # that of Context.exit, which click returns here
    except click.exceptions.Abort:
        return 128 + signal.SIGINT
    except click.exceptions.Exit as finished:
        return finished.exit_code
    except click.UsageError as error:
        help_option = f"{error.ctx.command_path if error.ctx else 'rnn-apps'} --help"
        text = error.format_message()
        click.echo(f"{text}{'' if text.endswith(('.', '?')) else '.'} Help: {help_option}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except Exception as error:
        if verbose:
            raise
        where = "(rnn-apps --verbose shows where)"
        click.echo(f"{type_and_line(error, None)}\n{where}", err=True)
        return 1
    return 0
