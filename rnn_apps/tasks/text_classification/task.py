"""The text classification task: many-to-one, from a text to its class."""

from rnn_apps.data.word_vectors import cooccurrence_vectors
from rnn_apps.models.sequence_encoder import sequence_encoder
from rnn_apps.tasks.cell import model_errors, recurrent_options
from rnn_apps.tasks.objectives.classes import ClassObjective
from rnn_apps.tasks.task import Task
from rnn_apps.tasks.text_classification.dataset import TextDataset, TextPreprocessing
from rnn_apps.tasks.text_classification.predictor import TextPredictor


def text_classifier(recipe, dataset):
    """Return the `keras.Model` from word ids (batch, steps) to logits (batch, classes)."""
    model, size = recipe.model, dataset.preprocessing.encoder.vocabulary_size
    vectors = None
    if model.word_vectors == "cooccurrence":
        words, lengths, *_ = dataset.encoded["train"]
        vectors = cooccurrence_vectors(words, lengths, size, model.embedding, seed=recipe.seed)
    with model_errors(model.cell):
        return sequence_encoder(
            size,
            len(dataset.class_names),
            embedding=model.embedding,
            units=model.units,
            bidirectional=model.bidirectional,
            pooling=model.pooling,
            dropout=model.dropout,
            layer_dropout=model.layer_dropout,
            word_dropout=model.word_dropout,
            word_vectors=vectors,
            seed=recipe.seed,
            residual=model.residual,
            **recurrent_options(recipe),
        )


TASK = Task(TextDataset, text_classifier, ClassObjective, TextPredictor, TextPreprocessing)
