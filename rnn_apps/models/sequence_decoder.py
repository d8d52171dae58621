"""Words out: a recurrent decoder that is trained on whole sequences and writes token by token."""

from itertools import count

import keras
from keras import ops

from rnn_apps.layers import StackedRNN
from rnn_apps.layers.arguments import constructor_arguments, serialized_arguments
from rnn_apps.layers.stacked_rnn import cell_from_config

_ATTENTION = (None, "dot", "additive")
_SEEDS_OF_THE_STACK = 100  # `StackedRNN` counts its own from the seed on


@keras.saving.register_keras_serializable(package="rnn_apps")
class SequenceDecoder(keras.layers.Layer):
    """A language model that begins from a summary and looks at a memory.

    While training it reads the true tokens (teacher forcing), each level in one pass of the engine: attention
    comes after the first level and before the others, so that no step waits for it, and what was seen enters
    the state of the levels above. `begin` and `step` run the same weights one token at a time for
    `rnn_apps.models.decoding`.

    ======================= ================================================================
    s_t                     first level of recurrence over the embedded tokens, from the states of `begin`
    c_t                     attention of W_q s_t over the memory, W_m m_j, where there is one
    h_t                     the levels above over [s_t; c_t]; s_t itself where there are none
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
        layer_dropout, recurrent_dropout, residual, compile, recompute_every: as in `StackedRNN`.
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
        al. (2015), additive score of Bahdanau et al. (2015); what was seen in the levels above of Wu et al.,
        "Google's Neural Machine Translation System" (2016); tied weights of Press and Wolf (2017).
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
        layer_dropout=0.0,
        recurrent_dropout=0.0,
        residual=False,
        compile="auto",
        recompute_every=None,
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
        self.layer_dropout, self.recurrent_dropout = layer_dropout, recurrent_dropout
        self.residual, self.compile, self.seed = residual, compile, seed
        self.recompute_every = recompute_every
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
        units = (self.units,) if isinstance(self.units, int) else tuple(self.units)
        below = 1 if self.attention else len(units)
        self.recurrent = self._stack(units[:below], "recurrent", self.seed)
        seed = None if self.seed is None else self.seed + 2 * below
        self.above = self._stack(units[below:], "above", seed) if units[below:] else None
        self.units = units
        width = units[0]
        layers = {"dot": keras.layers.Attention, "additive": keras.layers.AdditiveAttention}
        if self.attention:
            self.look = layers[self.attention](name="attention", seed=self.seed, **part)
            self.query = self._dense(width, "query", use_bias=False)
            self.key = self._dense(width, "key", use_bias=False)
        self.openings = [
            [
                self._dense(zero.shape[1], f"begin_{level}_{i}", activation="tanh")
                for i, zero in enumerate(zeros)
            ]
            for level, zeros in enumerate(self.zero_states(1))
        ]
        joint = self.embedding if self.tied else units[-1]
        self.join = self._dense(joint, "join", activation="tanh")
        self.logits = None if self.tied else self._dense(self.vocabulary_size, "logits")

    def _stack(self, units, name, seed):
        return StackedRNN(
            units,
            cell=self.cell,
            dropout=self.layer_dropout,
            recurrent_dropout=self.recurrent_dropout,
            residual=self.residual,
            return_sequences=True,
            return_state=True,
            compile=self.compile,
            recompute_every=self.recompute_every,
            seed=seed,
            name=name,
            dtype=self.dtype_policy,
        )

    def _dense(self, width, name, **options):
        seed = next(self._next_seed)  # equal seeds would make equal weights of equal shapes
        start = keras.initializers.GlorotUniform(seed=None if self.seed is None else seed)
        return keras.layers.Dense(
            width, kernel_initializer=start, name=name, dtype=self.dtype_policy, **options
        )

    def _stacks(self):
        return [stack for stack in (self.recurrent, self.above) if stack is not None]

    def build(self, tokens_shape, memory_shape=None, summary_shape=None):
        """Make all weights for a memory ``(batch, places, features)`` and a summary ``(batch, features)``."""
        if (memory_shape is None) != (self.attention is None):
            raise ValueError(
                f"SequenceDecoder: attention={self.attention!r}: received memory of shape {memory_shape}, "
                f"expected {'a memory' if self.attention else 'none: attention is what reads it'}."
            )
        width, last = self.units[0], self.units[-1]
        self.embedder.build(tokens_shape)
        self.recurrent.build((None, None, self.embedding))
        if self.above:
            self.above.build((None, None, 2 * width))
        if self.attention:
            self.query.build((None, None, width))
            self.key.build(memory_shape)
            self.look.build([(None, None, width), (None, None, width), (None, None, width)])
        for level in self.openings if summary_shape is not None else ():
            for opening in level:
                opening.build(summary_shape)
        self.join.build((None, None, last + width if self.attention else last))
        if self.tied:
            self.bias = self.add_weight(name="bias", shape=(self.vocabulary_size,), initializer="zeros")
        else:
            self.logits.build((None, None, last))
        self.built = True

    def call(self, tokens, memory=None, summary=None, memory_mask=None, training=False):
        """Teacher forcing: the logits of all steps at once."""
        return self.attend(tokens, memory, summary, memory_mask, training)[0]

    def attend(self, tokens, memory=None, summary=None, memory_mask=None, training=False):
        """As a call, and the attention weights ``(batch, steps, places)``, None without attention."""
        states = None if summary is None else self.begin(summary)
        logits, _, weights = self.read_on(tokens, states, self.remember(memory, memory_mask), None, training)
        return logits, weights

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
        return sum((stack.zero_states(batch) for stack in self._stacks()), ())

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
        logits, states, weights = self.read_on(tokens[:, None], states, context)
        return logits[:, 0], states, None if weights is None else weights[:, 0]

    def read_on(self, tokens, states, context=(), mask=None, training=False):
        """Read several true tokens after what the states have read.

        Args:
            tokens: int (batch, steps).
            states, context: as for `step`; states None for zeros.
            mask: (batch, steps) bool; what is not there leaves the states as they are.
            training: bool.

        Returns:
            Logits (batch, steps, vocabulary), the states after the last token, and the attention weights
            (batch, steps, places), None without attention.
        """
        below = len(self.recurrent.levels)
        first, others = (None, None) if states is None else (states[:below], states[below:])
        vectors = self.drop(self.embedder(tokens), training=training)
        h, states = self.recurrent(vectors, initial_state=first, mask=mask, training=training)
        weights, seen = None, []
        if context:
            keys, mask = context
            asked = [self.query(h), keys, keys]
            found, weights = self.look(asked, mask=[None, mask], return_attention_scores=True)
            seen = [found]
        if self.above:
            h, above = self.above(
                ops.concatenate([h, *seen], axis=-1), initial_state=others, training=training
            )
            states = (*states, *above)
        return self._logits(ops.concatenate([h, *seen], axis=-1), training), states, weights

    def _logits(self, h, training):
        joined = self.drop(self.join(h), training=training)
        if not self.tied:
            return ops.cast(self.logits(joined), "float32")
        logits = ops.matmul(joined, ops.transpose(ops.cast(self.embedder.embeddings, joined.dtype)))
        return ops.cast(logits, "float32") + ops.cast(self.bias, "float32")

    def compute_mask(self, inputs, previous_mask=None):
        """Padding is for the loss to leave out."""
        return None

    def get_config(self):
        """Return all constructor arguments."""
        own = serialized_arguments(self, constructor_arguments(SequenceDecoder))
        return {**super().get_config(), **own, "cell": self.recurrent.get_config()["cell"]}

    @classmethod
    def from_config(cls, config):
        """Make the layer that `get_config` described."""
        return cls(**{**config, "cell": cell_from_config(config["cell"])})
