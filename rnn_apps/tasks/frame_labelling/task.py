"""The frame labelling task: one output at every step of a clip or a sensor stream."""

from rnn_apps.tasks.frame_labelling.dataset import FrameDataset, FramePreprocessing
from rnn_apps.tasks.frame_labelling.network import frame_labeller
from rnn_apps.tasks.frame_labelling.predictor import FramePredictor
from rnn_apps.tasks.objectives.classes import StepClassObjective
from rnn_apps.tasks.task import Task

TASK = Task(FrameDataset, frame_labeller, StepClassObjective, FramePredictor, FramePreprocessing)
