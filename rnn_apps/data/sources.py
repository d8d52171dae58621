"""Where labelled texts come from: TFDS, the user's files, or the generated sample; one interface."""

import logging

from rnn_apps.data import files, tfds_source
from rnn_apps.data.labels import gather_labels
from rnn_apps.data.records import ClassNames, LabelledText, LabelledTexts, usable
from rnn_apps.data.samples import reviews
from rnn_apps.data.splits import SPLIT_NAMES, find_splits, log_unread, make_splits, split_generated
from rnn_apps.data.tfds_source import SourceUnavailable
from rnn_apps.errors import DataError, Setting, shown

__all__ = ["SourceUnavailable"]

MAX_CLASSES = 1000
_log = logging.getLogger(__name__)
OTHER_CLASSES = ("Fix the label.", Setting("Or take the classes from the data", "data.class_names=null"))
KNOWN_CLASSES = "The network knows no other classes."


class FileSource:
    """Files of a data folder, or one file; see `rnn_apps.data.files`.

    Args:
        path: folder or file.
        text_column, label_column: names of the columns.
        required_split: that a folder must hold; None where any will do.
    """

    def __init__(self, path, text_column, label_column, required_split="train"):
        self.name = str(path)
        self._files, self._columns = find_splits(path, required_split), (text_column, label_column)
        self.splits = list(self._files)
        self.class_names = None
        log_unread(path, self._files.values())

    def records(self, split):
        """Yield the `LabelledText` of a split."""
        return files.read_records(self._files[split], *self._columns)


class TfdsSource:
    """A set of TensorFlow Datasets.

    Args:
        name: the part after ``tfds:``.
        text_column, label_column: names of the features.

    Raises:
        SourceUnavailable: it is neither here nor reachable.
        DataError: TFDS knows no such set, or it has no train split.
    """

    def __init__(self, name, text_column, label_column):
        self.name = f"tfds:{name}"
        self._builder, self._columns = tfds_source.open_builder(name), (text_column, label_column)
        self.splits = [split for split in SPLIT_NAMES if split in self._builder.info.splits]
        if "train" not in self.splits:
            splits = ", ".join(self._builder.info.splits) or "none"
            raise DataError(f"tfds:{name}", received=f"the splits {splits}", expected="one called train")
        label = dict(self._builder.info.features.items()).get(label_column)
        self.class_names = getattr(label, "names", None)

    def records(self, split):
        """Yield the `LabelledText` of a split."""
        return tfds_source.read_split(self._builder, split, *self._columns)


class SampleSource:
    """Generated reviews: 70 % train, 10 % validation, 20 % test.

    Args:
        size: reviews over all splits.
        seed: of the generator.
    """

    def __init__(self, size, seed):
        self.name = "sample:reviews"
        rows = [
            LabelledText(f"sample:{i}", r.text, str(r.label))
            for i, r in enumerate(reviews.reviews(size, seed))
        ]
        self._rows = split_generated(rows, train=0.7)
        self.splits, self.class_names = list(self._rows), None

    def records(self, split):
        """Yield the `LabelledText` of a split."""
        return iter(self._rows[split])


def open_source(source, text_column, label_column, required_split="train"):
    """Return a `FileSource`, a `TfdsSource` or a `SampleSource`.

    Args:
        source: `DataSource`.
        text_column, label_column: names of the columns.
        required_split: that a folder must hold; None where any will do.
    """
    if source.name == "files":
        return FileSource(source.path, text_column, label_column, required_split)
    if source.name == "sample":
        return SampleSource(source.sample_size, source.seed)
    return TfdsSource(source.name.removeprefix("tfds:"), text_column, label_column)


def load_labelled_texts(opened, request, bad, class_names=None, known_classes=None):
    """Read labelled texts in their splits.

    Args:
        opened: one of the sources above.
        request: `SplitRequest`; train is split by a hash of the text.
        bad: `BadRecords`.
        class_names: classes in order, or None to take those of the data.
        known_classes: those of a trained network; None where one is to be trained.

    Returns:
        Split name to `LabelledTexts`, and the class names.

    Raises:
        DataError: a record is bad and not to be skipped, a split is empty, or train shows one class only.
    """
    if known_classes is not None:
        classes = ClassNames(known_classes, KNOWN_CLASSES)
    else:
        classes = ClassNames(class_names or opened.class_names or _classes_of(opened), OTHER_CLASSES)
    found = {
        split: list(usable(opened.records(split), classes, bad)) for split in request.read_from(opened.splits)
    }
    examples = make_splits(opened.name, found, request, lambda one: one[0], bad, "text")
    splits = {split: LabelledTexts(*map(list, zip(*pairs))) for split, pairs in examples.items()}
    if known_classes is None and len(seen := set(splits["train"].labels)) < 2:
        received = f"only examples of the class {shown(classes.names[seen.pop()])} in train"
        raise DataError(opened.name, received=received, expected="two classes or more")
    bad.check_fraction(opened.name, sum(map(len, splits.values())))
    return splits, classes.names


def _classes_of(source):
    """The distinct labels of train, numbers in their order, names in theirs."""
    found = gather_labels((r.label for r in source.records("train") if not r.problem), fold=False)
    labels = found.names
    if len(labels) < 2:
        received = f"only the class {shown(labels[0])} in train" if labels else "no label in train"
        raise DataError(source.name, received=received, expected="two classes or more")
    if len(labels) > MAX_CLASSES:
        raise DataError(
            source.name,
            received=f"{len(labels)} distinct labels in train",
            expected=f"at most {MAX_CLASSES} classes",
            fix=Setting("If the labels are in another column, name it", "data.label=COLUMN"),
        )
    for spellings in found.equal_numbers:
        _log.info("Labels that are the same number count as one class: %s", ", ".join(map(shown, spellings)))
    return labels
