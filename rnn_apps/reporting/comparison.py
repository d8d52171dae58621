"""Several runs on one page: what differs, their curves, their scores with the spread of seeds."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rnn_apps.reporting import drawing, scores
from rnn_apps.reporting.folder import Run, read_run
from rnn_apps.reporting.pages import environment, sample_mark, save_picture, write_page
from rnn_apps.reporting.plots import MOST_MARKERS

MOST_CURVES = 6
FIRST_LETTER = ord("A")


class Group(NamedTuple):
    """Runs of the same settings, the seed aside.

    Attributes:
        letter: by which tables and figures call it.
        folders: of its runs, as they were named.
        runs: what they hold.
        settings: those in which the groups differ; None where a group has no such setting.
    """

    letter: str
    folders: list[str]
    runs: list[Run]
    settings: dict[str, Any]

    def values(self, metric: str) -> list[float]:
        """Returns the test scores of its runs, those that have one."""
        found = [(run.metrics.get("test") or {}).get(metric) for run in self.runs]
        return [float(value) for value in found if value is not None and math.isfinite(value)]


class Score(NamedTuple):
    """A metric over all groups.

    Attributes:
        name, meaning: of the metric.
        cells: one a group: text of mean and range, and whether it is the best mean.
    """

    name: str
    meaning: str
    cells: list[tuple[str, bool]]


def write_comparison(folders: Sequence[Path], settings: Sequence[Mapping[str, Any]], out: Path) -> Path:
    """Writes `report.html` and `plots/` into a folder that is there.

    Args:
        folders: of finished runs.
        settings: of each, dotted path to value.
        out: the folder.

    Returns:
        Path of the report.

    Raises:
        RnnAppsError: a file of a run is missing or damaged.
    """
    groups = _groups([str(folder) for folder in folders], [read_run(Path(f)) for f in folders], settings)
    metrics = list(
        dict.fromkeys(name for g in groups for run in g.runs for name in scores.metric_names(run.metrics))
    )
    figures = ({"main": _spread(groups, metrics[0])} if metrics else {}) | _curves(groups)
    pictures = [save_picture(Path(out), name, *parts) for name, parts in figures.items()]
    marks = dict.fromkeys(mark for g in groups for run in g.runs if (mark := sample_mark(run.metrics)))
    content = {
        "groups": groups,
        "count": len(folders),
        "marks": list(marks),
        "keys": list(groups[0].settings),
        "scores": [_score(groups, name) for name in metrics],
        "pictures": pictures,
        "tasks": list(dict.fromkeys(str(run.metrics.get("task")) for g in groups for run in g.runs)),
    }
    return write_page(Path(out), environment().get_template("comparison.html").render(content))


def _groups(names: list[str], runs: list[Run], settings: Sequence[Mapping[str, Any]]) -> list[Group]:
    flat = [{key: value for key, value in one.items() if key != "seed"} for one in settings]
    kinds = [one for number, one in enumerate(flat) if one not in flat[:number]]
    keys = list(dict.fromkeys(key for one in kinds for key in one))
    differ = [key for key in keys if any(one.get(key) != kinds[0].get(key) for one in kinds)]
    return [
        Group(
            _letter(number),
            [name for name, one in zip(names, flat) if one == kind],
            [run for run, one in zip(runs, flat) if one == kind],
            {key: kind.get(key) for key in differ},
        )
        for number, kind in enumerate(kinds)
    ]


def _letter(number: int) -> str:
    return chr(FIRST_LETTER + number) if number < 26 else f"R{number + 1}"


def _score(groups: list[Group], name: str) -> Score:
    found = [group.values(name) for group in groups]
    means = [float(np.mean(values)) if values else None for values in found]
    meaning, higher = scores.METRICS.get(name, ("", None))
    best = None
    if higher is not None and len([mean for mean in means if mean is not None]) > 1:
        best = (max if higher else min)(mean for mean in means if mean is not None)
    cells = [(_with_range(values), mean is not None and mean == best) for values, mean in zip(found, means)]
    return Score(name, meaning, cells)


def _with_range(values: list[float]) -> str:
    if not values:
        return "–"
    mean = scores.number(float(np.mean(values)))
    if len(values) == 1:
        return mean
    return f"{mean} ({scores.number(min(values))} to {scores.number(max(values))})"


def _spread(groups: list[Group], name: str) -> tuple[Figure, str, str]:
    figure, axes = drawing.new_figure((5.2, 1.2 + 0.36 * max(2, len(groups))))
    for row, (group, (colour, _)) in enumerate(zip(groups, drawing.line_styles())):
        values = group.values(name)
        axes.plot(values, [row] * len(values), "o", color=colour, alpha=0.75)
        if values:
            axes.plot([np.mean(values)] * 2, [row - 0.25, row + 0.25], color=colour, linewidth=2.5)
    axes.set_yticks(range(len(groups)), [group.letter for group in groups])
    axes.set(xlabel=f"test {name.replace('_', ' ')}", ylim=(len(groups) - 0.5, -0.5))
    described = "; ".join(f"{group.letter} {_with_range(group.values(name))}" for group in groups)
    return figure, f"Test {name.replace('_', ' ')}, a dot a run, a bar the mean", described


def _curves(groups: list[Group]) -> dict[str, tuple[Figure, str, str]]:
    names = dict.fromkeys(name for g in groups for run in g.runs for name in run.history)
    shown = [name for name in names if name not in scores.NOT_A_CURVE][:MOST_CURVES]
    return {f"curve_{name}": _curve(groups, name) for name in shown}


def _curve(groups: list[Group], name: str) -> tuple[Figure, str, str]:
    figure, axes = drawing.new_figure()
    described = []
    for group, (colour, style) in zip(groups, drawing.line_styles()):
        curves = [run.history[name] for run in group.runs if name in run.history]
        for number, curve in enumerate(curves):
            label = group.letter if number == 0 else None
            marker = "." if len(curve) <= MOST_MARKERS else None
            axes.plot(
                range(1, len(curve) + 1), curve, style, marker=marker, color=colour, label=label, alpha=0.85
            )
        last = [curve[-1] for curve in curves if curve]
        described.append(f"{group.letter} ends at {_with_range(last)}")
    title = name.replace("val_", "validation ").replace("_", " ")
    axes.set(xlabel="epoch", ylabel=title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.legend(frameon=False, fontsize=9)
    return figure, f"{title.capitalize()} by epoch", "; ".join(described)
