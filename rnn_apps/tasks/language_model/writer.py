"""A prompt to a longer text in one graph: what is exported, and what `predict` calls."""

import tensorflow as tf

from rnn_apps.data.text import PADDING, UNKNOWN
from rnn_apps.data.written_text import END, START
from rnn_apps.models.decoding import sample

__all__ = ["PromptWriter"]

NEVER_WRITTEN = (PADDING, UNKNOWN, START, END)


class PromptWriter(tf.Module):
    """A language model with its vocabulary.

    Args:
        model: the whole `keras.Model`, whose weights are kept with the export.
        decoder: its `SequenceDecoder`.
        written: `WrittenText`.
        first: token after which a text begins where there is no prompt.
    """

    def __init__(self, model, decoder, written, first):
        super().__init__()
        self.decoder, self.written, self.first = decoder, written, first
        self._held = [variable.value for variable in model.variables]  # tf.saved_model finds no others
        asked = [
            tf.TensorSpec([None], tf.string, name="prompt"),
            tf.TensorSpec([], tf.int32, name="length"),
            tf.TensorSpec([], tf.float32, name="temperature"),
        ]
        more = [tf.TensorSpec([], dtype, name=name) for name, dtype in _MORE.items()]
        self.write = tf.function(self._write, input_signature=asked, autograph=False)
        self.generate = tf.function(self._write, input_signature=[*asked, *more], autograph=False)

    @property
    def signatures(self):
        """Name to the function of every signature."""
        return {"serving_default": self.write, "generate": self.generate}

    def _write(self, prompt, length, temperature, seed=0, top_k=0, top_p=1.0):
        """The prompt with what follows (batch,), and the log-probability of what follows in nats (batch,)."""
        start, states = self._read(prompt)
        decoded = sample(
            self.decoder.step,
            start,
            states,
            end=-1,
            max_length=length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            forbidden=NEVER_WRITTEN,
        )
        follows = self.written.texts(decoded.tokens[:, 0])
        needs_blank = (self.written.unit == "token") & (tf.strings.length(prompt) > 0)
        between = tf.where(needs_blank, " ", "")
        return {"text": prompt + between + follows, "log_probability": decoded.scores[:, 0]}

    def _read(self, prompt):
        """The last token of each prompt, and the states before it."""
        numbers = self.written.numbers(prompt)
        begun = tf.concat([tf.fill([numbers.nrows(), 1], self.first), numbers], axis=1)
        lengths = tf.cast(begun.row_lengths(), tf.int32)
        padded = begun.to_tensor(PADDING)
        mask = tf.sequence_mask(lengths - 1, tf.shape(padded)[1])
        _, states, _ = self.decoder.read_on(padded, None, mask=mask)
        return tf.gather(padded, lengths - 1, batch_dims=1), states


_MORE = {"seed": tf.int32, "top_k": tf.int32, "top_p": tf.float32}
