"""The network that a recipe of tagging describes."""

from rnn_apps.data.word_vectors import cooccurrence_vectors
from rnn_apps.models.word_reader import CharacterEncoder, word_reader
from rnn_apps.tasks.cell import resolve_cell
from rnn_apps.tasks.step_predictor import step_classifier, training_form
from rnn_apps.tasks.task import Network


def tagger(recipe, dataset):
    """Return the `Network` from numbers of words and characters to logits at every step."""
    network = step_classifier(recipe, lambda: _word_reader(recipe, dataset), len(dataset.class_names))
    return Network(network, training_form(recipe, network))


def _word_reader(recipe, dataset):
    """A vector of each word, and one that is read from its characters."""
    model, seed, encoder = recipe.model, recipe.seed, dataset.preprocessing.encoder
    characters = None
    if model.characters is not None:
        characters = CharacterEncoder(
            encoder.num_characters,
            model.characters.embedding,
            model.characters.units,
            cell=resolve_cell(model.cell),
            compile=False,  # few steps of many words: XLA gains little on many shapes
            seed=seed,
            name="character_reader",
        )
    size, dropouts = encoder.vocabulary_size, (model.dropout, model.word_dropout)
    reader = word_reader(size, model.embedding, characters, encoder.max_length, *dropouts, seed)
    if model.word_vectors == "cooccurrence":
        (words, *_), lengths, _ = dataset.encoded["train"]
        vectors = cooccurrence_vectors(words, lengths, size, model.embedding, seed=seed)
        reader.get_layer("embedding").set_weights([vectors])
    return reader
