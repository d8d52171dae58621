"""Plots of the inside of a network, from `views.json` and the predictions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnn_apps.reporting.pages import Plot
from rnn_apps.reporting.views import (
    Unrolled,
    eigenvalue_figure,
    gradient_figure,
    state_figure,
    unrolled_figure,
    word_effects,
    word_effects_figure,
)
from rnn_apps.reporting.views.eigenvalues import from_pairs
from rnn_apps.reporting.views.recording import describe_layer

MIN_WORDS, MIN_COUNT = 12, 2
MAX_EIGENVALUE_LAYERS = 2


def unrolled_plot(views: Mapping[str, Any]) -> dict[str, Plot]:
    """Return the drawing of the network folded and unrolled; empty if the run has no views."""
    if not views:
        return {}
    network = Unrolled.from_dict(views["network"])
    description = "; ".join(
        f"{part.name}: "
        + ", ".join(
            f"{layer.cell} with {layer.units} units{' in both directions' if layer.directions == 2 else ''}"
            for layer in part.layers
        )
        for part in network.parts
    )
    caption = f"This network, folded and unrolled through time: {network.shape}"
    return {"unrolled": (unrolled_figure(network), caption, description)}


def view_plots(views: Mapping[str, Any], traces: Sequence[Any], class_name: str) -> dict[str, Plot]:
    """Return the other plots by name.

    Args:
        views: content of `views.json`, or {}.
        traces: for each example of a classification, (word, probability of `class_name` after it) per word.
        class_name: class whose probability is traced.
    """
    figures: dict[str, Plot] = {}
    for number, layer in enumerate(views.get("states", [])):
        for row, example in enumerate(layer["inputs"]):
            figures[f"states_{number + 1}_{row + 1}"] = _state_plot(layer["layer"], example)
    if views.get("gradients"):
        figures["gradients"] = _gradient_plot(views["gradients"])
    eigenvalues = list((views.get("eigenvalues") or {}).items())[:MAX_EIGENVALUE_LAYERS]
    for number, (name, epochs) in enumerate(eigenvalues):
        figures[f"eigenvalues_{number + 1}"] = _eigenvalue_plot(name, epochs)
    return figures | _word_effects_plot(traces, class_name)


def _state_plot(layer: str, example: Mapping[str, Any]) -> Plot:
    values, steps = np.asarray(example["values"]), example["steps"]
    caption = f"Hidden state of {describe_layer(layer)}, test example with {len(values)} steps"
    extent = f"between {values.min():.2f} and {values.max():.2f}"
    return state_figure(values, steps), caption, f"{values.shape[1]} units, {extent}, over: {' '.join(steps)}"


def _gradient_plot(gradients: Mapping[str, Any]) -> Plot:
    own = {f"this network, {describe_layer(name)}": norms for name, norms in gradients["trained"].items()}
    untrained = {f"{name}, untrained": norms for name, norms in gradients["fresh"].items()}
    curves = {name: norms for name, norms in (own | untrained).items() if norms and norms[0] > 0}
    description = "; ".join(
        f"{name}: {norms[-1] / norms[0]:.2g} of the last after {len(norms) - 1} steps"
        for name, norms in curves.items()
    )
    caption = "How far back the gradient reaches: its norm by time step"
    return gradient_figure(curves, highlighted=list(own)), caption, description


def _eigenvalue_plot(name: str, epochs: Mapping[str, Any]) -> Plot:
    values = {int(epoch): from_pairs(pairs) for epoch, pairs in epochs.items()}
    first, last = (np.abs(values[epoch]).max() for epoch in (min(values), max(values)))
    description = f"largest modulus {first:.2f} at the start, {last:.2f} after epoch {max(values)}"
    caption = f"Eigenvalues of the recurrent matrix, {describe_layer(name)}, by epoch"
    return eigenvalue_figure(values), caption, description


def _word_effects_plot(traces: Sequence[Any], class_name: str) -> dict[str, Plot]:
    if sum(map(len, traces)) < MIN_WORDS:
        return {}
    frequent = word_effects(traces, start=0.5, min_count=MIN_COUNT)
    effects = frequent if len(frequent) >= MIN_WORDS else word_effects(traces, start=0.5)
    up, down = (", ".join(effect.word for effect in some) for some in (effects[:3], effects[::-1][:3]))
    description = f"up: {up}; down: {down}; in brackets, how often the word occurs in the traced examples"
    caption = f"Words that change P({class_name}) most, in the traced examples"
    return {"word_effects": (word_effects_figure(effects, class_name), caption, description)}
