"""Draws hidden states as a heat map, with units that move together next to each other."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import pdist

from rnn_apps.reporting import drawing

MAX_UNITS, MAX_STEPS = 64, 60
MAX_NAME_LENGTH = 14


def unit_order(values: np.ndarray) -> np.ndarray:
    """Return an order of the units in which units that move together are neighbours.

    Average linkage over one minus the correlation, with optimal leaf ordering (Bar-Joseph et al., 2001);
    constant units come last.

    Args:
        values: (steps, units).
    """
    spread = values.std(axis=0)
    moving, constant = np.flatnonzero(spread > 1e-7), np.flatnonzero(spread <= 1e-7)
    if len(moving) > 2:
        rows = ((values - values.mean(axis=0))[:, moving] / spread[moving]).T
        distances = np.clip(pdist(rows, "correlation"), 0, 2) if len(values) > 1 else pdist(rows)
        tree = optimal_leaf_ordering(linkage(distances, "average"), distances)
        moving = moving[leaves_list(tree)]
    return np.concatenate([moving, constant]).astype(int)


def state_figure(values: np.ndarray, steps: Sequence[str] | None = None, title: str = "") -> Figure:
    """Return the states of one layer over one input as a heat map, with the units in `unit_order`.

    Shows at most the last 60 steps, and the 64 units that vary most.

    Args:
        values: (steps, units), one row of `HiddenStates.values`; steps of NaN are padding and left out.
        steps: names of the steps, such as tokens or times; numbers by default.
        title: title of the figure.
    """
    values = np.asarray(values, float)
    names = [str(number + 1) for number in range(len(values))] if steps is None else list(steps)
    valid = np.flatnonzero(~np.isnan(values).all(axis=1))[-MAX_STEPS:]
    values, names = values[valid], [drawing.shorten(names[i], MAX_NAME_LENGTH) for i in valid]
    shown = np.sort(np.argsort(-values.std(axis=0), kind="stable")[:MAX_UNITS])
    order = shown[unit_order(values[:, shown])]
    width, height = 1.7 + 0.19 * max(len(names), 14), 1.5 + 0.055 * max(len(order), 24)
    figure, axes = drawing.new_figure((width, height))
    limit = float(np.abs(values).max()) or 1.0
    image = axes.imshow(
        values[:, order].T, cmap="PuOr_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="none"
    )
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8, parse_math=False)
    every = max(1, len(order) // 12)
    axes.set_yticks(range(0, len(order), every), order[::every], fontsize=7)
    axes.set_ylabel("unit")
    axes.grid(False)
    axes.spines[:].set_visible(False)
    if title:
        axes.set_title(title, fontsize=10, parse_math=False)
    figure.colorbar(image, ax=axes, label="state", shrink=0.9, pad=0.02)
    return figure
