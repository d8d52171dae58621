"""The graph from prompts to continuations, for predictions and exports."""

import tensorflow as tf

from rnn_apps.data.text import PADDING, UNKNOWN
from rnn_apps.data.tokenizer import END, START
from rnn_apps.models.decoding import sample
from rnn_apps.models.per_step import state_specs
from rnn_apps.tasks.predictor import numbered_states

NEVER_GENERATED = (PADDING, UNKNOWN, START, END)


class PromptContinuer(tf.Module):
    """A language model with its vocabulary.

    Args:
        model: whole `keras.Model`, whose weights are exported.
        decoder: its `SequenceDecoder`.
        vocabulary: its `Tokenizer`.
        first: start token, before the first token of a text.
    """

    def __init__(self, model, decoder, vocabulary, first):
        super().__init__()
        self.decoder, self.vocabulary, self.first = decoder, vocabulary, first
        self._held = [variable.value for variable in model.variables]  # tf.saved_model finds no others
        inputs = [
            tf.TensorSpec([None], tf.string, name="prompt"),
            tf.TensorSpec([], tf.int32, name="length"),
            tf.TensorSpec([], tf.float32, name="temperature"),
        ]
        options = [tf.TensorSpec([], dtype, name=name) for name, dtype in _SAMPLING_OPTIONS.items()]
        self.continuation = tf.function(self._continue, input_signature=inputs, autograph=False)
        self.generate = tf.function(self._continue, input_signature=[*inputs, *options], autograph=False)
        step_inputs = [
            tf.TensorSpec([None], tf.string, name="text"),
            tf.TensorSpec([None], tf.int32, name="last"),
            *state_specs(decoder.zero_states(1)),
        ]
        self.step = tf.function(self._step, input_signature=step_inputs, autograph=False)

    @property
    def signatures(self):
        """Functions of all signatures by name."""
        return {"serving_default": self.continuation, "generate": self.generate, "step": self.step}

    def initial_state(self, batch):
        """Return the initial state arguments of ``step``: `last`, and the flat list of states."""
        return [tf.fill([batch], self.first), *tf.nest.flatten(self.decoder.zero_states(batch))]

    def _step(self, text, last, *states):
        """Read the next chunks of texts, and return their tokens with log-probabilities.

        Args:
            text: strings (batch,), the next chunk of each text, which must end between tokens.
            last: int32 (batch,), ``next_last`` of the previous chunk, or as in `initial_state`.
            states: ``next_state_0``, ... of the previous chunk, or as in `initial_state`.

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
        mask = tf.sequence_mask(lengths, tf.shape(padded)[1])
        states = tf.nest.pack_sequence_as(self.decoder.zero_states(1), list(states))
        logits, states, _ = self.decoder.forward_from_state(before, states, mask=mask)
        log_probability = tf.gather(tf.nn.log_softmax(logits), padded, batch_dims=2)
        ends = tf.gather(padded, tf.maximum(lengths - 1, 0), batch_dims=1)
        return {
            "tokens": tf.where(mask, self.vocabulary.id_to_token(padded), ""),
            "log_probability": tf.where(mask, log_probability, 0.0),
            "lengths": lengths,
            "next_last": tf.where(lengths > 0, ends, last),
            **numbered_states(states, "next_state"),
        }

    def _continue(self, prompt, length, temperature, seed=0, top_k=0, top_p=1.0):
        """Return prompts with their continuations (batch,), and log-probabilities of the latter in nats."""
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
            suppressed=NEVER_GENERATED,
        )
        follows = self.vocabulary.decode(decoded.tokens[:, 0])
        needs_blank = (self.vocabulary.unit == "token") & (tf.strings.length(prompt) > 0)
        between = tf.where(needs_blank, " ", "")
        return {"text": prompt + between + follows, "log_probability": decoded.scores[:, 0]}

    def _read(self, prompt):
        """Return the last token of each prompt, and the states before it."""
        numbers = self.vocabulary.encode(prompt)
        numbers = tf.concat([tf.fill([numbers.nrows(), 1], self.first), numbers], axis=1)
        lengths = tf.cast(numbers.row_lengths(), tf.int32)
        padded = numbers.to_tensor(PADDING)
        mask = tf.sequence_mask(lengths - 1, tf.shape(padded)[1])
        _, states, _ = self.decoder.forward_from_state(padded, None, mask=mask)
        return tf.gather(padded, lengths - 1, batch_dims=1), states


_SAMPLING_OPTIONS = {"seed": tf.int32, "top_k": tf.int32, "top_p": tf.float32}
