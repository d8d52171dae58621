"""The page of a search for settings: trials, importances, and the comparison of what was found."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from rnn_apps.errors import shown
from rnn_apps.reporting.drawing import (
    BLUE,
    INK,
    PALE,
    VERMILION,
    line_styles,
    new_figure,
    shorten,
    style_axes,
)
from rnn_apps.reporting.pages import Plot, save_plot, write_page
from rnn_apps.reporting.plots import integer_ticks

MOST_ROWS, MOST_AXES, MOST_FAILURES = 20, 12, 10
MIN_LINES = 2
COLOURS, REVERSED = "viridis", "viridis_r"  # the best score is the darkest

Trial = Mapping[str, Any]


def write_tuning(content: Mapping[str, Any], folder: Path) -> Path:
    """Write `report.html` and `plots/` of a search into an existing folder.

    Args:
        content: ``recipe``, ``task``, ``mark``, ``monitor`` (``name``, ``higher_is_better``), ``space`` (keys
            to lists or ranges), ``trials`` and ``random_trials`` (dicts with ``number``, ``state``,
            ``score``, ``settings``, ``epoch``, ``seconds``, ``problem``), ``default`` (settings of the
            recipe), ``importances`` (or None), ``num_important``, ``comparison`` (``seeds``, ``candidates``;
            or None).
        folder: the folder to write into.

    Returns:
        Path of the page.
    """
    name, higher = content["monitor"]["name"], content["monitor"]["higher_is_better"]
    trials, others, comparison = content["trials"], content["random_trials"], content["comparison"]
    complete = _best_first(trials, higher)
    figures: dict[str, Plot] = {"history": _plot_history(trials, others, name, higher)}
    if content["importances"]:
        figures["importances"] = _plot_importances(content["importances"], content["num_important"])
    if len(complete) >= MIN_LINES:
        figures["parallel_coordinates"] = _plot_parallel(trials, complete, content["space"], name, higher)
    if comparison:
        figures["comparison"] = _plot_comparison(comparison["candidates"], name)
    pictures = {key: save_plot(Path(folder), key, plot) for key, plot in figures.items()}
    page = {
        **content,
        "title": _title(name),
        "complete": complete[:MOST_ROWS],
        "counts": {state: sum(t["state"] == state for t in trials) for state in STATES},
        "failures": [trial for trial in trials if trial["problem"]][:MOST_FAILURES],
        "candidates": _candidate_rows(comparison["candidates"], higher) if comparison else [],
        "pictures": pictures,
        "keys": list(content["space"]),
        "text": _text,
    }
    return write_page(Path(folder), "tuning.html", page)


STATES = ("complete", "pruned", "failed")


def _text(value: Any) -> str:
    """Return a score or a setting with four digits, by which trials can be told apart."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if value is None:
        return "–"
    return value if isinstance(value, str) else shown(value)


def _title(name: str) -> str:
    return name.replace("val_", "validation ").replace("_", " ")


def _best_first(trials: Sequence[Trial], higher: bool) -> list[Trial]:
    complete = [trial for trial in trials if trial["state"] == "complete"]
    return sorted(complete, key=lambda trial: -trial["score"] if higher else trial["score"])


def _candidate_rows(candidates: Sequence[Mapping[str, Any]], higher: bool) -> list[dict[str, Any]]:
    """Return the rows of the table of the comparison, with the mean and range of each candidate."""
    means = [float(np.mean(values)) if (values := _values(one)) else None for one in candidates]
    known = [mean for mean in means if mean is not None]
    best = (max(known) if higher else min(known)) if len(known) > 1 else None
    return [
        {
            "label": one["label"],
            "settings": one["settings"],
            "mean": mean,
            "low": min(_values(one), default=None),
            "high": max(_values(one), default=None),
            "failed": sum(score is None for score in one["scores"].values()),
            "best": mean is not None and mean == best,
        }
        for one, mean in zip(candidates, means)
    ]


def _values(candidate: Mapping[str, Any]) -> list[float]:
    return [score for score in candidate["scores"].values() if score is not None]


def _plot_history(trials: Sequence[Trial], others: Sequence[Trial], name: str, higher: bool) -> Plot:
    figure, axes = new_figure()
    texts = []
    for label, several, colour in (("this search", trials, BLUE), ("random search", others, VERMILION)):
        for state, marker, options in (("complete", "o", {}), ("pruned", "x", {"alpha": 0.5})):
            points = [(number, t["score"]) for number, t in enumerate(several, 1) if _has(t, state)]
            text = f"{label}, {state}" if points else None
            if points:
                axes.plot(*zip(*points), marker, color=colour, markersize=4, label=text, **options)
        steps = [(number, t["score"]) for number, t in enumerate(several, 1) if _has(t, "complete")]
        if steps:
            best = (np.maximum if higher else np.minimum).accumulate([score for _, score in steps])
            numbers = [*(number for number, _ in steps), len(several)]
            axes.step(numbers, [*best, best[-1]], where="post", color=colour, linewidth=1.2)
            texts.append(f"{label} reaches {_text(float(best[-1]))} in {len(several)} trials")
    axes.set(xlabel="finished trials", ylabel=_title(name))
    integer_ticks(axes)
    if axes.lines:
        figure.legend(frameon=False, fontsize=8, loc="outside upper center", ncols=2)
    return figure, "Scores by trial; the lines are the best so far", "; ".join(texts)


def _has(trial: Trial, state: str) -> bool:
    return trial["state"] == state and trial["score"] is not None and math.isfinite(trial["score"])


def _plot_importances(importances: Mapping[str, float], count: int) -> Plot:
    names = sorted(importances, key=lambda key: importances[key])
    figure, axes = new_figure((4.8, 1.0 + 0.32 * max(2, len(names))))
    axes.barh(range(len(names)), [importances[key] for key in names], color=BLUE, height=0.6)
    axes.set_yticks(range(len(names)), [shorten(key, 30) for key in names], parse_math=False)
    axes.set(xlabel="share of the explained variance of the score", xlim=(0, 1))
    description = "; ".join(f"{key} {importances[key]:.2f}" for key in reversed(names))
    return figure, f"Importance of each setting (fANOVA over {count} complete trials)", description


def _plot_parallel(
    trials: Sequence[Trial], complete: Sequence[Trial], space: Mapping, name: str, higher: bool
) -> Plot:
    keys = list(space)[:MOST_AXES]
    scores = [trial["score"] for trial in complete]
    low, high = min(scores), max(scores)
    score_range = {"low": low, "high": high if high > low else low + 1}
    figure = Figure(figsize=(max(5.6, 1.5 * (len(keys) + 1)), 3.8), layout="constrained")
    axes = figure.subplots()
    colours = ScalarMappable(Normalize(low, score_range["high"]), REVERSED if higher else COLOURS)
    for trial in (t for t in trials if t["state"] == "pruned"):
        heights = [_height(trial["settings"].get(key), space[key]) for key in keys]
        axes.plot(range(len(keys)), heights, color=PALE, linewidth=0.8, zorder=1)
    for rank, trial in reversed(list(enumerate(complete))):
        heights = [_height(trial["settings"].get(key), space[key]) for key in keys]
        heights.append(_height(trial["score"], score_range))
        style = {"linewidth": 3.0, "zorder": 4} if rank == 0 else {"linewidth": 1.2, "zorder": 3}
        axes.plot(range(len(heights)), heights, color=colours.to_rgba(trial["score"]), **style)
    for number, entry in enumerate([*(space[key] for key in keys), score_range]):
        _draw_axis(axes, number, entry)
    labels = [_axis_name(key) for key in keys]
    axes.set_xticks(range(len(keys) + 1), [*labels, _title(name)], fontsize=8, parse_math=False)
    axes.set(yticks=[], xlim=(-0.1, len(keys) + 0.55), ylim=(-0.05, 1.05))
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    best = "; ".join(f"{key} {_text(complete[0]['settings'].get(key))}" for key in keys)
    caption = "Settings and scores: one line per trial, the thick one is the best"
    if any(trial["state"] == "pruned" for trial in trials):
        caption += ", grey ones were pruned"
    return figure, caption, f"the best has {best}, and scores {_text(complete[0]['score'])}"


def _axis_name(key: str) -> str:
    return "\n".join(shorten(part, 18) for part in key.rsplit(".", 1))


def _height(value: Any, entry: Any) -> float:
    """Return where a value is on its axis, from 0 to 1; NaN if it is not on it."""
    if isinstance(entry, list):
        return entry.index(value) / max(1, len(entry) - 1) if value in entry else math.nan
    if value is None:
        return math.nan
    low, high = entry["low"], entry["high"]
    if entry.get("log"):
        value, low, high = math.log(value), math.log(low), math.log(high)
    return (value - low) / (high - low)


def _draw_axis(axes: Axes, number: int, entry: Any) -> None:
    axes.axvline(number, ymin=0.045, ymax=0.955, color=INK, linewidth=1, zorder=2)
    values = entry if isinstance(entry, list) else [entry["low"], entry["high"]]
    box = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
    for value in values:
        text = shorten(_text(value))
        axes.text(
            number + 0.04,
            _height(value, entry),
            text,
            fontsize=7,
            color=INK,
            va="center",
            bbox=box,
            zorder=5,
            parse_math=False,
        )


def _plot_comparison(candidates: Sequence[Mapping[str, Any]], name: str) -> Plot:
    figure, axes = new_figure((5.2, 1.2 + 0.36 * max(2, len(candidates))))
    style_axes(axes)
    texts = []
    for row, (one, (colour, _)) in enumerate(zip(candidates, line_styles())):
        values = _values(one)
        axes.plot(values, [row] * len(values), "o", color=colour, alpha=0.75)
        if values:
            axes.plot([np.mean(values)] * 2, [row - 0.25, row + 0.25], color=colour, linewidth=2.5)
            texts.append(f"{one['label']} {_text(float(np.mean(values)))}")
    axes.set_yticks(range(len(candidates)), [one["label"] for one in candidates])
    axes.set(xlabel=_title(name), ylim=(len(candidates) - 0.5, -0.5))
    return figure, f"{_title(name).capitalize()}: one dot per seed, a bar for the mean", "; ".join(texts)
