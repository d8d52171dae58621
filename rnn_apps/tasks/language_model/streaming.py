"""Scores a text as it comes, line by line."""

import tensorflow as tf

from rnn_apps.tasks.streaming import Stream

_CHARACTERS = 2_000  # that are read at once


class TextStream(Stream):
    """Reads lines, and says how likely each was after all before it.

    Args:
        module: `PromptContinuer`.
    """

    def __init__(self, module):
        super().__init__(module.step, module.start(1))
        self._unit = module.vocabulary.unit

    def feed(self, lines):
        """Return the tokens of every line, the nats of each, and their mean; its end is a token."""
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
        """Mean nats a token, and the line."""
        return f"{answer['mean_nats']:.3f}\t{answer['text']}"


def _pieces(text, unit):
    """A text in pieces that are read one after the other; a token of several letters stays whole."""
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
