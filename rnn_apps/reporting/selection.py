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
Extreme = tuple[str, str, Sequence[float | None], int]


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


def choose(count: int, unit: str, num_evenly_spaced: int, *extremes: Extreme) -> Groups:
    """Return evenly spaced records and the extremes among the others, each record once.

    Args:
        count: number of records.
        unit: name of the records in the rule.
        num_evenly_spaced: maximum number of evenly spaced records.
        *extremes: title and rule of a group, a key for each record of which the smallest are chosen (None for
            a record that is not in this group), and their maximum number.

    Returns:
        The groups that are not empty.
    """
    steps = max(1, num_evenly_spaced - 1)
    even = sorted({round(i * (count - 1) / steps) for i in range(num_evenly_spaced)} & set(range(count)))
    groups = [("Throughout", f"{len(even)} of {count:,} {unit}, evenly spaced.", even)]
    rest = set(range(count)) - set(even)
    for title, rule, keys, num_chosen in extremes:
        ranked = sorted(
            (key, number) for number, key in enumerate(keys) if number in rest and key is not None
        )
        numbers = [number for _, number in ranked[:num_chosen]]
        groups.append((title, f"Of the others, {rule}.", numbers))
        rest -= set(numbers)
    return [group for group in groups if group[2]]


def metric_of(record: Mapping[str, Any]) -> str | None:
    """Return the name of the metric that a text record has a score of, or None."""
    return next((name for name in SCORES if name in record), None)


def choose_texts(records: Sequence[Mapping[str, Any]]) -> Groups:
    """Return the groups of texts that are shown, by their own score if they have one."""
    extremes: list[Extreme] = []
    if records and (metric := metric_of(records[0])):
        scores = [record[metric] for record in records]
        extremes = [
            ("Worst", f"the lowest {SCORES[metric]}", scores, NUM_EXTREMES),
            ("Best", f"the highest {SCORES[metric]}", [-score for score in scores], NUM_EXTREMES),
        ]
    groups = choose(len(records), "test examples", NUM_EVENLY_SPACED, *extremes)
    return [*groups[:1], *groups[:0:-1]]  # the best, which are chosen last, are shown before the worst
