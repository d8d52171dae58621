"""Finds sentinels: numbers that may mark a missing value, such as -200 among measurements from 1 to 10."""

from collections import Counter

from rnn_apps.inspecting.measures import count_of

_MIN_ROWS = 3
_MIN_OTHERS = 10
_COMMON = frozenset(sign * int("9" * digits) for digits in range(2, 8) for sign in (1, -1)) | {-200.0, -1e4}


def find_sentinels(values):
    """Return (value, rows, range of the others as text) of numbers that are far from all others.

    Such a number is the lowest or highest, occurs several times, and is farther from the next one than the
    range of the others; common ones, such as -999, only half as far. 0 never counts.

    Args:
        values: Numbers, NaN for missing values.
    """
    counts, sentinels = Counter(value for value in values if value == value), []
    for pick in (min, max):
        while len(counts) > _MIN_ROWS:
            value = pick(counts)
            others = [other for other in counts if other != value]
            low, high = min(others), max(others)
            gap = low - value if value < low else value - high
            min_gap = (high - low) * (0.5 if value in _COMMON else 1)
            is_rare = counts[value] < _MIN_ROWS or counts.total() - counts[value] < _MIN_OTHERS
            if is_rare or value == 0 or gap <= min_gap:
                break
            sentinels.append((value, counts.pop(value), f"{low:g} to {high:g}"))
    return sentinels


def warn_of_sentinels(inspection, name, values, fix):
    """Warn of numbers in a column that may mark a missing value.

    Args:
        inspection: `Inspection`.
        name: Name of the column.
        values: Its numbers, NaN for missing values.
        fix: Function of a number that returns how to fix it, a sentence or a `rnn_apps.errors.Fix`.
    """
    for value, count, rest in find_sentinels(values):
        text = f"{name}: {value:g} in {count_of(count, 'row')} is far from all other values ({rest})."
        inspection.warn("sentinel", {"column": name, "value": value, "rows": count}, text, fix(value))
