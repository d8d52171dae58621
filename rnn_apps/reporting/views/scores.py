"""Measures how a score changes step by step, and the effect of each word on it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops
from matplotlib.figure import Figure

from rnn_apps.reporting import drawing
from rnn_apps.reporting.views.recording import Network

MAX_WORDS = 10  # in each direction
MAX_LABELS = 60


class WordEffect(NamedTuple):
    """The effect of a word on a score.

    Attributes:
        word: the word, as the network reads it.
        change: mean of the score after the word minus the score before it.
        num_occurrences: number of occurrences of the word.
    """

    word: str
    change: float
    num_occurrences: int


def score_by_step(network: Network, inputs: Any) -> np.ndarray:
    """Return the outputs of a network for its input truncated after each step: (batch, steps, ...).

    Every prefix is processed from its start, which is exact for any cell, direction and pooling.

    Args:
        network: `keras.Model` with one input, (batch, steps) or (batch, steps, features), and one output.
        inputs: array or tensor of that shape.
    """
    inputs = np.asarray(inputs)
    outputs = [network(inputs[:, :stop], training=False) for stop in range(1, inputs.shape[1] + 1)]
    return np.stack([ops.convert_to_numpy(output) for output in outputs], axis=1)


def word_effects(
    traces: Sequence[Sequence[tuple[str, float]]], start: float, min_count: int = 1
) -> list[WordEffect]:
    """Return the effects of the words on a score, the largest increase first.

    Args:
        traces: for each input, (word, score after it) for each step.
        start: the score before the first word.
        min_count: minimum number of occurrences of a word.
    """
    changes: dict[str, list[float]] = defaultdict(list)
    for trace in traces:
        before = start
        for word, score in trace:
            changes[word].append(score - before)
            before = score
    effects = [
        WordEffect(word, float(np.mean(values)), len(values))
        for word, values in changes.items()
        if len(values) >= min_count
    ]
    return sorted(effects, key=lambda effect: (-effect.change, effect.word))


def word_effects_figure(effects: Sequence[WordEffect], name: str) -> Figure:
    """Return the words that raise and lower a score most, as bars.

    Args:
        effects: result of `word_effects`.
        name: name of the score.
    """
    up = [effect for effect in effects if effect.change > 0][:MAX_WORDS]
    down = [effect for effect in effects if effect.change < 0][-MAX_WORDS:]
    shown = up + down
    figure, axes = drawing.new_figure((4.8, 1.1 + 0.2 * max(4, len(shown))))
    positions = np.arange(len(shown))[::-1]
    colours = [drawing.BLUE] * len(up) + [drawing.VERMILION] * len(down)
    axes.barh(positions, [effect.change for effect in shown], color=colours)
    names = [f"{drawing.shorten(effect.word)} ({effect.num_occurrences})" for effect in shown]
    axes.set_yticks(positions, names, fontsize=8, parse_math=False)
    axes.axvline(0, color=drawing.INK, linewidth=0.8)
    axes.set_xlabel(f"mean change of P({drawing.shorten(name)})", parse_math=False)
    return figure


def score_figure(trace: Sequence[tuple[str, float]], name: str) -> Figure:
    """Return a score step by step as a line.

    Args:
        trace: (word or other step, score after it) for each step; up to 60 steps are labelled.
        name: name of the score.
    """
    figure, axes = drawing.new_figure((1.4 + 0.19 * min(max(len(trace), 14), MAX_LABELS), 3.0))
    axes.plot([score for _, score in trace], "o-", color=drawing.BLUE, markersize=3.5)
    axes.set(xlim=(-0.5, len(trace) - 0.5))
    axes.set_ylabel(drawing.shorten(name, 30), parse_math=False)
    if len(trace) <= MAX_LABELS:
        names = [drawing.shorten(word) for word, _ in trace]
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8, parse_math=False)
    return figure
