"""Plots of scores, predictions, texts and forecasts."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rnn_apps.reporting.drawing import BLUE, INK, PALE, SIZE, VERMILION, new_figure, shorten, style_axes
from rnn_apps.reporting.predictions import PredictionSummary

TRAINING, VALIDATION = VERMILION, BLUE
MAX_MARKERS = 40
MAX_CLASSES_IN_PAIR = 8  # classes of a confusion matrix that fits next to another plot


def learning_figure(
    name: str, training: Sequence[float], validation: Sequence[float] | None, best_epoch: int | None
) -> Figure:
    """Return a metric by epoch, on training or validation data or both, with the best epoch."""
    figure, axes = new_figure()
    num_epochs = max(len(training), len(validation or []))
    if training:
        _curve(axes, training, "training", TRAINING, "s", "--")
    if validation is not None:
        _curve(axes, validation, "validation", VALIDATION, "o", "-")
    if best_epoch and best_epoch <= num_epochs:
        axes.axvline(best_epoch, color=PALE, linewidth=5, zorder=0, label=f"best: epoch {best_epoch}")
    axes.set(xlabel="epoch", ylabel=name.replace("_", " "), xlim=(0.7, num_epochs + 0.3))
    integer_ticks(axes)
    add_legend(axes)
    return figure


def confusion_figure(summary: PredictionSummary, classes: Sequence[int]) -> Figure:
    """Return the confusion matrix of some classes, shaded by the share of the true class."""
    counts = np.array([[summary.confusion[row, column] for column in classes] for row in classes])
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    is_small = len(classes) <= MAX_CLASSES_IN_PAIR
    side, size = (3.4, 10) if is_small else (5.6, 7)
    figure, axes = new_figure((side + 0.6, side))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [shorten(summary.class_names[index]) for index in classes]
    rotated = max((len(name) for name in names), default=0) * len(classes) > 30
    axes.set_xticks(range(len(names)), names, rotation=90 if rotated else 0, fontsize=size, parse_math=False)
    axes.set_yticks(range(len(names)), names, fontsize=size, parse_math=False)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.spines[:].set_visible(False)
    axes.grid(False)
    centred = {"ha": "center", "va": "center", "fontsize": size}
    for row, column in np.argwhere(counts):
        colour = "white" if shares[row, column] > 0.55 else INK
        axes.text(column, row, f"{counts[row, column]:,}", color=colour, **centred)
    return figure


def reliability_figure(summary: PredictionSummary) -> Figure:
    """Return the accuracy by confidence, above the number of predictions."""
    figure = Figure(figsize=SIZE, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    count = summary.bin_count
    filled = np.flatnonzero(count)
    accuracy, confidence = (
        values[filled] / count[filled] for values in (summary.bin_right, summary.bin_confidence)
    )
    upper.plot((0, 1), (0, 1), color=INK, linestyle=":", linewidth=1, label="confidence = accuracy")
    upper.plot(confidence, accuracy, "o-", color=VALIDATION, label="model")
    upper.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.03))
    add_legend(upper, loc="upper left")
    centres = (np.arange(len(count)) + 0.5) / len(count)
    lower.bar(centres, count, width=0.9 / len(count), color=VALIDATION)
    lower.set(xlabel="confidence", ylabel="predictions")
    lower.yaxis.set_major_locator(MaxNLocator(nbins=2, integer=True))
    style_axes(upper)
    style_axes(lower)
    return figure


def length_figure(lengths: Sequence[int], reference_lengths: Sequence[int]) -> Figure:
    """Return histograms of the number of words, of the texts and of their references."""
    figure, axes = new_figure()
    longest = int(np.quantile([*lengths, *reference_lengths], 0.995)) + 1
    outline, filled = {"histtype": "step", "linewidth": 1.8}, {"histtype": "stepfilled", "alpha": 0.6}
    for values, name, colour, style in (
        (reference_lengths, "references", TRAINING, outline),
        (lengths, "generated", VALIDATION, filled),
    ):
        shares = np.full(len(values), 1 / max(1, len(values)))
        clipped, bins = np.minimum(values, longest), np.arange(longest + 2) - 0.5
        axes.hist(clipped, bins, weights=shares, label=name, color=colour, **style)
    axes.set(xlabel="words", ylabel="share of the texts")
    add_legend(axes)
    return figure


def score_figure(values: Sequence[float], name: str) -> Figure:
    """Return a histogram of the scores of single texts."""
    figure, axes = new_figure()
    axes.hist(values, bins=30, color=VALIDATION)
    axes.axvline(float(np.mean(values)), color=TRAINING, linestyle="--", label=f"mean {np.mean(values):.3g}")
    axes.set(xlabel=name, ylabel="texts")
    add_legend(axes)
    return figure


def forecast_figure(lines: Mapping[str, np.ndarray], name: str) -> Figure:
    """Return a forecast with its interval, the actual values, and the past before them.

    Args:
        lines: ``history`` (past,), NaN where missing; ``truth``, ``forecast``, ``lower``, ``upper`` and
            ``seasonal_naive`` (horizon,).
        name: name of the series.
    """
    figure, axes = new_figure()
    num_past, ahead = len(lines["history"]), np.arange(1, len(lines["truth"]) + 1)
    axes.plot(np.arange(1 - num_past, 1), lines["history"], color=INK, linewidth=1)
    interval = {"color": VALIDATION, "alpha": 0.22, "linewidth": 0, "label": "interval"}
    axes.fill_between(ahead, lines["lower"], lines["upper"], **interval)
    truth = np.append(lines["history"][-1:], lines["truth"])
    steps = np.append(0, ahead)[-len(truth) :]
    axes.plot(steps, truth, marker=_marker(".", ahead), color=INK, linewidth=1.2, label="actual")
    axes.plot(ahead, lines["seasonal_naive"], ":", color=TRAINING, linewidth=1.6, label="seasonal naive")
    axes.plot(ahead, lines["forecast"], color=VALIDATION, linewidth=2, label="forecast")
    axes.axvline(0.5, color=PALE, linewidth=2, zorder=0)
    axes.set(xlabel="steps after the last known value", xlim=(1 - num_past, len(ahead) + 0.5))
    axes.set_ylabel(shorten(name), parse_math=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(frameon=False, fontsize=8, loc="outside upper center", ncols=4)
    return figure


def step_error_figure(errors: Mapping[str, np.ndarray]) -> Figure:
    """Return the mean error by steps ahead, of ``forecast`` and ``seasonal_naive``, (horizon,) each."""
    figure, axes = new_figure()
    ahead = np.arange(1, len(errors["forecast"]) + 1)
    own = {"marker": _marker("o", ahead), "markersize": 4, "color": VALIDATION, "label": "this model"}
    axes.plot(ahead, errors["seasonal_naive"], ":", color=TRAINING, linewidth=1.8, label="seasonal naive")
    axes.plot(ahead, errors["forecast"], **own)
    axes.set(xlabel="steps ahead", ylabel="error", xlim=(0.7, len(ahead) + 0.3))
    axes.set_ylim(bottom=0)
    integer_ticks(axes)
    add_legend(axes)
    return figure


def integer_ticks(axes: Axes) -> None:
    """Put the ticks of the x axis at whole numbers."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def add_legend(axes: Axes, **options: str) -> None:
    """Add a legend without a frame."""
    axes.legend(frameon=False, fontsize=9, **options)


def _marker(marker: str, values: Sequence[float] | np.ndarray) -> str | None:
    return marker if len(values) <= MAX_MARKERS else None


def _curve(axes: Axes, values: Sequence[float], name: str, colour: str, marker: str, line: str) -> None:
    label = f"{name} (last {values[-1]:.3g})" if math.isfinite(values[-1]) else name
    style = {"marker": _marker(marker, values), "markersize": 5, "color": colour, "label": label}
    axes.plot(range(1, len(values) + 1), values, line, **style)
