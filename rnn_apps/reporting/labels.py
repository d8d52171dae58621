"""What the report shows of sequences that were labelled step by step."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from rnn_apps.reporting.selection import evenly_spaced

Record = Mapping[str, Any]
EVEN, WORST = 5, 5  # sequences at even distances, and with the most mistakes
MOST_WORDS = 60  # steps that are shown one by one; a longer sequence is shown as a strip
MOST_CONFUSIONS, MOST_TOKENS = 10, 6
# Okabe and Ito's colours, lightened so that dark text reads on them; they come again after eight labels.
COLOURS = ("#9fd0ef", "#f6cf7f", "#8fd6bd", "#e9b4d0", "#f4b183", "#a9bfe8", "#f2eb9b", "#c9ced8")


class Step(NamedTuple):
    """One step of a sequence.

    Attributes:
        token: what it is called.
        label, answer: true label and answer.
        score: probability of the answer.
        colour: of the answer.
    """

    token: str
    label: str
    answer: str
    score: float
    colour: str


class Span(NamedTuple):
    """Steps in a row with one label, as a part of the whole length in per cent."""

    label: str
    start: float
    width: float
    colour: str
    steps: str


class LabelledSequence(NamedTuple):
    """One sequence.

    Attributes:
        number: its line in the predictions.
        name: of the input.
        right, total: steps.
        steps: one by one; empty where it is shown as a strip.
        truth, answers: as strips; empty where steps are shown.
    """

    number: int
    name: str
    right: int
    total: int
    steps: list[Step]
    truth: list[Span]
    answers: list[Span]


class Confusion(NamedTuple):
    """A label that was answered for another: how often, and of which tokens most."""

    label: str
    answer: str
    count: int  # type: ignore[assignment]
    tokens: list[str]


class LabelSummary(NamedTuple):
    """All that is shown of the sequences of a run.

    Attributes:
        total: sequences.
        steps: of all of them.
        whole: sequences without a mistake.
        groups: title, rule and sequences.
        confusions: the most frequent.
        legend: label and colour.
        are_words: whether tokens say something by themselves.
    """

    total: int
    steps: int
    whole: int
    groups: list[tuple[str, str, list[LabelledSequence]]]
    confusions: list[Confusion]
    legend: list[tuple[str, str]]
    are_words: bool


def by_step(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """Yields every step as the record of one classification."""
    for record in records:
        steps = zip(record["tokens"], record["labels"], record["predictions"], record["scores"])
        for token, label, answer, score in steps:
            yield {"text": token, "label": label, "prediction": answer, "score": score}


def summarise_labels(records: Sequence[Record], class_names: Sequence[str]) -> LabelSummary:
    """Returns what is shown of the records of a labelling task.

    Args:
        records: each with `tokens`, `labels`, `predictions` and `scores`, one a step.
        class_names: of the labels.
    """
    colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(class_names)}
    right = [sum(map(str.__eq__, record["labels"], record["predictions"])) for record in records]
    wrong = [len(record["labels"]) - count for record, count in zip(records, right)]
    even = evenly_spaced(len(records), EVEN)
    rest = (number for number in range(len(records)) if number not in even and wrong[number])
    worst = sorted(rest, key=lambda number: (-wrong[number], number))[:WORST]
    are_words = not all(token.replace(".", "").isdecimal() for r in records[:20] for token in r["tokens"])
    chosen = [
        ("Throughout", f"{len(even)} of {len(records):,} test sequences, at even distances.", even),
        ("Most mistakes", "Of the others, those with the most wrong labels.", worst),
    ]
    return LabelSummary(
        total=len(records),
        steps=sum(right) + sum(wrong),
        whole=wrong.count(0),
        groups=[
            (title, rule, [_sequence(n, records[n], right[n], colours, are_words) for n in numbers])
            for title, rule, numbers in chosen
            if numbers
        ],
        confusions=_confusions(records),
        legend=list(colours.items()),
        are_words=are_words,
    )


def _sequence(
    number: int, record: Record, right: int, colours: Mapping[str, str], are_words: bool
) -> LabelledSequence:
    labels, answers, total = record["labels"], record["predictions"], len(record["labels"])
    name = str(record.get("input", ""))
    if are_words and total <= MOST_WORDS:
        rows = zip(record["tokens"], labels, answers, record["scores"])
        steps = [Step(*row, colours.get(row[2], COLOURS[-1])) for row in rows]
        return LabelledSequence(number + 1, name, right, total, steps, [], [])
    return LabelledSequence(
        number + 1, name, right, total, [], _spans(labels, colours), _spans(answers, colours)
    )


def _spans(labels: Sequence[str], colours: Mapping[str, str]) -> list[Span]:
    spans, place = [], 0
    for label, same in groupby(labels):
        count = len(list(same))
        share = 100 / len(labels)
        steps = f"{place + 1} to {place + count}" if count > 1 else f"{place + 1}"
        colour = colours.get(label, COLOURS[-1])
        spans.append(Span(label, round(place * share, 3), round(count * share, 3), colour, steps))
        place += count
    return spans


def _confusions(records: Sequence[Record]) -> list[Confusion]:
    tokens: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for step in by_step(records):
        if step["label"] != step["prediction"]:
            tokens[step["label"], step["prediction"]][step["text"]] += 1
    ranked = sorted(tokens.items(), key=lambda item: (-item[1].total(), item[0]))[:MOST_CONFUSIONS]
    return [
        Confusion(label, answer, counts.total(), [token for token, _ in counts.most_common(MOST_TOKENS)])
        for (label, answer), counts in ranked
    ]
