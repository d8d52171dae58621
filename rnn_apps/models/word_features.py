"""Word features of a tagger: a word embedding, and an encoding of the word's characters."""

import keras
from keras import ops

from rnn_apps.layers import StackedRNN
from rnn_apps.layers.arguments import constructor_arguments, serialized_arguments
from rnn_apps.layers.stacked_rnn import cell_from_config
from rnn_apps.models.sequence_encoder import WordDropout


@keras.saving.register_keras_serializable(package="rnn_apps")
class CharacterEncoder(keras.layers.Layer):
    """Encodes the characters of each word with a bidirectional recurrent layer.

    Args:
        num_characters: number of character ids; 0 is padding.
        embedding: embedding dimension of characters.
        units: size of the state in each direction.
        cell, compile, seed: as in `StackedRNN`.

    Call arguments:
        characters: int ``(batch, steps, characters)``.

    Returns:
        ``(batch, steps, 2 * units)``, the last states of both directions; zeros for words without characters.

    Reference:
        Ling et al., "Finding Function in Form: Compositional Character Models for Open Vocabulary Word
        Representation" (2015).
    """

    def __init__(
        self, num_characters, embedding=32, units=64, cell="gru", compile="auto", seed=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.num_characters, self.embedding, self.units = num_characters, embedding, units
        self.cell, self.compile, self.seed = cell, compile, seed
        self.supports_jit = False
        initializer = keras.initializers.RandomUniform(-0.05, 0.05, seed=seed)
        self.embedder = keras.layers.Embedding(
            num_characters, embedding, initializer, name="embedding", dtype=self.dtype_policy
        )
        self.recurrent = StackedRNN(
            units,
            cell=cell,
            bidirectional=True,
            compile=compile,
            seed=seed,
            name="recurrent",
            dtype=self.dtype_policy,
        )

    def build(self, shape):
        """Create all weights."""
        self.max_length = shape[-1]
        self.embedder.build((None, shape[-1]))
        self.recurrent.build((None, shape[-1], self.embedding))
        self.built = True

    def call(self, characters, training=False):
        """Encode all words of all sentences in one batch."""
        shape = ops.shape(characters)
        words = ops.reshape(characters, (-1, characters.shape[-1]))
        encoded = self.recurrent(self.embedder(words), mask=ops.not_equal(words, 0), training=training)
        return ops.reshape(encoded, (shape[0], shape[1], 2 * self.units))

    def compute_output_shape(self, shape):
        """One vector per word."""
        return (*shape[:2], 2 * self.units)

    def get_config(self):
        """Return all constructor arguments."""
        own = serialized_arguments(self, constructor_arguments(CharacterEncoder))
        return {**super().get_config(), **own, "cell": self.recurrent.get_config()["cell"]}

    @classmethod
    def from_config(cls, config):
        """Create a layer from its config."""
        return cls(**{**config, "cell": cell_from_config(config["cell"])})


def word_feature_extractor(
    vocabulary_size, embedding, characters=None, max_characters=20, dropout=0.0, word_dropout=0.0, seed=None
):
    """Return a `keras.Model` from word ids, and optionally character ids, to word features and a mask.

    Args:
        vocabulary_size: number of word ids; 0 is padding, 1 the unknown word.
        embedding: embedding dimension of words.
        characters: `CharacterEncoder`, or None to use words only.
        max_characters: number of characters per word.
        dropout: dropout rate of the features.
        word_dropout: probability of replacing a word by the unknown word; its characters stay.
        seed: random seed of initializers and dropout.

    Returns:
        A model from int (batch, steps), and int (batch, steps, max_characters) with `characters`, to
        ``(batch, steps, features)`` and a bool mask ``(batch, steps)``.
    """
    words = keras.Input((None,), dtype="int32", name="words")
    initializer = keras.initializers.RandomUniform(-0.05, 0.05, seed=seed)
    x = WordDropout(word_dropout, seed=seed, name="word_dropout")(words) if word_dropout else words
    x = keras.layers.Embedding(vocabulary_size, embedding, initializer, name="embedding")(x)
    inputs = [words]
    if characters is not None:
        character_ids = keras.Input((None, max_characters), dtype="int32", name="characters")
        x = keras.layers.Concatenate(name="features")([x, characters(character_ids)])
        inputs.append(character_ids)
    x = keras.layers.Dropout(dropout, seed=seed, name="input_dropout")(x)
    return keras.Model(inputs if len(inputs) > 1 else words, [x, ops.not_equal(words, 0)])
