"""Where a network looked as it wrote: over source words, the regions of an image, the frames of a clip."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from rnn_apps.reporting import drawing

COLUMNS = 6  # pictures side by side
LONGEST_NAME = 14


def attention_figure(weights: np.ndarray, written: Sequence[str], sources: Sequence[str]) -> Figure:
    """Returns attention weights as a matrix, a row a written token and a column a source.

    Args:
        weights: (tokens, sources), rows that sum to 1.
        written: tokens.
        sources: names of what was looked at.
    """
    weights = np.asarray(weights, float)
    figure, axes = drawing.new_figure(_size(weights))
    _matrix(figure, axes, weights, written)
    _name_columns(axes, sources)
    return figure


def frame_attention_figure(
    weights: np.ndarray, written: Sequence[str], frames: Sequence[np.ndarray]
) -> Figure:
    """Returns attention over the frames of a clip: its film strip, and below a column a frame.

    Args:
        weights: (tokens, frames).
        written: tokens.
        frames: images (height, width, 3), uint8.
    """
    weights = np.asarray(weights, float)
    width, height = _size(weights)
    figure = drawing.View(figsize=(max(width, 6.0), height + 0.9), layout="constrained")
    places = figure.add_gridspec(2, len(frames), height_ratios=(0.9, height))
    for number, frame in enumerate(frames):
        axes = figure.add_subplot(places[0, number])
        axes.imshow(frame)
        axes.set_axis_off()
    axes = figure.add_subplot(places[1, :])
    drawing.plain(axes)
    _matrix(figure, axes, weights, written)
    _name_columns(axes, [f"frame {number + 1}" for number in range(len(frames))])
    return figure


def image_attention_figure(
    weights: np.ndarray, written: Sequence[str], image: np.ndarray, grid: tuple[int, int]
) -> Figure:
    """Returns the image once a token, dark where the network did not look.

    Args:
        weights: (tokens, rows * columns), regions row by row.
        written: tokens.
        image: (height, width, 3), uint8.
        grid: rows and columns of the regions.
    """
    weights = np.asarray(weights, float)
    height, width = image.shape[:2]
    rows = -(-len(written) // COLUMNS)
    columns = min(COLUMNS, len(written))
    figure = drawing.View(figsize=(1.5 * columns, (1.5 * height / width + 0.3) * rows), layout="constrained")
    for axes, token, row in zip(figure.subplots(rows, columns, squeeze=False).flat, written, weights):
        axes.imshow(image)
        shade = 1 - row.reshape(grid) / (row.max() or 1.0)
        black = np.zeros((*grid, 4))
        black[..., 3] = 0.75 * shade
        axes.imshow(black, extent=(-0.5, width - 0.5, height - 0.5, -0.5), interpolation="nearest")
        axes.set_title(drawing.shortened(token, LONGEST_NAME), fontsize=9, parse_math=False)
    for axes in figure.axes:
        axes.set_axis_off()
    return figure


def _size(weights: np.ndarray) -> tuple[float, float]:
    tokens, sources = weights.shape
    return 1.9 + 0.32 * max(sources, 6), 1.2 + 0.26 * max(tokens, 4)


def _matrix(figure, axes, weights, written):
    image = axes.imshow(weights, cmap="Blues", vmin=0, vmax=max(1e-9, weights.max()), aspect="auto")
    names = [drawing.shortened(token, LONGEST_NAME) for token in written]
    axes.set_yticks(range(len(names)), names, fontsize=9, parse_math=False)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label="attention", shrink=0.9)


def _name_columns(axes, names):
    names = [drawing.shortened(name, LONGEST_NAME) for name in names]
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=9, parse_math=False)
