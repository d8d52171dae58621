"""The report of a finished run: one HTML file and its plots, made from the run folder alone."""

from rnn_apps.reporting.comparison import write_comparison
from rnn_apps.reporting.html import write_report
from rnn_apps.reporting.scores import NOT_A_CURVE
from rnn_apps.reporting.selection import shown_examples

__all__ = ["NOT_A_CURVE", "shown_examples", "write_comparison", "write_report"]
