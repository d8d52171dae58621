"""Views into the recurrence of any Keras network: its structure, states, gradients and eigenvalues.

Functions that measure take a `keras.Model`; those whose names end in ``figure`` draw the result and return a
matplotlib figure, which `save_figure` saves as PNG and SVG.
"""

from rnn_apps.reporting.drawing import save_figure
from rnn_apps.reporting.views.attention import (
    attention_figure,
    frame_attention_figure,
    image_attention_figure,
)
from rnn_apps.reporting.views.eigenvalues import EigenvalueHistory, eigenvalue_figure, recurrent_eigenvalues
from rnn_apps.reporting.views.gradients import gradient_figure, gradient_norms, untrained_gradient_norms
from rnn_apps.reporting.views.readout import Readout
from rnn_apps.reporting.views.recording import HiddenStates, hidden_states
from rnn_apps.reporting.views.scores import (
    WordEffect,
    score_by_step,
    score_figure,
    word_effects,
    word_effects_figure,
)
from rnn_apps.reporting.views.states import state_figure, unit_order
from rnn_apps.reporting.views.unrolled import Part, Unrolled, UnrolledLayer, unrolled
from rnn_apps.reporting.views.unrolled_figure import unrolled_figure

__all__ = [
    "EigenvalueHistory",
    "HiddenStates",
    "Part",
    "Readout",
    "Unrolled",
    "UnrolledLayer",
    "WordEffect",
    "attention_figure",
    "eigenvalue_figure",
    "frame_attention_figure",
    "gradient_figure",
    "gradient_norms",
    "hidden_states",
    "image_attention_figure",
    "recurrent_eigenvalues",
    "save_figure",
    "score_by_step",
    "score_figure",
    "state_figure",
    "unit_order",
    "unrolled",
    "unrolled_figure",
    "untrained_gradient_norms",
    "word_effects",
    "word_effects_figure",
]
