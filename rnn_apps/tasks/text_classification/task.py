"""The text classification task: many-to-one, from a text to its class."""

from rnn_apps.tasks.objectives.classes import ClassObjective
from rnn_apps.tasks.task import Task
from rnn_apps.tasks.text_classification.dataset import TextDataset, TextPreprocessing
from rnn_apps.tasks.text_classification.network import text_classifier
from rnn_apps.tasks.text_classification.predictor import TextPredictor

TASK = Task(TextDataset, text_classifier, ClassObjective, TextPredictor, TextPreprocessing)
