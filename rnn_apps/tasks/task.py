"""The record that a task is: the pieces that it is composed of, and how they come together."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import keras

from rnn_apps.tasks.cell import resolve_cell
from rnn_apps.tasks.dataset import Dataset
from rnn_apps.tasks.objectives.objective import Objective
from rnn_apps.tasks.predictor import Predictor
from rnn_apps.tasks.preprocessing import Preprocessing


class Network(NamedTuple):
    """What a network function returns.

    Attributes:
        model: the `keras.Model` that is saved, exported and asked.
        trained: the model that is trained; it shares the weights of `model`, but may begin after a frozen
            feature extractor, or carry its states from window to window.
    """

    model: keras.Model
    trained: keras.Model


class PreparedTask(NamedTuple):
    """The pieces of a task for one recipe, ready to be trained or scored.

    Attributes:
        dataset: `Dataset` with its splits read.
        predictor: `Predictor` of the network.
        objective: `Objective` that scores the predictor on the dataset.
        trained: model that is trained; None where a finished network is scored.
    """

    dataset: Dataset
    predictor: Predictor
    objective: Objective
    trained: keras.Model | None = None


def register_cell_of(recipe):
    """Import the module of a recipe's own cell, so that Keras can load a model that contains it."""
    resolve_cell(recipe.model.cell)


@dataclass(frozen=True)
class Task:
    """One application of recurrent networks, composed of pieces.

    Attributes:
        dataset: `Dataset` class (or a function with its arguments): reads the splits, learns the
            preprocessing from train, and gives batches.
        network: ``network(recipe, dataset)`` returns the `Network` or the one `keras.Model` that is both.
        objective: `Objective` class: loss, metrics, scores and baselines.
        predictor: `Predictor` class: from a raw input to a readable answer, and the exports.
        preprocessing: `Preprocessing` class: what is learned from train and saved next to the model.
        register: ``register(recipe)`` makes the classes of a saved model known to Keras.
    """

    dataset: Callable[..., Dataset]
    network: Callable[..., "Network | keras.Model"]
    objective: Callable[..., Objective]
    predictor: Callable[..., Predictor]
    preprocessing: type[Preprocessing] = Preprocessing
    register: Callable = register_cell_of

    def prepare(self, recipe) -> PreparedTask:
        """Returns the pieces for a training: the data is read, and the network has its initial weights."""
        dataset = self.dataset(recipe)
        dataset.prepare()
        network = self.network(recipe, dataset)
        if not isinstance(network, Network):
            network = Network(network, network)
        predictor = self.predictor(recipe, network.model, dataset.preprocessing)
        objective = self.objective(recipe, dataset, predictor)
        return PreparedTask(dataset, predictor, objective, network.trained)

    def restore(self, recipe, load_model: Callable[[], keras.Model], folder: Path) -> Predictor:
        """Returns the predictor of a saved network.

        Args:
            recipe: `Recipe` of the run.
            load_model: returns the trained `keras.Model`.
            folder: the run's folder ``preprocessing``.
        """
        self.register(recipe)
        model = load_model()
        return self.predictor(recipe, model, self.preprocessing.load(folder, model))

    def prepare_evaluation(self, recipe, predictor, use_all: bool = False) -> PreparedTask:
        """Returns the pieces that score a trained network on the test split of a recipe's data.

        Args:
            recipe: `Recipe` that names the data.
            predictor: `Predictor` of the network.
            use_all: take all examples of data that has no split of its own to test on.
        """
        dataset = self.dataset(recipe, predictor.preprocessing)
        dataset.prepare_evaluation(use_all)
        return PreparedTask(dataset, predictor, self.objective(recipe, dataset, predictor))
