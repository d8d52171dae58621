"""The figures of a report."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rnn_apps.reporting.drawing import BLUE, INK, PALE, SIZE, VERMILION, new_figure, plain, shortened
from rnn_apps.reporting.predictions import PredictionSummary

TRAINING, VALIDATION = VERMILION, BLUE
MOST_MARKERS = 40
FEW_CLASSES = 8  # as many fit beside another figure


def learning_figure(
    name: str, training: Sequence[float], validation: Sequence[float] | None, best_epoch: int | None
) -> Figure:
    """Returns a quantity by epoch, in training, in validation or both, with the epoch that was kept."""
    figure, axes = new_figure()
    epochs = max(len(training), len(validation or []))
    if training:
        _curve(axes, training, "training", TRAINING, "s--")
    if validation is not None:
        _curve(axes, validation, "validation", VALIDATION, "o-")
    if best_epoch and best_epoch <= epochs:
        axes.axvline(best_epoch, color=PALE, linewidth=5, zorder=0, label=f"kept: epoch {best_epoch}")
    axes.set(xlabel="epoch", ylabel=name.replace("_", " "), xlim=(0.7, epochs + 0.3))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.legend(frameon=False, fontsize=9)
    return figure


def confusion_figure(summary: PredictionSummary, classes: Sequence[int]) -> Figure:
    """Returns the counts of each true class by answer, shaded by the share of the true class."""
    counts = np.array([[summary.confusion[row, column] for column in classes] for row in classes])
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    side = 3.4 if len(classes) <= FEW_CLASSES else 5.6
    figure, axes = new_figure((side + 0.6, side))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [shortened(summary.class_names[index]) for index in classes]
    size = 10 if len(classes) <= FEW_CLASSES else 7
    turned = max((len(name) for name in names), default=0) * len(classes) > 30
    axes.set_xticks(range(len(names)), names, rotation=90 if turned else 0, fontsize=size, parse_math=False)
    axes.set_yticks(range(len(names)), names, fontsize=size, parse_math=False)
    axes.set(xlabel="answer", ylabel="truth")
    axes.spines[:].set_visible(False)
    axes.grid(False)
    for row, column in np.argwhere(counts):
        colour = "white" if shares[row, column] > 0.55 else INK
        axes.text(
            column, row, f"{counts[row, column]:,}", ha="center", va="center", color=colour, fontsize=size
        )
    return figure


def reliability_figure(summary: PredictionSummary) -> Figure:
    """Returns the part of right answers by confidence, over how many answers there are."""
    figure = Figure(figsize=SIZE, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    count = summary.bin_count
    filled = np.flatnonzero(count)
    upper.plot((0, 1), (0, 1), color=INK, linestyle=":", linewidth=1, label="confidence = accuracy")
    accuracy = summary.bin_right[filled] / count[filled]
    upper.plot(
        summary.bin_confidence[filled] / count[filled], accuracy, "o-", color=VALIDATION, label="model"
    )
    upper.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.03))
    upper.legend(frameon=False, fontsize=9, loc="upper left")
    centres = (np.arange(len(count)) + 0.5) / len(count)
    lower.bar(centres, count, width=0.9 / len(count), color=VALIDATION)
    lower.set(xlabel="confidence", ylabel="answers")
    lower.yaxis.set_major_locator(MaxNLocator(nbins=2, integer=True))
    for axes in (upper, lower):
        plain(axes)
    return figure


def length_figure(lengths: Sequence[int], wanted: Sequence[int]) -> Figure:
    """Returns how many words the texts have, and their references, each as parts of their number."""
    figure, axes = new_figure()
    longest = int(np.quantile([*lengths, *wanted], 0.995)) + 1
    bins = np.arange(longest + 2) - 0.5
    for values, name, colour, fill in (
        (wanted, "references", TRAINING, False),
        (lengths, "written", VALIDATION, True),
    ):
        parts = np.full(len(values), 1 / max(1, len(values)))
        style = {"histtype": "stepfilled", "alpha": 0.6} if fill else {"histtype": "step", "linewidth": 1.8}
        axes.hist(np.minimum(values, longest), bins, weights=parts, label=name, color=colour, **style)
    axes.set(xlabel="words", ylabel="part of the texts")
    axes.legend(frameon=False, fontsize=9)
    return figure


def score_figure(values: Sequence[float], name: str) -> Figure:
    """Returns how the scores of single texts are spread."""
    figure, axes = new_figure()
    axes.hist(values, bins=30, color=VALIDATION)
    axes.axvline(float(np.mean(values)), color=TRAINING, linestyle="--", label=f"mean {np.mean(values):.3g}")
    axes.set(xlabel=name, ylabel="texts")
    axes.legend(frameon=False, fontsize=9)
    return figure


def forecast_figure(lines: Mapping[str, np.ndarray], name: str) -> Figure:
    """Returns a forecast with its interval beside what came, and the past before it.

    Args:
        lines: ``history`` (past,), NaN where missing; ``truth``, ``forecast``, ``lower``, ``upper`` and
            ``seasonal_naive`` (horizon,).
        name: of the values.
    """
    figure, axes = new_figure()
    past, ahead = len(lines["history"]), np.arange(1, len(lines["truth"]) + 1)
    axes.plot(np.arange(1 - past, 1), lines["history"], color=INK, linewidth=1)
    axes.fill_between(
        ahead, lines["lower"], lines["upper"], color=VALIDATION, alpha=0.22, linewidth=0, label="interval"
    )
    marker = "." if len(ahead) <= MOST_MARKERS else None
    truth = np.append(lines["history"][-1:], lines["truth"])
    axes.plot(
        np.append(0, ahead)[-len(truth) :], truth, marker=marker, color=INK, linewidth=1.2, label="what came"
    )
    axes.plot(ahead, lines["seasonal_naive"], ":", color=TRAINING, linewidth=1.6, label="seasonal naive")
    axes.plot(ahead, lines["forecast"], color=VALIDATION, linewidth=2, label="forecast")
    axes.axvline(0.5, color=PALE, linewidth=2, zorder=0)
    axes.set(xlabel="steps from the last value on", xlim=(1 - past, len(ahead) + 0.5))
    axes.set_ylabel(shortened(name), parse_math=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(frameon=False, fontsize=8, loc="outside upper center", ncols=4)
    return figure


def step_error_figure(errors: Mapping[str, np.ndarray]) -> Figure:
    """Returns the mean error by steps ahead, of ``forecast`` and ``seasonal_naive``, (horizon,) each."""
    figure, axes = new_figure()
    ahead = np.arange(1, len(errors["forecast"]) + 1)
    marker = "o" if len(ahead) <= MOST_MARKERS else None
    axes.plot(ahead, errors["seasonal_naive"], ":", color=TRAINING, linewidth=1.8, label="seasonal naive")
    axes.plot(ahead, errors["forecast"], marker=marker, markersize=4, color=VALIDATION, label="this model")
    axes.set(xlabel="steps ahead", ylabel="error", xlim=(0.7, len(ahead) + 0.3))
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.legend(frameon=False, fontsize=9)
    return figure


def _curve(axes: Axes, values: Sequence[float], name: str, colour: str, style: str) -> None:
    marker, line = style[0], style[1:]
    shown = marker if len(values) <= MOST_MARKERS else None
    last = values[-1]
    label = f"{name} (last {last:.3g})" if math.isfinite(last) else name
    axes.plot(range(1, len(values) + 1), values, line, marker=shown, markersize=5, color=colour, label=label)
