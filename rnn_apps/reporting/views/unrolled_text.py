"""The text below the drawing of an `Unrolled` network: inputs, outputs, and the shapes of the weights."""

import textwrap

from rnn_apps.reporting import drawing
from rnn_apps.reporting.views.readout import Weights
from rnn_apps.reporting.views.unrolled import Part, Unrolled, UnrolledLayer

MAX_LINE_LENGTH, MAX_NAME_LENGTH = 110, 40


def lines_of(part: Part, network: Unrolled) -> list[tuple[str, str]]:
    """Return lines with their colours: inputs and outputs, the weights of each layer, and of the output."""
    lines = [(line, drawing.INK) for line in _describe_inputs(part, network)]
    for number, layer in enumerate(part.layers):
        lines += [(line, layer_colour(number)) for line in _describe_layer(layer, number, len(part.layers))]
    if part is network.parts[-1]:
        lines += [(line, drawing.VERMILION) for line in _describe_readout(part, network)]
    return [
        (wrapped, colour)
        for line, colour in lines
        for wrapped in textwrap.wrap(line, MAX_LINE_LENGTH, subsequent_indent="    ")
    ]


def layer_colour(number: int) -> str:
    """Return the colour of a layer; 0 is the lowest layer."""
    return (drawing.BLUE, "#007a5a", "#a0527f", "#8a6100")[number % 4]


def _describe_inputs(part: Part, network: Unrolled) -> list[str]:
    prefix = f"{part.name}: " if len(network.parts) > 1 else ""
    features = part.layers[0].features
    line = f"{prefix}each step reads {f'{features:,} features' if features else 'its input'}"
    if part is not network.parts[-1]:
        return [line]
    if network.output:
        line += f"; {'each' if network.every_step else 'the'} output has {network.output:,} values"
    if not network.decodes:
        return [line]
    lines = [line, "h_0 of every layer is computed from the encoder's output"]
    if network.attends:
        first, *upper = part.layers
        is_wider = upper and upper[0].features and upper[0].features > first.units
        also = ", also an input of layer 2" if is_wider else ""
        lines.append(f"c_t: attention over the encoder's outputs{also}")
    return lines


def _describe_layer(layer: UnrolledLayer, number: int, count: int) -> list[str]:
    title = "one layer" if count == 1 else f"layer {number + 1}"
    directions = ", two directions, each with its own weights" if layer.directions == 2 else ""
    directions = ", reads from the end" if layer.backwards else directions
    first = f"{title}: {layer.cell}, {layer.units} units{directions}; the same weights at every step:"
    return [first, "    " + _format_shapes(layer.weights)]


def _describe_readout(part: Part, network: Unrolled) -> list[str]:
    readout = network.readout
    if readout is None:
        return ["The model does not show how its output is computed from the states."]
    lines = [f"before the pooling: {_format_layers(readout.before)}"] if readout.before else []
    if readout.weights:
        return [*lines, f"W_hy: {_format_layers(readout.weights)}"]
    if lines or "output_kernel" in part.layers[-1].weights:
        return lines
    return ["the output is the state itself" if len(readout.pooling) < 2 else "no weights follow the pooling"]


def _format_layers(weights: Weights) -> str:
    return "; ".join(
        f"{drawing.shorten(name, MAX_NAME_LENGTH)}: {_format_shapes(shapes)}"
        for name, shapes in weights.items()
    )


def _format_shapes(weights: dict[str, list[int]]) -> str:
    return ", ".join(
        f"{name if '/' in name else name.replace('_', ' ')} {'×'.join(map(str, shape))}"
        for name, shape in weights.items()
    )
