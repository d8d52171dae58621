"""Raw input to generated texts in one graph: what is exported, and what `predict` calls."""

import tensorflow as tf

from rnn_apps.data.text import PADDING, UNKNOWN
from rnn_apps.data.tokenizer import END, START
from rnn_apps.models.decoding import beam_search, sample

NEVER_GENERATED = (PADDING, UNKNOWN, START)


class BeamSearch:
    """Decoding with one network.

    Args:
        network: of `encoder_decoder`.
        length_penalty, max_length: as in `beam_search`.
    """

    def __init__(self, network, length_penalty, max_length):
        self.encoder, self.decoder = network.get_layer("encoder"), network.get_layer("decoder")
        self.length_penalty, self.max_length = length_penalty, max_length

    def encode(self, inputs):
        """Return what the encoder makes of its inputs: memory, summary and mask."""
        return self.encoder(inputs, training=False)

    def context(self, encoded):
        """Return the keys and the mask of the attention, () without attention."""
        return self.decoder.remember(*self._memory(encoded))

    def _initial(self, encoded):
        start = tf.fill(tf.shape(encoded["summary"])[:1], START)
        return start, self.decoder.begin(encoded["summary"]), self.context(encoded)

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
            forbidden=NEVER_GENERATED,
            **settings,
        )

    def sampled(self, encoded, nbest, temperature, seed):
        """Return a `Decoded` of sampled texts, most probable first."""
        encoded = {name: tf.repeat(tensor, nbest, axis=0) for name, tensor in encoded.items()}
        settings = {"max_length": self.max_length, "temperature": temperature, "seed": seed}
        sampled = sample(
            self.decoder.step, *self._initial(encoded), end=END, forbidden=NEVER_GENERATED, **settings
        )
        rows = tf.reshape(sampled.scores, [-1, nbest])
        order = tf.argsort(rows, direction="DESCENDING", stable=True)

        def ranked(tensor):
            shape = tf.concat([tf.shape(rows), tf.shape(tensor)[2:]], 0)
            return tf.gather(tf.reshape(tensor, shape), order, batch_dims=1)

        return type(sampled)(*map(ranked, sampled))

    def attention(self, encoded, tokens):
        """Return the attention weights (batch, steps, places) of generated tokens (batch, steps).

        Steps are those of the tokens and of the end; without attention there are no places.
        """
        before = tf.pad(tokens, [[0, 0], [1, 0]], constant_values=START)
        memory, mask = self._memory(encoded)
        _, weights = self.decoder.attend(before, memory, encoded["summary"], mask, training=False)
        return tf.zeros([*tf.unstack(tf.shape(before)), 0]) if weights is None else weights

    def attended(self, encoded, beam):
        """Return the best tokens (batch, steps), their number (batch,), and `attention` to each of them."""
        decoded = self.best(encoded, beam, 1)
        tokens = decoded.tokens[:, 0]
        weights = self.attention(encoded, tokens)[:, : tf.shape(tokens)[1]]
        return tokens, decoded.lengths[:, 0], weights


class TextGenerator(tf.Module):
    """A network with its preprocessing and its vocabulary.

    Args:
        model: the whole `keras.Model`, whose weights are kept with the export.
        search: `BeamSearch`.
        vocabulary: `Tokenizer` of the texts.
        beam: default width of the search.
        read_raw: function from raw inputs, as `raw` says, to what the encoder takes.
        raw: `tf.TensorSpec` of the inputs; its name is that of the signatures' argument.
        answer: what the text is called.
        places: function from raw inputs to the text of each place (batch, places) that is attended to, or
            None.
        lengths: function from raw inputs to name to int32 (batch,), how much of them is read, or None.
        tables: `tf.Module` that these functions use, whose tables are kept with the export, or None.
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
        """Name to the function of every signature."""
        return {"serving_default": self.best, "generate": self.generate, "explain": self.explain}

    def encode(self, raw):
        """Return what the encoder makes of raw inputs."""
        return self.search.encode(self._read_raw(raw))

    def _best(self, raw):
        """Beam search: text (batch,), candidates (batch, beam) and their scores, best first."""
        return self._answered(raw, self.search.best(self.encode(raw), self.beam, self.beam))

    def _generate(self, raw, beam, nbest, temperature, seed):
        """Beam search where temperature is 0, else sampled texts."""
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
        """The text, its tokens (batch, steps), their number, and attention weights (batch, steps, places).

        Where the places are tokens themselves, ``sources`` (batch, places) are their texts.
        """
        tokens, lengths, weights = self.search.attended(self.encode(raw), self.beam)
        return {
            self.answer: self.vocabulary.decode(tokens),
            "tokens": self.vocabulary.decode(tokens[:, :, None]),
            "weights": weights,
            "lengths": lengths,
            **({"sources": self._places(raw)} if self._places else {}),
        }
