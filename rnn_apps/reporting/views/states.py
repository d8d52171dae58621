"""Hidden states as a heat map: units that move together side by side, so that structure shows."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import pdist

from rnn_apps.reporting import drawing

MOST_UNITS, MOST_STEPS = 64, 60
LONGEST_NAME = 14


def unit_order(values: np.ndarray) -> np.ndarray:
    """Returns an order of units in which those that move together are neighbours.

    Average linkage over one minus the correlation, leaves in optimal order (Bar-Joseph et al., 2001); units
    that do not move at all come last.

    Args:
        values: (steps, units).
    """
    spread = values.std(axis=0)
    moving = np.flatnonzero(spread > 1e-7)
    still = np.setdiff1d(np.arange(values.shape[1]), moving)
    if len(moving) > 2:
        rows = ((values - values.mean(axis=0)) / np.where(spread > 1e-7, spread, 1)).T[moving]
        distances = np.clip(pdist(rows, "correlation"), 0, 2) if len(values) > 1 else pdist(rows)
        tree = optimal_leaf_ordering(linkage(distances, "average"), distances)
        moving = moving[leaves_list(tree)]
    return np.concatenate([moving, still]).astype(int)


def state_figure(values: np.ndarray, steps: Sequence[str] | None = None, title: str = "") -> Figure:
    """Returns the states of one level over one input as a heat map, units by `unit_order`.

    At most 60 steps are shown, the last ones, and the 64 units that move most.

    Args:
        values: (steps, units), as one row of `HiddenStates.values`; steps that are NaN are padding, and left
            out with their names.
        steps: names of the steps: tokens, frames, times; numbers by default.
        title: over the picture.
    """
    values = np.asarray(values, float)
    names = [str(number + 1) for number in range(len(values))] if steps is None else list(steps)
    real = [number for number, row in enumerate(values) if not np.isnan(row).all()]
    values, names = values[real][-MOST_STEPS:], [names[number] for number in real][-MOST_STEPS:]
    most = np.sort(np.argsort(-values.std(axis=0), kind="stable")[:MOST_UNITS])
    order = most[unit_order(values[:, most])]
    width, height = 1.7 + 0.19 * max(len(names), 14), 1.5 + 0.055 * max(len(order), 24)
    figure, axes = drawing.new_figure((width, height))
    limit = float(np.abs(values).max()) or 1.0
    image = axes.imshow(
        values[:, order].T, cmap="PuOr_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="none"
    )
    axes.set_xticks(range(len(names)), [drawing.shortened(n, LONGEST_NAME) for n in names], rotation=90)
    axes.tick_params(axis="x", labelsize=8)
    for label in axes.get_xticklabels():
        label.set_parse_math(False)
    every = max(1, len(order) // 12)
    axes.set_yticks(range(0, len(order), every), order[::every], fontsize=7)
    axes.set_ylabel("unit")
    axes.grid(False)
    axes.spines[:].set_visible(False)
    if title:
        axes.set_title(title, fontsize=10, parse_math=False)
    figure.colorbar(image, ax=axes, label="state", shrink=0.9, pad=0.02)
    return figure
