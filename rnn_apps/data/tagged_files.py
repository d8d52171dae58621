"""Sentences with a tag for every word: CoNLL-U, CoNLL columns, JSON lines, sets of TensorFlow Datasets."""

from typing import NamedTuple

from rnn_apps.data import files, tfds_source
from rnn_apps.data.samples.tagged_sentences import tagged_sentences
from rnn_apps.data.splits import SPLIT_NAMES, find_splits, log_unread, make_splits, split_generated
from rnn_apps.errors import DataError, Setting, did_you_mean, shown

_PLAIN = (".conllu", ".conll", ".bio", ".iob", ".iob2", ".tsv", ".txt", ".jsonl")
TAGGED_ENDINGS = tuple(ending + packed for ending in _PLAIN for packed in ("", ".gz"))
COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_BETWEEN_DOCUMENTS = "-DOCSTART-"
_EMPTY = "_"


class TaggedSentence(NamedTuple):
    """A sentence as its file gives it.

    Args:
        place: file and line where it begins.
        tokens: its words.
        labels: the tag of each.
    """

    place: str
    tokens: list
    labels: list


def load_tagged(source, request, invalid, columns):
    """Read the sentences of a source in their splits.

    Args:
        source: `DataSource`.
        request: `SplitRequest`; train is split by a hash of the sentence.
        invalid: `BadRecords`.
        columns: keys of the words and of the tags in JSON lines or a set of TFDS; in CoNLL files the second
            names the column of the tags, or its number from 1; None is ``upos`` in CoNLL-U, the last column
            of other CoNLL files, else ``tags``.

    Returns:
        Name of the source, and split name to list of `TaggedSentence`.

    Raises:
        SourceUnavailable: a set of TFDS is neither here nor reachable.
        DataError: a file cannot be read, or a split is empty.
    """
    if source.name == "sample":
        generated = tagged_sentences(source.sample_size, source.seed)
        sentences = [TaggedSentence(f"sample:{number}", *one) for number, one in enumerate(generated)]
        return "sample:tagged_sentences", split_generated(sentences)
    if source.name == "files":
        files_of, name = find_splits(source.path, request.required_split, TAGGED_ENDINGS), str(source.path)
        log_unread(source.path, files_of.values())
        splits = request.read_from(files_of)
        found = {split: list(_sentences(files_of[split], columns, invalid)) for split in splits}
    else:
        name, found = source.name, dict(_splits(source.name.removeprefix("tfds:"), columns, invalid, request))
    return name, make_splits(
        name, found, request, lambda one: " ".join(one.tokens), invalid, "sentence", keep_labels=True
    )


def _sentences(file, columns, bad):
    tokens, tags = columns
    name = file.name.lower().removesuffix(".gz")
    with files.open_lines(file) as lines:
        if name.endswith(".jsonl"):
            found = _from_json(file, lines, tokens, tags or "tags", bad)
        else:
            is_conllu = name.endswith(".conllu")
            column = _column(file, tags, is_conllu)
            found = _from_columns(file, lines, column, is_conllu, bad)
        for sentence in found:
            problem = _problem(sentence)
            if problem:
                bad.report(sentence.place, problem, "Fix the sentence.")
            else:
                yield sentence


def _column(file, tags, is_conllu):
    """Number, from 0, of the column with the tags; -1 for the last."""
    if tags is None:
        return COLUMNS.index("upos") if is_conllu else -1
    if tags.isdecimal() and int(tags) >= 1:
        return int(tags) - 1
    if is_conllu and tags in COLUMNS:
        return COLUMNS.index(tags)
    names = COLUMNS if is_conllu else ()
    expected = f"{', '.join(COLUMNS)}, or the number of a column" if is_conllu else "the number of a column"
    fix = did_you_mean(tags, names) if names else f"{file.name} has columns without names: the first is 1."
    raise DataError("data.tags", received=shown(tags), expected=expected, fix=fix)


def _from_columns(file, lines, column, is_conllu, bad):
    """Yield the sentences of a file with a word a line and an empty line between sentences."""
    tokens, labels, begin, broken = [], [], None, False
    for number, line in enumerate(lines, start=1):
        line = line.rstrip("\r\n")
        if not line.strip():
            if tokens and not broken:
                yield TaggedSentence(f"{file}:{begin}", tokens, labels)
            tokens, labels, begin, broken = [], [], None, False
            continue
        if (is_conllu and line.startswith("#")) or line.startswith(_BETWEEN_DOCUMENTS):
            continue
        fields = line.split("\t") if "\t" in line else line.split()
        if is_conllu and ("-" in fields[0] or "." in fields[0]):
            continue  # a word of several, or one that is not written
        problem = _wrong_fields(fields, column, is_conllu)
        if problem:
            bad.report(f"{file}:{number}", *problem)
            broken = True
            continue
        begin = begin or number
        tokens.append(fields[1 if is_conllu else 0])
        labels.append(fields[column])
    if tokens and not broken:
        yield TaggedSentence(f"{file}:{begin}", tokens, labels)


def _wrong_fields(fields, column, is_conllu):
    """Problem and advice for a line that lacks a column, or None."""
    if is_conllu and len(fields) != len(COLUMNS):
        return f"{len(fields)} columns where CoNLL-U has {len(COLUMNS)}", "Columns are separated by tabs."
    if len(fields) < 2 or column >= len(fields):
        count = f"{len(fields)} column{'s' if len(fields) > 1 else ''}"
        wanted = "a word and its tag" if column < 0 else f"column {column + 1} as data.tags says"
        return f"{count}, expected {wanted}", "Fix the line, or name another column with data.tags."
    if is_conllu and column > 1 and fields[column] == _EMPTY and column in (3, 4):
        fix = Setting("Name the other column of tags", f"data.tags={'xpos' if column == 3 else 'upos'}")
        return f"no tag in column {column + 1}", fix
    return None


def _from_json(file, lines, tokens_key, tags_key, bad):
    known = False
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{file}:{number}"
        record, problem = files.json_object(line)
        if problem:
            bad.report(place, problem, "Fix the record.")
            continue
        for key, name in (("tokens", tokens_key), ("tags", tags_key)):
            if not known and name not in record:
                there = ", ".join(map(shown, list(record)[:12])) or "none"
                fix = ["Rename the key in the file.", Setting("Or name the right one", f"data.{key}=KEY")]
                raise DataError(place, f"no key {shown(name)}; the keys are {there}", fix=fix)
        known = True
        tokens, labels = record.get(tokens_key), record.get(tags_key)
        tokens = tokens.split() if isinstance(tokens, str) else tokens
        if isinstance(labels, list):  # whole numbers are names, as data sets of a hub have them
            labels = [str(label) if type(label) is int else label for label in labels]
        for name, value in ((tokens_key, tokens), (tags_key, labels)):
            if not _is_texts(value):
                bad.report(place, f"{shown(name)} is not a list of texts", "Fix the record.")
                break
        else:
            yield TaggedSentence(place, tokens, labels)


def _is_texts(value):
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _problem(sentence):
    """What is wrong with a sentence, or None."""
    if len(sentence.tokens) != len(sentence.labels):
        return f"{len(sentence.tokens)} words and {len(sentence.labels)} tags"
    if not sentence.tokens:
        return "a sentence without words"
    if any("\ud800" <= c <= "\udfff" for text in (*sentence.tokens, *sentence.labels) for c in text):
        return "not valid UTF-8"
    empty = [text for text in (*sentence.tokens, *sentence.labels) if not text.strip()]
    return "a word or tag is empty" if empty else None


def _splits(name, columns, bad, request):
    """Yield part name and sentences of a set of TFDS with a sequence of texts and one of tags."""
    builder = tfds_source.open_builder(name)
    wanted = {"tokens": columns[0], "tags": columns[1] or "tags"}
    for split in request.read_from([name for name in SPLIT_NAMES if name in builder.info.splits]):
        rows = tfds_source.read_sequences(builder, split, wanted)
        sentences = [TaggedSentence(f"{builder.name}:{split}:{i}", *row) for i, row in enumerate(rows)]
        yield split, [one for one in sentences if not _reported(one, bad)]


def _reported(sentence, bad):
    problem = _problem(sentence)
    if problem:
        bad.report(sentence.place, problem, "The set is not as it should be.")
    return problem
