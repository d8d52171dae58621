"""The network that a recipe of translation describes."""

from rnn_apps.models.encoder_decoder import encoder_decoder, text_reader
from rnn_apps.tasks.cell import resolve_cell
from rnn_apps.tasks.decoder import make_decoder


def translator(recipe, dataset):
    """Return the `keras.Model` from source tokens and the target tokens so far to logits of the next."""
    model, preprocessing = recipe.model, dataset.preprocessing
    decoder = make_decoder(recipe, preprocessing.vocabulary.size, model.attention)
    encoder = text_reader(
        preprocessing.source_vocabulary.size,
        model.embedding,
        model.dropout,
        model.layer_dropout,
        recipe.seed,
        units=tuple(model.encoder_units),
        cell=resolve_cell(model.cell),
        recurrent_dropout=model.recurrent_dropout,
        compile=recipe.training.compile,
        recompute_every=recipe.training.recompute_every,
    )
    return encoder_decoder(encoder, decoder)
