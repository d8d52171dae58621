"""A task: a record of the components for data, network, objective and predictions."""

from collections.abc import Callable, Sequence
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
        model: `keras.Model` that is saved, exported and used for predictions.
        trained: `keras.Model` that is trained; it shares the weights of `model`, but may start after a frozen
            feature extractor, or carry its states from window to window.
    """

    model: keras.Model
    trained: keras.Model


class PreparedTask(NamedTuple):
    """The components of a task for one recipe, ready for training or evaluation.

    Attributes:
        dataset: `Dataset` with its splits read.
        predictor: `Predictor` of the network.
        objective: `Objective` that scores the predictor on the dataset.
        trained: `keras.Model` to train; None for the evaluation of a trained network.
    """

    dataset: Dataset
    predictor: Predictor
    objective: Objective
    trained: keras.Model | None = None


def register_cell_of(recipe):
    """Import the module of a custom cell, so that Keras can load models that contain it."""
    resolve_cell(recipe.model.cell)


@dataclass(frozen=True)
class Task:
    """An application of recurrent networks, composed of its components.

    Attributes:
        dataset: `Dataset` class, or a function with the same arguments: reads the splits, learns the
            preprocessing from train, and makes batches.
        network: ``network(recipe, dataset)`` returns a `Network`, or a `keras.Model` that serves as both of
            its models.
        objective: `Objective` class: loss, metrics, scores and baselines.
        predictor: `Predictor` class: readable answers for raw inputs, and exports.
        preprocessing: `Preprocessing` class: learned from train, and saved next to the model.
        register: ``register(recipe)`` registers the custom classes of a saved model with Keras.
    """

    dataset: Callable[..., Dataset]
    network: Callable[..., "Network | keras.Model"]
    objective: Callable[..., Objective]
    predictor: Callable[..., Predictor]
    preprocessing: type[Preprocessing] = Preprocessing
    register: Callable = register_cell_of

    def prepare(self, recipe, dropped: Sequence[str] = ()) -> PreparedTask:
        """Returns the components for training: reads the data and builds the network.

        Args:
            recipe: `Recipe`.
            dropped: names of splits that are dropped before anything is learned from the data or encoded.
        """
        dataset = self.dataset(recipe)
        dataset.dropped = tuple(dropped)
        dataset.prepare(self.preprocessing.load)
        network = self.network(recipe, dataset)
        if not isinstance(network, Network):
            network = Network(network, network)
        predictor = self.predictor(recipe, network.model, dataset.preprocessing)
        objective = self.objective(recipe, dataset, predictor)
        return PreparedTask(dataset, predictor, objective, network.trained)

    def restore(self, recipe, load_model: Callable[[], keras.Model], folder: Path) -> Predictor:
        """Returns the predictor of a trained network.

        Args:
            recipe: `Recipe` of the run.
            load_model: returns the trained `keras.Model`.
            folder: the run's folder ``preprocessing``.
        """
        self.register(recipe)
        model = load_model()
        return self.predictor(recipe, model, self.preprocessing.load(folder, model))

    def prepare_evaluation(
        self, recipe, predictor, use_all: bool = False, splits: Sequence[str] = ("test",)
    ) -> PreparedTask:
        """Returns the components that evaluate a trained network on the test split of a recipe's data.

        Args:
            recipe: `Recipe` with the data.
            predictor: `Predictor` of the network.
            use_all: whether to use all examples if the data has no test split.
            splits: names of the splits to read.
        """
        dataset = self.dataset(recipe, predictor.preprocessing)
        dataset.prepare_evaluation(use_all, splits)
        return PreparedTask(dataset, predictor, self.objective(recipe, dataset, predictor))
