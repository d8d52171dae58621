"""A model that was made elsewhere: arrays of numbers in, arrays of numbers out."""

import itertools
import json
import re
import zipfile
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.errors import DataError, RnnAppsError, UserError, shown
from rnn_apps.models.example_inputs import (
    answers_of,
    call_model,
    example_inputs,
    names_of,
    relative_difference,
    tolerance_of,
    word_limits,
)
from rnn_apps.tasks.cell import import_user_module
from rnn_apps.tasks.imported.scores import array_scores
from rnn_apps.tasks.task import MOST_STEPS, Part, Task

__all__ = ["ImportedTask"]

AT_ONCE = 64
NUMBERS_SHOWN = 20  # of an output, on the command line
_LARGEST_TEXT = 16 << 20


class ImportedTask(Task):
    """Answers and scores of a model that `rnn-apps import` took in.

    Args:
        recipe: `Recipe` of the task ``imported``.
    """

    def register(self):
        """Import the modules of the user's own layers and functions, which a saved network is loaded with."""
        for entry in self.recipe.model.classes:
            module, _, name = entry.partition(":")
            if keras.saving.get_registered_object(name) is None:
                import_user_module(module, "model.classes", entry)
            if keras.saving.get_registered_object(name) is None:
                problem = f"{shown(name)} of this model is not registered by the module {shown(module)}"
                fix = (
                    "Register it there with keras.saving.register_keras_serializable, or run the code that "
                    "does before the run is opened in Python."
                )
                raise UserError("model.classes", problem, fix=fix)

    def prepare(self):
        """Refuse: there is nothing to train it by."""
        fix = "Train it with Keras and import it again; evaluate, predict, export and serve take its folder."
        raise UserError("task", "imported is what rnn-apps import makes, no recipe to run", fix=fix)

    training_batches = loss = batch_metrics = validate = view_examples = prepare

    def prepare_evaluation(self, whole=False):
        """Read inputs and targets from the file that the data names."""
        path = self.recipe.data.path
        if path is None:
            fix = "Name an .npz file with the arrays x and y, or with those of the model's own names."
            raise UserError("--data", "an imported model has no data of its own", fix=fix)
        path = Path(path) / "test.npz" if Path(path).is_dir() else Path(path)
        arrays = _read_npz(path)
        self.inputs = [self._chosen(path, arrays, name, "x", self.input_names) for name in self.input_names]
        self.targets = {
            name: self._chosen(path, arrays, name, "y", self.output_names)
            for name in self.output_names
            if name in arrays or (len(self.output_names) == 1 and "y" in arrays)
        }
        if not self.targets:
            raise DataError(str(path), "no targets", expected=f"y or {', '.join(self.output_names)}")
        counts = {len(array) for array in (*self.inputs, *self.targets.values())}
        if len(counts) != 1 or not counts.pop():
            raise DataError(str(path), "arrays of different lengths, or empty", expected="one row an example")

    @staticmethod
    def _chosen(path, arrays, name, short, names):
        if name in arrays:
            return arrays[name]
        if len(names) == 1 and short in arrays:
            return arrays[short]
        raise DataError(str(path), f"no array {name}", received=", ".join(arrays) or "none", expected=name)

    @property
    def input_names(self):
        """Names of the inputs, in the order of the model; that of a sequential model has none of its own."""
        if isinstance(self.model, keras.Sequential):
            return ["inputs"]
        names = [given.name for given in self.model.inputs]
        return _plain_names(names_of(self.model._inputs_struct, names))

    @property
    def output_names(self):
        """Names of the outputs, in the order of the model."""
        if isinstance(self.model, keras.Sequential):
            return _plain_names([self.model.layers[-1].name])
        return _plain_names(names_of(self.model._outputs_struct, self.model.output_names))

    def evaluate(self, part):
        """Scores on what was read, and the answers."""
        found = [[] for _ in self.output_names]
        for start in range(0, len(self.inputs[0]), AT_ONCE):
            batch = [self._fitting(x[start : start + AT_ONCE], i) for i, x in enumerate(self.inputs)]
            for outputs, answer in zip(found, self._answers(batch)):
                outputs.append(answer)
        answers = dict(zip(self.output_names, map(np.concatenate, found)))
        scores = {}
        for name, target in self.targets.items():
            of_one = array_scores(name, target, answers[name])
            scores |= of_one if len(self.targets) == 1 else {f"{name}/{k}": v for k, v in of_one.items()}
        return scores, [
            {name: answers[name][i].tolist() for name in answers} for i in range(len(self.inputs[0]))
        ]

    @cached_property
    def _word_limits(self):
        return word_limits(self.model)

    def _fitting(self, array, index):
        """An array with the batch first, as an input of the model takes it; UserError where it cannot be."""
        given = self.model.inputs[index]
        where, sides = f"input {self.input_names[index]}", given.shape[1:]
        fits = len(array.shape[1:]) == len(sides)
        if not fits or any(want not in (None, is_) for is_, want in zip(array.shape[1:], sides)):
            expected = "x".join("any" if side is None else str(side) for side in sides) or "one number"
            raise UserError(where, received=f"shape {'x'.join(map(str, array.shape[1:]))}", expected=expected)
        if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
            raise UserError(where, received=str(array.dtype), expected="finite numbers")
        words = self._word_limits[index]
        if (
            words is not None
            and array.ndim == 2
            and (array.min(initial=0) < 0 or array.max(initial=0) >= words)
        ):
            received = f"{array.min()} to {array.max()}"
            raise UserError(where, received=received, expected=f"word numbers from 0 to {words - 1}")
        if words is not None and (array != np.floor(array)).any():
            raise UserError(where, "a fraction", expected="whole word numbers")
        result = array.astype(given.dtype)
        if not np.isfinite(result.astype(np.float64)).all():
            raise UserError(where, f"a number too large for {given.dtype}", expected="finite numbers")
        return result

    def _answers(self, batch):
        try:
            return answers_of(self.model, batch)
        except (tf.errors.OpError, ValueError, TypeError) as error:
            shapes = ", ".join("x".join(map(str, array.shape[1:])) for array in batch)
            problem = "the model cannot work on it, perhaps it has too few steps"
            raise UserError("input", problem, received=f"shape {shapes}") from error

    def predict(self, inputs):
        """Return the outputs for each input by name.

        Args:
            inputs: each an array without the batch, such as ``[[0.1, 0.2], [0.3, 0.4]]``; text of JSON, or
                the path of a .json, .npy or .npz file, with one; for a model of several inputs a mapping of
                their names. The sides that the model leaves open may differ.
        """
        answers = []
        for number, raw in enumerate(inputs, start=1):
            arrays = self._arrays(raw, number)
            batch = [self._fitting(array[None], index) for index, array in enumerate(arrays)]
            outputs = self._answers(batch)
            shown_input = raw if isinstance(raw, (str, Path)) else f"input {number}"
            named = {name: out[0].tolist() for name, out in zip(self.output_names, outputs)}
            answers.append({"input": str(shown_input), "output": named})
        return answers

    def _arrays(self, raw, number):
        values = _read_numbers(raw, number) if isinstance(raw, (str, Path)) else raw
        if not isinstance(values, dict):
            if len(self.input_names) > 1:
                expected = f"a mapping of {', '.join(self.input_names)}"
                raise UserError(f"input {number}", received="one array", expected=expected)
            values = {self.input_names[0]: values}
        missing = [name for name in self.input_names if name not in values]
        if missing or len(values) > len(self.input_names):
            expected = ", ".join(self.input_names)
            raise UserError(f"input {number}", received=", ".join(map(str, values)), expected=expected)
        try:
            return [np.asarray(values[name]) for name in self.input_names]
        except ValueError as error:
            raise UserError(f"input {number}", "rows of different lengths", expected="an array") from error

    def answer_line(self, answer):
        """Every output with four digits; of many numbers the first."""
        return "  ".join(f"{name} {_in_brief(value)}" for name, value in answer["output"].items())

    baselines_learn = False

    def baselines(self):
        """None: nothing is known of what the numbers stand for."""
        return {}

    def describe_data(self):
        """There is none."""
        return {"source": None}

    def settings(self):
        """What is known of the model."""
        return {"inputs": self.input_names, "outputs": self.output_names}

    def explain(self, inputs):
        """Nothing is known of what the numbers stand for."""
        raise UserError("explain", "an imported model says nothing of how its answers come about")

    def save_preprocessing(self, folder):
        """Names of inputs and outputs, for clients."""
        text = json.dumps(self.settings(), indent=2)
        (folder / "arrays.json").write_text(text + "\n", encoding="utf-8")

    def restore(self, model, folder):
        """Take the model."""
        self.model = model

    def signatures(self):
        """`serving_default`: the model's own inputs and outputs by name, any number of examples."""
        module = tf.Module()
        module.model = self.model
        module.held = [variable.value for variable in self.model.variables]
        (part,) = self.parts()
        specs = list(part.inputs.values())
        module.answer = tf.function(part.function, input_signature=specs, autograph=False)
        return module, {"serving_default": module.answer}

    def parts(self):
        """The whole of it."""

        def network(*given):
            return dict(zip(self.output_names, tf.nest.flatten(call_model(self.model, given))))

        def examples(batch, steps, seed):
            return example_inputs(self.model, batch, steps, seed)

        inputs = {
            field: tf.TensorSpec([None, *given.shape[1:]], given.dtype, name=field)
            for given, field in zip(self.model.inputs, self.input_names)
        }
        scores = self.output_names[0]
        steps = self.recipe.model.steps
        part = Part("network", network, inputs, examples, steps, scores, self.model, least_steps=steps)
        return [part._replace(most_steps=MOST_STEPS if part.sequences else None)]

    def client_facts(self):
        """Names of inputs and outputs."""
        return {"kind": "arrays", "inputs": self.input_names, "outputs": self.output_names}

    def example_request(self):
        """One example of random numbers."""
        inputs = example_inputs(self.model, 1, self.recipe.model.steps)
        return dict(zip(self.input_names, map(tf.constant, inputs)))

    def check_export(self, loaded):
        """Hold the export's answers against our own, for one and for three examples."""
        for batch in (1, 3):
            inputs = example_inputs(self.model, batch, self.recipe.model.steps, seed=batch)
            named = {field: tf.constant(array) for field, array in zip(self.input_names, inputs)}
            given = loaded.signatures["serving_default"](**named)
            for name, own in zip(self.output_names, answers_of(self.model, inputs)):
                difference = relative_difference(own, given[name], whole=True)
                if not difference <= tolerance_of(self.model):
                    raise RnnAppsError(f"the export's {name} differs by {difference:.1e} from the model's.")


def _in_brief(value):
    array = np.asarray(value)
    if array.size > NUMBERS_SHOWN:
        first = ", ".join(f"{number:.4g}" for number in array.ravel()[:NUMBERS_SHOWN])
        return (
            f"{first}, ... ({array.size:,} numbers, shape {'x'.join(map(str, array.shape))}; all with --json)"
        )
    return np.array2string(array, precision=4, separator=", ", max_line_width=10**6).replace("\n", "")


def _plain_names(names):
    """Names as a signature may have them, each once."""
    found = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name) or "array"
        plain = plain if plain[0].isalpha() else f"x{plain}"
        numbered = (f"{plain}_{number}" for number in itertools.count(1))
        found.append(next(one for one in itertools.chain([plain], numbered) if one not in found))
    return found


def _read_npz(path):
    try:
        file = np.load(path, allow_pickle=False, mmap_mode="r")
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError("one array without a name")
        with file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise DataError(str(path), "no such file", expected="an .npz file of arrays") from error
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        reason = str(error) if "without a name" in str(error) else "it is damaged, or of another format"
        raise DataError(str(path), f"cannot be read: {reason}", expected="an .npz file of arrays") from error
    if any(array.ndim == 0 for array in arrays.values()):
        raise DataError(str(path), received="a single number", expected="arrays, one row an example")
    return arrays


def _read_numbers(raw, number):
    """An array, or a mapping of arrays, from JSON or from a file."""
    text, path = str(raw), Path(str(raw))
    if text.lstrip()[:1] not in ("[", "{"):
        if path.suffix == ".npz":
            return _read_npz(path)
        try:
            if path.suffix == ".npy":
                return np.load(path, allow_pickle=False)
            if path.is_file() and path.stat().st_size <= _LARGEST_TEXT:
                text = path.read_text(encoding="utf-8")
        except (OSError, ValueError, EOFError) as error:
            raise UserError(str(path)[:200], f"cannot be read ({str(error)[:100]})") from error
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        expected = "an array as JSON, such as [[0.1, 0.2]], or a .json, .npy or .npz file"
        raise UserError(f"input {number}", received=shown(text), expected=expected) from error
