"""Reports of finished runs: one HTML file with its plots, written from the run folder only."""

from rnn_apps.reporting.comparison import write_comparison
from rnn_apps.reporting.html import write_report
from rnn_apps.reporting.scores import UNPLOTTED_COLUMNS
from rnn_apps.reporting.selection import examples_to_explain
from rnn_apps.reporting.tuning import write_tuning

__all__ = ["UNPLOTTED_COLUMNS", "examples_to_explain", "write_comparison", "write_report", "write_tuning"]
