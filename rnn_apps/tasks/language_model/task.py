"""The language model task: one output at every step, the next token."""

from rnn_apps.tasks.language_model.dataset import TextPreprocessing, TextStreams
from rnn_apps.tasks.language_model.network import next_token_model
from rnn_apps.tasks.language_model.objective import LanguageModelObjective
from rnn_apps.tasks.language_model.predictor import LanguageModelPredictor
from rnn_apps.tasks.task import Task

TASK = Task(TextStreams, next_token_model, LanguageModelObjective, LanguageModelPredictor, TextPreprocessing)
