"""Beam search and sampling with an encoder-decoder network."""

import tensorflow as tf

from rnn_apps.data.text import PADDING, UNKNOWN
from rnn_apps.data.tokenizer import END, START
from rnn_apps.models.decoding import beam_search, sample

NEVER_GENERATED = (PADDING, UNKNOWN, START)


class BeamSearch:
    """Beam search and sampling with an encoder-decoder network.

    Args:
        network: model of `encoder_decoder`.
        length_penalty, max_length: as in `beam_search`.
    """

    def __init__(self, network, length_penalty, max_length):
        self.encoder, self.decoder = network.get_layer("encoder"), network.get_layer("decoder")
        self.length_penalty, self.max_length = length_penalty, max_length

    def encode(self, inputs):
        """Return the encoder's outputs: memory, summary and mask."""
        return self.encoder(inputs, training=False)

    def context(self, encoded):
        """Return keys and mask of the attention, or () without attention."""
        return self.decoder.project_memory(*self._memory(encoded))

    def _initial(self, encoded):
        start = tf.fill(tf.shape(encoded["summary"])[:1], START)
        return start, self.decoder.initial_state(encoded["summary"]), self.context(encoded)

    def _memory(self, encoded):
        return (encoded["memory"], encoded.get("memory_mask")) if self.decoder.attention else (None, None)

    def best(self, encoded, beam, nbest):
        """Return the `Decoded` of beam search."""
        settings = {"max_length": self.max_length, "length_penalty": self.length_penalty}
        return beam_search(
            self.decoder.step,
            *self._initial(encoded),
            end=END,
            beam=beam,
            nbest=nbest,
            suppressed=NEVER_GENERATED,
            **settings,
        )

    def sampled(self, encoded, nbest, temperature, seed):
        """Return the `Decoded` of sampling, most probable texts first."""
        encoded = {name: tf.repeat(tensor, nbest, axis=0) for name, tensor in encoded.items()}
        settings = {"max_length": self.max_length, "temperature": temperature, "seed": seed}
        sampled = sample(
            self.decoder.step, *self._initial(encoded), end=END, suppressed=NEVER_GENERATED, **settings
        )
        rows = tf.reshape(sampled.scores, [-1, nbest])
        order = tf.argsort(rows, direction="DESCENDING", stable=True)

        def ranked(tensor):
            shape = tf.concat([tf.shape(rows), tf.shape(tensor)[2:]], 0)
            return tf.gather(tf.reshape(tensor, shape), order, batch_dims=1)

        return type(sampled)(*map(ranked, sampled))

    def attention(self, encoded, tokens):
        """Return the attention weights (batch, steps + 1, positions) of generated tokens (batch, steps).

        The last step predicts the end; without attention there are no positions.
        """
        before = tf.pad(tokens, [[0, 0], [1, 0]], constant_values=START)
        memory, mask = self._memory(encoded)
        _, weights = self.decoder.attend(before, memory, encoded["summary"], mask, training=False)
        return tf.zeros([*tf.unstack(tf.shape(before)), 0]) if weights is None else weights

    def attended(self, encoded, beam):
        """Return the best tokens (batch, steps), their lengths (batch,), and their attention weights."""
        decoded = self.best(encoded, beam, 1)
        tokens = decoded.tokens[:, 0]
        weights = self.attention(encoded, tokens)[:, : tf.shape(tokens)[1]]
        return tokens, decoded.lengths[:, 0], weights
