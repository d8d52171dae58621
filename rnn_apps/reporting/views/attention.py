"""Draws the attention of generated tokens to source words, regions of an image, or frames of a clip."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from rnn_apps.reporting import drawing

MAX_COLUMNS = 6  # images side by side
MAX_NAME_LENGTH = 14


def attention_figure(weights: np.ndarray, tokens: Sequence[str], sources: Sequence[str]) -> Figure:
    """Return attention weights as a matrix with one row per generated token and one column per source.

    Args:
        weights: (tokens, sources), rows that sum to 1.
        tokens: generated tokens.
        sources: names of the sources.
    """
    weights = np.asarray(weights, float)
    figure, axes = drawing.new_figure(_size(weights))
    _draw_matrix(figure, axes, weights, tokens, sources)
    return figure


def frame_attention_figure(
    weights: np.ndarray, tokens: Sequence[str], frames: Sequence[np.ndarray]
) -> Figure:
    """Return attention to the frames of a clip: a film strip above a matrix with one column per frame.

    Args:
        weights: (tokens, frames).
        tokens: generated tokens.
        frames: images (height, width, 3), uint8.
    """
    weights = np.asarray(weights, float)
    width, height = _size(weights)
    figure = drawing.View(figsize=(max(width, 6.0), height + 0.9), layout="constrained")
    grid = figure.add_gridspec(2, len(frames), height_ratios=(0.9, height))
    for number, frame in enumerate(frames):
        axes = figure.add_subplot(grid[0, number])
        axes.imshow(frame)
        axes.set_axis_off()
    axes = figure.add_subplot(grid[1, :])
    drawing.style_axes(axes)
    _draw_matrix(figure, axes, weights, tokens, [f"frame {i + 1}" for i in range(len(frames))])
    return figure


def image_attention_figure(
    weights: np.ndarray, tokens: Sequence[str], image: np.ndarray, grid: tuple[int, int]
) -> Figure:
    """Return the image once per token, darkened where the attention is low.

    Args:
        weights: (tokens, rows * columns), regions in row-major order.
        tokens: generated tokens.
        image: (height, width, 3), uint8.
        grid: (rows, columns) of the regions.
    """
    weights = np.asarray(weights, float)
    height, width = image.shape[:2]
    rows, columns = -(-len(tokens) // MAX_COLUMNS), min(MAX_COLUMNS, len(tokens))
    figure = drawing.View(figsize=(1.5 * columns, (1.5 * height / width + 0.3) * rows), layout="constrained")
    for axes, token, row in zip(figure.subplots(rows, columns, squeeze=False).flat, tokens, weights):
        axes.imshow(image)
        black = np.zeros((*grid, 4))
        black[..., 3] = 0.75 * (1 - row.reshape(grid) / (row.max() or 1.0))
        axes.imshow(black, extent=(-0.5, width - 0.5, height - 0.5, -0.5), interpolation="nearest")
        axes.set_title(drawing.shorten(token, MAX_NAME_LENGTH), fontsize=9, parse_math=False)
    for axes in figure.axes:
        axes.set_axis_off()
    return figure


def _size(weights: np.ndarray) -> tuple[float, float]:
    tokens, sources = weights.shape
    return 1.9 + 0.32 * max(sources, 6), 1.2 + 0.26 * max(tokens, 4)


def _draw_matrix(figure, axes, weights, rows, columns):
    image = axes.imshow(weights, cmap="Blues", vmin=0, vmax=max(1e-9, weights.max()), aspect="auto")
    rows, columns = ([drawing.shorten(name, MAX_NAME_LENGTH) for name in names] for names in (rows, columns))
    axes.set_yticks(range(len(rows)), rows, fontsize=9, parse_math=False)
    axes.set_xticks(range(len(columns)), columns, rotation=90, fontsize=9, parse_math=False)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label="attention", shrink=0.9)
