"""The translation task: many-to-many, from a sentence to its translation."""

from rnn_apps.tasks.task import Task
from rnn_apps.tasks.translation.dataset import SentencePairs, TranslationPreprocessing
from rnn_apps.tasks.translation.network import translator
from rnn_apps.tasks.translation.predictor import TranslationObjective, TranslationPredictor

TASK = Task(SentencePairs, translator, TranslationObjective, TranslationPredictor, TranslationPreprocessing)
