"""Example inputs for the report's views of the recurrence."""

from typing import Any, NamedTuple

import keras
import numpy as np

PREFERRED_STEPS, NUM_EXAMPLES, MAX_STEPS = 40, 4, 200


class ViewExamples(NamedTuple):
    """Inputs of a network, and targets that are padding except at each sequence's last step.

    Attributes:
        network: `keras.Model` to inspect.
        inputs: its inputs.
        targets: as `Objective.loss` takes them.
        steps: names of the steps of each sequence, without padding, by the path prefix of the recurrent
            layers that read them; "" for all layers.
    """

    network: keras.Model
    inputs: Any
    targets: Any
    steps: dict[str, list[list[str]]]


def nearest_in_length(lengths):
    """Return the indices of `NUM_EXAMPLES` sequences with lengths nearest to `PREFERRED_STEPS`."""
    distances = np.abs(np.asarray(lengths) - PREFERRED_STEPS)
    return np.sort(np.argsort(distances, kind="stable")[:NUM_EXAMPLES])


def padded_rows(flat, lengths, chosen, pad_value=0):
    """Return some of the concatenated sequences as padded rows of at most `MAX_STEPS` steps.

    Args:
        flat: array (all steps, ...).
        lengths: number of steps of each sequence.
        chosen: indices of the sequences to return.
        pad_value: value of padded steps.
    """
    ends = np.cumsum(lengths)
    sequences = [flat[ends[n] - lengths[n] : ends[n]][:MAX_STEPS] for n in chosen]
    steps = max(1, max(map(len, sequences)))
    rows = np.full((len(sequences), steps, *flat.shape[1:]), pad_value, flat.dtype)
    for row, sequence in zip(rows, sequences):
        row[: len(sequence)] = sequence
    return rows


def keep_last_targets(targets, lengths, pad_value):
    """Return targets (rows, steps) with `pad_value` everywhere except at each row's last valid step."""
    kept = np.full_like(targets, pad_value)
    for row, length in enumerate(np.minimum(lengths, targets.shape[1])):
        kept[row, length - 1] = targets[row, length - 1]
    return kept
