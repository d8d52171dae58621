"""Checks networks and cells: padding, batch independence, saving, streaming and gradients."""

from rnn_apps.checking.cells import check_cell
from rnn_apps.checking.cost import Cost, measure_costs
from rnn_apps.checking.models import (
    GRADIENT_STEPS,
    STEPS,
    Finding,
    check_model,
    draw_gradient_norms,
    gradient_norms,
)

__all__ = [
    "GRADIENT_STEPS",
    "STEPS",
    "Cost",
    "Finding",
    "check_cell",
    "check_model",
    "draw_gradient_norms",
    "gradient_norms",
    "measure_costs",
]
