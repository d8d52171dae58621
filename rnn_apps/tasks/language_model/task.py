"""The language model task: one output at every step, the next token."""

from rnn_apps.models.language_model import language_model, window_model
from rnn_apps.tasks.decoder import make_decoder
from rnn_apps.tasks.language_model.dataset import TextPreprocessing, TextStreams
from rnn_apps.tasks.language_model.objective import LanguageModelObjective
from rnn_apps.tasks.language_model.predictor import LanguageModelPredictor
from rnn_apps.tasks.task import Network, Task


def next_token_model(recipe, dataset):
    """Return the `Network` from tokens to logits of the next one, which carries its states in training."""
    decoder = make_decoder(recipe, dataset.preprocessing.vocabulary.size)
    return Network(language_model(decoder), window_model(decoder, recipe.training.batch_size))


TASK = Task(TextStreams, next_token_model, LanguageModelObjective, LanguageModelPredictor, TextPreprocessing)
