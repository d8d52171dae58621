"""Class labels as files spell them: variants of one class, and texts that mark a missing label."""

from collections import Counter, defaultdict
from typing import NamedTuple

# As programs write missing values; in other capitals they may be classes.
MISSING_LABELS = frozenset(
    ["nan", "NaN", "NAN", "None", "null", "NULL", "Null", "N/A", "n/a", "#N/A", "<NA>"]
)


class Labels(NamedTuple):
    """The classes among written labels.

    Args:
        names: Class names, numbers in numeric order; of several spellings the most frequent one.
        equal_numbers: Lists of spellings of the same number, such as ``["1", "1.0"]``.
        other_capitals: Lists of spellings that differ only in capitals.
        missing: Spelling to count of labels that mark a missing one.
    """

    names: list
    equal_numbers: list
    other_capitals: list
    missing: dict


def number_of(label):
    """Return the number that a label is, or None; NaN, infinity and 1_000 do not count as numbers."""
    try:
        value = float(label)
    except ValueError:
        return None
    return value if abs(value) < float("inf") and "_" not in label else None


def gather_labels(labels, fold=True):
    """Return the `Labels` among written labels.

    Args:
        labels: Texts; empty ones are ignored.
        fold: Whether spellings that differ only in capitals are one class.
    """
    counts = Counter(label.strip() for label in labels)
    del counts[""]
    missing = {label: counts.pop(label) for label in sorted(MISSING_LABELS & set(counts))}
    classes = defaultdict(list)
    for label in counts:
        value = number_of(label)
        classes[value if value is not None else label.casefold() if fold else label].append(label)
    variants = [sorted(spellings) for spellings in classes.values() if len(spellings) > 1]
    numeric = [spellings for spellings in variants if number_of(spellings[0]) is not None]
    textual = [spellings for spellings in variants if spellings not in numeric]
    # among equally frequent spellings the shortest, which for numbers is the plainest
    names = [
        min(spellings, key=lambda label: (-counts[label], len(label), label))
        for spellings in classes.values()
    ]
    are_numbers = all(number_of(name) is not None for name in names)
    return Labels(sorted(names, key=number_of if are_numbers else None), numeric, textual, missing)
