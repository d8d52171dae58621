"""The translation task: many-to-many, from a sentence to its translation."""

from rnn_apps.models.encoder_decoder import encoder_decoder, token_encoder
from rnn_apps.tasks.cell import recurrent_options
from rnn_apps.tasks.decoder import make_decoder
from rnn_apps.tasks.task import Task
from rnn_apps.tasks.translation.dataset import SentencePairs, TranslationPreprocessing
from rnn_apps.tasks.translation.predictor import TranslationObjective, TranslationPredictor


def translator(recipe, dataset):
    """Return the `keras.Model` from source tokens and previous target tokens to logits of the next one."""
    model, preprocessing = recipe.model, dataset.preprocessing
    decoder = make_decoder(recipe, preprocessing.vocabulary.size, model.attention)
    encoder = token_encoder(
        preprocessing.source_vocabulary.size,
        model.embedding,
        model.dropout,
        model.layer_dropout,
        recipe.seed,
        units=tuple(model.encoder_units),
        **recurrent_options(recipe),
    )
    return encoder_decoder(encoder, decoder)


TASK = Task(SentencePairs, translator, TranslationObjective, TranslationPredictor, TranslationPreprocessing)
