"""A decoder without its loop: encoding, and one step, for formats without strings or decoding loops."""

import numpy as np
import tensorflow as tf

from rnn_apps.tasks.predictor import NetworkPart, numbered_states


def encode_part(given, extractor, search, steps, examples, most_steps=None):
    """Return the `NetworkPart` that encodes an input: initial states, and the keys of the attention.

    Args:
        given: `tf.TensorSpec` of the input.
        extractor: model from that to what the network takes, or None.
        search: `BeamSearch`.
        steps: for a format with fixed shapes.
        examples, most_steps: as of `NetworkPart`.
    """

    def encode(given):
        encoded = search.encode(given if extractor is None else extractor(given, training=False))
        return {
            **numbered_states(search.decoder.begin(encoded["summary"])),
            **dict(zip(("keys", "mask"), search.context(encoded))),
        }

    return NetworkPart("encode", encode, {"given": given}, examples, steps, None, None, most_steps, True)


def step_part(decoder, initial, steps=1, most_steps=None):
    """Return the `NetworkPart` of one step of decoding: the last token, states, and the attention's keys.

    Args:
        decoder: `SequenceDecoder`.
        initial: ``initial(batch, steps, seed)`` returns name to array: states from which a step may start,
            and ``keys`` and ``mask`` where the decoder has attention.
        steps: of what is attended to, for a format with fixed shapes.
        most_steps: as of `NetworkPart`.
    """
    structure, known = decoder.zero_states(1), initial(1, steps, 0)
    names = [name for name in known if name.startswith("state_")]
    context = [name for name in ("keys", "mask") if name in known]

    def step(token, *others):
        states = tf.nest.pack_sequence_as(structure, others[: len(names)])
        logits, states = decoder.step(token, states, others[len(names) :])
        return {"logits": logits, **numbered_states(states, "next_state")}

    def examples(batch, steps, seed):
        tokens = np.random.default_rng(seed).integers(4, decoder.vocabulary_size, batch).astype("int32")
        found = initial(batch, steps, seed)
        return [tokens, *(np.asarray(found[name]) for name in (*names, *context))]

    def spec(name):
        open_dimensions = 1 if name.startswith("state_") else 2
        shape = [*[None] * open_dimensions, *np.shape(known[name])[open_dimensions:]]
        return tf.TensorSpec(shape, np.asarray(known[name]).dtype, name=name)

    inputs = {"token": tf.TensorSpec([None], tf.int32, name="token")}
    inputs |= {name: spec(name) for name in (*names, *context)}
    return NetworkPart("step", step, inputs, examples, steps, "logits", None, most_steps, True)
