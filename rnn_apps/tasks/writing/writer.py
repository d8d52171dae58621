"""Raw input to readable texts in one graph: what tasks that write export, and what `predict` calls."""

import tensorflow as tf

from rnn_apps.data.text import PADDING, UNKNOWN
from rnn_apps.data.written_text import END, START
from rnn_apps.models.decoding import beam_search, sample

__all__ = ["NEVER_WRITTEN", "Search", "Writer"]

NEVER_WRITTEN = (PADDING, UNKNOWN, START)


class Search:
    """Decoding with one network.

    Args:
        network: of `encoder_decoder`.
        length_penalty, max_length: as in `beam_search`.
    """

    def __init__(self, network, length_penalty, max_length):
        self.encoder, self.decoder = network.get_layer("encoder"), network.get_layer("decoder")
        self.length_penalty, self.max_length = length_penalty, max_length

    def encode(self, given):
        """Return what the decoder reads."""
        return self.encoder(given, training=False)

    def _begun(self, read):
        context = self.decoder.remember(*self._memory(read))
        start = tf.fill(tf.shape(read["summary"])[:1], START)
        return start, self.decoder.begin(read["summary"]), context

    def _memory(self, read):
        return (read["memory"], read.get("memory_mask")) if self.decoder.attention else (None, None)

    def best(self, read, beam, nbest):
        """Return the `Decoded` of beam search."""
        settings = {"max_length": self.max_length, "length_penalty": self.length_penalty}
        return beam_search(
            self.decoder.step,
            *self._begun(read),
            end=END,
            beam=beam,
            nbest=nbest,
            forbidden=NEVER_WRITTEN,
            **settings,
        )

    def drawn(self, read, nbest, temperature, seed):
        """Return a `Decoded` of texts drawn at random, likeliest first."""
        read = {name: tf.repeat(part, nbest, axis=0) for name, part in read.items()}
        settings = {"max_length": self.max_length, "temperature": temperature, "seed": seed}
        drawn = sample(self.decoder.step, *self._begun(read), end=END, forbidden=NEVER_WRITTEN, **settings)
        rows = tf.reshape(drawn.scores, [-1, nbest])
        order = tf.argsort(rows, direction="DESCENDING", stable=True)

        def ranked(part):
            shape = tf.concat([tf.shape(rows), tf.shape(part)[2:]], 0)
            return tf.gather(tf.reshape(part, shape), order, batch_dims=1)

        return type(drawn)(*map(ranked, drawn))

    def attention(self, read, tokens):
        """Return the attention weights (batch, steps, places) under which tokens (batch, steps) were written.

        Steps are those of the tokens and of the end; without attention there are no places.
        """
        before = tf.pad(tokens, [[0, 0], [1, 0]], constant_values=START)
        memory, mask = self._memory(read)
        _, weights = self.decoder.attend(before, memory, read["summary"], mask, training=False)
        return tf.zeros([*tf.unstack(tf.shape(before)), 0]) if weights is None else weights

    def attended(self, read, beam):
        """Return the best tokens (batch, steps), their number (batch,), and `attention` to each of them."""
        decoded = self.best(read, beam, 1)
        tokens = decoded.tokens[:, 0]
        weights = self.attention(read, tokens)[:, : tf.shape(tokens)[1]]
        return tokens, decoded.lengths[:, 0], weights


class Writer(tf.Module):
    """A network with its preprocessing and its vocabulary.

    Args:
        model: the whole `keras.Model`, whose weights are kept with the export.
        search: `Search`.
        written: `WrittenText`.
        beam: width of the search where nobody names one.
        read_raw: raw inputs, as `raw` says, to what the encoder is given.
        raw: `tf.TensorSpec` of the inputs; its name is that of the signatures' argument.
        answer: what the text is called.
        places: raw inputs to the text of each place (batch, places) that is looked at, or None.
        lengths: raw inputs to name to int32 (batch,), what is answered on how much of them is read, or None.
    """

    def __init__(self, model, search, written, beam, read_raw, raw, answer, places=None, lengths=None):
        super().__init__()
        self._lengths = lengths or (lambda raw: {})
        self.search, self.written, self.beam, self.answer = search, written, beam, answer
        self._places = places
        self._read_raw = read_raw
        self._held = [variable.value for variable in model.variables]  # tf.saved_model finds no others
        scalar = {"beam": tf.int32, "nbest": tf.int32, "temperature": tf.float32, "seed": tf.int32}
        asked = [raw, *(tf.TensorSpec([], dtype, name=name) for name, dtype in scalar.items())]
        self.write = tf.function(self._write, input_signature=[raw], autograph=False)
        self.generate = tf.function(self._generate, input_signature=asked, autograph=False)
        self.explain = tf.function(self._explain, input_signature=[raw], autograph=False)

    @property
    def signatures(self):
        """Name to the function of every signature."""
        return {"serving_default": self.write, "generate": self.generate, "explain": self.explain}

    def read(self, raw):
        """Return what the decoder reads of raw inputs."""
        return self.search.encode(self._read_raw(raw))

    def _write(self, raw):
        """Beam search: text (batch,), candidates (batch, beam) and their scores, best first."""
        return self._answered(raw, self.search.best(self.read(raw), self.beam, self.beam))

    def _generate(self, raw, beam, nbest, temperature, seed):
        """Beam search where temperature is 0, else texts drawn at random."""
        read, beam = self.read(raw), tf.maximum(beam, nbest)
        decoded = tf.cond(
            temperature > 0,
            lambda: self.search.drawn(read, nbest, temperature, seed),
            lambda: self.search.best(read, beam, nbest),
        )
        return self._answered(raw, decoded)

    def _answered(self, raw, decoded):
        candidates = self.written.texts(decoded.tokens)
        answer = {self.answer: candidates[:, 0], "candidates": candidates, "scores": decoded.scores}
        return answer | self._lengths(raw)

    def _explain(self, raw):
        """The text, its tokens (batch, steps), their number, and attention weights (batch, steps, places).

        Where the places are tokens themselves, ``sources`` (batch, places) are their texts.
        """
        tokens, lengths, weights = self.search.attended(self.read(raw), self.beam)
        return {
            self.answer: self.written.texts(tokens),
            "tokens": self.written.texts(tokens[:, :, None]),
            "weights": weights,
            "lengths": lengths,
            **({"sources": self._places(raw)} if self._places else {}),
        }
