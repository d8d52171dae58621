"""A prompt to its continuation in one graph: what is exported, and what `predict` calls."""

import tensorflow as tf

from rnn_apps.data.text import PADDING, UNKNOWN
from rnn_apps.data.tokenizer import END, START
from rnn_apps.models.decoding import sample
from rnn_apps.models.stepwise import state_specs
from rnn_apps.tasks.predictor import numbered_states

NEVER_GENERATED = (PADDING, UNKNOWN, START, END)


class PromptContinuer(tf.Module):
    """A language model with its vocabulary.

    Args:
        model: the whole `keras.Model`, whose weights are kept with the export.
        decoder: its `SequenceDecoder`.
        vocabulary: its `Tokenizer`.
        first: token after which a text starts where there is no prompt.
    """

    def __init__(self, model, decoder, vocabulary, first):
        super().__init__()
        self.decoder, self.vocabulary, self.first = decoder, vocabulary, first
        self._held = [variable.value for variable in model.variables]  # tf.saved_model finds no others
        asked = [
            tf.TensorSpec([None], tf.string, name="prompt"),
            tf.TensorSpec([], tf.int32, name="length"),
            tf.TensorSpec([], tf.float32, name="temperature"),
        ]
        more = [tf.TensorSpec([], dtype, name=name) for name, dtype in _MORE.items()]
        self.continuation = tf.function(self._continue, input_signature=asked, autograph=False)
        self.generate = tf.function(self._continue, input_signature=[*asked, *more], autograph=False)
        going_on = [
            tf.TensorSpec([None], tf.string, name="text"),
            tf.TensorSpec([None], tf.int32, name="last"),
            *state_specs(decoder.zero_states(1)),
        ]
        self.step = tf.function(self._step, input_signature=going_on, autograph=False)

    @property
    def signatures(self):
        """Name to the function of every signature."""
        return {"serving_default": self.continuation, "generate": self.generate, "step": self.step}

    def start(self, batch):
        """Return `last` and the flat list of states with which a stream of text begins."""
        return [tf.fill([batch], self.first), *tf.nest.flatten(self.decoder.zero_states(batch))]

    def _step(self, text, last, *states):
        """What is read of texts that go on: their tokens, and how likely each was after those before it.

        Args:
            text: strings (batch,), the next piece of each text; a token is never cut by its end.
            last: int32 (batch,), ``next_last`` of the piece before; the first token of all, as of `start`.
            states: ``next_state_0``, ... of the piece before; zeros at first.

        Returns:
            ``tokens`` (batch, steps), ``log_probability`` (batch, steps) in nats, both padded, ``lengths``
            (batch,), ``next_last`` and ``next_state_0``, ...
        """
        numbers = self.vocabulary.encode(text)
        lengths = tf.cast(numbers.row_lengths(), tf.int32)
        padded = numbers.to_tensor(
            PADDING, shape=tf.stack([-1, tf.maximum(numbers.bounding_shape(axis=1), 1)])
        )
        before = tf.concat([last[:, None], padded[:, :-1]], axis=1)
        there = tf.sequence_mask(lengths, tf.shape(padded)[1])
        packed = tf.nest.pack_sequence_as(self.decoder.zero_states(1), list(states))
        logits, after, _ = self.decoder.read_on(before, packed, mask=there)
        likely = tf.gather(tf.nn.log_softmax(logits), padded, batch_dims=2)
        ends = tf.gather(padded, tf.maximum(lengths - 1, 0), batch_dims=1)
        return {
            "tokens": tf.where(there, self.vocabulary.id_to_token(padded), ""),
            "log_probability": tf.where(there, likely, 0.0),
            "lengths": lengths,
            "next_last": tf.where(lengths > 0, ends, last),
            **numbered_states(after, "next_state"),
        }

    def _continue(self, prompt, length, temperature, seed=0, top_k=0, top_p=1.0):
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
            forbidden=NEVER_GENERATED,
        )
        follows = self.vocabulary.decode(decoded.tokens[:, 0])
        needs_blank = (self.vocabulary.unit == "token") & (tf.strings.length(prompt) > 0)
        between = tf.where(needs_blank, " ", "")
        return {"text": prompt + between + follows, "log_probability": decoded.scores[:, 0]}

    def _read(self, prompt):
        """The last token of each prompt, and the states before it."""
        numbers = self.vocabulary.encode(prompt)
        begun = tf.concat([tf.fill([numbers.nrows(), 1], self.first), numbers], axis=1)
        lengths = tf.cast(begun.row_lengths(), tf.int32)
        padded = begun.to_tensor(PADDING)
        mask = tf.sequence_mask(lengths - 1, tf.shape(padded)[1])
        _, states, _ = self.decoder.read_on(padded, None, mask=mask)
        return tf.gather(padded, lengths - 1, batch_dims=1), states


_MORE = {"seed": tf.int32, "top_k": tf.int32, "top_p": tf.float32}
