"""The task of imported models: arrays in, arrays out."""

import keras
import numpy as np

from rnn_apps.errors import UserError, shown
from rnn_apps.tasks.cell import import_user_module
from rnn_apps.tasks.imported.dataset import ArrayDataset, ArrayNames, not_trainable
from rnn_apps.tasks.imported.predictor import ArrayPredictor
from rnn_apps.tasks.imported.scores import array_scores
from rnn_apps.tasks.objectives.objective import Objective
from rnn_apps.tasks.task import Task

ROWS_PER_CALL = 64


class ArrayObjective(Objective):
    """Scores of arrays, without training."""

    baselines_learn = False

    def loss(self, outputs, targets):
        """Raise UserError."""
        raise not_trainable()

    def validate(self):
        """Raise UserError."""
        raise not_trainable()

    def evaluate(self, split):
        """Scores chosen by the shapes of targets and outputs, and records of the outputs."""
        predictor, names = self.predictor, self.predictor.names.outputs
        chunks = [[] for _ in names]
        for batch in self.dataset.batches(split, ROWS_PER_CALL):
            batch = [predictor.convert_input(array, index) for index, array in enumerate(batch)]
            for outputs, chunk in zip(chunks, predictor.outputs(batch)):
                outputs.append(chunk)
        answers = dict(zip(names, map(np.concatenate, chunks)))
        _, targets = self.dataset.splits[split]
        scores = {}
        for name, target in targets.items():
            own = array_scores(name, target, answers[name])
            scores |= own if len(targets) == 1 else {f"{name}/{key}": v for key, v in own.items()}
        records = [
            {name: array[row].tolist() for name, array in answers.items()}
            for row in range(self.dataset.count(split))
        ]
        return scores, records


def register_classes_of(recipe):
    """Import the modules of custom layers and functions, which loading the model requires."""
    for entry in recipe.model.classes:
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


def _not_trained(recipe, dataset):
    raise not_trainable()


TASK = Task(ArrayDataset, _not_trained, ArrayObjective, ArrayPredictor, ArrayNames, register_classes_of)
