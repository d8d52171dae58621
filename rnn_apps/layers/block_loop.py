"""A loop over the steps of a sequence in blocks, which LiteRT runs several times as fast as single steps.

LiteRT copies everything that a loop reads or changes in every iteration, so a plain loop over the inputs and
outputs of all steps takes time quadratic in their number. Here an outer loop takes one block of steps, and an
inner loop over them copies that block only. The shapes of everything in the loops are static: blocks are
gathered and appended, because after a slice at a variable position LiteRT plans the memory again in every
iteration and leaves the operations that follow to slower kernels.
"""

import tensorflow as tf

BLOCK = 20  # steps of an iteration of the outer loop
UNROLLED = 2  # steps of an iteration of the inner loop: LiteRT keeps a copy of the weights for each of them


def run_in_blocks(advance, rows, mask, states, collect):
    """Run a recurrence over all steps.

    Args:
        advance: ``advance(states, row, mask) -> states``, one step.
        rows: ``(steps, batch, features)``, one row per step.
        mask: ``(steps, batch)`` bool in a tuple, or ``()``.
        states: tuple of initial states, each ``(batch, size)``.
        collect: whether the first state of every step is wanted.

    Returns:
        The final states, and a tuple of the first state of every step ``(steps, batch, size)``, empty without
        `collect`.
    """
    steps, batch, _ = _sizes(rows)
    is_fixed = rows.shape[0] is not None
    count = (steps + BLOCK - 1) // BLOCK
    size = -(-steps // (count * UNROLLED)) * UNROLLED if is_fixed else BLOCK
    is_whole = is_fixed and steps == count * size
    if not is_whole:  # masked copies of the last step fill the last block
        mask = mask or (tf.ones([steps, batch], tf.bool),)

    def run_block(index, states):
        places = index * size + tf.range(size)
        block, *valid = (tf.gather(tensor, tf.minimum(places, steps - 1)) for tensor in (rows, *mask))
        if not is_whole:
            valid = [valid[0] & (places < steps)[:, None]]
        parts = [tf.reshape(one, [size // UNROLLED, UNROLLED, *_sizes(one)[1:]]) for one in (block, *valid)]

        def run_part(index, states):
            outputs = []
            for row, *valid in zip(*(tf.unstack(tf.gather(part, index)) for part in parts)):
                states = advance(states, row, tuple(valid))
                outputs.append(states[0])
            return states, tf.stack(outputs)

        return _loop(run_part, states, size // UNROLLED, UNROLLED, collect)

    states, outputs = _loop(run_block, states, count, size, collect)
    return states, (outputs[:steps],) if collect else ()


def _loop(body, states, count, size, collect):
    """Call ``body(index, states) -> states, outputs`` `count` times and join the outputs of `size` steps."""
    shape = [count * size if collect else 0, *_sizes(states[0])]

    def append(index, states, outputs):
        states, new = body(index, states)
        return index + 1, states, tf.concat([outputs[size:], new], 0) if collect else outputs

    start = (0, states, tf.zeros(shape, states[0].dtype))
    return tf.while_loop(lambda index, *_: index < count, append, start)[1:]


def _sizes(tensor):
    """The dimensions of a tensor, as tensors where they are open."""
    return [tf.shape(tensor)[axis] if size is None else size for axis, size in enumerate(tensor.shape)]
