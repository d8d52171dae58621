"""Chooses the examples that a report shows, by rules that the report states."""

from collections.abc import Mapping, Sequence
from typing import Any

from rnn_apps.reporting.predictions import summarise

SCORES = {"cider_d": "CIDEr-D", "chrf": "chrF"}  # scores of single texts
MAX_MORE_TRACED = 12
MAX_TRACED_WORDS = 120
NUM_EVENLY_SPACED = 8
NUM_EXTREMES = 4  # best and worst examples each

Groups = list[tuple[str, str, list[int]]]  # title, rule, record indices


def examples_to_explain(
    records: Sequence[Mapping[str, Any]], kind: str, class_names: Sequence[str] | None
) -> list[int]:
    """Return the indices of the records for which the report shows an explanation.

    Args:
        records: records of `Objective.evaluate`.
        kind: kind of the records, `Objective.record_kind`.
        class_names: names of the classes of a classification, else None.
    """
    if kind == "texts":
        return sorted({number for *_, numbers in choose_texts(records) for number in numbers})
    if kind != "classes":  # these records need no explanation
        return []
    summary = summarise(records, class_names or ())
    chosen = [example.number - 1 for example in (*summary.mistakes, *summary.close_calls)]
    short = [
        number
        for number, record in enumerate(records)
        if len(str(record.get("text", "")).split()) <= MAX_TRACED_WORDS and number not in chosen
    ]
    return [*chosen, *short[:MAX_MORE_TRACED]]


def evenly_spaced(count: int, max_count: int) -> list[int]:
    """Return at most `max_count` numbers below `count`, evenly spaced, with both ends."""
    return sorted({round(i * (count - 1) / max(1, max_count - 1)) for i in range(max_count)})


def metric_of(record: Mapping[str, Any]) -> str | None:
    """Return the name of the metric that a text record has a score of, or None."""
    return next((name for name in SCORES if name in record), None)


def choose_texts(records: Sequence[Mapping[str, Any]]) -> Groups:
    """Return title, rule and record indices of the groups of texts that are shown.

    If the records have no score of their own, only evenly spaced examples are shown.
    """
    count = len(records)
    if not count:
        return []
    even = evenly_spaced(count, NUM_EVENLY_SPACED)
    groups = [("Throughout", f"{len(even)} of {count:,} test examples, evenly spaced.", even)]
    metric = metric_of(records[0])
    if metric is None:
        return groups
    name = SCORES[metric]
    rest = sorted(set(range(count)) - set(even), key=lambda number: (records[number][metric], number))
    worst, best = rest[:NUM_EXTREMES], rest[NUM_EXTREMES:][-NUM_EXTREMES:][::-1]
    groups.append(("Best", f"Of the others, the highest {name}.", best))
    groups.append(("Worst", f"Of the others, the lowest {name}.", worst))
    return [group for group in groups if group[2]]
