"""The shapes of recurrence, drawn: which steps take an input, and which give an output."""

from typing import NamedTuple


class Steps(NamedTuple):
    """Four steps of a recurrence.

    Args:
        inputs: whether each step takes an input.
        outputs: whether each step gives an output.
    """

    inputs: tuple[bool, ...]
    outputs: tuple[bool, ...]


SHAPES = {
    "many-to-one": Steps((True, True, True, True), (False, False, False, True)),
    "one-to-many": Steps((True, False, False, False), (True, True, True, True)),
    "many-to-many": Steps((True, True, False, False), (False, False, True, True)),
    "one output at every step": Steps((True, True, True, True), (True, True, True, True)),
}


def draw_shape(shape: str, ascii_only: bool = False) -> str:
    """Returns a shape as three lines of characters: outputs y over states h over inputs x.

    Args:
        shape: a name of `SHAPES`; nothing is drawn for another one.
        ascii_only: draw for a terminal that knows no arrows.
    """
    if shape not in SHAPES:
        return ""
    inputs, outputs = SHAPES[shape]
    arrow = ">" if ascii_only else "→"
    return "\n".join((_row("y", outputs), arrow.join("h" * len(inputs)), _row("x", inputs)))


def _row(letter, steps):
    return " ".join(letter if there else " " for there in steps)
