"""Base class of objectives: loss, metrics, scores and baselines."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import tensorflow as tf


class Monitor(NamedTuple):
    """The validation metric that selects the best weights.

    Attributes:
        name: key in the result of `Objective.validate`.
        higher_is_better: bool.
    """

    name: str
    higher_is_better: bool


class Objective(ABC):
    """The loss that a network is trained with, and the scores that it is evaluated by.

    Args:
        recipe: `Recipe`.
        dataset: `Dataset` with its splits.
        predictor: `Predictor` of the network.

    Attributes:
        record_kind: kind of the records of `evaluate`, from which the report knows how to show them:
            ``"classes"``, ``"step_classes"``, ``"texts"``, ``"forecasts"``, or ``"arrays"``, which are not
            shown.
        monitor: `Monitor`.
        baselines_learn: whether `baselines` reads the training split.
    """

    record_kind = "arrays"
    monitor = Monitor("val_loss", higher_is_better=False)
    baselines_learn = True

    def __init__(self, recipe, dataset, predictor):
        self.recipe, self.dataset, self.predictor = recipe, dataset, predictor

    @abstractmethod
    def loss(self, outputs, targets):
        """Return the loss of a batch, a scalar tensor: the mean over `count` items, 0 if there are none."""

    @abstractmethod
    def validate(self):
        """Return a dict of scores on the validation split, for learning curves and `monitor`."""

    @abstractmethod
    def evaluate(self, split):
        """Return a dict of scores on a split, and the records of ``predictions.jsonl``."""

    def count(self, targets):
        """Return the number of items that the loss of a batch averages: examples, steps or tokens."""
        return tf.shape(targets)[0]

    def batch_metrics(self, outputs, targets):
        """Return a dict of metrics to show during training, as sums over the items of `count`."""
        return {}

    def baselines(self):
        """Return the scores of all baselines on the test split, by name."""
        return {}

    def scored(self, records):
        """Return the number of scored items of the test split, and their unit.

        Args:
            records: records that `evaluate` returned.
        """
        return len(records), "records"

    def settings(self):
        """Return the settings that scores depend on, such as tokenizer and decoding."""
        return self.dataset.settings()
