"""One step of a network that reads forward only, for devices without TensorFlow."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

EXAMPLE_STEPS = 24


class StepwiseNetwork(NamedTuple):
    """One step of a network as a function of numbers, and what surrounds it on a device.

    A raw step is a vector of numbers: a row of a table, or a token id. The client and the C code of an export
    turn it into features, run the network, and turn its outputs into an answer, as `kind` and `constants`
    say; see `rnn_apps.export.micro`.

    Attributes:
        kind: how raw steps are read, and what the outputs mean: ``"labels"``, ``"tags"``, ``"text"`` or
            ``"forecasts"``.
        constants: numbers and names that the client needs, as JSON values.
        function: ``function(features, states)`` with features (1, `width`) and a list of states returns the
            outputs (1, any) and the list of new states.
        width: number of features of a step.
        states: size of each state; streams start with zeros.
        sequences: ``sequences(split)`` returns the raw sequences of a split, arrays (steps, columns).
        answers: ``answers(sequence)`` returns what the network itself answers at each step of a raw sequence,
            an array (steps, ...).
        score: ``score(answers)``, with the answers to each sequence of the test split, returns the name of
            the score and its value.
        example: raw sequence of made-up values (steps, columns).
        table: features of each token, (tokens, `width`), or None if a step is a row.
    """

    kind: str
    constants: dict[str, Any]
    function: Callable
    width: int
    states: tuple[int, ...]
    sequences: Callable
    answers: Callable
    score: Callable
    example: np.ndarray
    table: np.ndarray | None = None


def split_sequences(array, lengths):
    """Return the sequences of an array (all steps, ...), as a list of arrays (steps, columns)."""
    array = array.reshape(len(array), -1)
    ends = np.cumsum(lengths)
    return [array[end - length : end] for end, length in zip(ends, lengths)]


def one_step(recurrent, head, structure):
    """Return the `function` of a `StepwiseNetwork`.

    Args:
        recurrent: ``recurrent(features, states)`` with features (1, 1, width) and nested states returns
            outputs (1, 1, units) and new states.
        head: function from these outputs to those of the network.
        structure: nested states.
    """

    def function(features, states):
        h, states = recurrent(features[:, None], tf.nest.pack_sequence_as(structure, list(states)))
        outputs = head(h)
        return tf.reshape(outputs, [1, outputs.shape[-1]]), tf.nest.flatten(states)

    return function


def accuracy_of(labels):
    """Return the `score` of a network that gives logits, for the true class index of all steps."""

    def score(answers):
        predicted = np.concatenate([logits.argmax(-1) for logits in answers])
        return "accuracy", float((predicted == labels).mean())

    return score
