"""The training step and loop, which can stop and resume at any step."""

from rnn_apps.training.optimization import WeightAverage, learning_rate_schedule, make_optimizer
from rnn_apps.training.trainer import Interrupted, Trainer, TrainingFailed

__all__ = [
    "Interrupted",
    "Trainer",
    "TrainingFailed",
    "WeightAverage",
    "learning_rate_schedule",
    "make_optimizer",
]
