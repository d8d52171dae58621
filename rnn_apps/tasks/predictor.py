"""Base class of predictors: raw inputs to readable answers, and the parts that are exported."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.errors import RnnAppsError, UserError
from rnn_apps.layers import graph_form

STEPS_PER_ITERATION = 4  # of the loops of a SavedModel; more is hardly faster, and slow to trace
MAX_STEPS = 100_000  # for formats with fixed shapes
_MOST_SEED = 2**31 - 1
_RANGES = {  # of the options of `predict`
    "beam": (1, 100),
    "nbest": (1, 100),
    "length": (1, 1_000_000),
    "temperature": (0, 100),
    "top_k": (0, 1_000_000),
    "top_p": (0, 1),
    "seed": (-_MOST_SEED, _MOST_SEED),
}


class NetworkPart(NamedTuple):
    """A numeric subgraph, for formats without strings or decoding loops.

    Attributes:
        name: name of its file.
        function: function of tensors, in the order of `inputs`, that returns a dict of tensors.
        inputs: dict of input names to `tf.TensorSpec`, with None for open dimensions.
        examples: ``examples(batch, steps, seed)`` returns an array for each input.
        steps: sequence length for formats with fixed shapes.
        scores: name of the output with one score per class or token in its last dimension, or None.
        model: equivalent `keras.Model` with outputs in the same order, or None.
        max_steps: largest allowed `steps`; None if the sequence length is fixed.
        masks_padding: whether padding with zeros at the end leaves the outputs unchanged.
        min_steps: smallest number of steps that the network is known to work on.
        fixed_steps: whether a file takes sequences of `steps` steps only, in a format that can do so.
    """

    name: str
    function: Callable
    inputs: dict
    examples: Callable
    steps: int
    scores: str | None = None
    model: keras.Model | None = None
    max_steps: int | None = None
    masks_padding: bool = False
    min_steps: int = 1
    fixed_steps: bool = False

    @property
    def sequences(self):
        """Names of the inputs whose second dimension is the sequence length."""
        return [name for name, spec in self.inputs.items() if len(spec.shape) > 1 and spec.shape[1] is None]

    def answers(self, inputs):
        """Return a dict of output arrays for a list of input arrays."""
        return {name: value.numpy() for name, value in self.function(*map(tf.constant, inputs)).items()}


def call_network(model, inputs):
    """Return the outputs of a `keras.Model` for a list of inputs."""
    return model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)


def input_specs(model):
    """Return the `tf.TensorSpec` of the inputs of a `keras.Model` by name, for any batch size."""
    return {x.name: tf.TensorSpec([None, *x.shape[1:]], x.dtype, name=x.name) for x in model.inputs}


def check_options(**values):
    """Raise UserError for an option that is out of range."""
    for name, value in values.items():
        low, high = _RANGES[name]
        if not low <= value <= high:
            expected = f"a number from {low} to {high}"
            raise UserError(received=str(value), expected=expected, option=name)


def numbered_states(states, prefix="state"):
    """Return nested states as a flat dict: ``state_0``, ``state_1``, ..."""
    return {f"{prefix}_{index}": state for index, state in enumerate(tf.nest.flatten(states))}


def truncation_note(read, length, unit):
    """Return ``{"truncated": "read 400 of 1,012 words"}`` if an input was truncated, else ``{}``."""
    return {"truncated": f"read {read:,} of {length:,} {unit}"} if read < length else {}


class ExportModule(tf.Module):
    """The functions of a predictor as signatures, with the variables and tables that they need.

    Args:
        predictor: `Predictor`.
    """

    def __init__(self, predictor):
        super().__init__()
        self.model, self.tables = predictor.model, predictor.tables
        self._held = [variable.value for variable in self.model.variables]  # tf.saved_model finds no others
        self._traced = {}  # of concrete functions, which saving does not trace again
        functions = predictor.functions()
        self._trace = lambda name: _trace(*functions[name], for_serving=name == "serving_default")
        self.names = tuple(functions)

    def signature(self, name):
        """Return the function of a signature, traced when it is first needed."""
        if name not in self._traced:
            self._traced[name] = self._trace(name)
        return self._traced[name]

    @property
    def signatures(self):
        """Functions of all signatures by name."""
        return {name: self.signature(name) for name in self.names}


def _trace(function, specs, for_serving):
    with graph_form(STEPS_PER_ITERATION, for_serving):
        return tf.function(function, input_signature=specs, autograph=False).get_concrete_function()


class Predictor(ABC):
    """Makes predictions with a trained network, and provides its exports.

    Args:
        recipe: `Recipe` of the run.
        model: trained `keras.Model`, as it is saved.
        preprocessing: `Preprocessing` that it was trained with.

    Attributes:
        kind: kind of the answers, from which the standalone client knows how to run the export.
        options: names of the options of `predict`.
        reads_text: whether raw inputs are texts.
        reads_tables: whether raw inputs are the paths of tables.
        input_key: key of the raw input in answers.
        reads_files: whether all raw inputs that are no texts are paths.
        export_tolerance: largest difference allowed for a SavedModel's outputs, relative for values above 1.
        tables: `tf.Module` or several, with the lookup tables of `functions`, which are exported as well.
    """

    kind = "arrays"
    options: tuple[str, ...] = ()
    reads_text = reads_tables = False
    reads_files = True
    input_key = "input"
    export_tolerance = 1e-4
    tables: tf.Module | list[tf.Module] | None = None

    def __init__(self, recipe, model, preprocessing):
        self.recipe, self.model, self.preprocessing = recipe, model, preprocessing

    @abstractmethod
    def functions(self):
        """Return the functions to export, of which one is ``serving_default``.

        Returns:
            Dict of signature names to pairs: a function from tensors to a dict of tensors, and a list of the
            named `tf.TensorSpec` of each input.
        """

    @abstractmethod
    def predict(self, inputs, **options):
        """Return a readable answer (a dict) for each raw input."""

    @abstractmethod
    def network_parts(self):
        """Return the list of `NetworkPart` for ONNX, LiteRT and plain Keras."""

    @cached_property
    def module(self):
        """The `ExportModule` that `predict` calls and a SavedModel contains."""
        return ExportModule(self)

    def call(self, signature, *inputs):
        """Return the outputs of a signature, a dict of tensors."""
        return self.module.signature(signature)(*inputs)

    @property
    def core(self):
        """The network on encoded examples: `model` without a frozen feature extractor."""
        return self.model

    @property
    def class_names(self):
        """Class names of a classification, else None."""
        return self.preprocessing.class_names

    @property
    def text_readers(self):
        """Functions from a path to the texts in it, by ending: files other than tables and lines of text."""
        return {}

    def facts(self):
        """Return the facts that clients and demo pages need in addition to the signatures, as JSON values."""
        part, *_ = self.network_parts()
        outputs = part.answers(part.examples(1, part.steps, 0))
        return {"inputs": list(part.inputs), "outputs": list(outputs), "class_names": self.class_names}

    def stepwise_problem(self):
        """Return briefly why this network cannot be exported as a single step, or None."""
        return f"the task {self.recipe.task} has no answer at every step"

    def stepwise(self, dataset):
        """Return the `rnn_apps.tasks.stepwise.StepwiseNetwork`, for a network without `stepwise_problem`.

        Args:
            dataset: `Dataset` with the splits train and test.
        """
        raise NotImplementedError(f"{type(self).__name__} has no stepwise network.")

    def input_note(self):
        """Return sentences about the inputs for the README of an export, or ""."""
        return ""

    def open_stream(self):
        """Return a `rnn_apps.tasks.streaming.Stream`, which answers while its input arrives.

        Raises:
            UserError: if answers of this task need the whole input.
        """
        problem = f"the task {self.recipe.task} needs the whole input and cannot stream"
        raise UserError(problem=problem, fix="Leave it out.", option="stream")

    def answer_line(self, answer):
        """Return an answer of `predict` as the command line prints it."""
        return "  ".join(f"{name}: {value}" for name, value in answer.items())

    def explain(self, inputs):
        """Return an explanation of the answer to each raw input.

        Raises:
            UserError: if this task has no explanations.
        """
        raise UserError("explain", f"the task {self.recipe.task} does not explain its answers")

    def illustrate(self, dataset, split, number):
        """Return illustrations of an example for the report.

        Args:
            dataset: `Dataset`.
            split: name of the split.
            number: index of the example's record.

        Returns:
            Entries to add to its record, and a dict of the files that they refer to, names to bytes.
        """
        return {}, {}

    def export_score(self, client, records):
        """Return the main score of the network and of its export, on the saved records of the test split.

        Args:
            client: `rnn_apps.export.client.Client` of the export.
            records: records of ``predictions.jsonl``.

        Returns:
            The name of the score, and its values for the network and for the export; None if the records do
            not contain the raw inputs, such as images.
        """
        return None

    def example_requests(self):
        """Return the requests that verify a SavedModel: pairs of signature name and dict of input tensors.

        The first one is the example in the README of the export. The default uses the examples of the first
        network part, and requires that `serving_default` has the same inputs.
        """
        (part, *_) = self.network_parts()
        steps = max(part.min_steps, min(part.steps, 12))
        batches = (part.examples(batch, steps, batch) for batch in (1, 3))
        return [("serving_default", dict(zip(part.inputs, map(tf.constant, arrays)))) for arrays in batches]

    def verify_saved_model(self, loaded):
        """Raise RnnAppsError if a loaded SavedModel does not give the same answers as this predictor."""
        for signature, request in self.example_requests():
            own = self.call(signature, *request.values())
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
