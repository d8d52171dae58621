"""An exported part beside the network that it came from: difference, agreement, time."""

import time

import numpy as np

from rnn_apps.errors import RnnAppsError
from rnn_apps.models.example_inputs import relative_difference

__all__ = ["compared"]

CALLS = 15


def compared(part, run, path, batches, tolerance=None):
    """Return what `Written` says of a file.

    Args:
        part: `Part` that it was made from.
        run: from a list of arrays to name to array, the file's answers.
        path: of the file.
        batches: (examples, steps) pairs on which both are run.
        tolerance: largest difference allowed; None allows any.

    Raises:
        RnnAppsError: they differ by more.
    """
    worst, same, rows = 0.0, 0, 0
    for number, (batch, steps) in enumerate(batches):
        inputs = part.examples(batch, max(steps, part.least_steps), number)
        own, found = part.answers(inputs), run(inputs)
        worst = max([worst, *(relative_difference(own[name], found[name]) for name in own)])
        if part.scores in own:
            agree = found[part.scores].argmax(-1) == own[part.scores].argmax(-1)
            same, rows = same + int(agree.sum()), rows + agree.size
    if tolerance is not None and not worst <= tolerance:
        problem = f"its answers differ by {worst:.1e} from the network's, more than {tolerance:.0e}"
        raise RnnAppsError(f"{path.name}: {problem}; it was not kept.")
    one = part.examples(1, max(batches[0][1], part.least_steps), 0)
    milliseconds = [_timed(run, one) for _ in range(CALLS)]
    return (
        path.name,
        path.stat().st_size,
        worst,
        same / rows if rows else None,
        float(np.median(milliseconds)),
    )


def _timed(run, inputs):
    start = time.perf_counter()
    run(inputs)
    return 1000 * (time.perf_counter() - start)
