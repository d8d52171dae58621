"""Streaming scores of a text, line by line."""

import tensorflow as tf

from rnn_apps.tasks.streaming import Stream

_CHARACTERS = 2_000  # per chunk


class TextStream(Stream):
    """Reads lines, and returns the likelihood of each, given all lines before it.

    Args:
        module: `PromptContinuer`.
    """

    def __init__(self, module):
        super().__init__(module.step, module.initial_state(1))
        self._unit = module.vocabulary.unit

    def feed(self, lines):
        """Return the tokens of every line, including its end, their nats, and the mean."""
        return [self._read_line(line) for line in lines]

    def _read_line(self, line):
        tokens, nats = [], []
        for piece in _pieces(f"{line}\n", self._unit):
            answer = self.read(tf.constant([piece.encode("utf-8", "replace")]))
            count = int(answer["lengths"])
            nats += [round(-float(likely), 4) for likely in answer["log_probability"][:count]]
            tokens += [token.decode("utf-8", "replace") for token in answer["tokens"][:count]]
        mean = round(sum(nats) / max(1, len(nats)), 4)
        return {"text": line, "tokens": tokens, "nats": nats, "mean_nats": mean}

    def line(self, answer):
        """Mean nats per token, and the line."""
        return f"{answer['mean_nats']:.3f}\t{answer['text']}"


def _pieces(text, unit):
    """Split a text into chunks, without splitting tokens."""
    if unit == "character":
        return [text[start : start + _CHARACTERS] for start in range(0, len(text), _CHARACTERS)]
    pieces, start = [], 0
    while len(text) - start > _CHARACTERS:
        end = max(text.rfind(blank, start + 1, start + _CHARACTERS) for blank in " \t")
        if end <= start:
            break
        pieces.append(text[start:end])
        start = end
    return [*pieces, text[start:]]
