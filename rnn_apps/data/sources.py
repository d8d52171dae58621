"""Where labelled texts come from: TFDS, the user's files, or the generated sample; one interface."""

import logging

from rnn_apps.data import files, tfds_source
from rnn_apps.data.labels import gather_labels
from rnn_apps.data.records import (
    BadRecords,
    ClassNames,
    LabelledText,
    LabelledTexts,
    carved_fractions,
    usable,
)
from rnn_apps.data.samples import reviews
from rnn_apps.data.splits import find_parts, log_unread, said_to_split, splitter
from rnn_apps.errors import DataError, shown

MOST_CLASSES = 1000
_log = logging.getLogger(__name__)
OTHER_CLASSES = "Mend it, or take the classes from the data: --set data.class_names=null."


class FileSource:
    """Files of a data folder, or one file; see `rnn_apps.data.files`.

    Args:
        path: folder or file.
        text_column, label_column: names of the columns.
        needed: the part that a folder must hold; None where any will do.
    """

    def __init__(self, path, text_column, label_column, needed="train"):
        self.name = str(path)
        self._files, self._columns = find_parts(path, needed), (text_column, label_column)
        self.parts = list(self._files)
        self.class_names = None
        log_unread(path, self._files.values())

    def records(self, part):
        """Yield the `LabelledText` of a part."""
        return files.read_records(self._files[part], *self._columns)


class TfdsSource:
    """A set of TensorFlow Datasets.

    Args:
        name: the part after ``tfds:``.
        text_column, label_column: names of the features.

    Raises:
        SourceUnavailable: it is neither here nor reachable.
        DataError: TFDS knows no such set, or it has no train part.
    """

    def __init__(self, name, text_column, label_column):
        self.name = f"tfds:{name}"
        self._builder, self._columns = tfds_source.open_builder(name), (text_column, label_column)
        self.parts = [part for part in ("train", "validation", "test") if part in self._builder.info.splits]
        if "train" not in self.parts:
            splits = ", ".join(self._builder.info.splits) or "none"
            raise DataError(f"tfds:{name}", received=f"the splits {splits}", expected="one called train")
        label = dict(self._builder.info.features.items()).get(label_column)
        self.class_names = getattr(label, "names", None)

    def records(self, part):
        """Yield the `LabelledText` of a part."""
        return tfds_source.read_split(self._builder, part, *self._columns)


class SampleSource:
    """Generated reviews: 70 % train, 10 % validation, 20 % test.

    Args:
        size: reviews over all parts.
        seed: of the generator.
    """

    def __init__(self, size, seed):
        self.name = "sample:reviews"
        rows = [
            LabelledText(f"sample:{i}", r.text, str(r.label))
            for i, r in enumerate(reviews.reviews(size, seed))
        ]
        cuts = (0, round(0.7 * size), round(0.8 * size), size)
        self.parts = ["train", "validation", "test"]
        self._rows = {part: rows[a:b] for part, a, b in zip(self.parts, cuts, cuts[1:])}
        self.class_names = None

    def records(self, part):
        """Yield the `LabelledText` of a part."""
        return iter(self._rows[part])


def open_source(source, path, text_column, label_column, sample_size, seed, needed="train"):
    """Return the source that a recipe names: ``tfds:NAME``, ``files`` or ``sample``.

    Args:
        source: the name.
        path: folder or file, where source is ``files``.
        text_column, label_column: names of the columns.
        sample_size, seed: of the generated sample.
        needed: the part that a folder must hold; None where any will do.
    """
    if source == "files":
        return FileSource(path, text_column, label_column, needed)
    if source == "sample":
        return SampleSource(sample_size, seed)
    return TfdsSource(source.removeprefix("tfds:"), text_column, label_column)


def load_parts(source, class_names, validation_fraction, on_bad_record="fail", max_bad_records=100):
    """Read all parts of a source into memory, carving those that it lacks.

    With no validation part it is carved from train by a hash of the text; with no test part the validation
    part is the test and another validation is carved.

    Args:
        source: one of the sources above.
        class_names: classes in order, or None to take those of the data.
        validation_fraction: of train, where validation has to be carved.
        on_bad_record, max_bad_records: as in `BadRecords`.

    Returns:
        Part name to `LabelledTexts` for train, validation and test; the class names; bad records by reason.

    Raises:
        DataError: a record is bad and not to be skipped, a part is empty, or train shows one class only.
    """
    bad = BadRecords(on_bad_record, max_bad_records)
    classes = ClassNames(class_names or source.class_names or _classes_of(source), OTHER_CLASSES)
    loaded = {part: LabelledTexts() for part in ("train", "validation", "test")}
    fractions = carved_fractions(source.parts, validation_fraction)
    for part in source.parts:
        target = "test" if part == "validation" and "test" not in source.parts else part
        found = usable(source.records(part), classes, bad)
        if part == "train":
            _split_off(found, fractions, loaded)
        else:
            for text, label in found:
                loaded[target].add(text, label)
    _refuse_what_teaches_nothing(source.name, loaded, classes.names, fractions)
    bad.check_fraction(source.name, sum(map(len, loaded.values())))
    return loaded, classes.names, dict(bad.skipped)


def load_test(
    source, class_names, validation_fraction, on_bad_record="fail", max_bad_records=100, whole=False
):
    """Read what a trained network is tested on: the test part, as `load_parts` gives it.

    Args:
        source, validation_fraction, on_bad_record, max_bad_records: as in `load_parts`.
        class_names: the classes of the network.
        whole: where there is neither test nor validation, take all that there is; else carve the test part.

    Returns:
        `LabelledTexts`, and the bad records by reason.
    """
    bad = BadRecords(on_bad_record, max_bad_records)
    classes = ClassNames(class_names, "The network knows no other classes.")
    part = next(part for part in ("test", "validation", "train") if part in source.parts)
    fractions = carved_fractions(source.parts, validation_fraction) if part == "train" and not whole else {}
    loaded = {part: LabelledTexts() for part in ("train", "validation", "test")}
    _split_off(usable(source.records(part), classes, bad), fractions, loaded)
    texts = loaded["test" if fractions else "train"]
    if not len(texts):
        reasons = "; ".join(f"skipped {count:,}: {reason}" for reason, count in bad.skipped.most_common(3))
        problem = f"no usable example to test on{f' ({reasons})' if reasons else ''}"
        raise DataError(source.name, problem, fix="Give more data.")
    bad.check_fraction(source.name, sum(map(len, loaded.values())))
    return texts, dict(bad.skipped)


def _split_off(examples, fractions, loaded):
    """Add the texts and labels of train to the splits that they fall into."""
    examples = list(examples)
    split_of = splitter((text for text, _ in examples), fractions)
    for text, label in examples:
        loaded[split_of(text)].add(text, label)


def _refuse_what_teaches_nothing(name, loaded, class_names, fractions):
    total = sum(map(len, loaded.values()))
    for part, texts in loaded.items():
        if not len(texts):
            fix = f"Give more, or a file for {part}." if total else "Give more."
            there = said_to_split((text for texts in loaded.values() for text in texts.texts), fractions)
            raise DataError(name, f"no usable example for {part}, {there}", fix=fix)
    if len(seen := set(loaded["train"].labels)) < 2:
        received = f"only examples of the class {shown(class_names[seen.pop()])} in train"
        raise DataError(name, received=received, expected="two classes or more")


def _classes_of(source):
    """The distinct labels of train, numbers in their order, names in theirs."""
    found = gather_labels((r.label for r in source.records("train") if not r.problem), fold=False)
    labels = found.names
    if len(labels) < 2:
        received = f"only the class {shown(labels[0])} in train" if labels else "no label in train"
        raise DataError(source.name, received=received, expected="two classes or more")
    if len(labels) > MOST_CLASSES:
        raise DataError(
            source.name,
            received=f"{len(labels)} distinct labels in train",
            expected=f"at most {MOST_CLASSES} classes",
            fix="Is the label column the right one? --set data.label=COLUMN",
        )
    for spellings in found.equal_numbers:
        _log.info("Labels that are the same number count as one class: %s", ", ".join(map(shown, spellings)))
    return labels
