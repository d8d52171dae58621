"""Carries out recipes, from data to report, and answers from the folders that they leave."""

from rnn_apps.runs.cells import check_cell
from rnn_apps.runs.finished import Run, open_run
from rnn_apps.runs.imported import check, import_model, import_run
from rnn_apps.runs.running import compare, run, run_seeds, write_comparison

__all__ = [
    "Run",
    "check",
    "check_cell",
    "compare",
    "import_model",
    "import_run",
    "open_run",
    "run",
    "run_seeds",
    "write_comparison",
]
