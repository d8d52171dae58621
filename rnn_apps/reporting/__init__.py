"""The report of a finished run: one HTML file and its plots, made from the run folder alone."""

from rnn_apps.reporting.html import write_report

__all__ = ["write_report"]
