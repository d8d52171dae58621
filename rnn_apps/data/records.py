"""Labelled texts and the bad records among them: named, counted, and refused or skipped."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from rnn_apps.data.labels import MISSING_LABELS, number_of
from rnn_apps.errors import DataError, Setting, list_fixes, shown

REASONS_COUNTED = 50  # distinct ones; what comes later is counted under its general reason
SKIP = Setting("Or skip such records", "data.on_invalid_record=skip")
RAISE_THE_CAP = Setting("Or raise the cap", "data.max_invalid_records=N")
CLASSES_SHOWN = 12


class LabelledText(NamedTuple):
    """One record as its source gives it; `place` names it to the user (file:line).

    Args:
        place: where the record stands.
        text: the text.
        label: the label as it is written.
        problem: why the record cannot be read, or None.
    """

    place: str
    text: str
    label: str
    problem: str | None = None


@dataclass
class LabelledTexts:
    """The texts of one part of a data set, with class indices.

    Args:
        texts: one string an example.
        labels: class index of each.
    """

    texts: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)

    def __len__(self):
        return len(self.texts)

    def add(self, text, label):
        """Append one example."""
        self.texts.append(text)
        self.labels.append(label)


class ClassNames:
    """The classes of a data set, and which of them a written label means.

    A label means a class by its name, else by the number that both are, as 1.0 is 1, else by its number from
    0, else by its name in other capitals.

    Args:
        names: the classes in order.
        advice: what to do about labels that are none of them, as the `fix` of a `DataError`.
    """

    def __init__(self, names, advice):
        self.names, self.advice = list(names), advice
        self._index = {str(i): i for i in range(len(self.names))}
        self._index |= {f"{i}.0": i for i in range(len(self.names))}  # as spreadsheets write whole numbers
        self._own = {name: i for i, name in enumerate(self.names)}
        numbers = [number_of(name) for name in self.names]
        self._by_number = {value: i for i, value in enumerate(numbers) if numbers.count(value) == 1}
        folded = [name.casefold() for name in self.names]
        self._folded = {name: i for i, name in enumerate(folded) if folded.count(name) == 1}

    def index(self, label):
        """Return the class index of a written label, or None."""
        label = label.strip()
        if label in self._own:
            return self._own[label]
        value = number_of(label)
        if value is not None and value in self._by_number:
            return self._by_number[value]
        return self._index.get(label, self._folded.get(label.casefold()))

    def __str__(self):
        shown_names = ", ".join(self.names[:CLASSES_SHOWN]) + (
            ", ..." if len(self.names) > CLASSES_SHOWN else ""
        )
        return f"{shown_names} (or 0 to {len(self.names) - 1})"


class BadRecords:
    """What is done with records that cannot be used.

    Args:
        action: ``"fail"`` refuses the first; ``"skip"`` counts it and continues; ``"refuse"`` is for inputs
            of a trained network, where no recipe could say to skip it.
        most: how many records may be skipped; below 1 the fraction of all records.

    Attributes:
        skipped: reason to number of records.
    """

    def __init__(self, action, most):
        self.action, self.most = action, most
        self.skipped = Counter()

    def report(self, place, reason, fix, received=None, expected=None, counted_as=None):
        """Count a bad record, or raise DataError.

        Args:
            place: of the record.
            reason: what is wrong with it.
            fix: as of `DataError`.
            received, expected: as of `DataError`.
            counted_as: a more precise reason, under which the record is counted.
        """
        details = {"received": received, "expected": expected}
        if self.action == "refuse":
            raise DataError(place, reason, fix=fix, **details)
        if self.action == "fail":
            raise DataError(place, reason, fix=[*list_fixes(fix), SKIP], **details)
        precise = counted_as if counted_as in self.skipped or len(self.skipped) < REASONS_COUNTED else None
        self.skipped[precise or reason] += 1
        if 1 <= self.most < self.skipped.total() or self.most == 0:
            reason = f"{reason}; more than {self.most} bad records were skipped, this one the last"
            raise DataError(place, reason, fix=[*list_fixes(fix), RAISE_THE_CAP], **details)

    def check_fraction(self, name, used):
        """Raise DataError where more than the allowed fraction of the records was skipped.

        Args:
            name: of the data.
            used: how many records were not skipped.
        """
        bad = self.skipped.total()
        if 0 < self.most < 1 and bad > self.most * (bad + used):
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in self.skipped.most_common(3))
            received, most = f"{bad:,} of {bad + used:,} records that cannot be used ({reasons})", self.most
            expected = f"at most {most:g} of them"
            raise DataError(name, received=received, expected=expected, fix=["Fix the data.", RAISE_THE_CAP])


def usable(records: Iterator[LabelledText], classes, bad):
    """Yield (text, class index) of the records that can be used; the others go to `bad`.

    Args:
        records: as a source yields them.
        classes: `ClassNames`.
        bad: `BadRecords`.
    """
    for place, text, label, problem in records:
        index = classes.index(label)
        if problem:
            bad.report(place, problem, "Fix the record.")
        elif any("\ud800" <= c <= "\udfff" for c in text + label):
            bad.report(place, "not valid UTF-8", "Save the file as UTF-8.")
        elif not text.strip():
            bad.report(place, "text is empty", "Remove the record.")
        elif not label.strip() or (label.strip() in MISSING_LABELS and index is None):
            bad.report(place, "label is missing", "Add the label or remove the record.")
        elif index is None:
            reason, received = "label is none of the classes", shown(label)
            details = {"expected": str(classes), "counted_as": f"unknown label {received}"}
            bad.report(place, reason, classes.advice, received=received, **details)
        else:
            yield text, index
