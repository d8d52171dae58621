"""The picture of an `Unrolled`: the folded loop, and beside it its copies through time."""

from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from rnn_apps.reporting import drawing
from rnn_apps.reporting.views.unrolled import STEP_BY_STEP, Level, Part, Unrolled, level_titles

__all__ = ["unrolled_figure"]

COLUMN, STOREY = 1.55, 1.25  # distances of copies and of levels
WIDE, HIGH, ROUND = 0.84, 0.62, 0.31  # sides of a box, radius of a circle
FIRST_COPY = 3.0
LINE = 0.3  # of the text below
INCH = 0.74  # of a unit of all these


class Column(NamedTuple):
    """A copy of the levels at one step.

    Attributes:
        time: subscript of the step.
        reads: what goes in, or None.
        gives: what comes out, or None.
        gap: whether steps are left out before it.
    """

    time: str
    reads: str | None
    gives: str | None
    gap: bool = False


def unrolled_figure(network: Unrolled) -> Figure:
    """Returns the network folded and unrolled through time, its weights and their shapes below.

    Args:
        network: of `unrolled`.
    """
    heights = [_height(part, network) for part in network.parts]
    left, right = -1.2, FIRST_COPY + 3 * COLUMN + 0.8
    figure = drawing.View(figsize=(INCH * (right - left), INCH * sum(heights)))
    top = 1.0
    for part, height in zip(network.parts, heights):
        share = height / sum(heights)
        top -= share
        axes = figure.add_axes((0, top, 1, share), xlim=(left, right))
        axes.set_ylim(_bottom(part, network), _bottom(part, network) + height)
        axes.set_axis_off()
        _draw(axes, part, network)
    return figure


def _bottom(part: Part, network: Unrolled) -> float:
    return -1.85 - LINE * (len(_opening_lines(part, network)) + 2 * len(part.levels))


def _height(part: Part, network: Unrolled) -> float:
    above = 1.0 + ROUND + 0.15 if part is network.parts[-1] else HIGH
    return STOREY * (len(part.levels) - 1) + above - _bottom(part, network)


def _columns(part: Part, network: Unrolled) -> list[Column]:
    times, last = ("1", "2", "3"), "T"
    if part.name == "decoder":
        reads = ["start", "y1", "y2", "y…"]
        return [Column(t, read, f"y{t}", t == "U") for t, read in zip((*times, "U"), reads)]
    is_last = part is network.parts[-1]
    every = network.shape == STEP_BY_STEP and is_last
    only = "" if every or not is_last else times[0] if part.levels[-1].backwards else last  # read last
    gives = {time: f"y{time}" if every else "y" if time == only else None for time in (*times, last)}
    return [Column(time, f"x{time}", gives[time], gap=time == last) for time in (*times, last)]


def _draw(axes: Axes, part: Part, network: Unrolled) -> None:
    columns = _columns(part, network)
    given = "y" if any(column.gives for column in columns) else None
    reads, gives = ("y", "y") if part.name == "decoder" else ("x", given)
    _folded(axes, part, network, reads, gives)
    middle = STOREY * (len(part.levels) - 1) / 2
    wide = {"arrowstyle": "simple", "color": drawing.PALE}
    axes.annotate("", (FIRST_COPY - 1.2, middle), (FIRST_COPY - 1.7, middle), arrowprops=wide)
    for number, column in enumerate(columns):
        x = FIRST_COPY + COLUMN * number
        _copy(axes, part, x, column.time, column.reads, column.gives)
        for level in range(len(part.levels)):
            _through_time(axes, part.levels[level], level, x, number == 0, column.gap, part.name == "decoder")
    _describe(axes, part, network)


def _folded(axes, part, network, reads, gives):
    """One copy with its loop, and the weights by the arrows."""
    _copy(axes, part, 0.0, "t", None, None)
    _circle(axes, 0, -1.0, reads, "t-1" if part.name == "decoder" else "t", drawing.INK)
    _arrow(axes, (0, -1.0 + ROUND), (0, -HIGH / 2))
    top = STOREY * (len(part.levels) - 1)
    if gives:
        every = part.name == "decoder" or network.shape == STEP_BY_STEP
        _circle(axes, 0, top + 1.0, gives, "t" if every else "", drawing.VERMILION)
        _arrow(axes, (0, top + HIGH / 2), (0, top + 1.0 - ROUND))
    for number, level in enumerate(part.levels):
        y, colour = STOREY * number, _colour(number)
        start, end = (WIDE / 2, y + 0.16), (WIDE / 2, y - 0.16)
        axes.add_patch(
            FancyArrowPatch(
                start,
                end,
                connectionstyle="arc3,rad=-2.2",
                arrowstyle="-|>",
                mutation_scale=10,
                color=colour,
                linewidth=1.6,
            )
        )
        axes.text(WIDE / 2 + 0.42, y + 0.02, "$W_{hh}$", color=colour, fontsize=9, va="center")
        if level.directions == 2:
            start, end = (-WIDE / 2, y + 0.16), (-WIDE / 2, y - 0.16)
            axes.add_patch(
                FancyArrowPatch(
                    start,
                    end,
                    connectionstyle="arc3,rad=2.2",
                    arrowstyle="-|>",
                    linestyle="--",
                    mutation_scale=10,
                    color=colour,
                    linewidth=1.3,
                )
            )
        axes.text(0.1, y - HIGH / 2 - 0.2, "$W_{xh}$", color=colour, fontsize=9, va="center")


def _copy(axes, part, x, time, reads, gives):
    """The levels at one step, with what goes in and comes out."""
    if reads:
        name, subscript = (reads, "") if reads == "start" else (reads[0], reads[1:])
        _circle(axes, x, -1.0, name, subscript, drawing.INK)
        _arrow(axes, (x, -1.0 + ROUND), (x, -HIGH / 2))
    for number in range(len(part.levels)):
        y = STOREY * number
        _box(axes, x, y, time, number, len(part.levels))
        if number:
            _arrow(axes, (x, y - STOREY + HIGH / 2), (x, y - HIGH / 2))
    if gives:
        top = STOREY * (len(part.levels) - 1)
        _circle(axes, x, top + 1.0, gives[0], gives[1:], drawing.VERMILION)
        _arrow(axes, (x, top + HIGH / 2), (x, top + 1.0 - ROUND))


def _through_time(axes, level: Level, number, x, first, gap, begins):
    """The arrow that comes from the copy before, or after, and both where both directions read."""
    y, colour = STOREY * number, _colour(number)
    both = level.directions == 2
    if first and begins:
        start = x - COLUMN / 2 - 0.12
        axes.text(start - 0.05, y, "$h_0$", ha="right", va="center", fontsize=9, color=colour)
        _arrow(axes, (start, y), (x - WIDE / 2, y), colour)
    if not first:
        style = ":" if gap else "-"
        shift = 0.12 if both else 0.0
        start, end = x - COLUMN + WIDE / 2, x - WIDE / 2
        there = (end, start) if level.backwards else (start, end)
        _arrow(axes, (there[0], y + shift), (there[1], y + shift), colour, style)
        if both:
            _arrow(axes, (end, y - shift), (start, y - shift), colour, ":" if gap else "--")


def _describe(axes, part: Part, network: Unrolled):
    """Weights and shapes, in the colours of their levels."""
    y = -1.6 - 0.2
    for line in _opening_lines(part, network):
        axes.text(-1.0, y, line, fontsize=8.5, color=drawing.INK, parse_math=False)
        y -= LINE
    for number, level in enumerate(part.levels):
        for line in _weight_lines(level, number, len(part.levels)):
            axes.text(-1.0, y, line, fontsize=8.5, color=_colour(number), parse_math=False)
            y -= LINE


def _opening_lines(part: Part, network: Unrolled) -> list[str]:
    named = f"{part.name}: " if len(network.parts) > 1 else ""
    features = part.levels[0].features
    line = f"{named}each step reads {f'{features:,} numbers' if features else 'its input'}"
    if part is not network.parts[-1]:
        return [line]
    line += f", an output has {network.output:,}" if network.output else ""
    if part.name != "decoder":
        return [line]
    look = "; attention looks at all that was read before each output" if network.attends else ""
    return [line, f"h_0 is made of what was read{look}"]


def _weight_lines(level: Level, number: int = 0, count: int = 1) -> list[str]:
    title = level_titles(count)[number]
    ways = ", two directions with a set each" if level.directions == 2 else ""
    ways = ", read from the end" if level.backwards else ways
    sizes = [f"{name.replace('_', ' ')} {'×'.join(map(str, shape))}" for name, shape in level.weights.items()]
    first = f"{title}: {level.cell}, {level.units} units{ways}; the same weights at every step:"
    return [first, "    " + ", ".join(sizes)]


def _colour(number: int) -> str:
    return (drawing.BLUE, "#007a5a", "#a0527f", "#8a6100")[number % 4]


def _box(axes, x, y, time, number, count):
    colour = _colour(number)
    axes.add_patch(
        FancyBboxPatch(
            (x - WIDE / 2, y - HIGH / 2),
            WIDE,
            HIGH,
            boxstyle="round,pad=0,rounding_size=0.12",
            facecolor="#eef4fa",
            edgecolor=colour,
            linewidth=1.6,
        )
    )
    above = f"^{{({number + 1})}}" if count > 1 else ""
    axes.text(x, y, f"$h{above}_{{{time}}}$", ha="center", va="center", fontsize=11)


def _circle(axes, x, y, name, subscript, colour):
    axes.add_patch(Circle((x, y), ROUND, facecolor="white", edgecolor=colour, linewidth=1.2))
    text = f"${name}_{{{subscript}}}$" if subscript else f"${name}$" if len(name) == 1 else name
    size = 8 if len(name + subscript) > 3 else 11
    axes.text(x, y, text, ha="center", va="center", fontsize=size)


def _arrow(axes, start, end, colour=drawing.INK, style="-"):
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=9,
            color=colour,
            linestyle=style,
            linewidth=1.2,
            shrinkA=0,
            shrinkB=0,
        )
    )
