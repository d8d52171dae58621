"""A recurrent decoder: trained with teacher forcing on whole sequences, run token by token."""

from itertools import count

import keras
from keras import ops

from rnn_apps.layers import StackedRNN
from rnn_apps.layers.arguments import constructor_arguments, serialized_arguments
from rnn_apps.layers.stacked_rnn import cell_from_config

_ATTENTION = (None, "dot", "additive")
_SEED_OFFSET = 100  # `StackedRNN` uses the seeds that follow the first one


@keras.saving.register_keras_serializable(package="rnn_apps")
class SequenceDecoder(keras.layers.Layer):
    """A recurrent decoder, optionally with an initial state from a summary and attention over a memory.

    During training it reads the true tokens (teacher forcing), each recurrent layer in one pass over all
    steps. Attention follows the first recurrent layer, so that no step waits for it, and its output is an
    input of the layers above. `initial_state` and `step` run the same weights one token at a time, for
    `rnn_apps.models.decoding`.

    ======================= ================================================================
    s_t                     first recurrent layer over the embedded tokens, from `initial_state`
    c_t                     attention of W_q s_t over the memory, W_m m_j, if there is one
    h_t                     upper recurrent layers over [s_t; c_t]; s_t itself if there are none
    y_t                     W_y tanh(W_o [h_t; c_t]), or E tanh(...) with E the embedding if `tied`
    ======================= ================================================================

    Args:
        vocabulary_size: number of tokens.
        embedding: embedding dimension.
        units: size of the state, one entry per recurrent layer.
        cell: as in `StackedRNN`.
        attention: ``"dot"`` or ``"additive"`` (Keras layers), or None for no attention.
        tied: whether the output layer shares the embedding matrix; the layer before it then has `embedding`
            units.
        dropout: dropout rate of the embedded tokens and of the output layer's inputs.
        layer_dropout, recurrent_dropout, residual, compile, recompute_every: as in `StackedRNN`.
        seed: random seed of initializers and dropout.

    Call arguments:
        tokens: int (batch, steps), the tokens before those to predict.
        memory: ``(batch, positions, features)``, encoded image regions, frames or source tokens.
        summary: ``(batch, features)``, from which the initial state is computed; None for zeros.
        memory_mask: ``(batch, positions)`` bool, valid positions.
        training: bool.

    Returns:
        Logits of the next token at each step, float32 ``(batch, steps, vocabulary_size)``.

    Raises:
        ValueError: if an argument is out of range, or there is a memory without `attention` or the reverse.

    Reference:
        Sutskever et al., "Sequence to Sequence Learning" (2014); attention after the recurrence: Luong et
        al. (2015); additive score: Bahdanau et al. (2015); attention as an input of upper layers: Wu et al.,
        "Google's Neural Machine Translation System" (2016); tied weights: Press and Wolf (2017).
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
        dtype = {"dtype": self.dtype_policy}
        self._next_seed = count(0 if self.seed is None else self.seed + _SEED_OFFSET)
        initializer = keras.initializers.RandomUniform(-0.05, 0.05, seed=self.seed)
        self.embedder = keras.layers.Embedding(
            self.vocabulary_size, self.embedding, initializer, name="embedding", **dtype
        )
        self.drop = keras.layers.Dropout(self.dropout, seed=self.seed, **dtype)
        units = (self.units,) if isinstance(self.units, int) else tuple(self.units)
        lower = 1 if self.attention else len(units)
        self.recurrent = self._stack(units[:lower], "recurrent", self.seed)
        seed = None if self.seed is None else self.seed + 2 * lower
        self.upper = self._stack(units[lower:], "upper", seed) if units[lower:] else None
        self.units = units
        width = units[0]
        layers = {"dot": keras.layers.Attention, "additive": keras.layers.AdditiveAttention}
        if self.attention:
            self.attention_layer = layers[self.attention](name="attention", seed=self.seed, **dtype)
            self.query = self._dense(width, "query", use_bias=False)
            self.key = self._dense(width, "key", use_bias=False)
        self.initial_state_layers = [
            [
                self._dense(zeros.shape[1], f"initial_state_{layer}_{i}", activation="tanh")
                for i, zeros in enumerate(states)
            ]
            for layer, states in enumerate(self.zero_states(1))
        ]
        width = self.embedding if self.tied else units[-1]
        self.output_projection = self._dense(width, "output_projection", activation="tanh")
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
        seed = next(self._next_seed)  # equal seeds would give layers of equal shapes equal weights
        initializer = keras.initializers.GlorotUniform(seed=None if self.seed is None else seed)
        return keras.layers.Dense(
            width, kernel_initializer=initializer, name=name, dtype=self.dtype_policy, **options
        )

    def _stacks(self):
        return [stack for stack in (self.recurrent, self.upper) if stack is not None]

    def build(self, tokens_shape, memory_shape=None, summary_shape=None):
        """Create the weights for a memory (batch, positions, features) and a summary (batch, features)."""
        if (memory_shape is None) != (self.attention is None):
            raise ValueError(
                f"SequenceDecoder: attention={self.attention!r}: received memory of shape {memory_shape}, "
                f"expected {'a memory' if self.attention else 'none, because only attention reads it'}."
            )
        width, last = self.units[0], self.units[-1]
        self.embedder.build(tokens_shape)
        self.recurrent.build((None, None, self.embedding))
        if self.upper:
            self.upper.build((None, None, 2 * width))
        if self.attention:
            self.query.build((None, None, width))
            self.key.build(memory_shape)
            self.attention_layer.build([(None, None, width), (None, None, width), (None, None, width)])
        for layers in self.initial_state_layers if summary_shape is not None else ():
            for layer in layers:
                layer.build(summary_shape)
        self.output_projection.build((None, None, last + width if self.attention else last))
        if self.tied:
            self.bias = self.add_weight(name="bias", shape=(self.vocabulary_size,), initializer="zeros")
        else:
            self.logits.build((None, None, last))
        self.built = True

    def call(self, tokens, memory=None, summary=None, memory_mask=None, training=False):
        """Return the logits of all steps, given the true tokens (teacher forcing)."""
        return self.attend(tokens, memory, summary, memory_mask, training)[0]

    def attend(self, tokens, memory=None, summary=None, memory_mask=None, training=False):
        """Return the logits, and the attention weights (batch, steps, positions) or None."""
        states = None if summary is None else self.initial_state(summary)
        context = self.project_memory(memory, memory_mask)
        logits, _, weights = self.forward_from_state(tokens, states, context, None, training)
        return logits, weights

    def initial_state(self, summary):
        """Return the initial states of all layers for a summary ``(batch, features)``."""
        if self.built and not self.initial_state_layers[0][0].built:
            raise ValueError(
                "SequenceDecoder: summary: received one, expected none, as in the first call, "
                "which created the weights."
            )
        return tuple(tuple(layer(summary) for layer in layers) for layers in self.initial_state_layers)

    def zero_states(self, batch):
        """Return initial states of zeros, used without a summary."""
        return sum((stack.zero_states(batch) for stack in self._stacks()), ())

    def project_memory(self, memory=None, memory_mask=None):
        """Return the context of `step`, the attention's keys and mask of a memory; () without a memory."""
        if memory is None:
            return ()
        if not self.attention:
            raise ValueError(
                "SequenceDecoder: memory: received one, expected none, because only attention reads it."
            )
        mask = ops.ones(ops.shape(memory)[:2], "bool") if memory_mask is None else memory_mask
        return self.key(memory), mask

    def step(self, tokens, states, context=()):
        """Return logits and new states for tokens int (rows,), states, and context of `project_memory`."""
        logits, states, _ = self.step_with_attention(tokens, states, context)
        return logits, states

    def step_with_attention(self, tokens, states, context=()):
        """As `step`, and the attention weights ``(rows, positions)``, None without attention."""
        logits, states, weights = self.forward_from_state(tokens[:, None], states, context)
        return logits[:, 0], states, None if weights is None else weights[:, 0]

    def forward_from_state(self, tokens, states, context=(), mask=None, training=False):
        """Continue from given states with several tokens.

        Args:
            tokens: int (batch, steps).
            states, context: as in `step`; states may be None for zeros.
            mask: (batch, steps) bool; padded steps leave the states unchanged.
            training: bool.

        Returns:
            Logits (batch, steps, vocabulary), the states after the last token, and the attention weights
            (batch, steps, positions), None without attention.
        """
        return self.forward_embedded(self.embedder(tokens), states, context, mask, training)

    def forward_embedded(self, embedded, states, context=(), mask=None, training=False):
        """As `forward_from_state`, for tokens that are embedded already, (batch, steps, embedding)."""
        lower = len(self.recurrent.layers)
        first, others = (None, None) if states is None else (states[:lower], states[lower:])
        embedded = self.drop(embedded, training=training)
        h, states = self.recurrent(embedded, initial_state=first, mask=mask, training=training)
        weights, attended = None, []
        if context:
            keys, mask = context
            inputs = [self.query(h), keys, keys]
            output, weights = self.attention_layer(inputs, mask=[None, mask], return_attention_scores=True)
            attended = [output]
        if self.upper:
            inputs = ops.concatenate([h, *attended], axis=-1)
            h, upper_states = self.upper(inputs, initial_state=others, training=training)
            states = (*states, *upper_states)
        return self._logits(ops.concatenate([h, *attended], axis=-1), training), states, weights

    def _logits(self, h, training):
        x = self.drop(self.output_projection(h), training=training)
        if not self.tied:
            return ops.cast(self.logits(x), "float32")
        logits = ops.matmul(x, ops.transpose(ops.cast(self.embedder.embeddings, x.dtype)))
        return ops.cast(logits, "float32") + ops.cast(self.bias, "float32")

    def compute_mask(self, inputs, previous_mask=None):
        """No mask: the loss ignores padding."""
        return None

    def get_config(self):
        """Return all constructor arguments."""
        own = serialized_arguments(self, constructor_arguments(SequenceDecoder))
        return {**super().get_config(), **own, "cell": self.recurrent.get_config()["cell"]}

    @classmethod
    def from_config(cls, config):
        """Create a layer from its config."""
        return cls(**{**config, "cell": cell_from_config(config["cell"])})
