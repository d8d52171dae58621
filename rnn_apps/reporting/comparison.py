"""Compares runs on one page: differing settings, learning curves, and scores with their spread over seeds."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnn_apps.reporting import drawing, scores
from rnn_apps.reporting.folder import Run, read_run
from rnn_apps.reporting.pages import Plot, save_plot, score_mark, write_page
from rnn_apps.reporting.plots import MAX_MARKERS, add_legend, integer_ticks

MAX_CURVES = 6


class Group(NamedTuple):
    """Runs whose settings differ in the seed only.

    Attributes:
        letter: name of the group in tables and figures.
        folders: names of the run folders.
        runs: contents of the run folders.
        settings: settings in which the groups differ; None where a group lacks one.
    """

    letter: str
    folders: list[str]
    runs: list[Run]
    settings: dict[str, Any]

    def values(self, metric: str) -> list[float]:
        """Return the test scores of the runs that have one."""
        values = [(run.metrics.get("test") or {}).get(metric) for run in self.runs]
        return [float(value) for value in values if value is not None and math.isfinite(value)]


class Score(NamedTuple):
    """A metric of all groups.

    Attributes:
        name, meaning: name and meaning of the metric.
        cells: for each group the mean and range as text, and whether the mean is the best.
    """

    name: str
    meaning: str
    cells: list[tuple[str, bool]]


def write_comparison(folders: Sequence[Path], settings: Sequence[Mapping[str, Any]], out: Path) -> Path:
    """Write `report.html` and `plots/` into an existing folder.

    Args:
        folders: folders of finished runs.
        settings: settings of each run, dotted path to value.
        out: the folder to write into.

    Returns:
        Path of the report.

    Raises:
        RnnAppsError: a file of a run is missing or damaged.
    """
    runs = [read_run(Path(folder)) for folder in folders]
    groups = _group([str(folder) for folder in folders], runs, settings)
    metrics = list(dict.fromkeys(name for run in runs for name in scores.metric_names(run.metrics)))
    figures = {"main": _plot_spread(groups, metrics[0])} if metrics else {}
    curves = dict.fromkeys(name for run in runs for name in run.history)
    for name in [name for name in curves if name not in scores.UNPLOTTED_COLUMNS][:MAX_CURVES]:
        figures[f"curve_{name}"] = _plot_curves(groups, name)
    content = {
        "groups": groups,
        "count": len(folders),
        "marks": list(dict.fromkeys(mark for run in runs if (mark := score_mark(run.metrics)))),
        "keys": list(groups[0].settings),
        "scores": [_score(groups, name) for name in metrics],
        "pictures": [save_plot(Path(out), name, plot) for name, plot in figures.items()],
        "tasks": list(dict.fromkeys(str(run.metrics.get("task")) for run in runs)),
    }
    return write_page(Path(out), "comparison.html", content)


def _group(names: list[str], runs: list[Run], settings: Sequence[Mapping[str, Any]]) -> list[Group]:
    without_seed = [{key: value for key, value in values.items() if key != "seed"} for values in settings]
    distinct = [values for number, values in enumerate(without_seed) if values not in without_seed[:number]]
    keys = list(dict.fromkeys(key for values in distinct for key in values))
    differing = [key for key in keys if any(v.get(key) != distinct[0].get(key) for v in distinct)]
    groups = []
    for number, values in enumerate(distinct):
        members = [index for index, other in enumerate(without_seed) if other == values]
        letter = chr(ord("A") + number) if number < 26 else f"R{number + 1}"
        group_settings = {key: values.get(key) for key in differing}
        groups.append(Group(letter, [names[i] for i in members], [runs[i] for i in members], group_settings))
    return groups


def _score(groups: list[Group], name: str) -> Score:
    values = [group.values(name) for group in groups]
    means = [float(np.mean(group)) if group else None for group in values]
    meaning, is_higher_better = scores.METRICS.get(name, ("", None))
    known, best = [mean for mean in means if mean is not None], None
    if is_higher_better is not None and len(known) > 1:
        best = max(known) if is_higher_better else min(known)
    cells = [(_describe(group), mean is not None and mean == best) for group, mean in zip(values, means)]
    return Score(name, meaning, cells)


def _describe(values: list[float]) -> str:
    """Return the mean of values with their range."""
    if not values:
        return "–"
    mean, low, high = map(scores.format_number, (float(np.mean(values)), min(values), max(values)))
    return mean if len(values) == 1 else f"{mean} ({low} to {high})"


def _plot_spread(groups: list[Group], name: str) -> Plot:
    figure, axes = drawing.new_figure((5.2, 1.2 + 0.36 * max(2, len(groups))))
    for row, (group, (colour, _)) in enumerate(zip(groups, drawing.line_styles())):
        values = group.values(name)
        axes.plot(values, [row] * len(values), "o", color=colour, alpha=0.75)
        if values:
            axes.plot([np.mean(values)] * 2, [row - 0.25, row + 0.25], color=colour, linewidth=2.5)
    axes.set_yticks(range(len(groups)), [group.letter for group in groups])
    title = f"test {name.replace('_', ' ')}"
    axes.set(xlabel=title, ylim=(len(groups) - 0.5, -0.5))
    description = "; ".join(f"{group.letter} {_describe(group.values(name))}" for group in groups)
    return figure, f"{title.capitalize()}: one dot per run, a bar for the mean", description


def _plot_curves(groups: list[Group], name: str) -> Plot:
    figure, axes = drawing.new_figure()
    descriptions = []
    for group, (colour, style) in zip(groups, drawing.line_styles()):
        curves = [run.history[name] for run in group.runs if name in run.history]
        for number, curve in enumerate(curves):
            options = {"marker": "." if len(curve) <= MAX_MARKERS else None, "color": colour, "alpha": 0.85}
            label = group.letter if number == 0 else None
            axes.plot(range(1, len(curve) + 1), curve, style, label=label, **options)
        descriptions.append(f"{group.letter} ends at {_describe([curve[-1] for curve in curves if curve])}")
    title = name.replace("val_", "validation ").replace("_", " ")
    axes.set(xlabel="epoch", ylabel=title)
    integer_ticks(axes)
    add_legend(axes)
    return figure, f"{title.capitalize()} by epoch", "; ".join(descriptions)
