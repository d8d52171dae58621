"""Labels as files have them: several spellings of one class, and texts that stand for a missing label."""

from collections import Counter, defaultdict
from typing import NamedTuple

# As programs write what is missing; in other capitals they may be classes.
MISSING_LABELS = frozenset(
    ("nan", "NaN", "NAN", "None", "null", "NULL", "Null", "N/A", "n/a", "#N/A", "<NA>")
)


class Labels(NamedTuple):
    """The classes of written labels.

    Args:
        names: of the classes in order, numbers by their size; of several spellings the most frequent.
        equal_numbers: lists of spellings that are the same number, such as ``["1", "1.0"]``.
        other_capitals: lists of spellings that differ in capitals only.
        missing: spelling to number of labels that stand for a missing one.
    """

    names: list
    equal_numbers: list
    other_capitals: list
    missing: dict


def number_of(label):
    """Return the number that a label is, or None; not a number, infinity and 1_000 are none."""
    try:
        value = float(label)
    except ValueError:
        return None
    return value if abs(value) < float("inf") and "_" not in label else None


def gather_labels(labels, fold=True):
    """Return the `Labels` of written labels.

    Args:
        labels: texts; empty ones are passed over.
        fold: whether spellings that differ in capitals only are one class.
    """
    counts = Counter(label.strip() for label in labels)
    del counts[""]
    missing = {label: counts.pop(label) for label in sorted(MISSING_LABELS & set(counts))}
    classes = defaultdict(list)
    for label in counts:
        value = number_of(label)
        classes[value if value is not None else label.casefold() if fold else label].append(label)
    several = [sorted(spellings) for spellings in classes.values() if len(spellings) > 1]
    numeric = [one for one in several if number_of(one[0]) is not None]
    # of equally frequent ones the shortest, which of numbers is the plainest
    names = [min(one, key=lambda label: (-counts[label], len(label), label)) for one in classes.values()]
    if all(number_of(name) is not None for name in names):
        names = sorted(names, key=number_of)
    else:
        names = sorted(names)
    return Labels(names, numeric, [one for one in several if one not in numeric], missing)
