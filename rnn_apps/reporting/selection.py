"""Which examples of a run its report shows, by rules that are stated there."""

from collections.abc import Mapping, Sequence
from typing import Any

from rnn_apps.reporting.predictions import summarise

SCORES = {"cider_d": "CIDEr-D", "chrf": "chrF"}  # of single texts
MORE_TRACED = 12
TRACED_WORDS = 120
EVERY_PART = 8  # examples at even distances
EXTREMES = 4  # best and worst

Chosen = list[tuple[str, str, list[int]]]


def shown_examples(
    records: Sequence[Mapping[str, Any]], kind: str, class_names: Sequence[str] | None
) -> list[int]:
    """Returns the numbers, from 0, of the records that need what explains them.

    Args:
        records: of `Objective.evaluate`.
        kind: of the records, `Objective.record_kind`.
        class_names: of a classification, else None.
    """
    if kind == "texts":
        return sorted({number for *_, numbers in choose_texts(records) for number in numbers})
    if kind != "classes":  # these records say everything
        return []
    summary = summarise(records, class_names or ())
    chosen = [example.number - 1 for example in (*summary.mistakes, *summary.close_calls)]
    short = [
        number
        for number, record in enumerate(records)
        if len(str(record.get("text", "")).split()) <= TRACED_WORDS and number not in chosen
    ]
    return [*chosen, *short[:MORE_TRACED]]


def evenly_spaced(count: int, most: int) -> list[int]:
    """Returns at most `most` of the numbers below `count`, at even distances, with both ends."""
    return sorted({round(i * (count - 1) / max(1, most - 1)) for i in range(most)})


def metric_of(record: Mapping[str, Any]) -> str | None:
    """Returns the name of the score that a written text has, or None."""
    return next((name for name in SCORES if name in record), None)


def choose_texts(records: Sequence[Mapping[str, Any]]) -> Chosen:
    """Returns title, rule and record numbers of the groups of written texts that are shown.

    The score of a single text is that of its record which is called as a metric of the run; where there is
    none, only examples at even distances are shown.
    """
    count = len(records)
    if not count:
        return []
    even = evenly_spaced(count, EVERY_PART)
    groups = [("Throughout", f"{len(even)} of {count:,} test examples, at even distances.", even)]
    metric = metric_of(records[0])
    if metric is None:
        return groups
    name = SCORES[metric]
    rest = sorted(set(range(count)) - set(even), key=lambda number: (records[number][metric], number))
    worst, best = rest[:EXTREMES], rest[EXTREMES:][-EXTREMES:][::-1]
    groups.append(("Best", f"Of the others, the highest {name}.", best))
    groups.append(("Worst", f"Of the others, the lowest {name}.", worst))
    return [group for group in groups if group[2]]
