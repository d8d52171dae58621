"""The tagging task: one output at every step, a tag for every word of a sentence."""

from rnn_apps.tasks.objectives.classes import StepClassObjective
from rnn_apps.tasks.tagging.dataset import TaggedSentences, TagPreprocessing
from rnn_apps.tasks.tagging.network import tagger
from rnn_apps.tasks.tagging.predictor import TagPredictor
from rnn_apps.tasks.task import Task

TASK = Task(TaggedSentences, tagger, StepClassObjective, TagPredictor, TagPreprocessing)
