"""What a tagger sees of each word: a vector of the word, and one that a recurrence reads from its letters."""

import keras
from keras import ops

from rnn_apps.layers import StackedRNN
from rnn_apps.layers.arguments import constructor_arguments, serialized_arguments
from rnn_apps.layers.stacked_rnn import cell_from_config
from rnn_apps.models.sequence_encoder import WordDropout


@keras.saving.register_keras_serializable(package="rnn_apps")
class CharacterEncoder(keras.layers.Layer):
    """Reads the characters of every word from both ends: a recurrent network inside of a recurrent network.

    Args:
        num_characters: character numbers; 0 is padding.
        embedding: width of a character's vector.
        units: size of the state, in each direction.
        cell, compile, seed: as in `StackedRNN`.

    Call arguments:
        characters: int ``(batch, steps, characters)``.

    Returns:
        ``(batch, steps, 2 * units)``: the last state of both directions; zeros for a word without characters.

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
        start = keras.initializers.RandomUniform(-0.05, 0.05, seed=seed)
        self.embedder = keras.layers.Embedding(
            num_characters, embedding, start, name="embedding", dtype=self.dtype_policy
        )
        self.reader = StackedRNN(
            units,
            cell=cell,
            bidirectional=True,
            compile=compile,
            seed=seed,
            name="reader",
            dtype=self.dtype_policy,
        )

    def build(self, shape):
        """Make all weights."""
        self.longest = shape[-1]
        self.embedder.build((None, shape[-1]))
        self.reader.build((None, shape[-1], self.embedding))
        self.built = True

    def call(self, characters, training=False):
        """Read all words of all sentences side by side."""
        shape = ops.shape(characters)
        letters = ops.reshape(characters, (-1, characters.shape[-1]))
        read = self.reader(self.embedder(letters), mask=ops.not_equal(letters, 0), training=training)
        return ops.reshape(read, (shape[0], shape[1], 2 * self.units))

    def compute_output_shape(self, shape):
        """One vector a word."""
        return (*shape[:2], 2 * self.units)

    def get_config(self):
        """Return all constructor arguments."""
        own = serialized_arguments(self, constructor_arguments(CharacterEncoder))
        return {**super().get_config(), **own, "cell": self.reader.get_config()["cell"]}

    @classmethod
    def from_config(cls, config):
        """Make the layer that `get_config` described."""
        return cls(**{**config, "cell": cell_from_config(config["cell"])})


def word_reader(
    vocabulary_size, embedding, characters=None, longest=20, dropout=0.0, word_dropout=0.0, seed=None
):
    """Return a `keras.Model` from word numbers, and those of their characters, to features and mask.

    Args:
        vocabulary_size: word numbers; 0 is padding, 1 an unknown word.
        embedding: width of a word's vector.
        characters: `CharacterEncoder`, or None to see words alone.
        longest: characters of a word that are given.
        dropout: part of the features dropped.
        word_dropout: part of the words replaced by the unknown word, whose characters stay.
        seed: of starts and masks.

    Returns:
        A model from int (batch, steps), and int (batch, steps, longest) where characters are read, to
        ``(batch, steps, features)`` and a bool mask ``(batch, steps)``.
    """
    words = keras.Input((None,), dtype="int32", name="words")
    start = keras.initializers.RandomUniform(-0.05, 0.05, seed=seed)
    x = WordDropout(word_dropout, seed=seed, name="word_dropout")(words) if word_dropout else words
    x = keras.layers.Embedding(vocabulary_size, embedding, start, name="embedding")(x)
    inputs = [words]
    if characters is not None:
        letters = keras.Input((None, longest), dtype="int32", name="characters")
        x = keras.layers.Concatenate(name="features")([x, characters(letters)])
        inputs.append(letters)
    x = keras.layers.Dropout(dropout, seed=seed, name="input_dropout")(x)
    return keras.Model(inputs if len(inputs) > 1 else words, [x, ops.not_equal(words, 0)])
