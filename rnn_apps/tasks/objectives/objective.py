"""What a network is trained for: loss, metrics, scores and baselines."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import tensorflow as tf


class Monitor(NamedTuple):
    """The validation metric by which the best weights are chosen.

    Attributes:
        name: a key of what `Objective.validate` returns.
        higher_is_better: bool.
    """

    name: str
    higher_is_better: bool


class Objective(ABC):
    """What a network is trained for, and how well it does.

    Args:
        recipe: `Recipe`.
        dataset: `Dataset` with its splits.
        predictor: `Predictor` of the network.

    Attributes:
        record_kind: what the records of `evaluate` are, by which the report shows them: ``"classes"``,
            ``"step_classes"``, ``"texts"``, ``"forecasts"``; ``"arrays"`` are not shown.
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
        """Return the mean loss of a batch, over what `count` counts: a scalar tensor."""

    @abstractmethod
    def validate(self):
        """Return name to score on the validation split, for the curves and for `monitor`."""

    @abstractmethod
    def evaluate(self, split):
        """Return the scores on a split, and its examples as ``predictions.jsonl`` has them."""

    def count(self, targets):
        """Return over how much the loss of a batch is the mean: examples, steps or tokens."""
        return tf.shape(targets)[0]

    def batch_metrics(self, outputs, targets):
        """Return name to the sum, over what `count` counts, of what is shown while training."""
        return {}

    def baselines(self):
        """Return baseline name to scores on the test split."""
        return {}

    def scored(self, records):
        """Return how much of the test split `evaluate` scored, and the unit of that number.

        Args:
            records: that `evaluate` returned.
        """
        return len(records), "records"

    def settings(self):
        """Return what has to be known to compare scores: the tokenizer, the decoding and the like."""
        return self.dataset.settings()
