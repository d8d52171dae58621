"""Checks a cell, and compares its cost with other cells."""

import os

from rnn_apps.checking import check_cell as checked
from rnn_apps.checking import cost, measure_costs
from rnn_apps.errors import UserError, did_you_mean, shown
from rnn_apps.layers import list_cells
from rnn_apps.tasks.cell import resolve_cell

BESIDE = ("vanilla", "gru", "lstm")


def check_cell(name, units=8, with_cost=True):
    """Check a cell, and if its checks pass, measure its cost.

    Args:
        name: ``module:Class``, or a registered name.
        units: size of the state in the checks.
        with_cost: whether time and memory are measured.

    Returns:
        A list of `rnn_apps.checking.Finding` and a list of `rnn_apps.checking.Cost`, the cell's first.

    Raises:
        UserError: there is no such cell.
    """
    if ":" not in name and name not in list_cells():
        advice = did_you_mean(name, list_cells())
        fix = f"{advice} A cell of your own is written module:Class."
        raise UserError("check-cell", f"no cell {shown(name)}", fix=fix)
    cell = resolve_cell(name, where="check-cell")
    findings = checked(cell, units)
    if not with_cost or any(finding.passed is False for finding in findings):
        return findings, []
    names = [name, *(other for other in BESIDE if other != name)]
    memory = {other: cost.measure_peak_memory(other, os.getcwd()) for other in names}
    return findings, measure_costs({other: resolve_cell(other) for other in names}, memory=memory.get)
