"""Comparison of an exported file with the network that it was written from: difference, agreement, time."""

import time
from typing import NamedTuple

import numpy as np

from rnn_apps.errors import RnnAppsError
from rnn_apps.models.example_inputs import relative_difference

CALLS = 15


class ExportResult(NamedTuple):
    """One exported file, as it compares with the network.

    Args:
        name: of the file.
        bytes: its size.
        difference: largest between its answers and the network's, relative for answers larger than 1.
        agreement: fraction of the answers whose highest entry is the same; None where nothing is chosen.
        milliseconds: a call for one example, median.
    """

    name: str
    bytes: int
    difference: float
    agreement: float | None
    milliseconds: float


def verify_export(part, run, path, batches, tolerance=None):
    """Run a file and the network on the same random inputs and compare their answers.

    Args:
        part: `Part` that the file was written from.
        run: name to array in, name to array out: the file's answers.
        path: of the file.
        batches: (examples, steps) pairs on which both are run.
        tolerance: largest difference allowed; None allows any.

    Returns:
        An `ExportResult`.

    Raises:
        RnnAppsError: they differ by more.
    """
    worst, same, rows = 0.0, 0, 0
    for number, (batch, steps) in enumerate(batches):
        inputs = part.examples(batch, max(steps, part.min_steps), number)
        own, found = part.answers(inputs), run(dict(zip(part.inputs, inputs)))
        worst = max([worst, *(relative_difference(own[name], found[name]) for name in own)])
        if part.scores in own:
            agree = found[part.scores].argmax(-1) == own[part.scores].argmax(-1)
            same, rows = same + int(agree.sum()), rows + agree.size
    if tolerance is not None and not worst <= tolerance:
        problem = f"its answers differ by {worst:.1e} from the network's, more than {tolerance:.0e}"
        raise RnnAppsError(f"{path.name}: {problem}; it was not kept.")
    one = part.examples(1, max(batches[0][1], part.min_steps), 0)
    milliseconds = [_timed(run, dict(zip(part.inputs, one))) for _ in range(CALLS)]
    agreement = same / rows if rows else None
    return ExportResult(path.name, path.stat().st_size, worst, agreement, float(np.median(milliseconds)))


def _timed(run, inputs):
    start = time.perf_counter()
    run(inputs)
    return 1000 * (time.perf_counter() - start)
