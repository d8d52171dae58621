"""Predictor of imported models: arrays in, arrays out."""

import json
from functools import cached_property
from pathlib import Path

import numpy as np
import tensorflow as tf

from rnn_apps.errors import UserError, shown
from rnn_apps.models.example_inputs import (
    answers_of,
    call_model,
    example_inputs,
    input_vocabulary_sizes,
    tolerance_of,
)
from rnn_apps.tasks.imported.dataset import read_npz
from rnn_apps.tasks.predictor import MAX_STEPS, NetworkPart, Predictor

NUMBERS_SHOWN = 20  # per output on the command line
_MAX_TEXT_BYTES = 16 << 20


class ArrayPredictor(Predictor):
    """Runs a Keras model imported by `rnn-apps import`."""

    reads_files = False

    @property
    def names(self):
        """The `ArrayNames`."""
        return self.preprocessing

    @property
    def export_tolerance(self):
        """Largest difference allowed for a SavedModel's outputs, from the precision of the model."""
        return tolerance_of(self.model)

    def functions(self):
        """Return ``serving_default`` over the inputs and outputs of the model."""
        (part,) = self.network_parts()
        return {"serving_default": (part.function, list(part.inputs.values()))}

    @cached_property
    def _vocabulary_sizes(self):
        return input_vocabulary_sizes(self.model)

    def convert_input(self, array, index):
        """Convert an array, batch first, to an input of the model; raises UserError if it does not fit."""
        tensor = self.model.inputs[index]
        where, shape = f"input {self.names.inputs[index]}", tensor.shape[1:]
        fits = len(array.shape[1:]) == len(shape)
        if not fits or any(size not in (None, actual) for actual, size in zip(array.shape[1:], shape)):
            expected = "x".join("any" if size is None else str(size) for size in shape) or "one number"
            raise UserError(where, received=f"shape {'x'.join(map(str, array.shape[1:]))}", expected=expected)
        if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
            raise UserError(where, received=str(array.dtype), expected="finite numbers")
        size = self._vocabulary_sizes[index]
        if (
            size is not None
            and array.ndim == 2
            and (array.min(initial=0) < 0 or array.max(initial=0) >= size)
        ):
            received = f"{array.min()} to {array.max()}"
            raise UserError(where, received=received, expected=f"token ids from 0 to {size - 1}")
        if size is not None and (array != np.floor(array)).any():
            raise UserError(where, "a fraction", expected="integer token ids")
        result = array.astype(tensor.dtype)
        if not np.isfinite(result.astype(np.float64)).all():
            raise UserError(where, f"a number too large for {tensor.dtype}", expected="finite numbers")
        return result

    def outputs(self, batch):
        """Return the outputs, a list of arrays, for a list of converted inputs."""
        try:
            return answers_of(self.model, batch)
        except (tf.errors.OpError, ValueError, TypeError) as error:
            shapes = ", ".join("x".join(map(str, array.shape[1:])) for array in batch)
            problem = "the model fails on it, perhaps because it has too few steps"
            raise UserError("input", problem, received=f"shape {shapes}") from error

    def predict(self, inputs):
        """Return the outputs of each input by name.

        Args:
            inputs: arrays without the batch dimension, such as ``[[0.1, 0.2], [0.3, 0.4]]``, as arrays, JSON,
                or paths of .json, .npy or .npz files; for a model with several inputs, mappings of their
                names. Dimensions that the model leaves open may differ.
        """
        answers = []
        for number, raw in enumerate(inputs, start=1):
            arrays = self._arrays(raw, number)
            batch = [self.convert_input(array[None], index) for index, array in enumerate(arrays)]
            outputs = self.outputs(batch)
            shown_input = raw if isinstance(raw, (str, Path)) else f"input {number}"
            named = {name: out[0].tolist() for name, out in zip(self.names.outputs, outputs)}
            answers.append({"input": str(shown_input), "output": named})
        return answers

    def _arrays(self, raw, number):
        values = _read_numbers(raw, number) if isinstance(raw, (str, Path)) else raw
        if not isinstance(values, dict):
            if len(self.names.inputs) > 1:
                expected = f"a mapping of {', '.join(self.names.inputs)}"
                raise UserError(f"input {number}", received="one array", expected=expected)
            values = {self.names.inputs[0]: values}
        missing = [name for name in self.names.inputs if name not in values]
        if missing or len(values) > len(self.names.inputs):
            expected = ", ".join(self.names.inputs)
            raise UserError(f"input {number}", received=", ".join(map(str, values)), expected=expected)
        try:
            return [np.asarray(values[name]) for name in self.names.inputs]
        except ValueError as error:
            raise UserError(f"input {number}", "rows of different lengths", expected="an array") from error

    def answer_line(self, answer):
        """All outputs with four digits, and only the first numbers of large ones."""
        return "  ".join(f"{name} {_in_brief(value)}" for name, value in answer["output"].items())

    def network_parts(self):
        """Return the whole model."""
        names, steps = self.names, self.recipe.model.steps

        def network(*inputs):
            return dict(zip(names.outputs, tf.nest.flatten(call_model(self.model, inputs))))

        def examples(batch, steps, seed):
            return example_inputs(self.model, batch, steps, seed)

        inputs = {
            name: tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype, name=name)
            for tensor, name in zip(self.model.inputs, names.inputs)
        }
        part = NetworkPart(
            "network", network, inputs, examples, steps, names.outputs[0], self.model, min_steps=steps
        )
        return [part._replace(max_steps=MAX_STEPS if part.sequences else None)]


def _in_brief(value):
    array = np.asarray(value)
    if array.size > NUMBERS_SHOWN:
        first = ", ".join(f"{number:.4g}" for number in array.ravel()[:NUMBERS_SHOWN])
        return f"{first}, ... ({array.size:,} numbers, shape {'x'.join(map(str, array.shape))}; all in JSON)"
    return np.array2string(array, precision=4, separator=", ", max_line_width=10**6).replace("\n", "")


def _read_numbers(raw, number):
    """Read an array, or a mapping of arrays, from JSON or from a file."""
    text, path = str(raw), Path(str(raw))
    if text.lstrip()[:1] not in ("[", "{"):
        if path.suffix == ".npz":
            return read_npz(path)
        try:
            if path.suffix == ".npy":
                return np.load(path, allow_pickle=False)
            if path.is_file() and path.stat().st_size <= _MAX_TEXT_BYTES:
                text = path.read_text(encoding="utf-8")
        except (OSError, ValueError, EOFError) as error:
            raise UserError(str(path)[:200], f"cannot be read ({str(error)[:100]})") from error
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        expected = "an array as JSON, such as [[0.1, 0.2]], or a .json, .npy or .npz file"
        raise UserError(f"input {number}", received=shown(text), expected=expected) from error
