"""Raw text to readable answers in one graph: what is exported, and what `predict` calls."""

import tensorflow as tf

from rnn_apps.data.text import tokenize
from rnn_apps.models.running_text import RunningEncoder
from rnn_apps.models.stepwise import state_specs

__all__ = ["TextClassifier"]


class TextClassifier(tf.Module):
    """Encoder, network and class names together.

    Args:
        model: `keras.Model`, word numbers (batch, steps) to logits (batch, classes).
        encoder: `TextEncoder`.
        class_names: names in the order of the logits.
        pooling: of the network, where a signature ``step`` is to read on; None where it looks ahead.
    """

    def __init__(self, model, encoder, class_names, pooling=None):
        super().__init__()
        self.model, self.encoder = model, encoder
        self._held = [variable.value for variable in model.variables]  # tf.saved_model finds no others
        self.class_names = tf.constant(class_names)
        spec = [tf.TensorSpec([None], tf.string, name="text")]
        self.classify = tf.function(self._classify, input_signature=spec, autograph=False)
        self.explain = tf.function(self._explain, input_signature=spec, autograph=False)
        self.step = self.zero_states = None
        if pooling is not None:
            self._running = RunningEncoder(model, pooling)
            self.zero_states = self._running.zero_states
            specs = [*spec, *state_specs(self.zero_states(1))]
            self.step = tf.function(self._step, input_signature=specs, autograph=False)

    @property
    def signatures(self):
        """Name to the function of every signature."""
        always = {"serving_default": self.classify, "explain": self.explain}
        return always | ({"step": self.step} if self.step else {})

    def _probabilities(self, numbers):
        return tf.nn.softmax(self.model(numbers, training=False))

    def _classify(self, text):
        """Strings (batch,) to label, score, probabilities (batch, classes), and how many words were read."""
        words = tokenize(text)
        read = self.encoder.kept(words)
        lengths = {"words": words.row_lengths(), "words_read": read.row_lengths()}
        answer = self._answer(self._probabilities(self.encoder.padded(read)))
        return answer | {name: tf.cast(length, tf.int32) for name, length in lengths.items()}

    def _step(self, text, *states):
        """As `classify`, of texts that go on: what each is so far, and ``next_state_0``, ... after it."""
        numbers = self.encoder.numbers(tokenize(text))
        steps = tf.maximum(numbers.bounding_shape(axis=1), 1)
        logits, after = self._running.read_on(numbers.to_tensor(0, shape=tf.stack([-1, steps])), states)
        following = {f"next_state_{number}": state for number, state in enumerate(after)}
        return {**self._answer(tf.nn.softmax(logits)), **following}

    def _answer(self, probabilities):
        return {
            "label": tf.gather(self.class_names, tf.argmax(probabilities, axis=-1)),
            "score": tf.reduce_max(probabilities, axis=-1),
            "probabilities": probabilities,
            "classes": tf.tile(self.class_names[None], [tf.shape(probabilities)[0], 1]),
        }

    def _explain(self, text):
        """Strings (batch,) to label, the tokens and scores (batch, steps), padded, and lengths (batch,).

        A score is the probability of the final label when the text ends after that word: the network reads
        each beginning anew, which is exact for any cell, direction and pooling.
        """
        tokens = self.encoder.tokens(text)
        numbers = self.encoder(text)
        chosen = tf.argmax(self._probabilities(numbers), axis=-1)
        steps = tf.shape(numbers)[1]

        def beginnings(row):
            numbers, label = row
            seen = tf.sequence_mask(tf.range(1, steps + 1), steps)
            probabilities = self._probabilities(tf.where(seen, numbers[None], 0))
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
