"""Numeric subgraphs of encoder-decoder networks, for formats without strings or decoding loops."""

import numpy as np
import tensorflow as tf

from rnn_apps.tasks.predictor import NetworkPart, numbered_states


def encode_part(spec, extractor, search, steps, examples, max_steps=None):
    """Return the `NetworkPart` that encodes an input: initial states, and keys and mask of the attention.

    Args:
        spec: `tf.TensorSpec` of the inputs.
        extractor: feature extractor, a `keras.Model` to the inputs of the network, or None.
        search: `BeamSearch`.
        steps: number of steps for formats with fixed shapes.
        examples, max_steps: as in `NetworkPart`.
    """

    def encode(inputs):
        encoded = search.encode(inputs if extractor is None else extractor(inputs, training=False))
        return {
            **numbered_states(search.decoder.initial_state(encoded["summary"])),
            **dict(zip(("keys", "mask"), search.context(encoded))),
        }

    part = NetworkPart("encode", encode, {"inputs": spec}, examples, steps, None, None, max_steps, True)
    return part._replace(fixed_steps=True)  # a new length would cost more than padding, twice


def step_part(decoder, initial, steps=1, max_steps=None):
    """Return the `NetworkPart` of one decoding step, from the last token, states, and attention keys.

    Args:
        decoder: `SequenceDecoder`.
        initial: ``initial(batch, steps, seed)`` returns a dict of arrays: initial states, and ``keys`` and
            ``mask`` if the decoder has attention.
        steps: number of attended positions for formats with fixed shapes.
        max_steps: as in `NetworkPart`.
    """
    structure, example = decoder.zero_states(1), initial(1, steps, 0)
    names = [name for name in example if name.startswith("state_")]
    context = [name for name in ("keys", "mask") if name in example]

    def step(token, *others):
        states = tf.nest.pack_sequence_as(structure, others[: len(names)])
        logits, states = decoder.step(token, states, others[len(names) :])
        return {"logits": logits, **numbered_states(states, "next_state")}

    def examples(batch, steps, seed):
        tokens = np.random.default_rng(seed).integers(4, decoder.vocabulary_size, batch).astype("int32")
        arrays = initial(batch, steps, seed)
        return [tokens, *(np.asarray(arrays[name]) for name in (*names, *context))]

    def spec(name):
        open_dimensions = 1 if name.startswith("state_") else 2
        shape = [*[None] * open_dimensions, *np.shape(example[name])[open_dimensions:]]
        return tf.TensorSpec(shape, np.asarray(example[name]).dtype, name=name)

    inputs = {"token": tf.TensorSpec([None], tf.int32, name="token")}
    inputs |= {name: spec(name) for name in (*names, *context)}
    part = NetworkPart("step", step, inputs, examples, steps, "logits", None, max_steps, True)
    return part._replace(fixed_steps=True)
