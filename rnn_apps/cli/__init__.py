"""The command line: parses, calls one function, prints; what a command needs it imports itself."""

from rnn_apps.cli import (  # noqa: F401  (each adds its commands)
    answers,
    completion,
    exporting,
    inspecting,
    models,
    recipes,
    training,
)
from rnn_apps.cli.main import call, main
from rnn_apps.cli.shared import cli

__all__ = ["call", "cli", "main"]
