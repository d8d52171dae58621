"""Words out: a recurrent decoder that is trained on whole sequences and writes token by token."""

from itertools import count

import keras
import tensorflow as tf
from keras import ops

from rnn_apps.layers import StackedRNN
from rnn_apps.layers.stacked_rnn import cell_from_config

__all__ = ["SequenceDecoder"]

_ATTENTION = (None, "dot", "additive")
_SEEDS_OF_THE_STACK = 100  # `StackedRNN` counts its own from the seed on


@keras.saving.register_keras_serializable(package="rnn_apps")
class SequenceDecoder(keras.layers.Layer):
    """A language model that begins from a summary and looks at a memory.

    While training it reads the true tokens (teacher forcing) in one pass of the engine; attention comes after
    the recurrence, so that no step waits for it. `begin` and `step` run the same weights one token at a time
    for `rnn_apps.models.decoding`.

    ======================= ================================================================
    h_t                     stacked recurrence over the embedded tokens, from the states of `begin`
    c_t                     attention of W_q h_t over the memory, W_m m_j, where there is one
    y_t                     W_y tanh(W_o [h_t; c_t]), or E tanh(...) with E the embedding if `tied`
    ======================= ================================================================

    Args:
        vocabulary_size: tokens.
        embedding: width of a token's vector.
        units: size of the state, one entry a level.
        cell: as in `StackedRNN`.
        attention: ``"dot"`` or ``"additive"`` (Keras' layers), or None: no memory is looked at.
        tied: the output's matrix is the embedding's, which makes the layer before it `embedding` wide.
        dropout: of the embedded tokens and of what enters the output.
        level_dropout, recurrent_dropout, residual, compile: as in `StackedRNN`.
        seed: of all starts and masks.

    Call arguments:
        tokens: int (batch, steps), what has been written before each step.
        memory: ``(batch, places, features)``: image regions, frames or source words.
        summary: ``(batch, features)`` from which the states begin; zeros without one.
        memory_mask: ``(batch, places)`` bool, the places that exist.
        training: bool.

    Returns:
        Logits ``(batch, steps, vocabulary_size)``, float32: of the token that comes next at each step.

    Raises:
        ValueError: an argument is out of range; a memory without `attention`, or `attention` without one.

    Reference:
        Sutskever et al., "Sequence to Sequence Learning" (2014); attention after the recurrence of Luong et
        al. (2015), additive score of Bahdanau et al. (2015); tied weights of Press and Wolf (2017).
    """

    def __init__(
        self,
        vocabulary_size,
        embedding=256,
        units=(256,),
        cell="gru",
        attention=None,
        tied=False,
        dropout=0.0,
        level_dropout=0.0,
        recurrent_dropout=0.0,
        residual=False,
        compile="auto",
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if attention not in _ATTENTION:
            raise ValueError(
                f"SequenceDecoder: attention: received {attention!r}, expected dot, additive or None."
            )
        self.vocabulary_size, self.embedding, self.units = vocabulary_size, embedding, units
        self.cell, self.attention, self.tied, self.dropout = cell, attention, tied, dropout
        self.level_dropout, self.recurrent_dropout = level_dropout, recurrent_dropout
        self.residual, self.compile, self.seed = residual, compile, seed
        self.supports_masking, self.supports_jit = True, False
        self._make_layers()

    def _make_layers(self):
        part = {"dtype": self.dtype_policy}
        self._next_seed = count(0 if self.seed is None else self.seed + _SEEDS_OF_THE_STACK)
        start = keras.initializers.RandomUniform(-0.05, 0.05, seed=self.seed)
        self.embedder = keras.layers.Embedding(
            self.vocabulary_size, self.embedding, start, name="embedding", **part
        )
        self.drop = keras.layers.Dropout(self.dropout, seed=self.seed, **part)
        self.recurrent = StackedRNN(
            self.units,
            cell=self.cell,
            dropout=self.level_dropout,
            recurrent_dropout=self.recurrent_dropout,
            residual=self.residual,
            return_sequences=True,
            return_state=True,
            compile=self.compile,
            seed=self.seed,
            name="recurrent",
            **part,
        )
        self.units = self.recurrent.units
        width = self.units[-1]
        layers = {"dot": keras.layers.Attention, "additive": keras.layers.AdditiveAttention}
        if self.attention:
            self.look = layers[self.attention](name="attention", seed=self.seed, **part)
            self.query = self._dense(width, "query", use_bias=False)
            self.key = self._dense(width, "key", use_bias=False)
        self.openings = [
            [self._dense(size, f"begin_{level}_{i}", activation="tanh") for i, size in enumerate(sizes)]
            for level, sizes in enumerate(self._state_sizes())
        ]
        joint = self.embedding if self.tied else width
        self.join = self._dense(joint, "join", activation="tanh")
        self.logits = None if self.tied else self._dense(self.vocabulary_size, "logits")

    def _dense(self, width, name, **options):
        seed = next(self._next_seed)  # equal seeds would make equal weights of equal shapes
        start = keras.initializers.GlorotUniform(seed=None if self.seed is None else seed)
        return keras.layers.Dense(
            width, kernel_initializer=start, name=name, dtype=self.dtype_policy, **options
        )

    def _state_sizes(self):
        sizes = [level[0].state_size for level in self.recurrent.levels]
        return [size if isinstance(size, (list, tuple)) else [size] for size in sizes]

    def build(self, tokens_shape, memory_shape=None, summary_shape=None):
        """Make all weights for a memory ``(batch, places, features)`` and a summary ``(batch, features)``."""
        if (memory_shape is None) != (self.attention is None):
            raise ValueError(
                f"SequenceDecoder: attention={self.attention!r}: received memory of shape {memory_shape}, "
                f"expected {'a memory' if self.attention else 'none: attention is what reads it'}."
            )
        width = self.units[-1]
        self.embedder.build(tokens_shape)
        self.recurrent.build((None, None, self.embedding))
        if self.attention:
            self.query.build((None, None, width))
            self.key.build(memory_shape)
            self.look.build([(None, None, width), (None, None, width), (None, None, width)])
        for level in self.openings if summary_shape is not None else ():
            for opening in level:
                opening.build(summary_shape)
        self.join.build((None, None, 2 * width if self.attention else width))
        if self.tied:
            self.bias = self.add_weight(name="bias", shape=(self.vocabulary_size,), initializer="zeros")
        else:
            self.logits.build((None, None, width))
        self.built = True

    def call(self, tokens, memory=None, summary=None, memory_mask=None, training=False):
        """Teacher forcing: the logits of all steps at once."""
        return self.attend(tokens, memory, summary, memory_mask, training)[0]

    def attend(self, tokens, memory=None, summary=None, memory_mask=None, training=False):
        """As a call, and the attention weights ``(batch, steps, places)``, None without attention."""
        states = None if summary is None else self.begin(summary)
        h, _ = self._recur(tokens, states, training)
        return self._answer(h, self.remember(memory, memory_mask), training)

    def begin(self, summary):
        """Return the states of all levels before the first token, from ``(batch, features)``."""
        if self.built and not self.openings[0][0].built:
            raise ValueError(
                "SequenceDecoder: summary: received one, expected none, as in the first call, "
                "which made the weights."
            )
        return tuple(tuple(opening(summary) for opening in level) for level in self.openings)

    def zero_states(self, batch):
        """Return states of zeros, as `begin` would without a summary."""
        return tuple(
            tuple(tf.zeros([batch, size], self.compute_dtype) for size in level)
            for level in self._state_sizes()
        )

    def remember(self, memory=None, memory_mask=None):
        """Return what attention reads of a memory, once for all steps: the context of `step`, or ()."""
        if memory is None:
            return ()
        if not self.attention:
            raise ValueError(
                "SequenceDecoder: memory: received one, expected none: attention is what reads it."
            )
        mask = ops.ones(ops.shape(memory)[:2], "bool") if memory_mask is None else memory_mask
        return self.key(memory), mask

    def step(self, tokens, states, context=()):
        """Write on: tokens int (rows,), states of `begin`, context of `remember`; logits and new states."""
        logits, states, _ = self.step_with_attention(tokens, states, context)
        return logits, states

    def step_with_attention(self, tokens, states, context=()):
        """As `step`, and the attention weights ``(rows, places)``, None without attention."""
        h, states = self._recur(tokens[:, None], states, training=False)
        logits, weights = self._answer(h, context, training=False)
        return logits[:, 0], states, None if weights is None else weights[:, 0]

    def _recur(self, tokens, states, training):
        vectors = self.drop(self.embedder(tokens), training=training)
        return self.recurrent(vectors, initial_state=states, training=training)

    def _answer(self, h, context, training):
        """Logits (batch, steps, vocabulary) from h (batch, steps, units), and attention weights or None."""
        weights = None
        if context:
            keys, mask = context
            asked = [self.query(h), keys, keys]
            seen, weights = self.look(asked, mask=[None, mask], return_attention_scores=True)
            h = ops.concatenate([h, seen], axis=-1)
        joined = self.drop(self.join(h), training=training)
        if not self.tied:
            return ops.cast(self.logits(joined), "float32"), weights
        logits = ops.matmul(joined, ops.transpose(ops.cast(self.embedder.embeddings, joined.dtype)))
        return ops.cast(logits, "float32") + ops.cast(self.bias, "float32"), weights

    def compute_mask(self, inputs, previous_mask=None):
        """Padding is for the loss to leave out."""
        return None

    def get_config(self):
        """Return all constructor arguments."""
        names = ("vocabulary_size", "embedding", "units", "cell", "attention", "tied", "dropout")
        names += ("level_dropout", "recurrent_dropout", "residual", "compile", "seed")
        own = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **own, "cell": self.recurrent.get_config()["cell"]}

    @classmethod
    def from_config(cls, config):
        """Make the layer that `get_config` described."""
        return cls(**{**config, "cell": cell_from_config(config["cell"])})
