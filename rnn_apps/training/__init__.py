"""The training step and loop, which can stop and resume at any step."""

from rnn_apps.training.optimization import WeightAverage, learning_rate_schedule, make_optimizer
from rnn_apps.training.state import check_divisible
from rnn_apps.training.stopping import Interrupted, Stopped
from rnn_apps.training.trainer import Trainer, TrainingFailed
from rnn_apps.training.workers import SINGLE, SingleProcess, WorkerLost, Workers

__all__ = [
    "SINGLE",
    "Interrupted",
    "SingleProcess",
    "Stopped",
    "Trainer",
    "TrainingFailed",
    "WeightAverage",
    "WorkerLost",
    "Workers",
    "check_divisible",
    "learning_rate_schedule",
    "make_optimizer",
]
