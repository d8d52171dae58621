"""From a raw input to a readable answer, and what is exported of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.errors import RnnAppsError, UserError

MAX_STEPS = 100_000  # of a file with fixed shapes


class NetworkPart(NamedTuple):
    """A numeric subgraph, for formats without strings or decoding loops.

    Attributes:
        name: of its file.
        function: tensors, in the order of `inputs`, to a dict of tensors.
        inputs: name to `tf.TensorSpec`; None for a dimension that is open.
        examples: ``examples(batch, steps, seed)`` returns an array for each input.
        steps: length of its sequences, for a format with fixed shapes.
        scores: the output whose last dimension is what is chosen from; None where there is none.
        model: `keras.Model` that does the same, its outputs in the order of `function`, or None.
        most_steps: largest `steps` that make sense; None where they cannot be chosen.
        masks_padding: whether sequences that end in zeros give the same as without them.
        least_steps: the fewest steps that the network is known to work on.
    """

    name: str
    function: Callable
    inputs: dict
    examples: Callable
    steps: int
    scores: str | None = None
    model: keras.Model | None = None
    most_steps: int | None = None
    masks_padding: bool = False
    least_steps: int = 1

    @property
    def sequences(self):
        """Names of the inputs whose second dimension is their steps."""
        return [name for name, spec in self.inputs.items() if len(spec.shape) > 1 and spec.shape[1] is None]

    def answers(self, inputs):
        """Return name to array for a list of arrays."""
        return {name: value.numpy() for name, value in self.function(*map(tf.constant, inputs)).items()}


def numbered_states(states, prefix="state"):
    """Return nested states as a dict: ``state_0``, ``state_1``, ..."""
    return {f"{prefix}_{index}": state for index, state in enumerate(tf.nest.flatten(states))}


def truncation_note(read, length, unit):
    """Return ``{"truncated": "read 400 of 1,012 words"}`` for the answer to a longer text, else ``{}``."""
    return {"truncated": f"read {read:,} of {length:,} {unit}"} if read < length else {}


class Predictor(ABC):
    """Answers with a trained network, and gives it to the exports.

    Args:
        recipe: `Recipe` of the run.
        model: the `keras.Model` that is saved.
        preprocessing: `Preprocessing` that it was trained with.

    Attributes:
        kind: of its answers, by which the standalone client knows what to do.
        options: names of what `predict` takes besides its inputs.
        reads_text: whether a raw input is a text.
        export_tolerance: by which the numbers of a SavedModel may differ, relative for those above 1.
    """

    kind = "arrays"
    options: tuple[str, ...] = ()
    reads_text = False
    export_tolerance = 1e-4

    def __init__(self, recipe, model, preprocessing):
        self.recipe, self.model, self.preprocessing = recipe, model, preprocessing

    @abstractmethod
    def make_module(self):
        """Return a `tf.Module`, traced again at each call, whose `signatures` map names to functions.

        Each is a `tf.function` with an input signature, raw input in and a dict out; one is
        ``serving_default``.
        """

    @abstractmethod
    def predict(self, inputs, **options):
        """Return a readable answer (a dict) for each raw input."""

    @abstractmethod
    def network_parts(self):
        """Return a list of `NetworkPart`, for ONNX, LiteRT and plain Keras."""

    @cached_property
    def module(self):
        """The module that `predict` asks."""
        return self.make_module()

    @property
    def core(self):
        """The network over what the dataset encodes; `model`, unless a frozen part comes before it."""
        return self.model

    @property
    def class_names(self):
        """Names of the classes of a classification, else None."""
        return self.preprocessing.class_names

    def facts(self):
        """Return what a client or a demo page must know besides the signatures, as JSON can hold it."""
        part, *_ = self.network_parts()
        outputs = part.answers(part.examples(1, part.steps, 0))
        return {"inputs": list(part.inputs), "outputs": list(outputs), "class_names": self.class_names}

    def input_note(self):
        """Return what an export's README says of its inputs besides their shapes: sentences, or ""."""
        return ""

    def open_stream(self):
        """Return a `rnn_apps.tasks.streaming.Stream`, which answers as its input comes.

        Raises:
            UserError: an answer of this task needs the whole input.
        """
        problem = f"the task {self.recipe.task} answers a whole input, not its steps as they come"
        raise UserError(problem=problem, fix="Leave it out.", option="stream")

    def answer_line(self, answer):
        """Return what the command line prints of an answer of `predict`."""
        return "  ".join(f"{name}: {value}" for name, value in answer.items())

    def explain(self, inputs):
        """Return for each raw input how its answer comes about.

        Raises:
            UserError: this task has no explanation.
        """
        raise UserError("explain", f"the task {self.recipe.task} does not explain its answers")

    def illustrate(self, dataset, split, number):
        """Return what the report shows of an example besides its record.

        Args:
            dataset: `Dataset`.
            split: its name.
            number: of the example in the records of the objective.

        Returns:
            Entries for its record, and file name to bytes of what it refers to.
        """
        return {}, {}

    def export_score(self, client, records):
        """Return the main score of the network and of an exported one, on what a run kept of its test split.

        Args:
            client: `rnn_apps.export.client.Client` of the exported files.
            records: of ``predictions.jsonl``.

        Returns:
            Name of the score, the network's and the exported one's; None where the records do not hold what
            the client has to be asked, such as pictures.
        """
        return None

    def example_requests(self):
        """Return the (signature name, input name to tensor) pairs on which a SavedModel is verified.

        The first is the example in the README of the export; by default all are made from the examples of
        the first network part, whose function `serving_default` must then be.
        """
        (part, *_) = self.network_parts()
        steps = max(part.least_steps, min(part.steps, 12))
        batches = (part.examples(batch, steps, batch) for batch in (1, 3))
        return [("serving_default", dict(zip(part.inputs, map(tf.constant, arrays)))) for arrays in batches]

    def verify_saved_model(self, loaded):
        """Raise RnnAppsError if a loaded SavedModel gives other answers than this predictor."""
        for signature, request in self.example_requests():
            own = self.module.signatures[signature](*request.values())
            answer = loaded.signatures[signature](**request)
            for name, expected in own.items():
                _verify_output(f"{name} of {signature}", expected, answer[name], self.export_tolerance)


def _verify_output(name, expected, received, tolerance):
    expected, received = np.asarray(expected), np.asarray(received)
    if expected.dtype.kind != "f":
        if expected.shape != received.shape or (expected != received).any():
            raise RnnAppsError(f"the export's {name} differs from the trained network's.")
        return
    with np.errstate(invalid="ignore"):  # equal infinities
        difference = np.abs(expected - received) / np.maximum(1, np.abs(expected))
    difference[expected == received] = 0
    if not (difference <= tolerance).all():
        largest = np.nanmax(difference)
        raise RnnAppsError(f"the export's {name} differs by {largest:.1e} from the trained network's.")
