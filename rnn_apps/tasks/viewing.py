"""A few inputs by which the recurrence of a trained network is looked into."""

from typing import Any, NamedTuple

import keras
import numpy as np

WANTED, FEW, LONGEST = 40, 4, 200  # steps that read well side by side, inputs, and steps at most


class ViewExamples(NamedTuple):
    """Inputs as the network takes them, and targets of which only each row's last output counts.

    Attributes:
        network: `keras.Model` that is looked into.
        inputs: as it is called with.
        targets: as `Task.loss` takes them.
        steps: path at which the levels begin that read the same steps, "" for all of them, to the names of
            those steps: a list a row, without padding.
    """

    network: keras.Model
    inputs: Any
    targets: Any
    steps: dict[str, list[list[str]]]


def nearest_in_length(lengths):
    """Return the numbers of the few sequences whose length is nearest to what reads well, in order."""
    return np.sort(np.argsort(np.abs(np.asarray(lengths) - WANTED), kind="stable")[:FEW])


def rows_of(flat, lengths, chosen, filling=0):
    """Return some of the sequences that lie one after the other, cut at `LONGEST` and padded.

    Args:
        flat: array (all steps, ...).
        lengths: steps of each sequence.
        chosen: numbers of sequences.
        filling: what stands where there is no step.
    """
    ends = np.cumsum(lengths)
    parts = [flat[ends[n] - lengths[n] : ends[n]][:LONGEST] for n in chosen]
    steps = max(1, max(len(part) for part in parts))
    rows = np.full((len(parts), steps, *flat.shape[1:]), filling, flat.dtype)
    for row, part in zip(rows, parts):
        row[: len(part)] = part
    return rows


def last_of_each(targets, lengths, filling):
    """Return targets (rows, steps) of which all but each row's last real one are `filling`."""
    kept = np.full_like(targets, filling)
    for row, length in enumerate(np.minimum(lengths, targets.shape[1])):
        kept[row, length - 1] = targets[row, length - 1]
    return kept
