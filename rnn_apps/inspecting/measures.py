"""Statistics that describe any kind of data: quantiles, duplicates, leakage between splits, words."""

import math
import unicodedata
from collections import Counter

from rnn_apps.data.split_files import conversion_advice, listed_files, unread_files
from rnn_apps.errors import shown

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


def describe_leakage(inspection, splits, noun="texts", num_files=1):
    """Warn of examples that occur in more than one split, or add that there are none.

    Args:
        inspection: `Inspection`.
        splits: Split name to list of texts.
        noun: What the examples are called.
        num_files: Number of splits in files of their own; with two, validation was split off train and
            counts as train.
    """
    if num_files == 2:
        splits = {"train": splits["train"] + splits["validation"], "test": splits["test"]}
    leaks = leakage(splits)
    for earlier, later, identical, equal, example in leaks:
        value = {"part": later, "also_in": earlier}
        value |= {"equal": identical, "equal_but_for_case_and_space": equal}
        total = len(splits[later])
        how = "identical" if identical == equal else "with other capitals or spaces"
        how = f"{identical:,} of them identical" if 0 < identical < equal else how
        text = f"{equal:,} of {total:,} {noun} of {later} ({percent(equal, total)}) also occur in {earlier}"
        text = f"{text}, {how}: {shown(example)}. They make scores on {later} too high."
        inspection.warn("leakage", value, text)
    if not leaks and len(splits) > 1:
        inspection.add("leakage", 0, f"No {noun} occur in two splits, ignoring capitals and spaces.")


def describe_repeats(inspection, texts, noun="texts"):
    """Add how many texts repeat an earlier one.

    Args:
        inspection: `Inspection`.
        texts: List of texts.
        noun: What they are called.
    """
    repeats = len(texts) - len(set(texts))
    sentence = f"No two {noun} are equal."
    if repeats:
        text, count = Counter(texts).most_common(1)[0]
        sentence = f"{repeats:,} {noun} repeat an earlier one; the most frequent occurs {count} times:"
        sentence = f"{sentence} {shown(text)}."
    inspection.add("repeats", repeats, sentence)


def describe_lengths(inspection, lengths, name, noun):
    """Add the quantiles of lengths.

    Args:
        inspection: `Inspection`.
        lengths: List of numbers.
        name: Name of the finding.
        noun: What is counted.
    """
    value = {"median": quantile(lengths, 0.5), "95_percent": quantile(lengths, 0.95), "longest": max(lengths)}
    text = f"half have at most {value['median']:,}, 95 % at most {value['95_percent']:,}, the longest"
    inspection.add(name, value, f"{noun}: {text} {value['longest']:,}.")


def describe_unknown_words(inspection, known, words):
    """Add how many words of the test split do not occur in train.

    Args:
        inspection: `Inspection`.
        known: Words of train.
        words: Words of the test split.
    """
    unknown = sum(word not in known for word in words)
    text = f"{percent(unknown, len(words))} of the words of test do not occur in train."
    inspection.add("unknown_words", round(unknown / max(1, len(words)), 4), text)


def describe_splits(inspection, splits, num_files, noun="Examples"):
    """Add how many examples each split has.

    Args:
        inspection: `Inspection`.
        splits: Split name to examples.
        num_files: Number of splits in files of their own; the others are split off train.
        noun: What examples are called.
    """
    sizes = {split: len(examples) for split, examples in splits.items()}
    how = "missing splits are split off train by a hash" if num_files < 3 else "as in the files"
    listed = ", ".join(f"{split} {size:,}" for split, size in sizes.items())
    inspection.add("parts", sizes, f"{noun}: {listed}; {how}.")


def describe_unread(inspection, folder, used):
    """Warn of data files in a folder that are not read.

    Args:
        inspection: `Inspection`.
        folder: Path of the data, a folder or a file.
        used: Paths of the files that are read.
    """
    if files := unread_files(folder, used):
        names = "Files of splits are called train, validation (valid, val, dev, eval) and test."
        text = f"Not read: {listed_files(files)}. {conversion_advice(files) or names}"
        inspection.warn("unread_files", [file.name for file in files], text)


def decide_invalid_records(inspection, invalid, num_used, max_share=0.0):
    """Warn of invalid records, and decide which fraction of them may be skipped.

    Args:
        inspection: `Inspection`.
        invalid: `InvalidRecords` that skipped them.
        num_used: Number of records that were not skipped.
        max_share: Largest share of invalid records of any split, if splits are counted separately.
    """
    for reason, count in invalid.skipped.items():
        inspection.warn("bad_records", {reason: count}, f"{count_of(count, 'record')}: {reason}.")
    total = invalid.skipped.total()
    if total:
        why = f"{count_of(total, 'record')} cannot be used"
        allow_invalid_records(inspection, total, num_used, why, max_share)


def allow_invalid_records(inspection, num_invalid, num_used, why, max_share=0.0):
    """Decide to skip invalid records, up to twice their current fraction so that more data still trains.

    Args:
        inspection: `Inspection`.
        num_invalid, num_used: Number of records that cannot and that can be used.
        why: The reason for skipping them.
        max_share: As in `decide_invalid_records`.
    """
    total = num_invalid + num_used
    cap = _skip_limit(max(max_share, num_invalid / total))
    inspection.decide("data.on_invalid_record", "skip", why)
    inspection.decide("data.max_invalid_records", cap, f"{num_invalid:,} of {total:,} records now")


def _skip_limit(share):
    """Twice a share, from 0.01 to 0.5 or the share itself, rounded up to one significant digit."""
    limit = max(share, MIN_CAP, min(MAX_DOUBLED_CAP, 2 * share))
    digits = -math.floor(math.log10(limit))
    return min(MAX_CAP, round(math.ceil(limit * 10**digits - 1e-9) / 10**digits, digits))
