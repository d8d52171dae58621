"""Inspects labelled texts: roles of the columns, classes, lengths, duplicates, leakage, vocabulary."""

from collections import Counter, defaultdict

from rnn_apps.data.headers import list_columns
from rnn_apps.data.labels import MISSING_LABELS, gather_labels, number_of
from rnn_apps.data.records import ClassNames, InvalidRecords, usable
from rnn_apps.data.sources import MAX_CLASSES, load_labelled_texts, open_files
from rnn_apps.data.split_files import ENDINGS, find_splits
from rnn_apps.errors import DataError, Setting, shown
from rnn_apps.inspecting.inspection import Inspection
from rnn_apps.inspecting.measures import count_of, fold_text, quantile, round_up, words_of
from rnn_apps.inspecting.tables import column_of_setting, describe_table, read_table

LABEL_NAMES = (
    "label", "class", "category", "sentiment", "rating", "target", "stars", "score", "polarity",
)  # fmt: skip
TEXT_NAMES = (
    "text", "review", "comment", "message", "sentence", "content", "body", "tweet", "description",
)  # fmt: skip
_MAX_LENGTH = 400  # words of a text that are read
_MIN_ROWS = 4  # two classes, each twice
_RARE = 0.1  # of the examples of the largest class


def open_tables(path, task, base, overrides, endings=ENDINGS):
    """Return the `Inspection` of a folder or file of tables, and split name to `Table`.

    Args:
        path: File or folder.
        task: Name of the task.
        base: Packaged recipe on which the new one is based.
        overrides: As for `inspect_data`.
        endings: Endings of table files.
    """
    files = find_splits(path, "train", endings)
    inspection = Inspection(task, str(path), base, overrides)
    tables = {split: read_table(file) for split, file in files.items()}
    describe_table(inspection, tables)
    inspection.describe_unread(path, files.values())
    return inspection, tables


def find_label_column(columns):
    """Return the `Column` that most likely holds labels, or None.

    It has few distinct, short values, each several times; a common label name, and then fewer values, are
    preferred.
    """
    candidates = [
        c
        for c in columns
        if c.kind in ("text", "number")
        and 2 <= c.distinct <= min(MAX_CLASSES, len(c.cells) // 2)
        and _has_short_values(c)
    ]
    return min(candidates, key=lambda c: (not has_label_name(c), c.distinct), default=None)


def _has_short_values(column):
    are_integers = column.kind != "number" or all(map(_is_integer, set(column.cells)))
    return column.mean_words <= 4 and are_integers


def _is_integer(cell):
    """Whether a cell is an integer, such as 4.0, or marks a missing value."""
    value = number_of(cell)
    return cell in MISSING_LABELS or (value is not None and value == int(value))


def find_text_column(columns, label):
    """Return the `Column` that most likely holds texts, the one with the longest cells, or None."""
    texts = [c for c in columns if c.kind == "text" and c.name != label.name]
    candidates = [c for c in texts if c.mean_words >= 1.5] or [c for c in texts if _has_name(c, TEXT_NAMES)]
    return max(candidates, key=_mean_length, default=None)


def _mean_length(column):
    return sum(map(len, column.cells)) / len(column.cells)


def has_label_name(column):
    """Return whether the name of a `Column` says that it holds labels."""
    return _has_name(column, LABEL_NAMES)


def _has_name(column, names):
    return any(name in column.name.casefold() for name in names)


def inspect_texts(path, overrides):
    """Return the `Inspection` of labelled texts in CSV files or JSON lines.

    Args:
        path: File or folder.
        overrides: As for `inspect_data`.

    Raises:
        DataError: no column looks like labels or texts, or there is too little data.
    """
    inspection, tables = open_tables(path, "text_classification", "imdb", overrides)
    label, text = _decide_columns(inspection, tables["train"])
    classes = _decide_classes(inspection, tables["train"].cells(label))
    source, invalid = open_files(inspection.path, text, label), InvalidRecords("skip", 10**9)
    class_names = ClassNames(classes, "")
    records, max_share = {}, 0.0
    for split in source.splits:
        num_skipped = -invalid.skipped.total()
        records[split] = list(usable(source.records(split), class_names, invalid))
        num_skipped += invalid.skipped.total()
        max_share = max(max_share, num_skipped / max(1, num_skipped + len(records[split])))
    inspection.decide_invalid_records(invalid, sum(map(len, records.values())), max_share)
    _describe_examples(inspection, records, classes)
    splits = inspection.load_splits(lambda *args: load_labelled_texts(source, *args, classes)[0])
    inspection.describe_splits(splits, len(tables))
    texts = {split: examples.texts for split, examples in splits.items()}
    inspection.describe_leakage(texts, "texts", len(tables))
    _decide_model(inspection, splits)
    return inspection


def _decide_columns(inspection, table):
    columns = table.columns()
    label = column_of_setting(inspection, table, columns, "data.label") or find_label_column(columns)
    if label is None:
        raise no_labels(table, columns)
    text = column_of_setting(inspection, table, columns, "data.text") or find_text_column(columns, label)
    if text is None:
        listed = list_columns([column.name for column in columns])
        fix = [f"The columns are {listed}; {shown(label.name)} looks like the label."]
        fix += [Setting("Name the column of texts", "data.text=COLUMN")]
        expected = "a column of words"
        raise DataError(str(table.file), "no column looks like texts", expected=expected, fix=fix)
    why = f"the longest texts, {_mean_length(text):.0f} characters on average"
    inspection.decide("data.text", text.name, why)
    inspection.decide("data.label", label.name, f"{label.distinct} values, each in several rows")
    split = next((column for column in columns if column.kind == "split"), None)
    if split is not None:
        text = f"The column {shown(split.name)} names splits, which this task does not read: it expects files"
        inspection.warn("split_column", split.name, f"{text} called train, validation and test.")
    return label.name, text.name


def no_labels(table, columns):
    """Return the `DataError` about a table without labels; if one is called a label, it says what it lacks.

    Args:
        table: `Table`.
        columns: Its list of `Column`.
    """
    listed = list_columns([column.name for column in columns])
    named = [c for c in columns if c.kind in ("text", "number", "empty") and has_label_name(c)]
    column = next((c for c in named if c.distinct <= MAX_CLASSES and _has_short_values(c)), None)
    if column is None:
        problem, received = "no column looks like labels", None
        expected = "a column with a few values, each in several rows"
        fix = [f"The columns are {listed}.", Setting("Name it", "data.label=COLUMN")]
    else:
        problem, received, expected = _label_problem(column)
        fix = ["Add such rows.", Setting("Or name another column", "data.label=COLUMN")]
        fix += [f"The columns are {listed}."]
    return DataError(str(table.file), problem, received=received, expected=expected, fix=fix)


def _label_problem(column):
    """Why a `Column` that is called a label cannot be one: problem, received, expected."""
    name, cells, expected = shown(column.name), column.cells, "two classes or more"
    if not cells:
        return f"column {name} is empty", None, expected
    rows = count_of(len(cells), "row")
    if column.distinct > 1 or len(cells) < _MIN_ROWS:
        received = f"{count_of(column.distinct, 'value')} in {rows}"
        return f"too few rows for the labels in column {name}", received, f"{expected}, each in several rows"
    return f"column {name} has one value", f"{shown(cells[0])} in {rows}", expected


def _decide_classes(inspection, cells):
    """Names of the classes in order, one spelling each."""
    labels = gather_labels(cells)
    for name, variants, text in (
        ("spellings", labels.other_capitals, "differ only in capitals"),
        ("equal_numbers", labels.equal_numbers, "are the same number, and count as one class"),
    ):
        if variants:
            listed = [" and ".join(map(shown, spellings)) for spellings in variants]
            inspection.warn(name, listed, f"Labels that {text}: {'; '.join(listed)}.")
    if labels.missing:
        listed = ", ".join(f"{shown(label)} in {count_of(n, 'row')}" for label, n in labels.missing.items())
        fix = Setting("If one is a class, name it among all others", "data.class_names=[...]")
        text = f"Labels that mark a missing one: {listed}. These rows are left out."
        inspection.warn("missing_labels", labels.missing, text, fix)
    inspection.decide("data.class_names", labels.names, "the labels of train, in this order")
    return inspection.setting("data.class_names") or labels.names


def _describe_examples(inspection, records, classes):
    counts = Counter(index for _, index in records["train"])
    sizes = Counter({name: counts[i] for i, name in enumerate(classes)})
    inspection.describe_classes(sizes, "class", "classes")
    rare = [name for name, count in sizes.items() if count < _RARE * max(sizes.values())]
    if rare:
        text = f"{', '.join(map(shown, rare))}: less than a tenth of the examples of the largest class"
        inspection.warn("rare_classes", rare, f"{text}; look at f1_macro, not at accuracy.")
    inspection.describe_repeats([text for text, _ in records["train"]], "texts")
    labels = defaultdict(set)
    for text, index in records["train"]:
        labels[fold_text(text)].add(index)
    count = sum(len(indices) > 1 for indices in labels.values())
    if count:
        inspection.warn("contradictions", count, f"{count_of(count, 'text')} of train have several labels.")


def _decide_model(inspection, splits):
    words = [words_of(text) for text in splits["train"].texts]
    lengths, counts = list(map(len, words)), Counter(word for text in words for word in text)
    inspection.describe_lengths(lengths, "lengths", "Words of a text")
    twice = sum(count > 1 for count in counts.values())
    text = f"{len(counts):,} distinct words in train, {twice:,} of them more than once."
    inspection.add("vocabulary", {"words": len(counts), "twice": twice}, text)
    test_words = [word for text in splits["test"].texts for word in words_of(text)]
    inspection.describe_unknown_words(counts, test_words)
    length = quantile(lengths, 0.98)
    max_length = max(10, min(_MAX_LENGTH, round_up(length, 10)))
    inspection.decide("data.max_length", max_length, f"98 % of the texts have at most {length} words")
    size = min(20_000, round_up(len(counts) + 2, 100))
    inspection.decide("data.vocabulary_size", size, f"{len(counts):,} distinct words in train")
    if len(words) < 5000:
        settings = {"model.embedding": 64, "model.units": [64]}
        inspection.decide_all(settings, f"a small network for {len(words):,} texts")
        inspection.decide("model.word_vectors", "random", "too few words for co-occurrence vectors")
    inspection.decide("model.cell", "gru", "usually more accurate than the vanilla cell, and slower")
    inspection.decide("model.bidirectional", True, "the whole text is available before the answer")
    inspection.decide_training(len(words), min_epochs=4, steps=600)
