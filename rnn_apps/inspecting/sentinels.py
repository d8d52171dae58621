"""Numbers that may stand for a missing value, such as -200 among measurements from 1 to 10."""

from collections import Counter

from rnn_apps.inspecting.measures import count_of

_LEAST_ROWS = 3
_LEAST_OTHERS = 10
_USUAL = frozenset(sign * int("9" * digits) for digits in range(2, 8) for sign in (1, -1)) | {-200.0, -1e4}


def find_sentinels(values):
    """Return (value, rows, range of the others as text) of numbers that are far from all others.

    Such a number is the lowest or highest, is there several times, and is farther from the next one than the
    others are from each other; of the usual ones, such as -999, half as far. 0 is none.

    Args:
        values: numbers, NaN where one is missing.
    """
    counts, found = Counter(value for value in values if value == value), []
    for pick in (min, max):
        while len(counts) > _LEAST_ROWS:
            value = pick(counts)
            others = [other for other in counts if other != value]
            low, high = min(others), max(others)
            gap = low - value if value < low else value - high
            least = (high - low) * (0.5 if value in _USUAL else 1)
            if counts[value] < _LEAST_ROWS or counts.total() - counts[value] < _LEAST_OTHERS:
                break
            if value == 0 or gap <= least:
                break
            found.append((value, counts.pop(value), f"{low:g} to {high:g}"))
    return found


def warn_of_sentinels(inspection, name, values, fix):
    """Warn of numbers in a column that may stand for a missing value.

    Args:
        inspection: `Inspection`.
        name: of the column.
        values: its numbers, NaN where one is missing.
        fix: function of a number that returns how to fix it, a sentence or a `rnn_apps.errors.Fix`.
    """
    for value, count, rest in find_sentinels(values):
        said = f"{name}: {value:g} in {count_of(count, 'row')} is far from all other values ({rest})"
        finding = {"column": name, "value": value, "rows": count}
        inspection.warn("sentinel", finding, f"{said}.", fix(value))
