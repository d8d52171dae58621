"""Summarizes the predictions of a classification in one pass, whatever their number."""

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
        number: line number in the predictions.
        text: the input.
        label: index of the true class.
        prediction: index of the predicted class.
        score: probability of the predicted class.
        steps: (word, probability of the predicted class after it), or None.
    """

    number: int
    text: str
    label: int
    prediction: int
    score: float
    steps: list[tuple[str, float]] | None


class PredictionSummary:
    """Counts over all predictions, and the few examples that are shown.

    Attributes:
        class_names: the given names, followed by any others in the predictions.
        confusion: (label, prediction) to count.
        bin_count, bin_right, bin_confidence: sums over bins of the score of equal width (NUM_BINS,).
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
        """Number of predictions with both classes."""
        return self.confusion.total()

    def most_confused(self, max_classes: int) -> list[int]:
        """Return the classes with the most mistakes, at most `max_classes`, in their usual order."""
        involved: Counter[int] = Counter()
        for (label, prediction), count in self.confusion.items():
            if label != prediction:
                involved.update({label: count, prediction: count})
        ranked = sorted(range(len(self.class_names)), key=lambda index: (-involved[index], index))
        return sorted(ranked[:max_classes])


class _Ranking:
    """Keeps the examples with the largest keys; earlier ones first among equals."""

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
    """Return counts over the records and the examples to show.

    Shown are the most confident mistakes, the least confident correct predictions and, of the others with
    steps, those whose score changes most. Records without both classes are skipped.
    """
    summary = PredictionSummary(class_names)
    index_of = {name: index for index, name in enumerate(class_names)}
    mistakes, close_calls, swings = _Ranking(NUM_EXAMPLES), _Ranking(NUM_EXAMPLES), _Ranking(3 * NUM_EXAMPLES)
    for number, record in enumerate(records, start=1):
        if record.get("label") is None or record.get("prediction") is None:
            continue
        example = _example(number, record, index_of)
        is_right = example.label == example.prediction
        summary.confusion[example.label, example.prediction] += 1
        index = max(0, math.ceil(example.score * NUM_BINS) - 1)
        summary.bin_count[index] += 1
        summary.bin_right[index] += is_right
        summary.bin_confidence[index] += example.score
        if is_right:
            close_calls.offer(-example.score, example)
        else:
            mistakes.offer(example.score, example)
        if example.steps:
            scores = [score for _, score in example.steps]
            swings.offer(max(scores) - min(scores), example)
    summary.class_names = list(index_of)
    summary.mistakes, summary.close_calls = mistakes.best(), close_calls.best()
    shown = {example.number for example in summary.mistakes + summary.close_calls}
    others = [example for example in swings.best() if example.number not in shown]
    summary.swings = others[:NUM_EXAMPLES]
    return summary


def _example(number: int, record: Mapping[str, Any], index_of: dict[str, int]) -> Example:
    score = record.get("score")
    steps = [(str(word), _probability(value)) for word, value in record.get("steps") or []]
    return Example(
        number=number,
        text=str(record.get("text", record.get("input", ""))),
        label=_class_index(record["label"], index_of),
        prediction=_class_index(record["prediction"], index_of),
        score=_probability(max(record.get("probabilities") or [0.0]) if score is None else score),
        steps=steps or None,
    )


def _class_index(value: str | int, index_of: dict[str, int]) -> int:
    """Return the index of a class, given as an index or a name; a new name is added at the end."""
    if isinstance(value, int) and 0 <= value < len(index_of):
        return value
    return index_of.setdefault(str(value), len(index_of))


def _probability(value: float | None) -> float:
    """Return a number clipped to 0 to 1; 0 if it is missing or not finite."""
    number = float("nan") if value is None else float(value)
    return min(1.0, max(0.0, number)) if math.isfinite(number) else 0.0
