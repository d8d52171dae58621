"""Compares an exported file with the network: difference, agreement and time."""

import time
from typing import NamedTuple

import numpy as np

from rnn_apps.errors import RnnAppsError
from rnn_apps.models.example_inputs import relative_difference

NUM_TIMED_CALLS = 15


class LayerForm(NamedTuple):
    """How a recurrent layer is written in an exported file.

    Args:
        layer: path of the layer.
        operator: operator that computes it.
        note: why it has this form, and what is special about its weights.
    """

    layer: str
    operator: str
    note: str = ""


class ExportResult(NamedTuple):
    """The comparison of one exported file with the network.

    Args:
        name: name of the file.
        bytes: size of the file.
        difference: largest difference of the outputs, relative for outputs larger than 1.
        agreement: fraction of the outputs with the same highest entry, or None if nothing is predicted.
        milliseconds: median time of a call with one example.
        layers: `LayerForm` of each recurrent layer, where the format has more than one form.
        measured: dicts of further measurements, for a table of their own.
    """

    name: str
    bytes: int
    difference: float
    agreement: float | None
    milliseconds: float
    layers: tuple = ()
    measured: tuple = ()


def verify_export(part, run, path, batches, tolerance=None):
    """Run a file and the network on the same random inputs and compare their outputs.

    Args:
        part: `NetworkPart` that the file was written from.
        run: function that runs the file: input name to array in, output name to array out.
        path: path of the file.
        batches: (examples, steps) pairs to compare.
        tolerance: largest difference allowed; None allows any.

    Returns:
        An `ExportResult`.

    Raises:
        RnnAppsError: the outputs differ by more.
    """
    difference, num_same, num_predictions = 0.0, 0, 0
    for seed, (batch, steps) in enumerate(batches):
        inputs = part.examples(batch, max(steps, part.min_steps), seed)
        expected, outputs = part.answers(inputs), run(dict(zip(part.inputs, inputs)))
        difference = max(
            [difference, *(relative_difference(expected[key], outputs[key]) for key in expected)]
        )
        if part.scores in expected:
            same = expected[part.scores].argmax(-1) == outputs[part.scores].argmax(-1)
            num_same, num_predictions = num_same + int(same.sum()), num_predictions + same.size
    if tolerance is not None and not difference <= tolerance:
        problem = f"its outputs differ from the network's by {difference:.1e}, more than {tolerance:.0e}"
        raise RnnAppsError(f"{path.name}: {problem}; it was not kept.")
    example = dict(zip(part.inputs, part.examples(1, max(batches[0][1], part.min_steps), 0)))
    times = []
    for _ in range(NUM_TIMED_CALLS):
        start = time.perf_counter()
        run(example)
        times.append(1000 * (time.perf_counter() - start))
    agreement = num_same / num_predictions if num_predictions else None
    return ExportResult(path.name, path.stat().st_size, difference, agreement, float(np.median(times)))
