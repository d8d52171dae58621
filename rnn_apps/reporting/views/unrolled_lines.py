"""The lines below the picture of an `Unrolled`: what goes in and out, and the weights with their shapes."""

import textwrap

from rnn_apps.reporting import drawing
from rnn_apps.reporting.views.readout import Weights
from rnn_apps.reporting.views.unrolled import Level, Part, Unrolled

LONGEST_LINE, LONGEST_NAME = 110, 40  # characters


def lines_of(part: Part, network: Unrolled) -> list[tuple[str, str]]:
    """Returns lines and their colours: inputs and outputs, each layer's weights, the way to the output."""
    found = [(line, drawing.INK) for line in _opening_lines(part, network)]
    for number, level in enumerate(part.levels):
        found += [(line, layer_colour(number)) for line in _level_lines(level, number, len(part.levels))]
    if part is network.parts[-1]:
        found += [(line, drawing.VERMILION) for line in _readout_lines(part, network)]
    return [
        (wrapped, colour)
        for line, colour in found
        for wrapped in textwrap.wrap(line, LONGEST_LINE, subsequent_indent="    ", drop_whitespace=True)
    ]


def layer_colour(number: int) -> str:
    """Returns the colour of a layer, the lowest is 0."""
    return (drawing.BLUE, "#007a5a", "#a0527f", "#8a6100")[number % 4]


def _opening_lines(part: Part, network: Unrolled) -> list[str]:
    named = f"{part.name}: " if len(network.parts) > 1 else ""
    features = part.levels[0].features
    line = f"{named}each step reads {f'{features:,} features' if features else 'its input'}"
    if part is not network.parts[-1]:
        return [line]
    if network.output:
        line += f"; {'each' if network.every_step else 'the'} output has {network.output:,} values"
    if not network.decodes:
        return [line]
    lines = [line, "h_0 of every layer is computed from the encoder's output"]
    if network.attends:
        first, *upper = part.levels
        is_wider = upper and upper[0].features and upper[0].features > first.units
        also = ", an input of layer 2 too" if is_wider else ""
        lines.append(f"c_t: attention over the encoder's outputs{also}")
    return lines


def _level_lines(level: Level, number: int, count: int) -> list[str]:
    title = "one layer" if count == 1 else f"layer {number + 1}"
    ways = ", two directions, each with its own weights" if level.directions == 2 else ""
    ways = ", read from the end" if level.backwards else ways
    first = f"{title}: {level.cell}, {level.units} units{ways}; the same weights at every step:"
    return [first, "    " + _shapes(level.weights)]


def _readout_lines(part: Part, network: Unrolled) -> list[str]:
    readout = network.readout
    if readout is None:
        return ["The model does not show how its output is computed from the states."]
    lines = [f"before the pooling: {_layers(readout.before)}"] if readout.before else []
    if readout.weights:
        return [*lines, f"W_hy: {_layers(readout.weights)}"]
    if lines or "output_kernel" in part.levels[-1].weights:
        return lines
    return ["the output is the state itself" if len(readout.pooling) < 2 else "no weights follow the pooling"]


def _layers(weights: Weights) -> str:
    return "; ".join(
        f"{drawing.shortened(name, LONGEST_NAME)}: {_shapes(shapes)}" for name, shapes in weights.items()
    )


def _shapes(weights: dict[str, list[int]]) -> str:
    return ", ".join(
        f"{name if '/' in name else name.replace('_', ' ')} {'×'.join(map(str, shape))}"
        for name, shape in weights.items()
    )
