"""Words as they come, each with its tag."""

import tensorflow as tf

from rnn_apps.tasks.streaming import Stream

__all__ = ["WordStream"]


class WordStream(Stream):
    """Tags words, lines of them; an empty line ends nothing, for the text may go on.

    Args:
        labeller: `StepLabeller` with a step.
    """

    cuts_at_blanks = True

    def __init__(self, labeller):
        super().__init__(labeller.step, labeller.zero_states(1))

    def feed(self, lines):
        """Return token, tag and score of every word."""
        text = " ".join(lines).encode("utf-8", "replace")
        if not text.split():
            return []
        answer = self.read(tf.constant([text]))
        rows = zip(answer["tokens"], answer["tags"], answer["scores"][: answer["lengths"]])
        return [
            {
                "token": token.decode("utf-8", "replace"),
                "tag": tag.decode("utf-8"),
                "score": round(float(s), 4),
            }
            for token, tag, s in rows
        ]

    def line(self, answer):
        """Word and tag."""
        return f"{answer['token']}\t{answer['tag']}\t{answer['score']:.3f}"
