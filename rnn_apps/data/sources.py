"""Where labelled texts come from: TFDS, the user's files, or the generated sample; one interface."""

from rnn_apps.data import files, tfds_source
from rnn_apps.data.records import BadRecords, LabelledText, LabelledTexts, part_of, usable
from rnn_apps.data.samples import reviews
from rnn_apps.data.tfds_source import SourceUnavailable
from rnn_apps.errors import DataError

__all__ = ["FileSource", "SampleSource", "SourceUnavailable", "TfdsSource", "load_parts", "open_source"]

TEST_FRACTION = 0.2


class FileSource:
    """Files of a data folder, or one file; see `rnn_apps.data.files`.

    Args:
        path: folder or file.
        text_column, label_column: names of the columns.
    """

    def __init__(self, path, text_column, label_column):
        self.name = str(path)
        self._files, self._columns = files.find_parts(path), (text_column, label_column)
        self.parts = list(self._files)
        self.class_names = None

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
    """

    def __init__(self, name, text_column, label_column):
        self.name = f"tfds:{name}"
        self._builder, self._columns = tfds_source.open_builder(name), (text_column, label_column)
        self.parts = [part for part in ("train", "validation", "test") if part in self._builder.info.splits]
        label = self._builder.info.features.get(label_column)
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
        rows = [LabelledText(f"sample:{i}", r.text, str(r.label)) for i, r in enumerate(reviews.reviews(size, seed))]
        cuts = (0, round(0.7 * size), round(0.8 * size), size)
        self.parts = ["train", "validation", "test"]
        self._rows = {part: rows[a:b] for part, a, b in zip(self.parts, cuts, cuts[1:])}
        self.class_names = None

    def records(self, part):
        """Yield the `LabelledText` of a part."""
        return iter(self._rows[part])


def open_source(source, path, text_column, label_column, sample_size, seed):
    """Return the source that a recipe names: ``tfds:NAME``, ``files`` or ``sample``."""
    if source == "files":
        return FileSource(path, text_column, label_column)
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
        Part name to `LabelledTexts` for train, validation and test; the class names; the bad records by reason.

    Raises:
        DataError: a record is bad and not to be skipped, a part is empty, or there is one class only.
    """
    bad = BadRecords(on_bad_record, max_bad_records)
    class_names = class_names or source.class_names or _classes_of(source)
    index = _class_index(class_names)
    loaded = {part: LabelledTexts() for part in ("train", "validation", "test")}
    fractions = _carved(source.parts, validation_fraction)
    for part in source.parts:
        target = "test" if part == "validation" and "test" not in source.parts else part
        for text, label in usable(source.records(part), index, bad):
            loaded[part_of(text, fractions) if part == "train" else target].add(text, label)
    for part, texts in loaded.items():
        if not len(texts):
            raise DataError(source.name, f"no usable example for {part}", fix="Give more data.")
    return loaded, class_names, dict(bad.skipped)


def _carved(parts, validation_fraction):
    """Fractions of train that become other parts."""
    has_test_left = "test" in parts or "validation" in parts
    fractions = {} if has_test_left else {"test": TEST_FRACTION}
    if not {"validation", "test"} <= set(parts):
        fractions["validation"] = validation_fraction * (1 - sum(fractions.values()))
    return fractions


def _classes_of(source):
    """The distinct labels of train, numbers in their order, names in theirs."""
    labels = {label.strip() for _, _, label in source.records("train")} - {""}
    if len(labels) < 2:
        raise DataError(source.name, received=f"{len(labels)} class in train", expected="two or more")
    if len(labels) > 1000:
        raise DataError(
            source.name,
            received=f"{len(labels)} distinct labels in train",
            expected="at most 1000 classes",
            fix="Is the label column the right one? --set data.label=COLUMN",
        )
    numeric = all(label.lstrip("-").isdigit() for label in labels)
    return sorted(labels, key=int) if numeric else sorted(labels)


def _class_index(class_names):
    """Return a function from a written label to its class: by name, else by number from 0."""
    by_name = {name: i for i, name in enumerate(class_names)}
    by_number = {str(i): i for i in range(len(class_names))}

    def index(label):
        label = label.strip()
        return by_name.get(label, by_number.get(label))

    return index
