"""Runs recipes, from data to report, and opens finished runs."""

from rnn_apps.runs.api import compare, prepare, run, run_seeds, write_comparison
from rnn_apps.runs.cells import check_cell
from rnn_apps.runs.imported import check, import_model, import_run
from rnn_apps.runs.trained_run import Run, open_run

__all__ = [
    "Run",
    "check",
    "check_cell",
    "compare",
    "import_model",
    "import_run",
    "open_run",
    "prepare",
    "run",
    "run_seeds",
    "write_comparison",
]
