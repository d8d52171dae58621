"""The recurrence engine: h_t = f_W(h_{t-1}, x_t), forward and backward, for every cell.

The formula is split once. ``z = x @ kernel + bias`` depends on the input alone and is computed for all
steps before the loop. A step is ``r = h @ recurrent_kernel`` and the cell's elementwise ``step``. The
backward loop differentiates ``step`` alone; the gradient of the recurrent kernel is one product over
all steps after the loop, as in Appleyard et al., "Optimizing Performance of Recurrent Neural Networks
on GPUs" (2016, https://arxiv.org/abs/1604.01946).

Everything here is time-major: ``(steps, batch, features)``. An optional tensor is a tuple of none or one.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from rnn_apps.layers.block_loop import run_in_blocks
from rnn_apps.layers.compilation import (
    in_blocks,
    in_graph_form,
    inside_xla,
    is_for_serving,
    steps_per_iteration,
)
from rnn_apps.layers.custom_gradient import with_gradient
from rnn_apps.layers.served_loop import with_compiled_form


class CellForm(NamedTuple):
    """The properties of a cell, other than its weights, that the engine needs.

    Args:
        step: ``step(z, r, states, *own) -> states``, elementwise or reducing over features.
        recurrent: how the first state enters a step: ``dense``, ``elementwise`` or ``none``.
        additive: whether ``step`` reads ``z`` and ``r`` only as ``z + r``.
        slope: where an additive step is one activation of ``z + r``, its derivative as a function of the
            state that it gave; None lets the engine differentiate ``step``.
    """

    step: Callable
    recurrent: str
    additive: bool
    slope: Callable | None = None


class RecurrentWeights(NamedTuple):
    """The tensors that all steps share, as tuples, which are empty for absent tensors.

    Args:
        kernel: ``(units, gates * units)`` if dense, ``(gates * units,)`` if elementwise.
        bias: ``(gates * units,)``, added to the recurrent product.
        dropout: ``(batch, units)``, multiplies the state where it enters the recurrent product.
        own: the cell's own weights, of any shape.
    """

    kernel: tuple = ()
    bias: tuple = ()
    dropout: tuple = ()
    own: tuple = ()


def recur(form, run_loop, z, mask, initial, weights, collect=True):
    """Run the recurrence over all steps, with a fast backward pass if gradients are needed.

    Under an open tape the forward loop keeps what the backward loop reads. A function that is traced without
    one keeps nothing: a gradient that is asked for later runs the forward loop again. Eagerly without a tape,
    and in exports, the loop runs by itself.

    Args:
        form: `CellForm`.
        run_loop: `LoopRunner`.
        z: ``(steps, batch, gates * units)``, the part of every step that depends on the input only.
        mask: ``(steps, batch, 1)`` bool in a tuple, or ``()``. A masked step repeats the states exactly.
        initial: tuple of states, each ``(batch, size)``.
        weights: `RecurrentWeights`.
        collect: whether the first state of every step is wanted.

    Returns:
        The first state of every step ``(steps, batch, size)`` in a tuple (``()`` without `collect`), and the
        tuple of final states.
    """
    brief = "outputs" if collect else "nothing"
    brief_loop = forward_loop(form, brief, steps_per_iteration())
    if in_blocks():
        brief_loop = block_loop(form, collect)

    def run_brief(*arguments):
        def usual():
            return run_loop(brief, brief_loop, *arguments)

        if z.shape[0] == 1 or not is_for_serving():
            return usual()
        return with_compiled_form(forward_loop(form, brief), usual, *arguments)

    def plain(*arguments):
        finals, histories, _ = run_loop.plain(brief, brief_loop, *arguments)
        return histories, finals

    def recorded(runner, z, *others):
        finals, histories, terms = runner("all", forward_loop(form, "all"), z, *others)
        states = others[1]  # a compiled loop may have forgotten the batch size
        histories = tuple(tf.ensure_shape(h, [None, *s.shape]) for h, s in zip(histories, states))
        terms = tuple(tf.ensure_shape(term, [*z.shape[:2], term.shape[-1]]) for term in terms)
        return finals, histories, step_terms(form, z, terms)

    def pass_forward(*arguments):
        if not run_loop.differentiated:
            finals, outputs, _ = run_brief(*arguments)
            return (outputs, finals), ()
        finals, *kept = recorded(run_loop, *arguments)
        return ((kept[0][0][1:],) if collect else (), finals), kept

    def pass_backward(kept, arguments, d_outputs, d_finals):
        runner, (_, mask, _, weights) = run_loop.for_gradient(), arguments
        histories, terms = kept or recorded(runner, *arguments)[1:]
        tail = (histories, terms, mask, weights)
        d_z, d_r, d_initial, d_own = runner("backward", backward_loop(form), d_outputs, d_finals, *tail)
        return d_z, mask, d_initial, weight_gradients(form, histories[0][:-1], d_r, weights, d_own)

    arguments = (z, mask, initial, weights)
    if not run_loop.differentiated and (tf.executing_eagerly() or in_graph_form()):
        return pass_forward(*arguments)[0]
    return with_gradient(plain, pass_forward, pass_backward, arguments, run_loop.differentiated)


def step_array(size, element_shape, dtype):
    """Return a `tf.TensorArray` with one element per step."""
    return tf.TensorArray(dtype, size, element_shape=element_shape)


def _recurrent_term(form, state, weights):
    """r = h @ recurrent_kernel + bias, or its elementwise form; 0.0 without a recurrent kernel."""
    if form.recurrent == "none":
        return 0.0
    for keep in weights.dropout:
        state = state * keep
    (kernel,) = weights.kernel
    r = tf.matmul(state, kernel) if form.recurrent == "dense" else _repeat_gates(state, kernel) * kernel
    for bias in weights.bias:
        r = r + bias
    return r


def _repeat_gates(state, kernel):
    """Repeat (..., units) to (..., gates * units) for the gates of an elementwise kernel."""
    return tf.concat([state] * (kernel.shape[-1] // state.shape[-1]), axis=-1)


def _select(mask, new, old):
    """Choose rows by a mask (batch, 1), or (batch,), for which LiteRT has a faster operator."""
    for m in mask:
        where = tf.where if len(m.shape) == 2 else tf.compat.v1.where
        new = tuple(where(m, n, o) for n, o in zip(new, old))
    return new


def _advance(form, weights, states, z, mask):
    """Take one step; return the states, and z + r of an additive cell or r of another one."""
    r = _recurrent_term(form, states[0], weights)
    z, r = (z + r, 0.0) if form.additive else (z, r)
    new = tuple(form.step(z, r, states, *weights.own))
    return _select(mask, new, states), z if form.additive else r


def forward_loop(form, record, block=1):
    """Return the loop over all steps; `record` is ``nothing``, ``outputs`` (first state) or ``all``.

    The loop gives final states, histories (steps, batch, size), and what the backward loop cannot read from
    them: r of each step, or z + r for an additive cell. Recording all, the histories open with the initial
    state and are one step longer. Otherwise the loop is one that ONNX knows: what a step writes
    goes to the place of that step; and one step alone, as decoding takes it, is no loop.

    At inference most of the time of a loop of single steps is control flow. With a `block` of several steps,
    these are unrolled in its body, and a second loop runs the rest of the steps.

    XLA compiles what a step computes of parts of ``z[t]`` to scalar code, because it reads t again for every
    number. So a compiled loop carries the z of the next step as a tensor of its own.

    The loop takes the arguments of `recur`, and optionally how many of the steps to run.
    """
    opens = int(record == "all")

    def loop(z, mask, initial, weights, steps=None):
        length, batch = tf.shape(z)[0], initial[0].shape[0]
        steps = length if steps is None else steps
        kept = {"nothing": (), "outputs": initial[:1], "all": initial}[record]

        if z.shape[0] == 1 and not opens:
            finals, _ = _advance(form, weights, tuple(initial), z[0], tuple(m[0] for m in mask))
            return finals, tuple(state[None] for state in finals[: len(kept)]), ()
        histories = tuple(step_array(length + opens, s.shape, s.dtype) for s in kept)
        if opens:
            histories = tuple(array.write(0, s) for array, s in zip(histories, kept))
        keep_terms = record == "all" and form.recurrent != "none" and form.slope is None
        width = (z if form.additive or not keep_terms else weights.kernel[0]).shape[-1]
        terms = (step_array(length, [batch, width], z.dtype),) if keep_terms else ()

        def loop_in_blocks(state, size):
            def body(t, ahead, states, histories, terms):
                for z_t, *mask_t in zip(ahead or _block(z, t, size), *(_block(m, t, size) for m in mask)):
                    states, term = _advance(form, weights, states, z_t, tuple(mask_t))
                    terms = tuple(array.write(t, term) for array in terms)
                    histories = tuple(array.write(t + opens, s) for array, s in zip(histories, states))
                    t = t + 1
                ahead = tuple(z[tf.minimum(t, length - 1)] for _ in ahead)
                return t, ahead, states, histories, terms

            return tf.while_loop(lambda t, *_: t <= steps - size, body, state)

        splits = z.shape[-1] > initial[0].shape[-1]
        ahead = (tf.reduce_sum(z[:1], 0),) if splits and block == 1 and inside_xla() else ()
        state = (0, ahead, tuple(initial), histories, terms)
        for size in sorted({block, 1}, reverse=True):
            state = loop_in_blocks(state, size)
        _, _, finals, histories, terms = state
        return finals, tuple(h.stack() for h in histories), tuple(a.stack() for a in terms)

    return loop


def block_loop(form, collect):
    """Return the loop for LiteRT, which gives what `forward_loop` gives without recording terms."""

    def loop(z, mask, initial, weights):
        def advance(states, z_t, mask_t):
            return _advance(form, weights, states, z_t, mask_t)[0]

        if z.shape[0] == 1:
            finals = advance(tuple(initial), z[0], tuple(m[0] for m in mask))
            return finals, (finals[0][None],) if collect else (), ()
        mask = tuple(tf.squeeze(m, -1) for m in mask)
        return (*run_in_blocks(advance, z, mask, tuple(initial), collect), ())

    return loop


def _block(tensor, start, size):
    """The `size` steps of a tensor from `start` on, as a list."""
    return [tensor[start]] if size == 1 else tf.unstack(tensor[start : start + size], size)


def step_terms(form, z, terms):
    """Return the terms of each step that the backward loop needs in addition to the states."""
    if form.slope is not None or (form.additive and terms):
        return terms
    return (z, *terms)


def backward_loop(form):
    """Return the backward loop: gradients of z, r, the initial states, and the cell's own weights.

    A dense kernel is transposed once, before the loop: products with ``transpose_b`` rearrange it in every
    step.
    """

    def loop(d_outputs, d_finals, histories, terms, mask, weights):
        steps, batch = tf.shape(histories[0])[0] - 1, histories[0].shape[1]
        separate_r = len(terms) == 2
        widths = [term.shape[-1] for term in terms or weights.kernel]
        d_z, *d_r = (step_array(steps, [batch, width], histories[0].dtype) for width in widths[:2])
        d_r = tuple(d_r) if separate_r else ()
        d_own = tuple(tf.zeros_like(w) for w in weights.own)

        def body(t, d_states, d_own, d_z, d_r):
            for d in d_outputs:
                d_states = (d_states[0] + d[t], *d_states[1:])
            mask_t = tuple(m[t] for m in mask)
            zeros = tuple(tf.zeros_like(d) for d in d_states) if mask else ()
            previous = tuple(h[t] for h in histories)
            d_new = _select(mask_t, d_states, zeros)
            if form.slope is not None:
                g_z = g_r = d_new[0] * form.slope(histories[0][t + 1])
                g_previous, g_own = (None,), ()
            else:
                z_t, r_t = (*(term[t] for term in terms), 0.0)[:2]
                g_z, g_r, g_previous, g_own = _step_gradients(form, z_t, r_t, previous, weights.own, d_new)
            into_h = _through_kernel(form, g_r, weights, previous[0].shape[-1])
            g_previous = _sum_gradients(previous, g_previous, (into_h,))
            d_states = _sum_gradients(previous, g_previous, _select(mask_t, zeros, d_states) if mask else ())
            d_own = tuple(total if g is None else total + g for total, g in zip(d_own, g_own))
            return t - 1, d_states, d_own, d_z.write(t, g_z), tuple(a.write(t, g_r) for a in d_r)

        if form.recurrent == "dense":
            weights = weights._replace(kernel=(tf.transpose(weights.kernel[0]),))
        start = (steps - 1, tuple(d_finals), d_own, d_z, d_r)
        _, d_initial, d_own, d_z, d_r = tf.while_loop(lambda t, *_: t >= 0, body, start)
        d_z = d_z.stack()
        return d_z, d_r[0].stack() if separate_r else d_z, d_initial, d_own

    return loop


def _sum_gradients(states, left, right):
    """Add two lists of gradients of the states, which may be short or contain None."""
    padded = (*right, *(None for _ in states[len(right) :]))
    pairs = [[g for g in pair if g is not None] for pair in zip(left, padded)]
    return tuple(sum(p[1:], p[0]) if p else tf.zeros_like(s) for s, p in zip(states, pairs))


def _step_gradients(form, z, r, previous, own, d_new):
    """Differentiate the cell's elementwise step; return gradients of z, r, states and own weights."""
    separate_r = isinstance(r, tf.Tensor)
    sources = [z, *([r] if separate_r else []), *previous, *own]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(sources)
        new = tuple(form.step(z, r, previous, *own))
    gradients = tape.gradient(new, sources, output_gradients=list(d_new))
    g_z = tf.zeros_like(z) if gradients[0] is None else gradients[0]
    g_r, rest = (gradients[1], gradients[2:]) if separate_r else (g_z, gradients[1:])
    g_r = tf.zeros_like(z) if g_r is None else g_r
    return g_z, g_r, rest[: len(previous)], rest[len(previous) :]


def _through_kernel(form, d_r, weights, units):
    """The gradient of h_{t-1} through the recurrent product, or None without one.

    A dense kernel is passed transposed.
    """
    if form.recurrent == "none":
        return None
    (kernel,) = weights.kernel
    if form.recurrent == "dense":
        d_state = tf.matmul(d_r, kernel)
    else:
        d_state = tf.add_n(tf.split(d_r * kernel, kernel.shape[-1] // units, axis=-1))
    for keep in weights.dropout:
        d_state = d_state * keep
    return d_state


def outer_sum(left, right):
    """left^T @ right over all steps and rows, as one product."""
    left, right = (tf.reshape(t, [-1, t.shape[-1]]) for t in (left, right))
    return tf.matmul(left, right, transpose_a=True)


def weight_gradients(form, previous, d_r, weights, d_own):
    """Gradients of the shared weights over all steps; the recurrent dropout mask is a constant."""
    kernel = ()
    if form.recurrent != "none":
        for keep in weights.dropout:
            previous = previous * keep
        if form.recurrent == "dense":
            kernel = (outer_sum(previous, d_r),)
        else:
            repeated = _repeat_gates(previous, weights.kernel[0])
            kernel = (tf.reduce_sum(repeated * d_r, [0, 1]),)
    bias = tuple(tf.reduce_sum(d_r, [0, 1]) for _ in weights.bias)
    return RecurrentWeights(kernel, bias, tuple(tf.zeros_like(k) for k in weights.dropout), d_own)
