"""Sentences a second written from image features, beside the same weights in a plain Python loop.

    python benchmarks/decoding.py
    python benchmarks/decoding.py --rounds 7 --steps 12

The network is that of `image_captioning.yaml` (25 regions of 1,280 features, GRU of 512, attention, 4,000
words) with random weights; the end token is suppressed in both, so that all sentences have equal length.
The plain loop calls `model.predict_on_batch` on all that has been written, step after step, and keeps its
beams in NumPy. All take turns in one process; medians.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from peers import interleaved_medians, table

from rnn_apps.models.decoding import beam_search, sample
from rnn_apps.models.encoder_decoder import encoder_decoder, region_encoder
from rnn_apps.models.sequence_decoder import SequenceDecoder

PLACES, FEATURES, VOCABULARY = 25, 1280, 4000
START, END = 2, 3


def make_network():
    """The captioning network on features, with random weights."""
    decoder = SequenceDecoder(VOCABULARY, 256, (512,), "gru", "additive", seed=1, name="decoder")
    return encoder_decoder(region_encoder(PLACES, FEATURES, 512, seed=1), decoder)


def in_graph(network, steps, beam):
    """One `tf.function` from features to tokens."""
    encoder, decoder = network.get_layer("encoder"), network.get_layer("decoder")

    @tf.function(autograph=False)
    def write(features):
        read = encoder(features, training=False)
        begun = (tf.fill([tf.shape(features)[0]], START), decoder.initial_state(read["summary"]))
        context = decoder.project_memory(read["memory"])
        settings = {"end": END, "max_length": steps, "suppressed": (END,)}
        if beam == 1:
            return sample(decoder.step, *begun, context, temperature=0.0, **settings).tokens
        return beam_search(decoder.step, *begun, context, beam=beam, **settings).tokens

    return write


def plainly(network, steps, beam):
    """The same in Python: the whole beginning is read anew for every word."""

    def write(features):
        batch = len(features)
        owners = np.repeat(np.arange(batch), beam).astype("int32")
        tokens = np.full((batch * beam, 1), START, "int32")
        scores = np.tile(np.where(np.arange(beam) == 0, 0.0, -np.inf), (batch, 1))
        for _ in range(steps):
            logits = network.predict_on_batch([features, owners, tokens])[:, -1]
            logits[:, END] = -np.inf
            top = logits.max(-1, keepdims=True)
            log_p = logits - top - np.log(np.exp(logits - top).sum(-1, keepdims=True))
            total = (scores[:, :, None] + log_p.reshape(batch, beam, -1)).reshape(batch, -1)
            best = np.argpartition(-total, beam - 1, axis=1)[:, :beam]
            scores = np.take_along_axis(total, best, 1)
            rows = (np.arange(batch)[:, None] * beam + best // VOCABULARY).ravel()
            tokens = np.concatenate([tokens[rows], (best % VOCABULARY).reshape(-1, 1).astype("int32")], 1)
        return tokens.reshape(batch, beam, -1)[np.arange(batch), scores.argmax(1), 1:]

    return write


def bare(network, steps):
    """Only the network's own steps: no choosing, no beams."""
    encoder, decoder = network.get_layer("encoder"), network.get_layer("decoder")

    @tf.function(autograph=False)
    def run(features):
        read = encoder(features, training=False)
        states, context = decoder.initial_state(read["summary"]), decoder.project_memory(read["memory"])
        tokens, total = tf.fill([tf.shape(features)[0]], START), 0.0
        for _ in range(steps):
            logits, states = decoder.step(tokens, states, context)
            total += tf.reduce_sum(logits)
        return total

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12)
    arguments = parser.parse_args()
    network, rows = make_network(), []
    for batch in (1, 64):
        features = np.random.default_rng(0).random((batch, PLACES, FEATURES), np.float32)
        for beam in (1, 5):
            rows.append(measured(network, features, beam, arguments))
    columns = ["batch", "beam", "ours", "Python loop", "bare network", "ours / loop", "time / bare", "equal"]
    print("sentences a second")
    print(table(columns, rows))


def measured(network, features, beam, arguments):
    """One row of the table."""
    ours, plain = in_graph(network, arguments.steps, beam), plainly(network, arguments.steps, beam)
    alone, wide = bare(network, arguments.steps), np.repeat(features, beam, axis=0)
    tokens = plain(features)
    equal = (np.reshape(ours(features), tokens.shape) == tokens).mean()
    runs = {
        "ours": lambda: ours(features).numpy(),
        "plain": lambda: plain(features),
        "bare": lambda: alone(wide).numpy(),
    }
    times = interleaved_medians(runs, arguments.rounds)
    rates = [f"{1000 * len(features) / times[name]:.1f}" for name in runs]
    ratios = [times["plain"] / times["ours"], times["ours"] / times["bare"], equal]
    return [len(features), beam, *rates, *(f"{ratio:.2f}" for ratio in ratios)]


if __name__ == "__main__":
    main()
