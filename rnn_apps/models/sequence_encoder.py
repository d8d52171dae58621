"""Many-to-one networks: token ids in, class logits out."""

from functools import partial

import keras
import tensorflow as tf
from keras import ops

from rnn_apps.layers import StackedRNN
from rnn_apps.layers.compilation import LoopCompiler, is_differentiated
from rnn_apps.layers.custom_gradient import with_gradient


@keras.saving.register_keras_serializable(package="rnn_apps")
class WordDropout(keras.layers.Layer):
    """Replaces random words by the unknown word during training.

    Args:
        rate: probability of replacing each word, 0 <= rate < 1.
        unknown: id of the unknown word; padding, 0, is kept.
        seed: random seed.

    Call arguments:
        ids: int (batch, steps).
    """

    def __init__(self, rate, unknown=1, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"WordDropout: rate: received {rate!r}, expected a number from 0 to below 1.")
        self.rate, self.unknown, self.seed = rate, unknown, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, ids, training=False):
        """Replace words during training; otherwise return the ids."""
        if not training or not self.rate:
            return ids
        dropped = keras.random.uniform(ops.shape(ids), seed=self.seed_generator) < self.rate
        return ops.where(dropped & (ids > 0), self.unknown, ids)

    def get_config(self):
        """Return all constructor arguments."""
        return {**super().get_config(), "rate": self.rate, "unknown": self.unknown, "seed": self.seed}


@keras.saving.register_keras_serializable(package="rnn_apps")
class SequencePooling(keras.layers.Layer):
    """Pools the outputs of all valid steps into one vector.

    Args:
        mode: ``"mean"``, ``"max"``, or ``"mean_max"`` for both, concatenated.

    Call arguments:
        sequences: ``(batch, steps, features)``.
        mask: ``(batch, steps)`` bool. A row without a valid step gives zeros.

    Returns:
        ``(batch, features)``, or twice as wide for ``"mean_max"``.
    """

    def __init__(self, mode, **kwargs):
        super().__init__(**kwargs)
        if mode not in ("mean", "max", "mean_max"):
            raise ValueError(f"SequencePooling: mode: received {mode!r}, expected mean, max or mean_max.")
        self.mode, self.supports_masking, self.supports_jit = mode, True, False
        self.loop_compiler = LoopCompiler("auto")

    def call(self, sequences, mask=None, training=False):
        """Pool over the steps."""
        if mask is None:
            mask = tf.ones(tf.shape(sequences)[:2], tf.bool)
        if training is not True and not is_differentiated([sequences]):
            return _pool(self.mode, sequences, mask)
        return self._fast(sequences, mask)

    def _fast(self, sequences, mask):
        """Pool with a custom gradient, so that XLA fuses each direction into one pass over the sequence."""
        run = self.loop_compiler.runner(tf.shape(sequences)[:2], True)

        def plain(sequences, mask):
            return (_pool(self.mode, sequences, mask),)

        def pass_forward(sequences, mask):
            pooled = run("pool", partial(_pool, self.mode), sequences, mask)
            return (pooled,), pooled

        def pass_backward(pooled, arguments, upstream):
            gradient = partial(_pool_gradient, self.mode)
            return run("gradient", gradient, *arguments, pooled, upstream), mask

        return with_gradient(plain, pass_forward, pass_backward, (sequences, mask))[0]

    def compute_mask(self, inputs, previous_mask=None):
        """The output has no steps, so there is no mask."""
        return None

    def get_config(self):
        """Return all constructor arguments."""
        return {**super().get_config(), "mode": self.mode}


def _pool(mode, sequences, mask):
    """(batch, steps, features) to (batch, features) or twice as wide; zeros for rows without a valid step."""
    valid, weight = mask[:, :, None], tf.cast(mask, sequences.dtype)
    pooled = []
    if "mean" in mode:
        count = tf.maximum(tf.reduce_sum(weight, axis=1, keepdims=True), 1)
        pooled.append(tf.einsum("bs,bsf->bf", weight / count, sequences))
    if "max" in mode:
        highest = tf.reduce_max(tf.where(valid, sequences, sequences.dtype.min), axis=1)
        pooled.append(tf.where(tf.reduce_any(mask, axis=1)[:, None], highest, tf.zeros_like(highest)))
    return tf.concat(pooled, axis=-1)


def _pool_gradient(mode, sequences, mask, pooled, upstream):
    """Gradient of `_pool`; steps that tie for the maximum share its gradient equally."""
    valid, weight = mask[:, :, None], tf.cast(mask, sequences.dtype)
    num_vectors = len(mode.split("_"))
    upstream, result = tf.split(upstream, num_vectors, axis=-1), tf.zeros_like(sequences)
    if "mean" in mode:
        count = tf.maximum(tf.reduce_sum(weight, axis=1, keepdims=True), 1)
        result += (weight / count)[:, :, None] * upstream[0][:, None]
    if "max" in mode:
        highest = tf.split(pooled, num_vectors, axis=-1)[-1]
        equal = tf.cast(valid & (sequences == highest[:, None]), sequences.dtype)
        shared = upstream[-1] / tf.maximum(tf.reduce_sum(equal, axis=1), 1)
        result += equal * shared[:, None]
    return result


def sequence_encoder(
    vocabulary_size,
    num_classes,
    embedding=128,
    units=(128,),
    bidirectional=True,
    pooling="mean_max",
    dropout=0.5,
    layer_dropout=0.0,
    word_dropout=0.0,
    word_vectors=None,
    seed=None,
    **recurrence,
):
    """Return a `keras.Model` from token ids int (batch, steps), 0 for padding, to logits (batch, classes).

    Args:
        vocabulary_size: number of token ids, including the reserved ones.
        num_classes: number of classes.
        embedding: embedding dimension.
        units, bidirectional: as in `StackedRNN`.
        pooling: pooling of the outputs of all steps: ``"last"``, ``"mean"``, ``"max"`` or ``"mean_max"``.
        dropout: dropout rate of the pooled features, before the classifier.
        layer_dropout: dropout rate of the inputs of each recurrent layer, with one mask for all steps.
        word_dropout: probability of replacing a word by the unknown word.
        word_vectors: initial embedding, float (vocabulary_size, embedding); None for a random one.
        seed: random seed of initializers and dropout.
        **recurrence: further arguments of `StackedRNN`, such as `cell`.
    """
    numbers = keras.Input((None,), dtype="int32", name="numbers")
    x = WordDropout(word_dropout, seed=seed)(numbers) if word_dropout else numbers
    initializer = keras.initializers.RandomUniform(-0.05, 0.05, seed=seed)
    x = keras.layers.Embedding(vocabulary_size, embedding, initializer, mask_zero=True, name="embedding")(x)
    x = StackedRNN(
        tuple(units),
        bidirectional=bidirectional,
        dropout=layer_dropout,
        return_sequences=pooling != "last",
        seed=seed,
        name="recurrent",
        **recurrence,
    )(x)
    x = x if pooling == "last" else SequencePooling(pooling, name="pooling")(x)
    x = keras.layers.Dropout(dropout, seed=seed, name="dropout")(x) if dropout else x
    initializer = keras.initializers.GlorotUniform(seed=seed)
    logits = keras.layers.Dense(num_classes, kernel_initializer=initializer, dtype="float32", name="logits")(
        x
    )
    model = keras.Model(numbers, logits)
    if word_vectors is not None:
        model.get_layer("embedding").set_weights([word_vectors])
    return model
