"""What the report shows of the inside of a network: figures of what `views.json` and the predictions hold."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from rnn_apps.reporting.views import (
    Unrolled,
    eigenvalue_figure,
    gradient_figure,
    movers,
    movers_figure,
    state_figure,
    unrolled_figure,
)
from rnn_apps.reporting.views.eigenvalues import from_pairs

Described = tuple[Figure, str, str]  # figure, caption, description
LEAST_WORDS, LEAST_COUNT = 12, 2
MOST_LEVELS = 2  # of whose matrices there are pictures


def unrolled_of(views: Mapping[str, Any]) -> dict[str, Described]:
    """Returns the picture of the network folded and unrolled; none where nothing was measured."""
    if not views:
        return {}
    network = Unrolled.from_dict(views["network"])
    levels = "; ".join(
        f"{part.name}: "
        + ", ".join(
            f"{level.cell} of {level.units} units{' in both directions' if level.directions == 2 else ''}"
            for level in part.levels
        )
        for part in network.parts
    )
    caption = f"This network, folded and unrolled through time: {network.shape}"
    return {"unrolled": (unrolled_figure(network), caption, levels)}


def inside_figures(views: Mapping[str, Any], traces: Sequence[Any], class_name: str) -> dict[str, Described]:
    """Returns the other figures, by the name of their file.

    Args:
        views: content of `views.json`, {} without one.
        traces: of the shown examples of a classification, (word, probability of `class_name` once it is read)
            for each word.
        class_name: whose probability is traced.
    """
    figures: dict[str, Any] = {}
    for number, level in enumerate(views.get("states", [])):
        figures |= _states(level, number)
    if views.get("gradients"):
        figures["gradients"] = _gradients(views["gradients"])
    for number, (name, epochs) in enumerate(list((views.get("eigenvalues") or {}).items())[:MOST_LEVELS]):
        figures[f"eigenvalues_{number + 1}"] = _eigenvalues(name, epochs)
    return figures | _movers(traces, class_name)


def plain_level(name: str) -> str:
    """Returns a level's path in words.

    >>> plain_level("network/decoder/recurrent/layer_0_forward"), plain_level("recurrent/layer_1_backward")
    ('decoder, level 1', 'level 2, backwards')
    """
    *above, last = name.split("/")
    part = next((one for one in above if one in ("encoder", "decoder", "extractor")), None)
    words = last.split("_")
    if words[0] == "level" and len(words) == 3:
        level = int(words[1]) + 1 + ("above" in above)
        last = f"level {level}" + (", backwards" if words[2] == "backward" else "")
    return ", ".join([part, last] if part else [last])


def _states(level: Mapping[str, Any], number: int) -> dict[str, Described]:
    figures = {}
    for row, given in enumerate(level["inputs"]):
        values = np.asarray(given["values"])
        caption = f"Hidden state of {plain_level(level['level'])}, test example of {len(values)} steps"
        steps = " ".join(given["steps"])
        described = (
            f"{values.shape[1]} units, between {values.min():.2f} and {values.max():.2f}, over: {steps}"
        )
        figures[f"states_{number + 1}_{row + 1}"] = (state_figure(values, given["steps"]), caption, described)
    return figures


def _gradients(gradients: Mapping[str, Any]) -> Described:
    trained = {f"this network, {plain_level(name)}": norms for name, norms in gradients["trained"].items()}
    fresh = {f"{name}, untrained": norms for name, norms in gradients["fresh"].items()}
    curves = {name: norms for name, norms in (trained | fresh).items() if norms and norms[0] > 0}
    described = "; ".join(
        f"{name}: {norms[-1] / norms[0]:.2g} of the last after {len(norms) - 1} steps"
        for name, norms in curves.items()
    )
    figure = gradient_figure(curves, highlighted=list(trained))
    return figure, "How far back the loss reaches: gradient norm by time step", described


def _eigenvalues(name: str, epochs: Mapping[str, Any]) -> Described:
    found = {int(epoch): from_pairs(pairs) for epoch, pairs in epochs.items()}
    first, last = (np.abs(found[at]).max() for at in (min(found), max(found)))
    described = f"largest modulus {first:.2f} at the start, {last:.2f} after epoch {max(found)}"
    title = f"Eigenvalues of what carries the state into the new content, {plain_level(name)}, by epoch"
    return eigenvalue_figure(found), title, described


def _movers(traces: Sequence[Any], class_name: str) -> dict[str, Described]:
    if sum(map(len, traces)) < LEAST_WORDS:
        return {}
    often = movers(traces, start=0.5, least=LEAST_COUNT)
    found = often if len(often) >= LEAST_WORDS else movers(traces, start=0.5)
    up, down = found[:3], found[::-1][:3]
    described = (
        f"up: {', '.join(m.word for m in up)}; down: {', '.join(m.word for m in down)}; "
        "in brackets, how often the word was read in the traced examples"
    )
    caption = f"Words that moved P({class_name}), in the traced examples"
    return {"movers": (movers_figure(found, class_name), caption, described)}
