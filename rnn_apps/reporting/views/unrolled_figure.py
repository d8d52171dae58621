"""The picture of an `Unrolled`: the folded loop, and next to it its copies through time."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from rnn_apps.reporting import drawing
from rnn_apps.reporting.views.unrolled import Level, Part, Unrolled
from rnn_apps.reporting.views.unrolled_lines import layer_colour, lines_of
from rnn_apps.reporting.views.unrolled_steps import Column, columns_of, gather_of, time_of_output

COLUMN, STOREY = 1.55, 1.25  # distances of copies and of layers
WIDE, HIGH, ROUND = 0.84, 0.62, 0.31  # sides of a box, radius of a circle
GATHER = 0.46  # height of the box in which steps are gathered
FIRST_COPY = 3.0
LINE = 0.3  # of the text below
INCH = 0.74  # of a unit of all these
SMALL, WEIGHT = 8.5, 9  # font sizes of lines and of the names of weights


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
    return -1.85 - LINE * len(lines_of(part, network))


def _height(part: Part, network: Unrolled) -> float:
    above = HIGH
    if part is network.parts[-1]:
        above = 1.0 + ROUND + 0.15 + (1.0 if gather_of(part, network) else 0)
    return STOREY * (len(part.levels) - 1) + above - _bottom(part, network)


def _draw(axes: Axes, part: Part, network: Unrolled) -> None:
    columns = columns_of(part, network)
    decodes = part is network.parts[-1] and network.decodes
    _folded(axes, part, network)
    middle = STOREY * (len(part.levels) - 1) / 2
    wide = {"arrowstyle": "simple", "color": drawing.PALE}
    axes.annotate("", (FIRST_COPY - 1.2, middle), (FIRST_COPY - 1.7, middle), arrowprops=wide)
    for number, column in enumerate(columns):
        x = FIRST_COPY + COLUMN * number
        _copy(axes, part, x, column)
        if decodes and network.attends:
            _context(axes, part, x, column.time)
        for level in range(len(part.levels)):
            _through_time(axes, part.levels[level], level, x, number == 0, column.gap, decodes)
    if decodes and len(network.parts) == 1:
        _only_input(axes)
    if gather := gather_of(part, network):
        _gathered(axes, part, network, gather)
    _describe(axes, part, network)


def _folded(axes, part, network):
    """One copy with its loop, and the weights by the arrows."""
    count = len(part.levels)
    decodes = part is network.parts[-1] and network.decodes
    read = Column("t", "yt-1" if decodes else "xt", None)
    _copy(axes, part, 0.0, read)
    for number, level in enumerate(part.levels):
        y, colour = STOREY * number, layer_colour(number)
        _loop(axes, 1, y, colour, "-")
        _name(axes, WIDE / 2 + 0.42, y + 0.02, f"$W{_layer(number, count)}_{{hh}}$", colour)
        if level.directions == 2:
            _loop(axes, -1, y, colour, "--")
        _name(axes, 0.1, y - HIGH / 2 - 0.2, f"$W{_layer(number, count)}_{{xh}}$", colour)
    if part is not network.parts[-1]:
        return
    top = STOREY * (count - 1)
    if gather := gather_of(part, network):
        short = gather.label.replace(" over all steps", "").replace(
            "last state of each direction", "last states"
        )
        _gather_box(axes, 0, 1.5, top, drawing.shortened(short, 20))
        _arrow(axes, (0, top + HIGH / 2), (0, top + 1.0 - GATHER / 2))
        _output(axes, 0, top + 1.0, "y", GATHER / 2)
    else:
        time = time_of_output(part, network)
        _output(axes, 0, top, "y" if time else "yt", HIGH / 2)
        if time:
            axes.text(-0.1, top + HIGH / 2 + 0.18, f"$t={time}$", fontsize=SMALL, ha="right", va="center")
    _readout_weights(axes, part, network, top)


def _readout_weights(axes, part, network, top):
    """W_hy where the weights are: on the way to the output, or before what gathers the steps."""
    readout, boxed = network.readout, gather_of(part, network) is not None
    if readout is None:
        return
    y = top + HIGH / 2 + 0.18
    early = readout.before or "output_kernel" in part.levels[-1].weights
    if boxed and readout.weights:
        y = top + 1.0 + GATHER / 2 + 0.22
    elif not early and not readout.weights:
        return
    _name(axes, 0.1, y, "$W_{hy}$", drawing.VERMILION)


def _name(axes, x, y, text, colour="black", side="left"):
    axes.text(x, y, text, color=colour, fontsize=WEIGHT, ha=side, va="center")


def _layer(number, count):
    """The number of a layer as a superscript; nothing where there is one layer."""
    return f"^{{({number + 1})}}" if count > 1 else ""


def _loop(axes, side, y, colour, style):
    """The arrow from a box to itself, on its right (1) or left (-1)."""
    start, end = (side * WIDE / 2, y + 0.16), (side * WIDE / 2, y - 0.16)
    bent = {"connectionstyle": f"arc3,rad={-2.2 * side}", "shrinkA": 2, "shrinkB": 2}
    width = 1.6 if side > 0 else 1.3
    _arrow(axes, start, end, colour, style, mutation_scale=10, linewidth=width, **bent)


def _copy(axes, part, x, column):
    """The layers at one step, with what goes in and comes out."""
    if column.reads:
        reads = column.reads
        name, subscript = (reads, "") if reads == "start" else (reads[0], reads[1:])
        _circle(axes, x, -1.0, name, subscript, drawing.INK)
        _arrow(axes, (x, -1.0 + ROUND), (x, -HIGH / 2))
    for number in range(len(part.levels)):
        y = STOREY * number
        _box(axes, x, y, column.time, number, len(part.levels))
        if number:
            _arrow(axes, (x, y - STOREY + HIGH / 2), (x, y - HIGH / 2))
    if column.gives:
        _output(axes, x, STOREY * (len(part.levels) - 1), column.gives, HIGH / 2)


def _output(axes, x, y, gives, half):
    """The circle of an output above what is `half` high on each side of y."""
    _circle(axes, x, y + 1.0, gives[0], gives[1:], drawing.VERMILION)
    _arrow(axes, (x, y + half), (x, y + 1.0 - ROUND))


def _context(axes, part, x, time):
    """What attention gives at a step, on its way into the output."""
    y = STOREY * (len(part.levels) - 1) + 0.52
    _name(axes, x - 0.42, y, f"$c_{{{time}}}$", side="right")
    _arrow(axes, (x - 0.4, y + 0.04), (x - ROUND * 0.7, y + 0.26))


def _only_input(axes):
    """The input of a decoder whose encoder has no steps."""
    x = FIRST_COPY - COLUMN / 2 - 0.22
    _circle(axes, x, -1.0, "x", "", drawing.INK)
    _arrow(axes, (x, -1.0 + ROUND), (x, -0.16))


def _gathered(axes, part, network, gather):
    """The box over all copies that makes one vector of their states, and the output over it."""
    top, middle = STOREY * (len(part.levels) - 1), FIRST_COPY + 1.5 * COLUMN
    _gather_box(axes, middle, 3 * COLUMN + WIDE, top, gather.label)
    for number, column in enumerate(columns_of(part, network)):
        x = FIRST_COPY + COLUMN * number
        for times, style in ((gather.forwards, "-"), (gather.backwards, "--")):
            if column.time in times:
                _arrow(axes, (x, top + HIGH / 2), (x, top + 1.0 - GATHER / 2), style=style)
    _output(axes, middle, top + 1.0, "y", GATHER / 2)


def _gather_box(axes, x, width, top, label):
    style = {"facecolor": "#fdf1e8", "edgecolor": drawing.VERMILION, "linewidth": 1.2}
    _rounded(axes, x, top + 1.0, width, GATHER, 0.1, **style)
    axes.text(x, top + 1.0, label, ha="center", va="center", fontsize=WEIGHT, parse_math=False)


def _through_time(axes, level: Level, number, x, first, gap, begins):
    """The arrow that comes from the copy before, or after, and both where both directions read."""
    y, colour = STOREY * number, layer_colour(number)
    both = level.directions == 2
    if first and begins:
        start = x - COLUMN / 2 - 0.12
        _name(axes, start - 0.05, y, "$h_0$", colour, side="right")
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
    """Weights and shapes, in the colours of their layers."""
    for number, (line, colour) in enumerate(lines_of(part, network)):
        axes.text(-1.0, -1.8 - LINE * number, line, fontsize=SMALL, color=colour, parse_math=False)


def _box(axes, x, y, time, number, count):
    style = {"facecolor": "#eef4fa", "edgecolor": layer_colour(number), "linewidth": 1.6}
    _rounded(axes, x, y, WIDE, HIGH, 0.12, **style)
    axes.text(x, y, f"$h{_layer(number, count)}_{{{time}}}$", ha="center", va="center", fontsize=11)


def _rounded(axes, x, y, width, height, radius, **style):
    corner, shape = (x - width / 2, y - height / 2), f"round,pad=0,rounding_size={radius}"
    axes.add_patch(FancyBboxPatch(corner, width, height, boxstyle=shape, **style))


def _circle(axes, x, y, name, subscript, colour):
    axes.add_patch(Circle((x, y), ROUND, facecolor="white", edgecolor=colour, linewidth=1.2))
    text = f"${name}_{{{subscript}}}$" if subscript else f"${name}$" if len(name) == 1 else name
    size = 8 if len(name + subscript) > 3 else 11
    axes.text(x, y, text, ha="center", va="center", fontsize=size)


def _arrow(axes, start, end, colour=drawing.INK, style="-", **options):
    options = {"mutation_scale": 9, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0} | options
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", color=colour, linestyle=style, **options))
