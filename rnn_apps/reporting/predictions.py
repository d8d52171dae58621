"""What the report shows of the predictions, gathered in one pass, however many they are."""

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

NUM_BINS = 15
NUM_EXAMPLES = 5


class Example(NamedTuple):
    """One prediction, with the classes as indices.

    Attributes:
        number: its line in the predictions.
        score: probability of the predicted class.
        steps: (word, probability of the predicted class up to and with that word), or None.
    """

    number: int
    text: str
    label: int
    prediction: int
    score: float
    steps: list[tuple[str, float]] | None


class PredictionSummary:
    """Counts over all predictions, and the few that are shown.

    Attributes:
        class_names: those given, and behind them any other that the predictions name.
        confusion: (label, prediction) -> how many.
        bin_count, bin_right, bin_confidence: sums over equally wide bins of the score (NUM_BINS,).
        mistakes, close_calls, swings: the chosen examples, most telling first.
    """

    def __init__(self, class_names: Sequence[str]):
        self.class_names = list(class_names)
        self.confusion: Counter[tuple[int, int]] = Counter()
        self.bin_count = np.zeros(NUM_BINS, dtype=np.int64)
        self.bin_right = np.zeros(NUM_BINS, dtype=np.int64)
        self.bin_confidence = np.zeros(NUM_BINS)
        self.mistakes: list[Example] = []
        self.close_calls: list[Example] = []
        self.swings: list[Example] = []

    @property
    def total(self) -> int:
        """Number of predictions that name both classes."""
        return self.confusion.total()

    def most_confused(self, most: int) -> list[int]:
        """Returns the classes in the most mistakes, at most `most` of them, in their usual order."""
        if len(self.class_names) <= most:
            return list(range(len(self.class_names)))
        involved: Counter[int] = Counter()
        for (label, prediction), count in self.confusion.items():
            if label != prediction:
                involved.update({label: count, prediction: count})
        ranked = sorted(range(len(self.class_names)), key=lambda index: (-involved[index], index))
        return sorted(ranked[:most])


class _Ranking:
    """The few examples with the largest keys; earlier ones first among equals."""

    def __init__(self, size: int):
        self.size = size
        self.heap: list[tuple[float, int, Example]] = []

    def offer(self, key: float, example: Example) -> None:
        heapq.heappush(self.heap, (key, -example.number, example))
        if len(self.heap) > self.size:
            heapq.heappop(self.heap)

    def best(self) -> list[Example]:
        return [example for *_, example in sorted(self.heap, reverse=True)]


def summarise(records: Iterable[Mapping[str, Any]], class_names: Sequence[str]) -> PredictionSummary:
    """Returns counts over `records` and the examples worth a look.

    Shown are the most confident mistakes, the right answers of least confidence, and, of the others with
    steps, those whose score moves most. A record without both classes is passed over.
    """
    summary = PredictionSummary(class_names)
    index_of = {name: index for index, name in enumerate(class_names)}
    mistakes, close_calls, swings = _Ranking(NUM_EXAMPLES), _Ranking(NUM_EXAMPLES), _Ranking(3 * NUM_EXAMPLES)
    for number, record in enumerate(records, start=1):
        example = _example(number, record, index_of)
        if example is None:
            continue
        _count(summary, example)
        if example.label != example.prediction:
            mistakes.offer(example.score, example)
        else:
            close_calls.offer(-example.score, example)
        if example.steps:
            swings.offer(_swing(example), example)
    summary.class_names = list(index_of)
    summary.mistakes, summary.close_calls = mistakes.best(), close_calls.best()
    shown = {example.number for example in summary.mistakes + summary.close_calls}
    others = [example for example in swings.best() if example.number not in shown]
    summary.swings = others[:NUM_EXAMPLES]
    return summary


def _example(number: int, record: Mapping[str, Any], index_of: dict[str, int]) -> Example | None:
    if record.get("label") is None or record.get("prediction") is None:
        return None
    probabilities = record.get("probabilities") or [0.0]
    score = record.get("score")
    steps = [(str(word), _unit(value)) for word, value in record.get("steps") or []]
    return Example(
        number=number,
        text=str(record.get("text", record.get("input", ""))),
        label=_class_index(record["label"], index_of),
        prediction=_class_index(record["prediction"], index_of),
        score=_unit(max(probabilities) if score is None else score),
        steps=steps or None,
    )


def _class_index(value: str | int, index_of: dict[str, int]) -> int:
    """Returns the index of a class, given as such or by name; a new name is added at the end."""
    if isinstance(value, int) and 0 <= value < len(index_of):
        return value
    return index_of.setdefault(str(value), len(index_of))


def _unit(value: float | None) -> float:
    number = float("nan") if value is None else float(value)
    return min(1.0, max(0.0, number)) if math.isfinite(number) else 0.0


def _count(summary: PredictionSummary, example: Example) -> None:
    summary.confusion[example.label, example.prediction] += 1
    place = max(0, math.ceil(example.score * NUM_BINS) - 1)
    summary.bin_count[place] += 1
    summary.bin_right[place] += example.label == example.prediction
    summary.bin_confidence[place] += example.score


def _swing(example: Example) -> float:
    scores = [score for _, score in example.steps or ()]
    return max(scores) - min(scores)
