"""The tagging task: one output at every step, a tag for every word of a sentence."""

from rnn_apps.data.word_vectors import cooccurrence_vectors
from rnn_apps.models.word_features import CharacterEncoder, word_feature_extractor
from rnn_apps.tasks.cell import resolve_cell
from rnn_apps.tasks.objectives.classes import StepClassObjective
from rnn_apps.tasks.step_predictor import step_classifier, training_model
from rnn_apps.tasks.tagging.dataset import TaggedSentences, TagPreprocessing
from rnn_apps.tasks.tagging.predictor import TagPredictor
from rnn_apps.tasks.task import Network, Task


def tagger(recipe, dataset):
    """Return the `Network` from word and character ids to logits at every step."""
    network = step_classifier(
        recipe, lambda: _word_feature_extractor(recipe, dataset), len(dataset.class_names)
    )
    return Network(network, training_model(recipe, network))


def _word_feature_extractor(recipe, dataset):
    """Return the model from word and character ids to word features."""
    model, seed, encoder = recipe.model, recipe.seed, dataset.preprocessing.encoder
    characters = None
    if model.characters is not None:
        characters = CharacterEncoder(
            encoder.num_characters,
            model.characters.embedding,
            model.characters.units,
            cell=resolve_cell(model.cell),
            compile=False,  # words are short, and have many shapes to compile
            seed=seed,
            name="character_encoder",
        )
    size, dropouts = encoder.vocabulary_size, (model.dropout, model.word_dropout)
    extractor = word_feature_extractor(size, model.embedding, characters, encoder.max_length, *dropouts, seed)
    if model.word_vectors == "cooccurrence":
        (words, *_), lengths, _ = dataset.encoded["train"]
        vectors = cooccurrence_vectors(words, lengths, size, model.embedding, seed=seed)
        extractor.get_layer("embedding").set_weights([vectors])
    return extractor


TASK = Task(TaggedSentences, tagger, StepClassObjective, TagPredictor, TagPreprocessing)
