"""Loads labelled texts from TFDS, the user's files, or synthetic data."""

import logging
from collections.abc import Callable
from typing import NamedTuple

from rnn_apps.data import files, tfds_source
from rnn_apps.data.labels import gather_labels
from rnn_apps.data.records import ClassNames, LabelledText, LabelledTexts, usable
from rnn_apps.data.split_files import find_splits, log_unread
from rnn_apps.data.splits import SplitReader, split_generated
from rnn_apps.data.synthetic.reviews import reviews
from rnn_apps.data.tfds_source import SourceUnavailable
from rnn_apps.errors import DataError, Setting, shown

__all__ = ["SourceUnavailable"]

MAX_CLASSES = 1000
_log = logging.getLogger(__name__)
OTHER_CLASSES = ("Fix the label.", Setting("Or take the classes from the data", "data.class_names=null"))
KNOWN_CLASSES = "The network knows no other classes."


class TextSource(NamedTuple):
    """An open source of labelled texts.

    Args:
        name: Name of the source, for messages.
        splits: Names of its splits.
        class_names: The classes in order, if the source names them, otherwise None.
        records: ``records(split)`` yields the `LabelledText` of a split.
    """

    name: str
    splits: list
    class_names: list | None
    records: Callable


def open_files(path, text_column, label_column, required_split="train"):
    """Return the `TextSource` of a data folder, or one file; see `rnn_apps.data.files`.

    Args:
        path: Folder or file.
        text_column, label_column: Names of the columns.
        required_split: Split that a folder must have, or None if any will do.
    """
    files_of = find_splits(path, required_split)
    log_unread(path, files_of.values())

    def records(split):
        return files.read_records(files_of[split], text_column, label_column)

    return TextSource(str(path), list(files_of), None, records)


def _open_tfds(name, text_column, label_column):
    builder = tfds_source.open_builder(name)
    label = dict(builder.info.features.items()).get(label_column)

    columns = {"text": text_column, "label": label_column}

    def records(split):
        return (LabelledText(*row) for row in tfds_source.read_examples(builder, split, columns))

    splits = tfds_source.splits_with_train(builder, name)
    return TextSource(f"tfds:{name}", splits, getattr(label, "names", None), records)


def _open_synthetic(size, seed):
    """Generated reviews: 70 % train, 10 % validation, 20 % test."""
    rows = [
        LabelledText(f"sample:{i}", review.text, str(review.label))
        for i, review in enumerate(reviews(size, seed))
    ]
    splits = split_generated(rows, train=0.7)
    return TextSource("sample:reviews", list(splits), None, lambda split: iter(splits[split]))


def open_source(source, text_column, label_column, required_split="train"):
    """Return the `TextSource` of a `DataSource`.

    Args:
        source: `DataSource`.
        text_column, label_column, required_split: As for `open_files`; of TFDS, the columns are features.

    Raises:
        SourceUnavailable: a TFDS data set is neither on this machine nor reachable.
        DataError: TFDS has no such data set, or it has no train split.
    """
    if source.name == "files":
        return open_files(source.path, text_column, label_column, required_split)
    if source.name == "sample":
        return _open_synthetic(source.sample_size, source.seed)
    return _open_tfds(source.name.removeprefix("tfds:"), text_column, label_column)


def open_labelled_texts(source, request, invalid, class_names=None, known_classes=None):
    """Return the `SplitReader` of labelled texts, of (text, class index), and the class names.

    Args:
        source: `TextSource`.
        request: `SplitRequest`; train is split by a hash of the text.
        invalid: `InvalidRecords`.
        class_names: Classes in order, or None to take those of the data.
        known_classes: Classes of a trained network, or None if one is to be trained.

    Raises:
        DataError: no classes can be found in train.
    """
    if known_classes is not None:
        classes = ClassNames(known_classes, KNOWN_CLASSES)
    else:
        classes = ClassNames(class_names or source.class_names or _find_classes(source), OTHER_CLASSES)

    def read(split, invalid):
        return usable(source.records(split), classes, invalid)

    reader = SplitReader(
        source.name, source.splits, read, request, lambda example: example[0], invalid, "text"
    )
    return reader, classes.names


def check_classes(name, indices, class_names):
    """Raise DataError if train has only one class.

    Args:
        name: Name of the source.
        indices: Set of the class indices in train.
        class_names: Names of all classes.
    """
    if len(indices) < 2:
        received = f"only examples of the class {shown(class_names[min(indices)])} in train"
        raise DataError(name, received=received, expected="two classes or more")


def load_labelled_texts(source, request, invalid, class_names=None, known_classes=None):
    """Read labelled texts in their splits; the arguments are those of `open_labelled_texts`.

    Returns:
        Split name to `LabelledTexts`, and the class names.

    Raises:
        DataError: an invalid record that is not to be skipped, an empty split, or train has only one class.
    """
    reader, names = open_labelled_texts(source, request, invalid, class_names, known_classes)
    splits = {split: LabelledTexts.of(pairs) for split, pairs in reader.lists().items()}
    if known_classes is None:
        check_classes(source.name, set(splits["train"].labels), names)
    invalid.check_fraction(source.name, sum(map(len, splits.values())))
    return splits, names


def _find_classes(source):
    """The distinct labels of train, numbers in numeric order, names in alphabetical order."""
    labels = gather_labels((r.label for r in source.records("train") if not r.problem), fold=False)
    names = labels.names
    if len(names) < 2:
        received = f"only the class {shown(names[0])} in train" if names else "no label in train"
        raise DataError(source.name, received=received, expected="two classes or more")
    if len(names) > MAX_CLASSES:
        received, expected = f"{len(names)} distinct labels in train", f"at most {MAX_CLASSES} classes"
        fix = Setting("If the labels are in another column, name it", "data.label=COLUMN")
        raise DataError(source.name, received=received, expected=expected, fix=fix)
    for spellings in labels.equal_numbers:
        _log.info("Labels that are the same number count as one class: %s", ", ".join(map(shown, spellings)))
    return names
