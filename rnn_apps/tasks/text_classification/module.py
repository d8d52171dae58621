"""Raw text to readable answers in one graph: what is exported, and what `predict` calls."""

import tensorflow as tf

from rnn_apps.models.running_text import RunningEncoder
from rnn_apps.models.stepwise import state_specs
from rnn_apps.tasks.class_predictor import ClassModule
from rnn_apps.tasks.predictor import numbered_states


class TextClassifier(ClassModule):
    """Encoder, network and class names together.

    Args:
        model: `keras.Model`, word numbers (batch, steps) to logits (batch, classes).
        encoder: `TextEncoder`.
        class_names: names in the order of the logits.
        pooling: of the network, for a signature ``step``; None where it reads in both directions.
    """

    def __init__(self, model, encoder, class_names, pooling=None):
        spec = tf.TensorSpec([None], tf.string, name="text")
        super().__init__(model, class_names, None, spec, encoder)
        self.encoder = encoder
        self.explain = tf.function(self._explain, input_signature=[spec], autograph=False)
        self.step = self.zero_states = None
        if pooling is not None:
            self._running = RunningEncoder(model, pooling)
            self.zero_states = self._running.zero_states
            specs = [spec, *state_specs(self.zero_states(1))]
            self.step = tf.function(self._step, input_signature=specs, autograph=False)

    @property
    def signatures(self):
        """Name to the function of every signature."""
        always = {**super().signatures, "explain": self.explain}
        return always | ({"step": self.step} if self.step else {})

    def _classify(self, text):
        """Strings (batch,) to label, score, probabilities (batch, classes), and how many words were read."""
        words = self.encoder.tokenizer.split(text)
        read = self.encoder.truncate(words)
        lengths = {"words": words.row_lengths(), "words_read": read.row_lengths()}
        answer = self._answer(self._probabilities([self.encoder.pad(read)]))
        return answer | {name: tf.cast(length, tf.int32) for name, length in lengths.items()}

    def _step(self, text, *states):
        """As `classify`, of texts that go on: what each is so far, and ``next_state_0``, ... after it."""
        numbers = self.encoder.tokenizer.encode(text)
        steps = tf.maximum(numbers.bounding_shape(axis=1), 1)
        logits, after = self._running.read_on(numbers.to_tensor(0, shape=tf.stack([-1, steps])), states)
        return {**self._answer(tf.nn.softmax(logits)), **numbered_states(after, "next_state")}

    def _explain(self, text):
        """Strings (batch,) to label, the tokens and scores (batch, steps), padded, and lengths (batch,).

        A score is the probability of the final label when the text ends after that word: the network reads
        each beginning anew, which is exact for any cell, direction and pooling.
        """
        tokens = self.encoder.tokens(text)
        numbers = self.encoder(text)
        chosen = tf.argmax(self._probabilities([numbers]), axis=-1)
        steps = tf.shape(numbers)[1]

        def beginnings(row):
            numbers, label = row
            seen = tf.sequence_mask(tf.range(1, steps + 1), steps)
            probabilities = self._probabilities([tf.where(seen, numbers[None], 0)])
            return tf.gather(probabilities, label, axis=1)

        batch = tf.shape(numbers)[0]
        missing = tf.maximum(1 - batch, 0)  # map_fn cannot stack the answers of no text
        rows = tf.pad(numbers, [[0, missing], [0, 0]]), tf.pad(chosen, [[0, missing]])
        scores = tf.map_fn(beginnings, rows, fn_output_signature=tf.float32)[:batch]
        return {
            "label": tf.gather(self.class_names, chosen),
            "tokens": tokens.to_tensor(shape=tf.stack([-1, tf.cast(steps, tf.int64)])),
            "scores": tf.ensure_shape(scores, [None, None]),
            "lengths": tf.cast(tokens.row_lengths(), tf.int32),
        }
