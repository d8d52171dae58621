"""The score of an example as it moves word by word: a colour for each word, and a line."""

from collections.abc import Sequence
from typing import NamedTuple

from rnn_apps.reporting.predictions import Example

# Orange, white, blue: told apart with any kind of colour vision, and dark text reads well on all of them.
LOW, MIDDLE, HIGH = (241, 163, 64), (255, 255, 255), (103, 169, 207)
WIDTH, HEIGHT = 600, 60


class Word(NamedTuple):
    """A word, the score once it is read, and the colour for that score."""

    text: str
    score: float
    colour: str


class Trace(NamedTuple):
    """An example read word by word.

    Attributes:
        of: the class whose probability is shown.
        words: one entry a step.
        points: the line, as an SVG polyline of WIDTH x HEIGHT.
    """

    of: str
    words: list[Word]
    points: str


def tint(score: float) -> str:
    """Returns the colour for a score of 0 (orange) over 0.5 (white) to 1 (blue).

    >>> tint(0.0), tint(0.5), tint(1.0)
    ('#f1a340', '#ffffff', '#67a9cf')
    """
    end = HIGH if score > 0.5 else LOW
    share = abs(score - 0.5) * 2
    mixed = (round(middle + (far - middle) * share) for middle, far in zip(MIDDLE, end))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def word_trace(example: Example, class_names: Sequence[str]) -> Trace | None:
    """Returns the trace of an example, or None where it has no steps.

    Of two classes the second one's probability is shown, so that a colour means the same in every example; of
    more, the probability of the predicted class.
    """
    if not example.steps:
        return None
    of = 1 if len(class_names) == 2 else example.prediction
    scores = [score if of == example.prediction else 1 - score for _, score in example.steps]
    words = [Word(text, score, tint(score)) for (text, _), score in zip(example.steps, scores)]
    return Trace(class_names[of], words, _points(scores))


def _points(scores: Sequence[float]) -> str:
    width = WIDTH / max(1, len(scores) - 1)
    return " ".join(f"{index * width:.1f},{(1 - score) * HEIGHT:.1f}" for index, score in enumerate(scores))
