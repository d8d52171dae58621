"""The copies of an `Unrolled` through time: what each step reads and gives, and what gathers the steps."""

from typing import NamedTuple

from rnn_apps.reporting import drawing
from rnn_apps.reporting.views.readout import FINAL_STEP, FIRST_STEP, LAST
from rnn_apps.reporting.views.unrolled import Part, Unrolled

TIMES, LAST_TIME = ("1", "2", "3"), "T"
LONGEST_NAME = 40  # characters
OVER_STEPS = ("mean", "max", "sum")
LABELS = {
    LAST: "last state",
    FIRST_STEP: "state of the first step",
    FINAL_STEP: "state of the final step",
    "concatenation": "concatenation of all steps",
}
UNKNOWN = "unknown"


class Column(NamedTuple):
    """A copy of the layers at one step.

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


class Gather(NamedTuple):
    """How the states of several steps become one vector.

    Attributes:
        label: in words.
        forwards, backwards: times of the columns that lead into it, by the direction that is read.
    """

    label: str
    forwards: tuple[str, ...]
    backwards: tuple[str, ...] = ()


def _gives_one(part: Part, network: Unrolled) -> bool:
    return part is network.parts[-1] and not network.every_step


def gather_of(part: Part, network: Unrolled) -> Gather | None:
    """Returns how several steps are gathered; None where an output is computed from the state of one."""
    if not _gives_one(part, network):
        return None
    pooling = network.readout.pooling if network.readout else []
    both = part.levels[-1].directions == 2
    if pooling == [LAST] and both:
        return Gather(_label(network), (LAST_TIME,), (TIMES[0],))
    one_step = pooling in ([FINAL_STEP], [FIRST_STEP], [LAST])
    return None if one_step else Gather(_label(network), (*TIMES, LAST_TIME))


def time_of_output(part: Part, network: Unrolled) -> str | None:
    """Returns the step whose state leads to the only output; None where several steps or outputs are."""
    if not _gives_one(part, network) or gather_of(part, network):
        return None
    from_the_end = part.levels[-1].backwards
    # Outputs are in the order of reading.
    is_first_read = network.readout is not None and network.readout.pooling == [FIRST_STEP]
    return TIMES[0] if from_the_end != is_first_read else LAST_TIME


def columns_of(part: Part, network: Unrolled) -> list[Column]:
    """Returns the copies of a part: the first three steps and the last."""
    last = part is network.parts[-1]
    if last and network.decodes:
        reads = ["start", "y1", "y2", "yU-1"]
        return [Column(t, read, f"y{t}", t == "U") for t, read in zip((*TIMES, "U"), reads)]
    every = last and network.every_step
    only = time_of_output(part, network)
    return [
        Column(time, f"x{time}", f"y{time}" if every else "y" if time == only else None, time == LAST_TIME)
        for time in (*TIMES, LAST_TIME)
    ]


def _label(network: Unrolled) -> str:
    """Returns how the states of several steps become one vector."""
    if network.readout is None or not network.readout.pooling:
        return UNKNOWN
    if network.readout.pooling == [LAST]:
        return "last state of each direction"
    over = [name for name in network.readout.pooling if name in OVER_STEPS]
    others = [name for name in network.readout.pooling if name not in OVER_STEPS]
    labels = [f"{' and '.join(over)} over all steps"] if over else []
    labels += [LABELS.get(name) or drawing.shortened(name, LONGEST_NAME) for name in others]
    return "; ".join(labels)
