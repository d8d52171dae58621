"""Draws an `Unrolled` network: folded with its loops, and next to it unrolled through time."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from rnn_apps.reporting import drawing
from rnn_apps.reporting.views.unrolled import Part, Unrolled, UnrolledLayer
from rnn_apps.reporting.views.unrolled_steps import Column, columns_of, pooling_of, time_of_output
from rnn_apps.reporting.views.unrolled_text import layer_colour, lines_of

COLUMN, ROW = 1.55, 1.25  # distances between steps and between layers
WIDTH, HEIGHT, RADIUS = 0.84, 0.62, 0.31  # of a box and of a circle
POOLING_HEIGHT = 0.46
FIRST_COLUMN = 3.0
LINE = 0.3  # height of a line of text
INCHES = 0.74  # per unit
TEXT_SIZE, WEIGHT_SIZE = 8.5, 9  # font sizes of the text and of the names of weights


def unrolled_figure(network: Unrolled) -> Figure:
    """Return the network folded and unrolled through time, above its weights and their shapes.

    Args:
        network: result of `unrolled`.
    """
    heights = [_height(part, network) for part in network.parts]
    left, right = -1.2, FIRST_COLUMN + 3 * COLUMN + 0.8
    figure = drawing.View(figsize=(INCHES * (right - left), INCHES * sum(heights)))
    top = 1.0
    for part, height in zip(network.parts, heights):
        share, bottom = height / sum(heights), _bottom(part, network)
        top -= share
        axes = figure.add_axes((0, top, 1, share), xlim=(left, right), ylim=(bottom, bottom + height))
        axes.set_axis_off()
        _draw(axes, part, network)
    return figure


def _bottom(part: Part, network: Unrolled) -> float:
    return -1.85 - LINE * len(lines_of(part, network))


def _height(part: Part, network: Unrolled) -> float:
    above = HEIGHT
    if part is network.parts[-1]:
        above = 1.0 + RADIUS + 0.15 + (1.0 if pooling_of(part, network) else 0)
    return _top(part) + above - _bottom(part, network)


def _top(part: Part) -> float:
    """Return the height of the top layer."""
    return ROW * (len(part.layers) - 1)


def _draw(axes: Axes, part: Part, network: Unrolled) -> None:
    is_decoder = part is network.parts[-1] and network.decodes
    _draw_folded(axes, part, network)
    middle = _top(part) / 2
    arrow = {"arrowstyle": "simple", "color": drawing.PALE}
    axes.annotate("", (FIRST_COLUMN - 1.2, middle), (FIRST_COLUMN - 1.7, middle), arrowprops=arrow)
    for number, column in enumerate(columns_of(part, network)):
        x = FIRST_COLUMN + COLUMN * number
        _draw_column(axes, part, x, column)
        if is_decoder and network.attends:
            y = _top(part) + 0.52
            _name(axes, x - 0.42, y, f"$c_{{{column.time}}}$", align="right")
            _arrow(axes, (x - 0.4, y + 0.04), (x - RADIUS * 0.7, y + 0.26))
        for index, layer in enumerate(part.layers):
            if number:
                _draw_transition(axes, layer, index, x, column.gap)
            elif is_decoder:
                start, y = x - COLUMN / 2 - 0.12, ROW * index
                _name(axes, start - 0.05, y, "$h_0$", layer_colour(index), align="right")
                _arrow(axes, (start, y), (x - WIDTH / 2, y), layer_colour(index))
    if is_decoder and len(network.parts) == 1:  # the input of an encoder without steps
        x = FIRST_COLUMN - COLUMN / 2 - 0.22
        _circle(axes, x, -1.0, "x", drawing.INK)
        _arrow(axes, (x, -1.0 + RADIUS), (x, -0.16))
    _draw_pooling(axes, part, network)
    for number, (line, colour) in enumerate(lines_of(part, network)):
        axes.text(-1.0, -1.8 - LINE * number, line, fontsize=TEXT_SIZE, color=colour, parse_math=False)


def _draw_folded(axes, part, network):
    """Draw one copy with its loops and the names of the weights."""
    count, top = len(part.layers), _top(part)
    is_decoder = part is network.parts[-1] and network.decodes
    _draw_column(axes, part, 0.0, Column("t", "yt-1" if is_decoder else "xt", None))
    for number, layer in enumerate(part.layers):
        y, colour, exponent = ROW * number, layer_colour(number), _superscript(number, count)
        _draw_loop(axes, 1, y, colour, "-")
        _name(axes, WIDTH / 2 + 0.42, y + 0.02, f"$W{exponent}_{{hh}}$", colour)
        if layer.directions == 2:
            _draw_loop(axes, -1, y, colour, "--")
        _name(axes, 0.1, y - HEIGHT / 2 - 0.2, f"$W{exponent}_{{xh}}$", colour)
    if part is not network.parts[-1]:
        return
    readout, pooling = network.readout, pooling_of(part, network)
    weights_y = top + HEIGHT / 2 + 0.18
    if pooling:
        label = pooling.label.replace(" over all steps", "").replace(
            "last state of each direction", "last states"
        )
        _pooling_box(axes, 0, 1.5, top, drawing.shorten(label, 20))
        _arrow(axes, (0, top + HEIGHT / 2), (0, top + 1.0 - POOLING_HEIGHT / 2))
        _draw_output(axes, 0, top + 1.0, "y", POOLING_HEIGHT / 2)
        if readout and readout.weights:
            weights_y = top + 1.0 + POOLING_HEIGHT / 2 + 0.22
    else:
        time = time_of_output(part, network)
        _draw_output(axes, 0, top, "y" if time else "yt", HEIGHT / 2)
        if time:
            axes.text(-0.1, weights_y, f"$t={time}$", fontsize=TEXT_SIZE, ha="right", va="center")
    if readout and (readout.weights or readout.before or "output_kernel" in part.layers[-1].weights):
        _name(axes, 0.1, weights_y, "$W_{hy}$", drawing.VERMILION)


def _draw_loop(axes, side, y, colour, style):
    """Draw the arrow from a box to itself, on its right (1) or left (-1)."""
    start, end = (side * WIDTH / 2, y + 0.16), (side * WIDTH / 2, y - 0.16)
    curve = {"connectionstyle": f"arc3,rad={-2.2 * side}", "shrinkA": 2, "shrinkB": 2}
    width = 1.6 if side > 0 else 1.3
    _arrow(axes, start, end, colour, style, mutation_scale=10, linewidth=width, **curve)


def _draw_column(axes, part, x, column):
    """Draw the layers at one step, with its input and output."""
    if column.input:
        _circle(axes, x, -1.0, column.input, drawing.INK)
        _arrow(axes, (x, -1.0 + RADIUS), (x, -HEIGHT / 2))
    count = len(part.layers)
    for number in range(count):
        y = ROW * number
        style = {"facecolor": "#eef4fa", "edgecolor": layer_colour(number), "linewidth": 1.6}
        _box(axes, x, y, WIDTH, HEIGHT, 0.12, **style)
        text = f"$h{_superscript(number, count)}_{{{column.time}}}$"
        axes.text(x, y, text, ha="center", va="center", fontsize=11)
        if number:
            _arrow(axes, (x, y - ROW + HEIGHT / 2), (x, y - HEIGHT / 2))
    if column.output:
        _draw_output(axes, x, _top(part), column.output, HEIGHT / 2)


def _draw_transition(axes, layer: UnrolledLayer, index, x, gap):
    """Draw the arrow from the previous step, or to it, or both if both directions are read."""
    y, colour, is_bidirectional = ROW * index, layer_colour(index), layer.directions == 2
    shift = 0.12 if is_bidirectional else 0.0
    start, end = x - COLUMN + WIDTH / 2, x - WIDTH / 2
    first, second = (end, start) if layer.backwards else (start, end)
    _arrow(axes, (first, y + shift), (second, y + shift), colour, ":" if gap else "-")
    if is_bidirectional:
        _arrow(axes, (end, y - shift), (start, y - shift), colour, ":" if gap else "--")


def _draw_pooling(axes, part, network):
    """Draw the box above all copies that pools their states, and the output above it."""
    pooling = pooling_of(part, network)
    if pooling is None:
        return
    top, middle = _top(part), FIRST_COLUMN + 1.5 * COLUMN
    _pooling_box(axes, middle, 3 * COLUMN + WIDTH, top, pooling.label)
    for number, column in enumerate(columns_of(part, network)):
        x = FIRST_COLUMN + COLUMN * number
        for times, style in ((pooling.forward, "-"), (pooling.backward, "--")):
            if column.time in times:
                _arrow(axes, (x, top + HEIGHT / 2), (x, top + 1.0 - POOLING_HEIGHT / 2), style=style)
    _draw_output(axes, middle, top + 1.0, "y", POOLING_HEIGHT / 2)


def _pooling_box(axes, x, width, top, label):
    style = {"facecolor": "#fdf1e8", "edgecolor": drawing.VERMILION, "linewidth": 1.2}
    _box(axes, x, top + 1.0, width, POOLING_HEIGHT, 0.1, **style)
    axes.text(x, top + 1.0, label, ha="center", va="center", fontsize=WEIGHT_SIZE, parse_math=False)


def _draw_output(axes, x, y, name, half_height):
    """Draw the circle of an output above a box whose centre is at y."""
    _circle(axes, x, y + 1.0, name, drawing.VERMILION)
    _arrow(axes, (x, y + half_height), (x, y + 1.0 - RADIUS))


def _name(axes, x, y, text, colour="black", align="left"):
    axes.text(x, y, text, color=colour, fontsize=WEIGHT_SIZE, ha=align, va="center")


def _superscript(number, count):
    """Return the number of a layer as a superscript; nothing for a single layer."""
    return f"^{{({number + 1})}}" if count > 1 else ""


def _box(axes, x, y, width, height, radius, **style):
    corner, shape = (x - width / 2, y - height / 2), f"round,pad=0,rounding_size={radius}"
    axes.add_patch(FancyBboxPatch(corner, width, height, boxstyle=shape, **style))


def _circle(axes, x, y, name, colour):
    """Draw a circle with a letter and its subscript, or with the word "start"."""
    axes.add_patch(Circle((x, y), RADIUS, facecolor="white", edgecolor=colour, linewidth=1.2))
    text = f"${name[0]}_{{{name[1:]}}}$" if len(name) > 1 else f"${name}$"
    text = name if name == "start" else text
    axes.text(x, y, text, ha="center", va="center", fontsize=8 if len(name) > 3 else 11)


def _arrow(axes, start, end, colour=drawing.INK, style="-", **options):
    options = {"mutation_scale": 9, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0} | options
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", color=colour, linestyle=style, **options))
