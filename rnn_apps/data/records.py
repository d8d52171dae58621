"""Labelled texts, their classes, and invalid records: reported, counted, and refused or skipped."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from rnn_apps.data.labels import MISSING_LABELS, number_of
from rnn_apps.errors import DataError, Setting, list_fixes, shown

MAX_REASONS = 50  # distinct ones; further ones are counted under their general reason
SKIP = Setting("Or skip such records", "data.on_invalid_record=skip")
RAISE_THE_CAP = Setting("Or raise the cap", "data.max_invalid_records=N")
INVALID_UTF8 = ("not valid UTF-8", "Save the file as UTF-8.")
MAX_CLASSES_SHOWN = 12
_SURROGATE = re.compile("[\ud800-\udfff]")


def find_surrogate(*texts):
    """Return the first surrogate in the texts, which stands for an invalid byte of the file, or None."""
    return next((found[0] for found in map(_SURROGATE.search, texts) if found), None)


class LabelledText(NamedTuple):
    """One record of a source.

    Args:
        location: File and line, for messages.
        text: The text.
        label: The label as written.
        problem: Why the record cannot be read, or None.
    """

    location: str
    text: str = ""
    label: str = ""
    problem: str | None = None


@dataclass
class LabelledTexts:
    """The texts of one split.

    Args:
        texts: One string per example.
        labels: Class index of each.
    """

    texts: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)

    def __len__(self):
        return len(self.texts)

    @classmethod
    def of(cls, pairs):
        """Return the `LabelledTexts` of an iterable of (text, class index)."""
        return cls(*map(list, zip(*pairs)))


class ClassNames:
    """The classes of a data set, by index and by the labels that mean them.

    A label means a class by its exact name, by its numeric value (1.0 is 1), by its index from 0, or by its
    name in other capitals, in this order.

    Args:
        names: The classes in order.
        advice: How to fix labels that are none of them, as the `fix` of a `DataError`.
    """

    def __init__(self, names, advice):
        self.names, self.advice = list(names), advice
        self._by_index = {str(i): i for i in range(len(self.names))}
        self._by_index |= {f"{i}.0": i for i in range(len(self.names))}  # as spreadsheets write integers
        self._by_name = {name: i for i, name in enumerate(self.names)}
        self._by_number = _unique_index(map(number_of, self.names))
        self._by_folded_name = _unique_index(name.casefold() for name in self.names)

    def index(self, label):
        """Return the class index of a label, or None."""
        label = label.strip()
        keys = (
            (self._by_name, label),
            (self._by_number, number_of(label)),
            (self._by_index, label),
            (self._by_folded_name, label.casefold()),
        )
        return next((table[key] for table, key in keys if key in table), None)

    def __str__(self):
        listed = ", ".join(self.names[:MAX_CLASSES_SHOWN])
        listed += ", ..." if len(self.names) > MAX_CLASSES_SHOWN else ""
        return f"{listed} (or 0 to {len(self.names) - 1})"


def _unique_index(values):
    values = list(values)
    counts = Counter(values)
    return {value: i for i, value in enumerate(values) if value is not None and counts[value] == 1}


class InvalidRecords:
    """Refuses or counts records that cannot be used.

    Args:
        action: ``"fail"`` refuses the first; ``"skip"`` counts it and continues; ``"refuse"`` is for inputs
            of a trained network, where no recipe can say to skip it.
        max_skipped: How many records may be skipped; below 1 the fraction of all records.

    Attributes:
        skipped: Counter of records by reason.
    """

    def __init__(self, action, max_skipped):
        self.action, self.max_skipped = action, max_skipped
        self.skipped = Counter()

    def without_counts(self):
        """Return another one with the same rules and no records yet, for a second reading of the data."""
        return InvalidRecords(self.action, self.max_skipped)

    def report(self, location, reason, fix, received=None, expected=None, counted_as=None):
        """Count an invalid record, or raise DataError.

        Args:
            location: File and line of the record.
            reason: What is wrong with it.
            fix: As in `DataError`.
            received, expected: As in `DataError`.
            counted_as: More precise reason, under which the record is counted.
        """
        details = {"received": received, "expected": expected}
        if self.action == "refuse":
            raise DataError(location, reason, fix=fix, **details)
        if self.action == "fail":
            raise DataError(location, reason, fix=[*list_fixes(fix), SKIP], **details)
        precise = counted_as if counted_as in self.skipped or len(self.skipped) < MAX_REASONS else None
        self.skipped[precise or reason] += 1
        if 1 <= self.max_skipped < self.skipped.total() or self.max_skipped == 0:
            reason = f"{reason}; more than {self.max_skipped} invalid records were skipped, this one last"
            raise DataError(location, reason, fix=[*list_fixes(fix), RAISE_THE_CAP], **details)

    def check_fraction(self, name, num_used):
        """Raise DataError if more than the allowed fraction of the records was skipped.

        Args:
            name: Name of the data set.
            num_used: Number of records that were not skipped.
        """
        count, limit = self.skipped.total(), self.max_skipped
        if 0 < limit < 1 and count > limit * (count + num_used):
            reasons = ", ".join(f"{n:,} {reason}" for reason, n in self.skipped.most_common(3))
            received = f"{count:,} of {count + num_used:,} records that cannot be used ({reasons})"
            fix = ["Fix the data.", RAISE_THE_CAP]
            raise DataError(name, received=received, expected=f"at most {limit:g} of them", fix=fix)


def usable(records: Iterator[LabelledText], classes: ClassNames, invalid: InvalidRecords):
    """Yield (text, class index) of the usable records; the others are reported to `invalid`."""
    for location, text, label, problem in records:
        index = classes.index(label)
        if problem:
            invalid.report(location, problem, "Fix the record.")
        elif find_surrogate(text, label):
            invalid.report(location, *INVALID_UTF8)
        elif not text.strip():
            invalid.report(location, "text is empty", "Remove the record.")
        elif not label.strip() or (label.strip() in MISSING_LABELS and index is None):
            invalid.report(location, "label is missing", "Add the label or remove the record.")
        elif index is None:
            details = {"received": shown(label), "expected": str(classes)}
            details["counted_as"] = f"unknown label {shown(label)}"
            invalid.report(location, "label is not one of the classes", classes.advice, **details)
        else:
            yield text, index
