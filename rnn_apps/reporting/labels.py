"""Summarizes sequence labelling for the report: chosen sequences and frequent confusions."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from rnn_apps.reporting.selection import evenly_spaced

Record = Mapping[str, Any]
NUM_EVENLY_SPACED, NUM_WORST = 5, 5  # sequences
MAX_WORDS = 60  # a longer sequence is shown as a ribbon
MAX_CONFUSIONS, MAX_TOKENS = 10, 6
# Okabe and Ito's colours, lightened for dark text; after eight labels they repeat.
COLOURS = ("#9fd0ef", "#f6cf7f", "#8fd6bd", "#e9b4d0", "#f4b183", "#a9bfe8", "#f2eb9b", "#c9ced8")


class Step(NamedTuple):
    """One step of a sequence.

    Attributes:
        token: text of the step.
        label: true label.
        prediction: predicted label.
        score: probability of the prediction.
        colour: colour of the prediction.
    """

    token: str
    label: str
    prediction: str
    score: float
    colour: str


class Span(NamedTuple):
    """Consecutive steps with one label; start and width in percent of the sequence."""

    label: str
    start: float
    width: float
    colour: str
    steps: str


class LabelledSequence(NamedTuple):
    """One sequence.

    Attributes:
        number: line number in the predictions.
        name: name of the input.
        correct, total: number of steps.
        steps: the single steps; empty if it is shown as ribbons.
        labels, predictions: the ribbons; empty if single steps are shown.
    """

    number: int
    name: str
    correct: int
    total: int
    steps: list[Step]
    labels: list[Span]
    predictions: list[Span]


class Confusion(NamedTuple):
    """A label that was predicted for another, how often, and for which tokens most."""

    label: str
    prediction: str
    times: int
    tokens: list[str]


class LabelSummary(NamedTuple):
    """The labelled sequences of a run.

    Attributes:
        total: number of sequences.
        steps: number of steps of all sequences.
        all_correct: number of sequences without a mistake.
        groups: title, rule and sequences.
        confusions: the most frequent ones.
        legend: label and colour.
        has_words: whether the tokens are words, not numbers of steps.
    """

    total: int
    steps: int
    all_correct: int
    groups: list[tuple[str, str, list[LabelledSequence]]]
    confusions: list[Confusion]
    legend: list[tuple[str, str]]
    has_words: bool


def step_records(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """Yield every step as the record of one classification."""
    for record in records:
        steps = zip(record["tokens"], record["labels"], record["predictions"], record["scores"])
        for token, label, prediction, score in steps:
            yield {"text": token, "label": label, "prediction": prediction, "score": score}


def summarise_labels(records: Sequence[Record], class_names: Sequence[str]) -> LabelSummary:
    """Return the summary of the records of a labelling task.

    Args:
        records: each with `tokens`, `labels`, `predictions` and `scores`, one per step.
        class_names: names of the labels.
    """
    colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(class_names)}
    correct = [sum(map(str.__eq__, record["labels"], record["predictions"])) for record in records]
    wrong = [len(record["labels"]) - count for record, count in zip(records, correct)]
    even = evenly_spaced(len(records), NUM_EVENLY_SPACED)
    rest = (number for number in range(len(records)) if number not in even and wrong[number])
    worst = sorted(rest, key=lambda number: (-wrong[number], number))[:NUM_WORST]
    has_words = not all(token.replace(".", "").isdecimal() for r in records[:20] for token in r["tokens"])
    chosen = [
        ("Throughout", f"{len(even)} of {len(records):,} test sequences, evenly spaced.", even),
        ("Most mistakes", "Of the others, those with the most wrong labels.", worst),
    ]
    return LabelSummary(
        total=len(records),
        steps=sum(correct) + sum(wrong),
        all_correct=wrong.count(0),
        groups=[
            (title, rule, [_sequence(n, records[n], correct[n], colours, has_words) for n in numbers])
            for title, rule, numbers in chosen
            if numbers
        ],
        confusions=_confusions(records),
        legend=list(colours.items()),
        has_words=has_words,
    )


def _sequence(
    number: int, record: Record, correct: int, colours: Mapping[str, str], has_words: bool
) -> LabelledSequence:
    labels, predictions = record["labels"], record["predictions"]
    steps, ribbons = [], []
    if has_words and len(labels) <= MAX_WORDS:
        rows = zip(record["tokens"], labels, predictions, record["scores"])
        steps = [Step(*row, colours.get(row[2], COLOURS[-1])) for row in rows]
    else:
        ribbons = [_spans(labels, colours), _spans(predictions, colours)]
    name = str(record.get("input", ""))
    return LabelledSequence(number + 1, name, correct, len(labels), steps, *(ribbons or ([], [])))


def _spans(labels: Sequence[str], colours: Mapping[str, str]) -> list[Span]:
    spans, start, share = [], 0, 100 / max(1, len(labels))
    for label, group in groupby(labels):
        count = len(list(group))
        steps = f"{start + 1} to {start + count}" if count > 1 else f"{start + 1}"
        colour = colours.get(label, COLOURS[-1])
        spans.append(Span(label, round(start * share, 3), round(count * share, 3), colour, steps))
        start += count
    return spans


def _confusions(records: Sequence[Record]) -> list[Confusion]:
    tokens: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for step in step_records(records):
        if step["label"] != step["prediction"]:
            tokens[step["label"], step["prediction"]][step["text"]] += 1
    ranked = sorted(tokens.items(), key=lambda item: (-item[1].total(), item[0]))[:MAX_CONFUSIONS]
    return [
        Confusion(label, prediction, counts.total(), [token for token, _ in counts.most_common(MAX_TOKENS)])
        for (label, prediction), counts in ranked
    ]
