"""Creates the decoder of a recipe, and its vocabulary."""

from rnn_apps.data.tokenizer import Tokenizer
from rnn_apps.errors import UserError
from rnn_apps.models.sequence_decoder import SequenceDecoder
from rnn_apps.tasks.cell import model_errors, recurrent_options


def learn_vocabulary(texts, unit, size, min_count=1):
    """Return the `Tokenizer` of the training texts; see `Tokenizer.learn` for the arguments.

    Raises:
        UserError: if no token is frequent enough.
    """
    vocabulary = Tokenizer.learn(texts, unit, size, min_count)
    if not vocabulary.tokens:
        raise UserError(
            "data.min_count", received=str(min_count), expected="less, because no token is that frequent"
        )
    return vocabulary


def make_decoder(recipe, vocabulary_size, attention=None):
    """Return the `SequenceDecoder` of a recipe.

    Args:
        recipe: `Recipe` whose `model` has `DecoderSettings`.
        vocabulary_size: number of tokens, including reserved ones.
        attention: kind of attention, or None.

    Raises:
        UserError: if a setting is invalid, or there is no such cell.
    """
    model = recipe.model
    with model_errors(model.cell):
        return SequenceDecoder(
            vocabulary_size,
            embedding=model.embedding,
            units=tuple(model.units),
            attention=attention,
            tied=model.tied,
            dropout=model.dropout,
            layer_dropout=model.layer_dropout,
            residual=model.residual,
            seed=recipe.seed,
            **recurrent_options(recipe),
            name="decoder",
        )
