"""The graph from raw inputs to generated texts, for predictions and exports."""

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


class TextGenerator(tf.Module):
    """A network with its preprocessing and vocabulary.

    Args:
        model: whole `keras.Model`, whose weights are exported.
        search: `BeamSearch`.
        vocabulary: `Tokenizer` of the texts.
        beam: default beam width.
        read_raw: function from raw inputs to the encoder's inputs.
        raw: named `tf.TensorSpec` of the raw inputs, the argument of the signatures.
        answer: key of the text in the outputs.
        places: function from raw inputs to the text of each attended position (batch, positions), or None.
        lengths: function from raw inputs to a dict of lengths int32 (batch,), in total and read, or None.
        tables: `tf.Module` with the lookup tables of these functions, which are exported as well, or None.
    """

    def __init__(
        self, model, search, vocabulary, beam, read_raw, raw, answer, places=None, lengths=None, tables=None
    ):
        super().__init__()
        self._lengths = lengths or (lambda raw: {})
        self.search, self.vocabulary, self.beam, self.answer = search, vocabulary, beam, answer
        self._places, self.tables = places, tables
        self._read_raw = read_raw
        self._held = [variable.value for variable in model.variables]  # tf.saved_model finds no others
        scalar = {"beam": tf.int32, "nbest": tf.int32, "temperature": tf.float32, "seed": tf.int32}
        asked = [raw, *(tf.TensorSpec([], dtype, name=name) for name, dtype in scalar.items())]
        self.best = tf.function(self._best, input_signature=[raw], autograph=False)
        self.generate = tf.function(self._generate, input_signature=asked, autograph=False)
        self.explain = tf.function(self._explain, input_signature=[raw], autograph=False)

    @property
    def signatures(self):
        """Functions of all signatures by name."""
        return {"serving_default": self.best, "generate": self.generate, "explain": self.explain}

    def encode(self, raw):
        """Return the encoder's outputs for raw inputs."""
        return self.search.encode(self._read_raw(raw))

    def _best(self, raw):
        """Beam search: texts (batch,), candidates (batch, beam) and their scores, best first."""
        return self._answered(raw, self.search.best(self.encode(raw), self.beam, self.beam))

    def _generate(self, raw, beam, nbest, temperature, seed):
        """Beam search if temperature is 0, else sampling."""
        encoded, beam = self.encode(raw), tf.maximum(beam, nbest)
        decoded = tf.cond(
            temperature > 0,
            lambda: self.search.sampled(encoded, nbest, temperature, seed),
            lambda: self.search.best(encoded, beam, nbest),
        )
        return self._answered(raw, decoded)

    def _answered(self, raw, decoded):
        candidates = self.vocabulary.decode(decoded.tokens)
        answer = {self.answer: candidates[:, 0], "candidates": candidates, "scores": decoded.scores}
        return answer | self._lengths(raw)

    def _explain(self, raw):
        """Texts, tokens (batch, steps), their lengths, and attention weights (batch, steps, positions).

        If the positions are tokens, ``sources`` (batch, positions) are their texts.
        """
        tokens, lengths, weights = self.search.attended(self.encode(raw), self.beam)
        return {
            self.answer: self.vocabulary.decode(tokens),
            "tokens": self.vocabulary.decode(tokens[:, :, None]),
            "weights": weights,
            "lengths": lengths,
            **({"sources": self._places(raw)} if self._places else {}),
        }
