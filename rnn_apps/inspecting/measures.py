"""Counts that every kind of data is described by: quantiles, repeats, leakage between parts, words."""

import math
import unicodedata
from collections import Counter

from rnn_apps.data.splits import conversion_advice, listed_files, unread_files
from rnn_apps.errors import shown

LEAST_CAP, MOST_CAP, MOST_OF_ALL = 0.01, 0.5, 0.99  # fractions of the records; 1 would be one record
_PAIRS = (("train", "validation"), ("train", "test"), ("validation", "test"))


class _Letters(dict):
    """For `str.translate`: what is no letter, digit, mark or apostrophe is a blank, ! and ? are words."""

    def __missing__(self, code):
        letter = chr(code)
        is_kept = letter == "'" or unicodedata.category(letter)[0] in "LMN"
        self[code] = letter if is_kept else f" {letter} " if letter in "!?" else " "
        return self[code]


_LETTERS = _Letters()


def words_of(text):
    """Return the words of a text, as `rnn_apps.data.text.tokenize` splits it."""
    return text.lower().replace("<br />", " ").translate(_LETTERS).split()


def quantile(values, part):
    """Return the smallest of the values that at least this part of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def percent(part, whole):
    """Return a share as text, without decimals where they would say nothing."""
    share = 100 * part / whole if whole else 0.0
    return f"{share:.0f} %" if share >= 10 or share == round(share) else f"{share:.1f} %"


def count_of(number, one, several=None):
    """Return a number and its noun: ``1 row``, ``2,000 rows``."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def folded(text):
    """Return a text without what people overlook: capitals, and how much space stands where."""
    return " ".join(text.casefold().split())


def leakage(parts):
    """Return how many examples of a later part stand in an earlier one too.

    Args:
        parts: part name to list of texts.

    Returns:
        List of (earlier, later, equal letter by letter, equal but for capitals and blanks, an example); the
        second count contains the first.
    """
    found = []
    for earlier, later in _PAIRS:
        there, here = parts.get(earlier, ()), parts.get(later, ())
        exact, loose = set(there), {folded(text) for text in there}
        again = [text for text in here if folded(text) in loose]
        if again:
            found.append((earlier, later, sum(text in exact for text in again), len(again), again[0]))
    return found


def describe_leakage(inspection, parts, what="texts", files=1):
    """Warn of examples that stand in more than one part; say so where there are none.

    Args:
        inspection: `Inspection`.
        parts: part name to list of texts.
        what: what they are called.
        files: how many of the parts came in files of their own; of two, a carved validation counts as train.
    """
    if files == 2:
        parts = {"train": parts["train"] + parts["validation"], "test": parts["test"]}
    found = leakage(parts)
    for earlier, later, equal, loose, example in found:
        value = {"part": later, "also_in": earlier, "equal": equal, "equal_but_for_case_and_space": loose}
        share = percent(loose, len(parts[later]))
        text = f"{loose:,} of {len(parts[later]):,} {what} of {later} ({share}) stand in {earlier} too"
        some = f"{equal:,} of them letter by letter" if equal else "in other capitals or with other blanks"
        exactly = some if equal < loose else "letter by letter"
        text += f", {exactly}: {shown(example)}. Scores on {later} are too good by them."
        inspection.warn("leakage", value, text)
    if not found and len(parts) > 1:
        inspection.found("leakage", 0, f"No {what} stand in two parts, capitals and blanks apart.")


def describe_repeats(inspection, texts, what="texts"):
    """Say how many texts repeat an earlier one.

    Args:
        inspection: `Inspection`.
        texts: list of texts.
        what: what they are called.
    """
    repeats = len(texts) - len(set(texts))
    if repeats:
        text, times = Counter(texts).most_common(1)[0]
        said = (
            f"{repeats:,} {what} repeat an earlier one; the most frequent stands {times} times: {shown(text)}"
        )
        inspection.found("repeats", repeats, f"{said}.")
    else:
        inspection.found("repeats", 0, f"No two {what} are equal.")


def describe_lengths(inspection, lengths, name, unit):
    """Say how long things are.

    Args:
        inspection: `Inspection`.
        lengths: list of numbers.
        name: of the finding.
        unit: what is counted.
    """
    value = {"median": quantile(lengths, 0.5), "95_percent": quantile(lengths, 0.95), "longest": max(lengths)}
    text = f"half have at most {value['median']:,}, 95 % at most {value['95_percent']:,}, the longest"
    inspection.found(name, value, f"{unit}: {text} {value['longest']:,}.")


def unknown_rate(inspection, known, tokens):
    """Say how many words of the test split train does not show.

    Args:
        inspection: `Inspection`.
        known: words of train.
        tokens: words of the test split.
    """
    unknown = sum(word not in known for word in tokens)
    rate = unknown / max(1, len(tokens))
    text = f"{percent(unknown, len(tokens))} of the words of test are not among the words kept of train."
    inspection.found("unknown_words", round(rate, 4), text)


def describe_parts(inspection, parts, carved, what="Examples"):
    """Say how many examples each part will have.

    Args:
        inspection: `Inspection`.
        parts: part name to what has a length.
        carved: whether some of them may be split off train.
        what: examples are called.
    """
    sizes = {part: len(examples) for part, examples in parts.items()}
    how = "splits that the data does not name are split off train by a hash" if carved else "as they came"
    listed = ", ".join(f"{part} {size:,}" for part, size in sizes.items())
    inspection.found("parts", sizes, f"{what}: {listed}; {how}.")


def describe_unread(inspection, folder, used):
    """Warn of data files in a folder that are not read.

    Args:
        inspection: `Inspection`.
        folder: path of the data; a file has none beside it.
        used: paths of what is read.
    """
    if files := unread_files(folder, used):
        advice = conversion_advice(files)
        names = "Files of splits are called train, validation (valid, val, dev, eval) and test."
        said = f"Not read: {listed_files(files)}. {advice or names}"
        inspection.warn("unread_files", [file.name for file in files], said)


def decide_bad_records(inspection, bad, used, share=0.0):
    """Warn of records that cannot be used, and decide which fraction of them may be skipped.

    Args:
        inspection: `Inspection`.
        bad: `BadRecords` that skipped them.
        used: how many records were not skipped.
        share: of the records that cannot be used in the split that has the most of them, where splits are
            counted one by one.
    """
    for reason, count in bad.skipped.items():
        inspection.warn("bad_records", {reason: count}, f"{count_of(count, 'record')}: {reason}.")
    total = bad.skipped.total()
    if total:
        allow_bad_records(inspection, total, used, f"{count_of(total, 'record')} cannot be used", share)


def allow_bad_records(inspection, bad, used, why, share=0.0):
    """Decide that bad records are skipped: twice the fraction that is there now, so that more data fits.

    Args:
        inspection: `Inspection`.
        bad, used: how many records cannot be used, and how many can.
        why: they are skipped.
        share: as of `decide_bad_records`.
    """
    inspection.decide("data.on_invalid_record", "skip", why)
    cap = _with_room(max(share, bad / (bad + used)))
    inspection.decide("data.max_invalid_records", cap, f"{bad:,} of {bad + used:,} records now")


def _with_room(share):
    """Twice a share, from 0.01 to 0.5 or the share itself, rounded up to one significant digit."""
    room = max(share, LEAST_CAP, min(MOST_CAP, 2 * share))
    digits = -math.floor(math.log10(room))
    return min(MOST_OF_ALL, round(math.ceil(room * 10**digits - 1e-9) / 10**digits, digits))
