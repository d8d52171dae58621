"""Statistics that describe any kind of data: quantiles, duplicates, leakage between splits, words."""

import math
import unicodedata

# Limits of the fraction of records that may be skipped; 1 would mean one record.
MIN_CAP, MAX_DOUBLED_CAP, MAX_CAP = 0.01, 0.5, 0.99
_PAIRS = (("train", "validation"), ("train", "test"), ("validation", "test"))


class _Letters(dict):
    """A table for `str.translate`: letters, digits, marks and apostrophes stay, ! and ? become words."""

    def __missing__(self, code):
        letter = chr(code)
        is_kept = letter == "'" or unicodedata.category(letter)[0] in "LMN"
        self[code] = letter if is_kept else f" {letter} " if letter in "!?" else " "
        return self[code]


_LETTERS = _Letters()


def words_of(text):
    """Return the words of a text, as `rnn_apps.data.text.tokenize` splits it."""
    return text.lower().replace("<br />", " ").translate(_LETTERS).split()


def quantile(values, fraction):
    """Return the smallest value that at least this fraction of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(fraction * len(ordered)) - 1)]


def percent(part, total):
    """Return a share as text, with one decimal if it is small."""
    share = 100 * part / total if total else 0.0
    return f"{share:.0f} %" if share >= 10 or share == round(share) else f"{share:.1f} %"


def count_of(number, singular, plural=None):
    """Return a number and its noun: ``1 row``, ``2,000 rows``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def fold_text(text):
    """Return a text without differences in capitals and white space."""
    return " ".join(text.casefold().split())


def leakage(splits):
    """Return how many examples of a later split also occur in an earlier one.

    Args:
        splits: Split name to list of texts.

    Returns:
        List of (earlier, later, number of identical ones, number of equal ones, an example); equal ones may
        differ in capitals and white space.
    """
    leaks = []
    for earlier, later in _PAIRS:
        texts = splits.get(earlier, ())
        exact, folded = set(texts), {fold_text(text) for text in texts}
        repeated = [text for text in splits.get(later, ()) if fold_text(text) in folded]
        if repeated:
            identical = sum(text in exact for text in repeated)
            leaks.append((earlier, later, identical, len(repeated), repeated[0]))
    return leaks


def skip_limit(share):
    """Return twice a share, from 0.01 to 0.5 or the share itself, rounded up to one significant digit."""
    limit = max(share, MIN_CAP, min(MAX_DOUBLED_CAP, 2 * share))
    digits = -math.floor(math.log10(limit))
    return min(MAX_CAP, round(math.ceil(limit * 10**digits - 1e-9) / 10**digits, digits))


def round_up(number, minimum):
    """Return a number rounded up to two significant digits, at least `minimum`."""
    if number <= minimum:
        return minimum
    size = 10 ** max(0, len(str(int(number))) - 2)
    return math.ceil(number / size) * size
