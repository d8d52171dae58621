"""What all figures share: colours, axes, and how they are rendered, without a display or global state."""

import io
import itertools
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Of Okabe and Ito, which all kinds of colour vision tell apart; with line styles for print in black.
VERMILION, BLUE = "#d55e00", "#0072b2"
PALETTE = (BLUE, VERMILION, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
INK, PALE = "#1d2433", "#c9ced8"
SIZE = (4.8, 3.4)  # inches; two stand side by side, one alone still reads on a telephone
LONGEST_NAME = 16
SHOWN = 100  # pixels of an inch on a screen


class View(Figure):
    """A figure that shows itself in a notebook, whether or not pyplot is in use there."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        return png(self), {"width": round(self.get_size_inches()[0] * SHOWN)}


def line_styles() -> Iterator[tuple[str, str]]:
    """Yields colours and line styles, so that lines differ in both."""
    return zip(itertools.cycle(PALETTE), itertools.cycle(("-", "--", "-.", ":")))


def new_figure(size: tuple[float, float] = SIZE) -> tuple[Figure, Axes]:
    """Returns a figure of this size in inches, and its axes."""
    figure = View(figsize=size, layout="constrained")
    axes = figure.subplots()
    plain(axes)
    return figure, axes


def plain(axes: Axes) -> None:
    """Leaves of axes what is needed: two lines and a pale grid behind what is drawn."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)


def shortened(name: object, longest: int = LONGEST_NAME) -> str:
    """Returns a name that fits beside a figure, without what cannot be drawn: control characters."""
    name = "".join(letter if letter.isprintable() else "\ufffd" for letter in str(name))
    return name if len(name) <= longest else name[: longest - 1] + "…"


def png(figure: Figure) -> bytes:
    """Returns the figure as a PNG of 160 dots an inch."""
    return _rendered(figure, "png", {"Software": None}, dpi=160)


def svg(figure: Figure) -> bytes:
    """Returns the figure as an SVG that is the same for the same figure and needs no font."""
    return _rendered(figure, "svg", {"Date": None, "Creator": None})


def both(figure: Figure) -> tuple[bytes, bytes]:
    """Returns the figure as `png` and `svg`, laid out once: that is the slow part."""
    bitmap = png(figure)
    figure.set_layout_engine("none")
    return bitmap, svg(figure)


def save_figure(figure: Figure, path: str | Path) -> list[Path]:
    """Writes a figure beside each other as PNG and SVG; returns both paths.

    Args:
        figure: of matplotlib.
        path: without the ending.
    """
    path = Path(path)
    written = [path.with_name(path.name + ending) for ending in (".png", ".svg")]
    for name, content in zip(written, both(figure)):
        name.write_bytes(content)
    return written


def _rendered(figure: Figure, kind: str, metadata: Mapping[str, None], **options: int) -> bytes:
    stream = io.BytesIO()
    style = {"svg.hashsalt": "rnn-apps", "svg.fonttype": "path"}
    with matplotlib.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a box stands for it; the page has it
        figure.savefig(stream, format=kind, metadata=metadata, **options)
    return stream.getvalue()
