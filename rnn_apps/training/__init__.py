"""Our own training step and loop, stopped and taken up at any step."""

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
