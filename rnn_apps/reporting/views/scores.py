"""A score as it moves step by step, and the words that moved it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops
from matplotlib.figure import Figure

from rnn_apps.reporting import drawing
from rnn_apps.reporting.views.recording import Network

MOST_MOVERS = 10  # in each direction
MOST_LABELS = 60


class Mover(NamedTuple):
    """A word and how it moves a score.

    Attributes:
        word: as the network reads it.
        change: mean difference of the score after the word to that before it.
        count: how often it was read.
    """

    word: str
    change: float
    count: int  # type: ignore[assignment]


def score_by_step(network: Network, inputs: Any) -> np.ndarray:
    """Returns what a network answers when its input ends after each step: (batch, steps, ...).

    Every beginning is read anew, which is exact for any cell, direction and pooling.

    Args:
        network: `keras.Model` of one input, (batch, steps) or (batch, steps, features), with one output.
        inputs: array or tensor of that shape.
    """
    inputs = np.asarray(inputs)
    answers = [network(inputs[:, :stop], training=False) for stop in range(1, inputs.shape[1] + 1)]
    return np.stack([ops.convert_to_numpy(answer) for answer in answers], axis=1)


def movers(traces: Sequence[Sequence[tuple[str, float]]], start: float, least: int = 1) -> list[Mover]:
    """Returns the words by how they move a score, the largest rise first.

    Args:
        traces: of several inputs, (word, score once it is read) for each step.
        start: the score before the first word.
        least: how often a word must come.
    """
    changes: dict[str, list[float]] = defaultdict(list)
    for trace in traces:
        before = start
        for word, score in trace:
            changes[word].append(score - before)
            before = score
    found = [Mover(w, float(np.mean(c)), len(c)) for w, c in changes.items() if len(c) >= least]
    return sorted(found, key=lambda mover: (-mover.change, mover.word))


def movers_figure(found: Sequence[Mover], name: str) -> Figure:
    """Returns the words that raise and lower a score most, as bars.

    Args:
        found: of `movers`.
        name: of the score.
    """
    up = [mover for mover in found if mover.change > 0][:MOST_MOVERS]
    down = [mover for mover in found if mover.change < 0][-MOST_MOVERS:]
    shown = up + down
    figure, axes = drawing.new_figure((4.8, 1.1 + 0.2 * max(4, len(shown))))
    places = np.arange(len(shown))[::-1]
    colours = [drawing.BLUE] * len(up) + [drawing.VERMILION] * len(down)
    axes.barh(places, [mover.change for mover in shown], color=colours)
    names = [f"{drawing.shortened(mover.word)} ({mover.count})" for mover in shown]
    axes.set_yticks(places, names, fontsize=8, parse_math=False)
    axes.axvline(0, color=drawing.INK, linewidth=0.8)
    axes.set_xlabel(f"mean change of P({drawing.shortened(name)})", parse_math=False)
    return figure


def score_figure(trace: Sequence[tuple[str, float]], name: str) -> Figure:
    """Returns a score as it moves step by step.

    Args:
        trace: (word or other step, score once it is read) for each step; at most 60 are named.
        name: of the score.
    """
    words, scores = [word for word, _ in trace], [score for _, score in trace]
    figure, axes = drawing.new_figure((1.4 + 0.19 * min(max(len(trace), 14), MOST_LABELS), 3.0))
    axes.plot(scores, "o-", color=drawing.BLUE, markersize=3.5)
    axes.set(xlim=(-0.5, len(trace) - 0.5))
    axes.set_ylabel(drawing.shortened(name, 30), parse_math=False)
    if len(trace) <= MOST_LABELS:
        names = [drawing.shortened(word) for word in words]
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8, parse_math=False)
    return figure
