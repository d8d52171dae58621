"""A text as it comes, and what it is so far."""

import tensorflow as tf

from rnn_apps.tasks.streaming import Stream

__all__ = ["VerdictStream"]


class VerdictStream(Stream):
    """Reads lines of one text, and says after each what all of it is so far.

    Args:
        classifier: `TextClassifier` with a step.
    """

    def __init__(self, classifier):
        super().__init__(classifier.step, classifier.zero_states(1))

    def feed(self, lines):
        """Return label, score and probabilities after every line."""
        return [self._after(line) for line in lines]

    def _after(self, line):
        answer = self.read(tf.constant([line.encode("utf-8", "replace")]))
        probabilities = [round(float(value), 6) for value in answer["probabilities"]]
        label, score = answer["label"].decode("utf-8"), round(float(answer["score"]), 6)
        return {"text": line, "label": label, "score": score, "probabilities": probabilities}

    def line(self, answer):
        """Label and score so far, and the line."""
        return f"{answer['label']}\t{answer['score']:.3f}\t{answer['text']}"
