"""Is a network sound, and is a cell? What padding, company, saving and time do to their answers."""

from rnn_apps.checking.cells import check_cell
from rnn_apps.checking.cost import Cost, costs
from rnn_apps.checking.models import STEPS, Finding, check_model, draw_gradient_norms, gradient_norms

__all__ = [
    "STEPS",
    "Cost",
    "Finding",
    "check_cell",
    "check_model",
    "costs",
    "draw_gradient_norms",
    "gradient_norms",
]
