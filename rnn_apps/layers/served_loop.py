"""A second form of an exported loop, for a single sequence, which `rnn-apps serve` compiles with XLA.

In a loop over one sequence, TensorFlow spends most of the time on control flow. Compiled, it is two to three
times as fast; but batches gain nothing, and not every TensorFlow has XLA. So an export has both forms, and a
constant, False, that chooses; `rnn_apps.serving.compiled` sets it and marks the functions.
"""

import tensorflow as tf

from rnn_apps.compiled_form import FUNCTION, LENGTHS, SWITCH


def with_compiled_form(loop, plain, z, mask, initial, weights):
    """Return the results of `plain()`, or those of `loop` where the constant is True.

    Args:
        loop: ``loop(z, mask, initial, weights, steps)``, as `rnn_apps.layers.recurrence.forward_loop` returns
            it, which computes the first `steps` steps only.
        plain: function without arguments.
        z, mask, initial, weights: as of `rnn_apps.layers.recurrence.recur`.
    """
    steps, batch = tf.unstack(tf.shape(z)[:2])

    def outputs(*arguments):
        finals, histories, _ = loop(*arguments)
        return finals, histories

    outputs.__name__ = FUNCTION  # by which the server finds it

    def compiled():
        lengths = tf.constant(LENGTHS)
        length = lengths[tf.searchsorted(lengths, steps[None])[0]]

        def padded(tensor):
            return tf.pad(tensor, [[0, length - steps], [0, 0], [0, 0]])

        function = tf.function(outputs, autograph=False)
        finals, histories = function(padded(z), tuple(map(padded, mask)), initial, weights, steps)
        return finals, tuple(history[:steps] for history in histories)

    def usual():
        finals, histories, _ = plain()
        return finals, histories

    switch = tf.constant(False, name=SWITCH)
    finals, histories = tf.cond(switch & (batch == 1) & (steps <= LENGTHS[-1]), compiled, usual)
    return finals, histories, ()
