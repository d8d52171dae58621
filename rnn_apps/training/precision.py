"""Training in lower precision: float32 weights, and computations in bfloat16 or float16."""

from contextlib import contextmanager

import tensorflow as tf

_START, _GROW_AFTER, _LARGEST = 2.0**15, 2_000, 2.0**40


@contextmanager
def computing_in(model, policy):
    """Context manager in which the layers of a model compute in a dtype policy, such as "mixed_bfloat16".

    Their weights stay float32. It applies to functions that are traced inside.
    """
    if policy == "float32":
        yield
        return
    layers = list(model._flatten_layers())
    before = [layer.dtype_policy for layer in layers]
    for layer in layers:
        layer.dtype_policy = policy
    try:
        yield
    finally:
        for layer, own in zip(layers, before):
            layer.dtype_policy = own


class LossScale:
    """A factor of the loss that keeps small gradients from vanishing in float16.

    It is halved when a gradient is not finite, and that step is skipped; it is doubled after 2,000 steps
    without one.

    Args:
        is_dynamic: False for a factor of 1.

    Attributes:
        variables: the factor, the number of steps since it changed, and the number of skipped steps.

    Reference:
        Micikevicius et al., "Mixed Precision Training" (2018).
    """

    def __init__(self, is_dynamic):
        self._is_dynamic = is_dynamic
        names = ("factor", "steps", "skipped") if is_dynamic else ()
        values = (_START, 0.0, 0.0)
        self.variables = [tf.Variable(value, trainable=False, name=n) for n, value in zip(names, values)]

    @property
    def skipped(self):
        """Number of steps that were skipped; None without a dynamic factor."""
        return int(self.variables[2]) if self._is_dynamic else None

    def scale(self, loss):
        """Return the loss times the factor."""
        return loss * self.variables[0] if self._is_dynamic else loss

    def apply(self, gradients, update):
        """Call ``update(gradients)`` with the gradients of the loss itself, if they are finite."""
        if not self._is_dynamic:
            update(gradients)
            return
        factor, steps, skipped = self.variables
        gradients = [gradient / factor for gradient in gradients]
        are_finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in gradients])

        def advance():
            update(gradients)
            grows = steps >= _GROW_AFTER - 1
            factor.assign(tf.where(grows, tf.minimum(factor * 2, _LARGEST), factor))
            steps.assign(tf.where(grows, 0.0, steps + 1))
            return 0.0

        def skip():
            factor.assign(tf.maximum(factor / 2, 1.0))
            steps.assign(0.0)
            skipped.assign_add(1.0)
            return 0.0

        tf.cond(are_finite, advance, skip)
