"""The score of an example after each word, as a colour per word and as a line."""

from collections.abc import Sequence
from typing import NamedTuple

from rnn_apps.reporting.predictions import Example

# Orange, white, blue: distinguishable with any colour vision, and light enough for dark text.
LOW, MIDDLE, HIGH = (241, 163, 64), (255, 255, 255), (103, 169, 207)
WIDTH, HEIGHT = 600, 60


class Word(NamedTuple):
    """A word, the score after it, and the colour of that score."""

    text: str
    score: float
    colour: str


class Trace(NamedTuple):
    """The score of an example word by word.

    Attributes:
        class_name: class whose probability is the score.
        words: one entry per word.
        points: the line, as points of an SVG polyline of WIDTH x HEIGHT.
    """

    class_name: str
    words: list[Word]
    points: str


def score_colour(score: float) -> str:
    """Return the colour of a score, from 0 (orange) over 0.5 (white) to 1 (blue).

    >>> score_colour(0.0), score_colour(0.5), score_colour(1.0)
    ('#f1a340', '#ffffff', '#67a9cf')
    """
    end = HIGH if score > 0.5 else LOW
    share = abs(score - 0.5) * 2
    mixed = (round(middle + (far - middle) * share) for middle, far in zip(MIDDLE, end))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def word_trace(example: Example, class_names: Sequence[str]) -> Trace | None:
    """Return the trace of an example, or None if it has no steps.

    With two classes the score is the probability of the second one, so that a colour means the same in every
    example; with more, it is the probability of the predicted class.
    """
    if not example.steps:
        return None
    index = 1 if len(class_names) == 2 else example.prediction
    scores = [score if index == example.prediction else 1 - score for _, score in example.steps]
    words = [Word(text, score, score_colour(score)) for (text, _), score in zip(example.steps, scores)]
    width = WIDTH / max(1, len(scores) - 1)
    points = " ".join(f"{i * width:.1f},{(1 - score) * HEIGHT:.1f}" for i, score in enumerate(scores))
    return Trace(class_names[index], words, points)
