"""Dataset of imported models: arrays of inputs and targets."""

import itertools
import json
import re
import zipfile
from pathlib import Path

import keras
import numpy as np

from rnn_apps.errors import DataError, UserError
from rnn_apps.models.example_inputs import names_of
from rnn_apps.tasks.dataset import Dataset
from rnn_apps.tasks.preprocessing import Preprocessing


class ArrayNames(Preprocessing):
    """Names of the inputs and outputs of a model, in order.

    Args:
        inputs, outputs: lists of names.
    """

    def __init__(self, inputs, outputs):
        super().__init__()
        self.inputs, self.outputs = inputs, outputs

    @classmethod
    def of(cls, model):
        """Return the names of a `keras.Model`; the input of a sequential model is called ``inputs``."""
        if isinstance(model, keras.Sequential):
            return cls(["inputs"], _plain_names([model.layers[-1].name]))
        names = [tensor.name for tensor in model.inputs]
        inputs = _plain_names(names_of(model._inputs_struct, names))
        return cls(inputs, _plain_names(names_of(model._outputs_struct, model.output_names)))

    def as_dict(self):
        """Return inputs and outputs by name."""
        return {"inputs": self.inputs, "outputs": self.outputs}

    def save(self, folder):
        """Save the names, for clients."""
        text = json.dumps(self.as_dict(), indent=2)
        (folder / "arrays.json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder, model):
        """Return the names of the model."""
        return cls.of(model)


def not_trainable():
    """Return the error of a recipe that trains an imported model."""
    fix = "Train it with Keras and import it again; evaluate, predict, export and serve take its folder."
    problem = "imported models cannot be trained"
    return UserError("task", problem, fix=fix)


class ArrayDataset(Dataset):
    """Inputs and targets of an .npz file; the test split is (list of arrays, dict of arrays)."""

    def read(self, request):
        """Read inputs and targets from the file that the data names."""
        if self.preprocessing is None:
            raise not_trainable()
        path = self.recipe.data.path
        if path is None:
            fix = "Give an .npz file with the arrays x and y, or with arrays named as in the model."
            raise UserError(problem="an imported model has no data of its own", fix=fix, option="data")
        path = Path(path) / "test.npz" if Path(path).is_dir() else Path(path)
        arrays, names = read_npz(path), self.preprocessing
        inputs = [_chosen(path, arrays, name, "x", names.inputs) for name in names.inputs]
        targets = {
            name: _chosen(path, arrays, name, "y", names.outputs)
            for name in names.outputs
            if name in arrays or (len(names.outputs) == 1 and "y" in arrays)
        }
        if not targets:
            raise DataError(str(path), "no targets", expected=f"y or {', '.join(names.outputs)}")
        counts = {len(array) for array in (*inputs, *targets.values())}
        if len(counts) != 1 or not counts.pop():
            raise DataError(
                str(path), "arrays have different lengths or are empty", expected="one row per example"
            )
        self.splits, self.source_name = {"test": (inputs, targets)}, str(path)

    def batches(self, split, batch_size, seed=None):
        """Yield the inputs of a split, a list of arrays per batch."""
        inputs, _ = self.splits[split]
        for start in range(0, len(inputs[0]), batch_size):
            yield [array[start : start + batch_size] for array in inputs]

    def count(self, split):
        """Return the number of rows."""
        return len(self.splits[split][0][0])


def _chosen(path, arrays, name, short, names):
    if name in arrays:
        return arrays[name]
    if len(names) == 1 and short in arrays:
        return arrays[short]
    raise DataError(str(path), f"no array {name}", received=", ".join(arrays) or "none", expected=name)


def _plain_names(names):
    """Convert names to unique names that signatures allow."""
    unique = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name) or "array"
        plain = plain if plain[0].isalpha() else f"x{plain}"
        numbered = (f"{plain}_{number}" for number in itertools.count(1))
        unique.append(next(each for each in itertools.chain([plain], numbered) if each not in unique))
    return unique


def read_npz(path):
    """Return the arrays of an .npz file by name; raises DataError if it is not an .npz file."""
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
        raise DataError(str(path), received="a single number", expected="arrays, one row per example")
    return arrays
