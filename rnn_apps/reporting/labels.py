"""Summarizes sequence labelling for the report: chosen sequences and frequent confusions."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rnn_apps.reporting.selection import choose

Record = Mapping[str, Any]
NUM_EVENLY_SPACED, NUM_WORST = 5, 5  # sequences
MAX_WORDS = 60  # a longer sequence is shown as a ribbon
MAX_CONFUSIONS = 10
# Okabe and Ito's colours, lightened for dark text; after eight labels they repeat.
COLOURS = ("#9fd0ef", "#f6cf7f", "#8fd6bd", "#e9b4d0", "#f4b183", "#a9bfe8", "#f2eb9b", "#c9ced8")


def step_records(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """Yield every step as the record of one classification."""
    for record in records:
        steps = zip(record["tokens"], record["labels"], record["predictions"], record["scores"])
        for token, label, prediction, score in steps:
            yield {"text": token, "label": label, "prediction": prediction, "score": score}


def summarise_labels(records: Sequence[Record], class_names: Sequence[str]) -> dict[str, Any]:
    """Return the values of the template `labels.html` for the records of a labelling task.

    Args:
        records: each with `tokens`, `labels`, `predictions` and `scores`, one per step.
        class_names: names of the labels.
    """
    wrong = [sum(map(str.__ne__, record["labels"], record["predictions"])) for record in records]
    keys = [-count if count else None for count in wrong]
    worst = ("Most mistakes", "those with the most wrong labels", keys, NUM_WORST)
    groups = choose(len(records), "test sequences", NUM_EVENLY_SPACED, worst)
    has_words = not all(token.replace(".", "").isdecimal() for r in records[:20] for token in r["tokens"])
    return {
        "total": len(records),
        "steps": sum(len(record["labels"]) for record in records),
        "all_correct": wrong.count(0),
        "groups": [
            (title, rule, [_sequence(n, records[n], wrong[n], has_words) for n in numbers])
            for title, rule, numbers in groups
        ],
        "confusions": _confusions(records),
        "colours": {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(class_names)},
        "other_colour": COLOURS[-1],
        "has_words": has_words,
    }


def _sequence(number: int, record: Record, num_wrong: int, has_words: bool) -> dict[str, Any]:
    """Return a record with its single steps, or if it is long or has no words, with spans of equal labels."""
    labels, predictions = record["labels"], record["predictions"]
    are_steps_shown = has_words and len(labels) <= MAX_WORDS
    return {
        **record,
        "number": number + 1,
        "num_correct": len(labels) - num_wrong,
        "steps": list(zip(record["tokens"], labels, predictions, record["scores"]))
        if are_steps_shown
        else [],
        "true_spans": _spans(labels),
        "predicted_spans": _spans(predictions),
    }


def _spans(labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return label, steps, and start and width in percent of every run of equal labels."""
    spans, start, share = [], 0, 100 / max(1, len(labels))
    for label, group in groupby(labels):
        count = len(list(group))
        steps = f"{start + 1} to {start + count}" if count > 1 else f"{start + 1}"
        position = {"start": round(start * share, 3), "width": round(count * share, 3)}
        spans.append({"label": label, "steps": steps, **position})
        start += count
    return spans


def _confusions(records: Sequence[Record]) -> list[tuple[str, str, Counter[str]]]:
    """Return the most frequent confusions: label, prediction, and how often for each token."""
    tokens: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for step in step_records(records):
        if step["label"] != step["prediction"]:
            tokens[step["label"], step["prediction"]][step["text"]] += 1
    ranked = sorted(tokens.items(), key=lambda item: (-item[1].total(), item[0]))[:MAX_CONFUSIONS]
    return [(label, prediction, counts) for (label, prediction), counts in ranked]
