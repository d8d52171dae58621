"""A text as it comes, each line with how much it surprises."""

import tensorflow as tf

from rnn_apps.tasks.streaming import Stream

__all__ = ["TextStream"]


class TextStream(Stream):
    """Reads lines, and says how likely each was after all before it.

    Args:
        writer: `PromptWriter`.
    """

    def __init__(self, writer):
        super().__init__(writer.step, writer.start(1))

    def feed(self, lines):
        """Return the tokens of every line, the nats of each, and their mean; its end is a token."""
        return [self._read_line(line) for line in lines]

    def _read_line(self, line):
        answer = self.read(tf.constant([f"{line}\n".encode("utf-8", "replace")]))
        count = int(answer["lengths"])
        nats = [round(-float(likely), 4) for likely in answer["log_probability"][:count]]
        tokens = [token.decode("utf-8", "replace") for token in answer["tokens"][:count]]
        return {
            "text": line,
            "tokens": tokens,
            "nats": nats,
            "mean_nats": round(sum(nats) / max(1, count), 4),
        }

    def line(self, answer):
        """Mean nats a token, and the line."""
        return f"{answer['mean_nats']:.3f}\t{answer['text']}"
