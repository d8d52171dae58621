"""The command line. Each command parses its arguments, calls one function, and prints the result."""

from rnn_apps.cli import (  # noqa: F401  (each adds its commands)
    answers,
    completion,
    exporting,
    inspecting,
    models,
    recipes,
    training,
    tuning,
)
from rnn_apps.cli.main import call, main
from rnn_apps.cli.shared import cli

__all__ = ["call", "cli", "main"]
