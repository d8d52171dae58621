"""A model that was made elsewhere: arrays of numbers in, arrays of numbers out."""

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
    """Scores of arrays; there is no training, and nothing is known of what the numbers stand for."""

    baselines_learn = False

    def loss(self, outputs, targets):
        """Raise UserError."""
        raise not_trainable()

    def validate(self):
        """Raise UserError."""
        raise not_trainable()

    def evaluate(self, split):
        """Scores by the shapes of targets and outputs, and the outputs."""
        predictor, names = self.predictor, self.predictor.names.outputs
        chunks = [[] for _ in names]
        for batch in self.dataset.batches(split, ROWS_PER_CALL):
            batch = [predictor.fitting(array, index) for index, array in enumerate(batch)]
            for outputs, chunk in zip(chunks, predictor.outputs(batch)):
                outputs.append(chunk)
        answers = dict(zip(names, map(np.concatenate, chunks)))
        _, targets = self.dataset.splits[split]
        scores = {}
        for name, target in targets.items():
            found = array_scores(name, target, answers[name])
            scores |= found if len(targets) == 1 else {f"{name}/{key}": v for key, v in found.items()}
        records = [
            {name: array[row].tolist() for name, array in answers.items()}
            for row in range(self.dataset.count(split))
        ]
        return scores, records


def register_classes_of(recipe):
    """Import the modules of the user's own layers and functions, which a saved network is loaded with."""
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
