"""A decoder outside of its loop: what is read once, and one step, for formats that know no text."""

import numpy as np
import tensorflow as tf

from rnn_apps.tasks.task import Part

__all__ = ["encode_part", "numbered", "step_part"]


def numbered(states):
    """Return nested states as a dict: ``state_0``, ``state_1``, ..."""
    return {f"state_{index}": state for index, state in enumerate(tf.nest.flatten(states))}


def encode_part(given, front, search, steps, examples, most_steps=None):
    """Return the `Part` that reads an input: what a decoder begins from and looks at.

    Args:
        given: `tf.TensorSpec` of what is read.
        front: model from that to what the network is given, or None.
        search: `Search`.
        steps: for a format with fixed shapes.
        examples, most_steps: as of `Part`.
    """

    def encode(given):
        read = search.encode(given if front is None else front(given, training=False))
        memory = read["memory"] if search.decoder.attention else None
        context = search.decoder.remember(memory, read.get("memory_mask") if memory is not None else None)
        return {
            **numbered(search.decoder.begin(read["summary"])),
            **dict(zip(("keys", "mask"), context)),
        }

    return Part("encode", encode, {"given": given}, examples, steps, None, None, most_steps, True)


def step_part(decoder, begin, steps=1, most_steps=None):
    """Return the `Part` that writes one token on: the last token, states, and what is looked at.

    Args:
        decoder: `SequenceDecoder`.
        begin: ``begin(batch, steps, seed)`` gives name to array: states from which a step may begin, and
            ``keys`` and ``mask`` where the decoder looks at something.
        steps: of what is looked at, for a format with fixed shapes.
        most_steps: as of `Part`.
    """
    structure, known = decoder.zero_states(1), begin(1, steps, 0)
    names = [name for name in known if name.startswith("state_")]
    context = [name for name in ("keys", "mask") if name in known]

    def step(token, *others):
        states = tf.nest.pack_sequence_as(structure, others[: len(names)])
        logits, states = decoder.step(token, states, others[len(names) :])
        return {"logits": logits, **{f"next_{name}": s for name, s in numbered(states).items()}}

    def examples(batch, steps, seed):
        tokens = np.random.default_rng(seed).integers(4, decoder.vocabulary_size, batch).astype("int32")
        found = begin(batch, steps, seed)
        return [tokens, *(np.asarray(found[name]) for name in (*names, *context))]

    def spec(name):
        open_sides = 1 if name.startswith("state_") else 2
        shape = [*[None] * open_sides, *np.shape(known[name])[open_sides:]]
        return tf.TensorSpec(shape, np.asarray(known[name]).dtype, name=name)

    inputs = {"token": tf.TensorSpec([None], tf.int32, name="token")}
    inputs |= {name: spec(name) for name in (*names, *context)}
    return Part("step", step, inputs, examples, steps, "logits", None, most_steps, True)
