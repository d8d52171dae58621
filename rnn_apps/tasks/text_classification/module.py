"""The graph from raw texts to readable answers, for predictions and exports."""

import tensorflow as tf

from rnn_apps.models.per_step import state_specs
from rnn_apps.models.streaming_encoder import StreamingEncoder
from rnn_apps.tasks.class_predictor import ClassModule
from rnn_apps.tasks.predictor import numbered_states


class TextClassifier(ClassModule):
    """Encoder, network and class names in one graph.

    Args:
        model: `keras.Model` from word ids (batch, steps) to logits (batch, classes).
        encoder: `TextEncoder`.
        class_names: class names in the order of the logits.
        pooling: pooling of the network, for a signature ``step``; None for a bidirectional network.
    """

    def __init__(self, model, encoder, class_names, pooling=None):
        spec = tf.TensorSpec([None], tf.string, name="text")
        super().__init__(model, class_names, None, spec, encoder)
        self.encoder = encoder
        self.explain = tf.function(self._explain, input_signature=[spec], autograph=False)
        self.step = self.zero_states = None
        if pooling is not None:
            self._streaming = StreamingEncoder(model, pooling)
            self.zero_states = self._streaming.zero_states
            specs = [spec, *state_specs(self.zero_states(1))]
            self.step = tf.function(self._step, input_signature=specs, autograph=False)

    @property
    def signatures(self):
        """Functions of all signatures by name."""
        always = {**super().signatures, "explain": self.explain}
        return always | ({"step": self.step} if self.step else {})

    def _classify(self, text):
        """Return label, score, probabilities (batch, classes), and numbers of words for strings (batch,)."""
        words = self.encoder.tokenizer.split(text)
        read = self.encoder.truncate(words)
        lengths = {"words": words.row_lengths(), "words_read": read.row_lengths()}
        answer = self._answer(self._probabilities([self.encoder.pad(read)]))
        return answer | {name: tf.cast(length, tf.int32) for name, length in lengths.items()}

    def _step(self, text, *states):
        """Return the answer for everything read so far, and the new states as ``next_state_0``, ..."""
        numbers = self.encoder.tokenizer.encode(text)
        steps = tf.maximum(numbers.bounding_shape(axis=1), 1)
        numbers = numbers.to_tensor(0, shape=tf.stack([-1, steps]))
        logits, states = self._streaming.forward_from_state(numbers, states)
        return {**self._answer(tf.nn.softmax(logits)), **numbered_states(states, "next_state")}

    def _explain(self, text):
        """Return label, tokens and scores (batch, steps), padded, and lengths (batch,) for strings (batch,).

        A score is the probability of the final label if the text ended after that word. The network reads
        each prefix separately, which is exact for any cell, direction and pooling.
        """
        tokens = self.encoder.tokens(text)
        numbers = self.encoder(text)
        chosen = tf.argmax(self._probabilities([numbers]), axis=-1)
        steps = tf.shape(numbers)[1]

        def prefixes(row):
            numbers, label = row
            mask = tf.sequence_mask(tf.range(1, steps + 1), steps)
            probabilities = self._probabilities([tf.where(mask, numbers[None], 0)])
            return tf.gather(probabilities, label, axis=1)

        batch = tf.shape(numbers)[0]
        missing = tf.maximum(1 - batch, 0)  # map_fn fails on an empty batch
        rows = tf.pad(numbers, [[0, missing], [0, 0]]), tf.pad(chosen, [[0, missing]])
        scores = tf.map_fn(prefixes, rows, fn_output_signature=tf.float32)[:batch]
        return {
            "label": tf.gather(self.class_names, chosen),
            "tokens": tokens.to_tensor(shape=tf.stack([-1, tf.cast(steps, tf.int64)])),
            "scores": tf.ensure_shape(scores, [None, None]),
            "lengths": tf.cast(tokens.row_lengths(), tf.int32),
        }
