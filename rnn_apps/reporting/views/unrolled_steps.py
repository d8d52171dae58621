"""Describes the steps of an `Unrolled` network: inputs and outputs of each step, and pooling over steps."""

from typing import NamedTuple

from rnn_apps.reporting import drawing
from rnn_apps.reporting.views.readout import FINAL_STEP, FIRST_STEP, LAST
from rnn_apps.reporting.views.unrolled import Part, Unrolled

TIMES, LAST_TIME = ("1", "2", "3"), "T"
MAX_NAME_LENGTH = 40
OVER_STEPS = ("mean", "max", "sum")
LABELS = {
    LAST: "last state",
    FIRST_STEP: "state of the first step",
    FINAL_STEP: "state of the final step",
    "concatenation": "concatenation of all steps",
}


class Column(NamedTuple):
    """A copy of the layers at one step.

    Attributes:
        time: subscript of the step.
        input: name of the input, or None.
        output: name of the output, or None.
        gap: whether steps are left out before it.
    """

    time: str
    input: str | None
    output: str | None
    gap: bool = False


class Pooling(NamedTuple):
    """How the states of several steps become one vector.

    Attributes:
        label: description.
        forward, backward: times of the columns that lead into it, by direction.
    """

    label: str
    forward: tuple[str, ...]
    backward: tuple[str, ...] = ()


def _has_single_output(part: Part, network: Unrolled) -> bool:
    return part is network.parts[-1] and not network.every_step


def pooling_of(part: Part, network: Unrolled) -> Pooling | None:
    """Return the pooling over steps; None if each output is computed from the state of one step."""
    if not _has_single_output(part, network):
        return None
    pooling = network.readout.pooling if network.readout else []
    if pooling == [LAST] and part.layers[-1].directions == 2:
        return Pooling("last state of each direction", (LAST_TIME,), (TIMES[0],))
    if pooling in ([FINAL_STEP], [FIRST_STEP], [LAST]):
        return None
    over = [name for name in pooling if name in OVER_STEPS]
    others = [name for name in pooling if name not in OVER_STEPS]
    labels = [f"{' and '.join(over)} over all steps"] if over else []
    labels += [LABELS.get(name) or drawing.shorten(name, MAX_NAME_LENGTH) for name in others]
    return Pooling("; ".join(labels) or "unknown", (*TIMES, LAST_TIME))


def time_of_output(part: Part, network: Unrolled) -> str | None:
    """Return the step whose state leads to the single output; None if there are several steps or outputs."""
    if not _has_single_output(part, network) or pooling_of(part, network):
        return None
    # Outputs are in reading order.
    is_first_read = network.readout is not None and network.readout.pooling == [FIRST_STEP]
    return TIMES[0] if part.layers[-1].backwards != is_first_read else LAST_TIME


def columns_of(part: Part, network: Unrolled) -> list[Column]:
    """Return the copies of a part at the first three steps and the last."""
    is_last = part is network.parts[-1]
    if is_last and network.decodes:
        inputs = ["start", "y1", "y2", "yU-1"]
        return [Column(t, name, f"y{t}", t == "U") for t, name in zip((*TIMES, "U"), inputs)]
    output_time = time_of_output(part, network)
    columns = []
    for time in (*TIMES, LAST_TIME):
        output = f"y{time}" if is_last and network.every_step else "y" if time == output_time else None
        columns.append(Column(time, f"x{time}", output, time == LAST_TIME))
    return columns
