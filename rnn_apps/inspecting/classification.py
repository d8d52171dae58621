"""Inspects labelled texts: which column is what, classes, lengths, repeats, leakage, vocabulary."""

from collections import Counter, defaultdict
from pathlib import Path

from rnn_apps.data.labels import MISSING_LABELS, gather_labels, number_of
from rnn_apps.data.records import BadRecords, ClassNames, usable
from rnn_apps.data.sources import MAX_CLASSES, FileSource, load_labelled_texts
from rnn_apps.data.splits import find_splits
from rnn_apps.errors import DataError, Setting, shown
from rnn_apps.inspecting.findings import Inspection
from rnn_apps.inspecting.measures import (
    count_of,
    decide_bad_records,
    describe_leakage,
    describe_lengths,
    describe_parts,
    describe_repeats,
    describe_unread,
    folded,
    percent,
    quantile,
    unknown_rate,
    words_of,
)
from rnn_apps.inspecting.sizes import decide_training, load_with_room, rounded_up
from rnn_apps.inspecting.tables import TABLE_ENDINGS, describe_table, given_column, read_table

LABELS = ("label", "class", "category", "sentiment", "rating", "target", "stars", "score", "polarity")
TEXTS = ("text", "review", "comment", "message", "sentence", "content", "body", "tweet", "description")
_LONGEST = 400  # words read of a text, unless most are far shorter
_FEWEST_ROWS = 4  # two classes, each twice
_RARE = 0.1  # of the examples that the largest class has


def find_tables(path, endings=TABLE_ENDINGS):
    """Return the path that a recipe should name, and part name to file, for a folder or file of tables.

    A folder without a file called train is read where it holds one table alone.
    """
    path = Path(path)
    if path.is_dir():
        tables = [f for f in sorted(path.iterdir()) if f.is_file() and f.name.lower().endswith(endings)]
        if len(tables) == 1:
            return tables[0], {"train": tables[0]}
    return path, find_splits(path, "train", endings)


def open_tables(path, task, base, given, endings=TABLE_ENDINGS):
    """Return the `Inspection` of a folder or file of tables, and part name to `Table`.

    Args:
        path: file or folder.
        task: name of the task.
        base: the packaged recipe from which the new one starts.
        given: settings that the user has chosen, or None.
        endings: of tables.
    """
    named, files = find_tables(path, endings)
    inspection = Inspection(task, str(named), base, given or {})
    tables = {part: read_table(file) for part, file in files.items()}
    describe_table(inspection, tables)
    describe_unread(inspection, path, files.values())
    return inspection, tables


def find_label_column(columns):
    """Return the `Column` that most likely holds labels, or None.

    It has few distinct, short values, each several times. Of several, one that is called so; else the one
    with the fewest values.
    """
    fit = [c for c in columns if c.kind in ("text", "number") and _is_like_labels(c)]
    return min(fit, key=lambda c: (not _is_called(c, LABELS), c.distinct), default=None)


def _is_like_labels(column):
    return 2 <= column.distinct <= min(MAX_CLASSES, len(column.cells) // 2) and _has_short_values(column)


def _has_short_values(column):
    whole = column.kind != "number" or all(_is_whole(cell) for cell in set(column.cells))
    return column.mean_words <= 4 and whole


def _is_whole(cell):
    """Whether a cell is a whole number, as 4.0 is one, or stands for a missing value."""
    value = number_of(cell)
    return cell in MISSING_LABELS or (value is not None and value == int(value))


def find_text_column(columns, label):
    """Return the `Column` that most likely holds texts, of the longest cells; None where none has words."""
    fit = [c for c in columns if c.kind == "text" and c.name != label.name and c.mean_words >= 1.5]
    fit = fit or [c for c in columns if c.kind == "text" and c.name != label.name and _is_called(c, TEXTS)]
    return max(fit, key=lambda c: sum(map(len, c.cells)) / len(c.cells), default=None)


def is_called_label(column):
    """Return whether the name of a `Column` says that it holds labels."""
    return _is_called(column, LABELS)


def _is_called(column, names):
    return any(name in column.name.casefold() for name in names)


def inspect_texts(path, given=None):
    """Return the `Inspection` of labelled texts in CSV files or JSON lines.

    Args:
        path: file or folder.
        given: settings that the user has chosen, dotted path to value.

    Raises:
        DataError: no column is like a label or a text, or there is too little to train on.
    """
    inspection, tables = open_tables(path, "text_classification", "imdb", given)
    path = inspection.path
    label, text = _columns(inspection, tables["train"])
    classes = _classes(inspection, tables["train"].cells(label))
    source, bad = FileSource(path, text, label), BadRecords("skip", 10**9)
    known = ClassNames(classes, "")
    records, share = {}, 0.0
    for part in source.splits:
        before = bad.skipped.total()
        records[part] = list(usable(source.records(part), known, bad))
        skipped = bad.skipped.total() - before
        share = max(share, skipped / max(1, skipped + len(records[part])))
    decide_bad_records(inspection, bad, sum(map(len, records.values())), share)
    _describe_examples(inspection, records, classes)
    parts = load_with_room(inspection, lambda *read: load_labelled_texts(source, *read, classes)[0])
    describe_parts(inspection, parts, carved=len(tables) < 3)
    describe_leakage(inspection, {part: found.texts for part, found in parts.items()}, files=len(tables))
    _decide_model(inspection, parts)
    return inspection


def _columns(inspection, table):
    columns = table.columns()
    label = given_column(inspection, table, columns, "data.label") or find_label_column(columns)
    there = ", ".join(shown(column.name) for column in columns[:12])
    if label is None:
        raise _no_labels(table, columns, there)
    text = given_column(inspection, table, columns, "data.text") or find_text_column(columns, label)
    if text is None:
        fix = [f"The columns are {there}; {shown(label.name)} looks like the label."]
        fix += [Setting("Name the one of texts", "data.text=COLUMN")]
        raise DataError(str(table.file), "no column looks like texts", expected="one of words", fix=fix)
    average = sum(map(len, text.cells)) / len(text.cells)
    inspection.decide("data.text", text.name, f"the longest texts, {average:.0f} letters on average")
    inspection.decide("data.label", label.name, f"{label.distinct} values, each in several rows")
    part = next((column for column in columns if column.kind == "part"), None)
    if part is not None:
        said = f"The column {shown(part.name)} names parts, which this task does not read: parts are files"
        inspection.warn("part_column", part.name, f"{said} called train, validation and test.")
    return label.name, text.name


def _no_labels(table, columns, there):
    """A `DataError` that says why no column fits; where one is called a label, what it lacks."""
    named = [c for c in columns if c.kind in ("text", "number", "empty") and is_called_label(c)]
    column = next((c for c in named if c.distinct <= MAX_CLASSES and _has_short_values(c)), None)
    if column is None:
        problem, received = "no column looks like labels", None
        expected = "one with a few values, each in several rows"
        fix = [f"The columns are {there}.", Setting("Name it", "data.label=COLUMN")]
    else:
        problem, received, expected = _lack_of(column)
        fix = ["Add such rows.", Setting("Or name another column", "data.label=COLUMN")]
        fix += [f"The columns are {there}."]
    return DataError(str(table.file), problem, received=received, expected=expected, fix=fix)


def _lack_of(column):
    """Why a `Column` that is called a label cannot be one: problem, received, expected."""
    name, cells, expected = shown(column.name), column.cells, "two classes or more"
    if not cells:
        return f"column {name} is empty", None, expected
    rows = count_of(len(cells), "row")
    if column.distinct > 1 or len(cells) < _FEWEST_ROWS:
        received = f"{count_of(column.distinct, 'value')} in {rows}"
        return f"too few rows for the labels in column {name}", received, f"{expected}, each in several rows"
    return f"column {name} has one value", f"{shown(cells[0])} in {rows}", expected


def _classes(inspection, cells):
    """Names of the classes in order, one spelling each."""
    found = gather_labels(cells)
    for name, several, what in (
        ("spellings", found.other_capitals, "differ in capitals alone"),
        ("equal_numbers", found.equal_numbers, "are the same number, and count as one class"),
    ):
        if several:
            listed = [" and ".join(map(shown, spellings)) for spellings in several]
            inspection.warn(name, listed, f"Labels that {what}: {'; '.join(listed)}.")
    if found.missing:
        listed = ", ".join(f"{shown(label)} in {count_of(n, 'row')}" for label, n in found.missing.items())
        fix = Setting("If one is a class, name it among all others", "data.class_names=[...]")
        text = f"Labels that stand for a missing one: {listed}. These rows are left out."
        inspection.warn("missing_labels", found.missing, text, fix)
    inspection.decide("data.class_names", found.names, "the labels of train, in this order")
    return inspection.decided("data.class_names") or found.names


def _describe_examples(inspection, records, classes):
    counts = Counter(index for _, index in records["train"])
    total, most = counts.total(), max(counts.values(), default=0)
    shares = {name: counts[i] for i, name in enumerate(classes)}
    listed = ", ".join(f"{name} {count:,} ({percent(count, total)})" for name, count in shares.items())
    inspection.found("classes", shares, f"{count_of(len(classes), 'class', 'classes')} in train: {listed}.")
    rare = [name for name, count in shares.items() if count < _RARE * most]
    if rare:
        said = f"{', '.join(map(shown, rare))}: less than a tenth of the examples of the largest class"
        inspection.warn("rare_classes", rare, f"{said}; look at f1_macro, not at accuracy.")
    texts = [text for text, _ in records["train"]]
    describe_repeats(inspection, texts)
    labels = defaultdict(set)
    for text, index in records["train"]:
        labels[folded(text)].add(index)
    torn = sum(len(found) > 1 for found in labels.values())
    if torn:
        inspection.warn("contradictions", torn, f"{count_of(torn, 'text')} of train have several labels.")


def _decide_model(inspection, parts):
    words = [words_of(text) for text in parts["train"].texts]
    lengths, counts = list(map(len, words)), Counter(word for text in words for word in text)
    describe_lengths(inspection, lengths, "lengths", "Words of a text")
    twice = sum(count > 1 for count in counts.values())
    said = f"{len(counts):,} distinct words in train, {twice:,} of them more than once."
    inspection.found("vocabulary", {"words": len(counts), "twice": twice}, said)
    tested = [word for text in parts["test"].texts for word in words_of(text)]
    unknown_rate(inspection, counts, tested)
    most = max(10, min(_LONGEST, rounded_up(quantile(lengths, 0.98), 10)))
    inspection.decide(
        "data.max_length", most, f"98 % of the texts have at most {quantile(lengths, 0.98)} words"
    )
    size = min(20_000, rounded_up(len(counts) + 2, 100))
    inspection.decide("data.vocabulary_size", size, f"{len(counts):,} distinct words in train")
    small = len(words) < 5000
    if small:
        why = f"a small network for {len(words):,} texts"
        inspection.decide("model.embedding", 64, why)
        inspection.decide("model.units", [64], why)
        inspection.decide("model.word_vectors", "random", "too few words to learn neighbours from")
    inspection.decide("model.cell", "gru", "usually more accurate than the vanilla cell, and slower")
    inspection.decide("model.bidirectional", True, "the whole text is there before the answer")
    decide_training(inspection, len(words), least_epochs=4, steps=600)
