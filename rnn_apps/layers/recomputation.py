"""Gradient checkpointing: stores states between chunks of steps, and recomputes the rest.

Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016, https://arxiv.org/abs/1604.06174).
"""

import tensorflow as tf

from rnn_apps.layers.compilation import in_graph_form
from rnn_apps.layers.custom_gradient import with_gradient
from rnn_apps.layers.projection import project
from rnn_apps.layers.recurrence import (
    backward_loop,
    forward_loop,
    outer_sum,
    step_array,
    step_terms,
    weight_gradients,
)


def recur_in_chunks(form, run_loop, inputs, kernel, bias, mask, initial, weights, collect, every):
    """Run the recurrence over all steps, storing only the states between chunks of `every` steps.

    The backward pass recomputes each chunk, input product included, so that memory grows with
    ``every + steps / every``. Arguments and results as for `recur`, with the ``inputs``
    ``(steps, batch, features)``, ``kernel`` and ``bias`` in place of ``z``; the number of steps must be a
    multiple of `every`.
    """
    brief = "outputs" if collect else "nothing"

    def plain(inputs, kernel, bias, *others):
        z = project(inputs, kernel, bias)
        finals, outputs, _ = run_loop.plain(brief, forward_loop(form, brief), z, *others)
        return outputs, finals

    def pass_forward(inputs, kernel, bias, mask, initial, weights):
        chunks = _Chunks(form, run_loop, every, inputs, kernel, bias, mask, weights)
        outputs, boundaries, finals = chunks.forward(initial, collect)
        return (outputs, finals), boundaries

    def pass_backward(boundaries, arguments, d_outputs, d_finals):
        inputs, kernel, bias, mask, _, weights = arguments
        chunks = _Chunks(form, run_loop.for_gradient(), every, inputs, kernel, bias, mask, weights)
        d_inputs, d_initial, (d_kernel, d_bias, d_weights) = chunks.backward(boundaries, d_outputs, d_finals)
        return d_inputs, d_kernel, d_bias, mask, d_initial, d_weights

    arguments = (inputs, kernel, bias, mask, initial, weights)
    if in_graph_form():
        return pass_forward(*arguments)[0]
    return with_gradient(plain, pass_forward, pass_backward, arguments)


class _Chunks:
    """The forward and backward loops over chunks of `recur_in_chunks`."""

    def __init__(self, form, run_loop, every, inputs, kernel, bias, mask, weights):
        self.form, self.run_loop, self.every = form, run_loop, every
        self.inputs, self.kernel, self.bias = self.cut(inputs), kernel, bias
        self.mask, self.weights = tuple(self.cut(m) for m in mask), weights
        self.count = tf.shape(self.inputs)[0]

    def cut(self, tensor):
        """(steps, ...) to (chunks, every, ...)."""
        shape = tf.shape(tensor)
        shape = tf.concat([[shape[0] // self.every, self.every], shape[1:]], 0)
        return tf.ensure_shape(tf.reshape(tensor, shape), [None, self.every, *tensor.shape[1:]])

    def join(self, tensor):
        """(chunks, every, ...) to (steps, ...)."""
        shape = tf.shape(tensor)
        return tf.reshape(tensor, tf.concat([[shape[0] * shape[1]], shape[2:]], 0))

    def chunk(self, index, states, record):
        """Run one chunk forward; return its z, its mask, and the results of the loop."""
        z = project(self.inputs[index], self.kernel, self.bias)
        mask = tuple(m[index] for m in self.mask)
        loop = forward_loop(self.form, record)
        return z, mask, self.run_loop(record, loop, z, mask, states, self.weights)

    def forward(self, initial, collect):
        """Return all outputs (if collected), the states before each chunk, and the final states."""
        boundaries = tuple(step_array(self.count, s.shape, s.dtype) for s in initial)
        outputs = tuple(
            step_array(self.count, [self.every, *s.shape], s.dtype) for s in initial[: int(collect)]
        )

        def body(i, states, boundaries, outputs):
            _, _, (finals, histories, _) = self.chunk(i, states, "outputs" if collect else "nothing")
            boundaries = tuple(b.write(i, s) for b, s in zip(boundaries, states))
            finals = tuple(tf.ensure_shape(f, s.shape) for f, s in zip(finals, states))
            return i + 1, finals, boundaries, tuple(o.write(i, h) for o, h in zip(outputs, histories))

        start = (0, initial, boundaries, outputs)
        _, finals, boundaries, outputs = tf.while_loop(lambda i, *_: i < self.count, body, start)
        outputs = tuple(self.join(o.stack()) for o in outputs)
        return outputs, tuple(b.stack() for b in boundaries), finals

    def backward(self, boundaries, d_outputs, d_finals):
        """Return the gradients of inputs, initial states, and (kernel, bias, weights) over all chunks."""
        d_outputs = tuple(self.cut(d) for d in d_outputs)
        shared = (self.kernel, self.bias, self.weights)
        sums = tf.nest.map_structure(tf.zeros_like, shared)
        d_inputs = step_array(self.count, self.inputs.shape[1:], self.inputs.dtype)

        def body(i, d_old, sums, d_inputs):
            z, mask, (_, histories, terms) = self.chunk(i, tuple(b[i] for b in boundaries), "all")
            tail = (histories, step_terms(self.form, z, terms), mask, self.weights)
            d_out = tuple(d[i] for d in d_outputs)
            loop = backward_loop(self.form)
            d_z, d_r, d_states, d_own = self.run_loop("backward", loop, d_out, d_old, *tail)
            d_weights = weight_gradients(self.form, histories[0][:-1], d_r, self.weights, d_own)
            d_bias = tuple(tf.reduce_sum(d_z, [0, 1]) for _ in self.bias)
            new = (outer_sum(self.inputs[i], d_z), d_bias, d_weights)
            d_x = project(d_z, tf.transpose(self.kernel))
            d_states = tuple(tf.ensure_shape(d, old.shape) for d, old in zip(d_states, d_old))
            return i - 1, d_states, tf.nest.map_structure(tf.add, sums, new), d_inputs.write(i, d_x)

        start = (self.count - 1, d_finals, sums, d_inputs)
        _, d_initial, sums, d_inputs = tf.while_loop(lambda i, *_: i >= 0, body, start)
        return self.join(d_inputs.stack()), d_initial, sums
