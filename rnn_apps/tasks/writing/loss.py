"""The loss of tasks that guess tokens."""

import tensorflow as tf

from rnn_apps.data.text import PADDING

__all__ = ["GuessesTokens", "num_right", "num_tokens", "sum_of_nats", "token_loss"]


def num_tokens(targets):
    """Return how many tokens of int (texts, steps) are there, as float32."""
    return tf.math.count_nonzero(targets != PADDING, dtype=tf.float32)


def num_right(logits, targets):
    """Return how many tokens that are there are the likeliest, as float32."""
    right = (tf.argmax(logits, -1, tf.int32) == targets) & (targets != PADDING)
    return tf.math.count_nonzero(right, dtype=tf.float32)


def sum_of_nats(logits, targets):
    """Return the surprise at all tokens that are there, in nats."""
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    return tf.reduce_sum(tf.where(targets != PADDING, nats, 0.0))


def token_loss(logits, targets, smoothing=0.0):
    """Return the mean cross-entropy of a token that is there, in nats.

    Args:
        logits: (texts, steps, vocabulary).
        targets: int (texts, steps), 0 for padding.
        smoothing: probability spread evenly over all tokens.
    """
    total = sum_of_nats(logits, targets)
    if smoothing:
        evenly = tf.reduce_logsumexp(logits, axis=-1) - tf.reduce_mean(logits, axis=-1)
        evenly = tf.reduce_sum(tf.where(targets != PADDING, evenly, 0.0))
        total = (1 - smoothing) * total + smoothing * evenly
    return total / num_tokens(targets)


class GuessesTokens:
    """What `Task` asks for training, for tasks whose outputs are logits of tokens."""

    def count(self, targets):
        """Tokens, ends included."""
        return num_tokens(targets)

    def loss(self, outputs, targets):
        """Mean cross-entropy of a token in nats, with label smoothing."""
        return token_loss(outputs, targets, self.recipe.training.label_smoothing)

    def batch_metrics(self, outputs, targets):
        """Tokens that are right, given the true ones before them."""
        return {"token_accuracy": num_right(outputs, targets)}
