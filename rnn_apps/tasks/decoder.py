"""The decoder that a recipe describes, and its vocabulary."""

from rnn_apps.data.tokenizer import Tokenizer
from rnn_apps.errors import UserError
from rnn_apps.models.sequence_decoder import SequenceDecoder
from rnn_apps.tasks.cell import model_errors, resolve_cell


def learn_vocabulary(texts, unit, size, min_count=1):
    """Return the `Tokenizer` of the training texts; the arguments are those of `Tokenizer.learn`.

    Raises:
        UserError: no token is frequent enough.
    """
    vocabulary = Tokenizer.learn(texts, unit, size, min_count)
    if not vocabulary.tokens:
        raise UserError("data.min_count", received=str(min_count), expected="less: no token comes that often")
    return vocabulary


def make_decoder(recipe, vocabulary_size, attention=None):
    """Return the `SequenceDecoder` that `DecoderSettings` ask for.

    Args:
        recipe: whose `model` they are.
        vocabulary_size: tokens, with the reserved ones.
        attention: as the settings say, or None where there is nothing to attend to.

    Raises:
        UserError: the layer refuses a setting, or there is no such cell.
    """
    model = recipe.model
    with model_errors(model.cell):
        return SequenceDecoder(
            vocabulary_size,
            embedding=model.embedding,
            units=tuple(model.units),
            cell=resolve_cell(model.cell),
            attention=attention,
            tied=model.tied,
            dropout=model.dropout,
            layer_dropout=model.layer_dropout,
            recurrent_dropout=model.recurrent_dropout,
            residual=model.residual,
            compile=recipe.training.compile,
            recompute_every=recipe.training.recompute_every,
            seed=recipe.seed,
            name="decoder",
        )
