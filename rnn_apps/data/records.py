"""Labelled texts and the bad records among them: named, counted, and refused or skipped."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from rnn_apps.errors import DataError

__all__ = ["BadRecords", "LabelledText", "LabelledTexts", "part_of", "usable"]


class LabelledText(NamedTuple):
    """One record as its source gives it; `place` names it to the user (file:line).

    Args:
        place: where the record stands.
        text: the text.
        label: the label as it is written.
    """

    place: str
    text: str
    label: str


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


class BadRecords:
    """What is done with records that cannot be used.

    Args:
        action: ``"fail"`` refuses the first; ``"skip"`` counts it and goes on.
        most: records that may be skipped before the data is refused after all.
    """

    def __init__(self, action, most):
        self.action, self.most = action, most
        self.skipped = Counter()

    def report(self, place, reason, fix):
        """Count a bad record, or raise DataError."""
        if self.action == "fail":
            advice = f"{fix} Or skip such records: --set data.on_bad_record=skip"
            raise DataError(place, reason, fix=advice)
        self.skipped[reason] += 1
        if self.skipped.total() > self.most:
            raise DataError(
                place,
                f"{reason}; more than {self.most} bad records were skipped before it",
                fix=f"{fix} Or raise the cap: --set data.max_bad_records=N",
            )


def part_of(text, fractions):
    """Return the name of the part that a text falls into, by a hash of the text alone.

    Args:
        text: the text; equal texts fall into the same part.
        fractions: name to fraction, in order, with a sum of at most 1; the rest is ``"train"``.
    """
    position = int(hashlib.sha1(text.encode("utf-8", "surrogatepass")).hexdigest()[:12], 16) / 16**12
    for name, fraction in fractions.items():
        if position < fraction:
            return name
        position -= fraction
    return "train"


def usable(records: Iterator[LabelledText], class_index, bad):
    """Yield (text, class index) of the records that can be used; the others go to `bad`."""
    for place, text, label in records:
        index = class_index(label)
        if any("\ud800" <= c <= "\udfff" for c in text):
            bad.report(place, "text is not valid UTF-8", "Save the file as UTF-8.")
        elif not text.strip():
            bad.report(place, "text is empty", "Remove the record.")
        elif not label.strip():
            bad.report(place, "label is missing", "Add the label or remove the record.")
        elif index is None:
            bad.report(place, f"label {label!r} is none of the classes", "Mend it, or data.class_names.")
        else:
            yield text, index
