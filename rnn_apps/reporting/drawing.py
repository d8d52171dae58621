"""Shared by all figures: colours, axes, and rendering without a display or global state."""

import io
import itertools
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# From Okabe and Ito, distinguishable with any colour vision; with line styles for black-and-white prints.
VERMILION, BLUE = "#d55e00", "#0072b2"
PALETTE = (BLUE, VERMILION, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
INK, PALE = "#1d2433", "#c9ced8"
SIZE = (4.8, 3.4)  # inches; fits twice on a page and once on a phone
MAX_NAME_LENGTH = 16
PIXELS_PER_INCH = 100  # on a screen


class View(Figure):
    """A figure that displays itself in a notebook, with or without pyplot."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        return png(self), {"width": round(self.get_size_inches()[0] * PIXELS_PER_INCH)}


def line_styles() -> Iterator[tuple[str, str]]:
    """Yield colours and line styles, so that lines differ in both."""
    return zip(itertools.cycle(PALETTE), itertools.cycle(("-", "--", "-.", ":")))


def new_figure(size: tuple[float, float] = SIZE) -> tuple[Figure, Axes]:
    """Return a figure of a size in inches, and its axes."""
    figure = View(figsize=size, layout="constrained")
    axes = figure.subplots()
    style_axes(axes)
    return figure, axes


def style_axes(axes: Axes) -> None:
    """Reduce axes to the left and bottom spines and a pale grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)


def shorten(name: object, max_length: int = MAX_NAME_LENGTH) -> str:
    """Return a name as a short label, with a replacement character for each unprintable one."""
    name = "".join(character if character.isprintable() else "\ufffd" for character in str(name))
    return name if len(name) <= max_length else name[: max_length - 1] + "…"


def png(figure: Figure) -> bytes:
    """Return the figure as a PNG with 160 dots per inch."""
    return _render(figure, "png", {"Software": None}, dpi=160)


def png_and_svg(figure: Figure) -> tuple[bytes, bytes]:
    """Return the figure as `png` and as an SVG that is reproducible and needs no font.

    The figure is laid out only once, which is the slow part.
    """
    bitmap = png(figure)
    figure.set_layout_engine("none")
    return bitmap, _render(figure, "svg", {"Date": None, "Creator": None})


def save_figure(figure: Figure, path: str | Path) -> list[Path]:
    """Save a figure as PNG and as SVG, and return both paths.

    Args:
        figure: matplotlib figure.
        path: path without a suffix.
    """
    paths = [Path(f"{path}{suffix}") for suffix in (".png", ".svg")]
    for path, content in zip(paths, png_and_svg(figure)):
        path.write_bytes(content)
    return paths


def _render(figure: Figure, kind: str, metadata: Mapping[str, None], **options: int) -> bytes:
    stream = io.BytesIO()
    style = {"svg.hashsalt": "rnn-apps", "svg.fonttype": "path"}
    with matplotlib.rc_context(style), warnings.catch_warnings():
        # A missing glyph is drawn as a box; the page has the text itself.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(stream, format=kind, metadata=metadata, **options)
    return stream.getvalue()
