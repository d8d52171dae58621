"""Many-to-one: a sequence of word numbers in, one vector of class scores out."""

from functools import partial

import keras
import tensorflow as tf
from keras import ops

from rnn_apps.layers import StackedRNN
from rnn_apps.layers.compilation import LoopCompiler, is_differentiated
from rnn_apps.layers.custom_gradient import with_gradient


@keras.saving.register_keras_serializable(package="rnn_apps")
class WordDropout(keras.layers.Layer):
    """Replaces words by the unknown word while training.

    Args:
        rate: probability of each word, 0 <= rate < 1.
        unknown: number of the unknown word; padding, 0, stays.
        seed: of the choice.

    Call arguments:
        numbers: int (batch, steps).
    """

    def __init__(self, rate, unknown=1, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"WordDropout: rate: received {rate!r}, expected a number from 0 to below 1.")
        self.rate, self.unknown, self.seed = rate, unknown, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, numbers, training=False):
        """Replace while training, else return the numbers."""
        if not training or not self.rate:
            return numbers
        chosen = keras.random.uniform(ops.shape(numbers), seed=self.seed_generator) < self.rate
        return ops.where(chosen & (numbers > 0), self.unknown, numbers)

    def get_config(self):
        """Return all constructor arguments."""
        return {**super().get_config(), "rate": self.rate, "unknown": self.unknown, "seed": self.seed}


@keras.saving.register_keras_serializable(package="rnn_apps")
class SequencePooling(keras.layers.Layer):
    """Turns the outputs of all real steps into one vector.

    Args:
        mode: ``"mean"``, ``"max"``, or ``"mean_max"`` for both, concatenated.

    Call arguments:
        sequences: ``(batch, steps, features)``.
        mask: ``(batch, steps)`` bool. A row without a real step gives zeros.

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
        """Pool with a gradient of its own: XLA fuses each direction into one pass over the sequence."""
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
        """No steps are left to mask."""
        return None

    def get_config(self):
        """Return all constructor arguments."""
        return {**super().get_config(), "mode": self.mode}


def _pool(mode, sequences, mask):
    """(batch, steps, features) to (batch, features) or twice that; zeros for a row without a real step."""
    real, weight = mask[:, :, None], tf.cast(mask, sequences.dtype)
    pooled = []
    if "mean" in mode:
        count = tf.maximum(tf.reduce_sum(weight, axis=1, keepdims=True), 1)
        pooled.append(tf.einsum("bs,bsf->bf", weight / count, sequences))
    if "max" in mode:
        highest = tf.reduce_max(tf.where(real, sequences, sequences.dtype.min), axis=1)
        pooled.append(tf.where(tf.reduce_any(mask, axis=1)[:, None], highest, tf.zeros_like(highest)))
    return tf.concat(pooled, axis=-1)


def _pool_gradient(mode, sequences, mask, pooled, upstream):
    """The gradient of `_pool`; steps that share the highest value share its gradient."""
    real, weight = mask[:, :, None], tf.cast(mask, sequences.dtype)
    parts = len(mode.split("_"))
    upstream, result = tf.split(upstream, parts, axis=-1), tf.zeros_like(sequences)
    if "mean" in mode:
        count = tf.maximum(tf.reduce_sum(weight, axis=1, keepdims=True), 1)
        result += (weight / count)[:, :, None] * upstream[0][:, None]
    if "max" in mode:
        highest = tf.split(pooled, parts, axis=-1)[-1]
        equal = tf.cast(real & (sequences == highest[:, None]), sequences.dtype)
        shared = upstream[-1] / tf.maximum(tf.reduce_sum(equal, axis=1), 1)
        result += equal * shared[:, None]
    return result


def sequence_encoder(
    vocabulary_size,
    num_classes,
    embedding=128,
    cell="vanilla",
    units=(128,),
    bidirectional=True,
    residual=False,
    pooling="mean_max",
    dropout=0.5,
    recurrent_dropout=0.0,
    layer_dropout=0.0,
    word_dropout=0.0,
    word_vectors=None,
    compile="auto",
    recompute_every=None,
    seed=None,
):
    """Return a `keras.Model`: word numbers int (batch, steps), 0 for padding, to logits (batch, num_classes).

    Args:
        vocabulary_size: word numbers, with the reserved ones.
        num_classes: width of the output.
        embedding: width of a word's vector.
        cell, units, bidirectional, residual, recurrent_dropout, compile, recompute_every: as in `StackedRNN`.
        pooling: ``"last"``, ``"mean"``, ``"max"`` or ``"mean_max"`` of the outputs of all steps.
        dropout: of the pooled features, before the classifier.
        layer_dropout: of the features that enter each level, the same for all steps.
        word_dropout: of whole words.
        word_vectors: float (vocabulary_size, embedding) from which the embedding starts; None is random.
        seed: of all starts and masks.
    """
    numbers = keras.Input((None,), dtype="int32", name="numbers")
    x = WordDropout(word_dropout, seed=seed)(numbers) if word_dropout else numbers
    start = keras.initializers.RandomUniform(-0.05, 0.05, seed=seed)
    x = keras.layers.Embedding(vocabulary_size, embedding, start, mask_zero=True, name="embedding")(x)
    x = StackedRNN(
        tuple(units),
        cell=cell,
        bidirectional=bidirectional,
        dropout=layer_dropout,
        recurrent_dropout=recurrent_dropout,
        residual=residual,
        return_sequences=pooling != "last",
        compile=compile,
        recompute_every=recompute_every,
        seed=seed,
        name="recurrent",
    )(x)
    x = x if pooling == "last" else SequencePooling(pooling, name="pooling")(x)
    x = keras.layers.Dropout(dropout, seed=seed, name="dropout")(x) if dropout else x
    start = keras.initializers.GlorotUniform(seed=seed)
    logits = keras.layers.Dense(num_classes, kernel_initializer=start, dtype="float32", name="logits")(x)
    model = keras.Model(numbers, logits)
    if word_vectors is not None:
        model.get_layer("embedding").set_weights([word_vectors])
    return model
