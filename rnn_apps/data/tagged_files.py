"""Loads sentences with one tag per word from CoNLL-U, CoNLL columns, JSON lines, TFDS, or synthetic data."""

from itertools import chain
from typing import NamedTuple

from rnn_apps.data import files, tfds_source
from rnn_apps.data.headers import check_columns
from rnn_apps.data.records import INVALID_UTF8, find_surrogate
from rnn_apps.data.split_files import find_splits, log_unread
from rnn_apps.data.splits import FixedSplits, SplitReader, split_generated
from rnn_apps.data.synthetic.tagged_sentences import tagged_sentences
from rnn_apps.errors import DataError, Setting, did_you_mean, shown

_ENDINGS = (".conllu", ".conll", ".bio", ".iob", ".iob2", ".tsv", ".txt", ".jsonl")
TAGGED_ENDINGS = tuple(ending + packed for ending in _ENDINGS for packed in ("", ".gz"))
COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_DOCUMENT_START = "-DOCSTART-"
_EMPTY = "_"


class TaggedSentence(NamedTuple):
    """A sentence with its tags.

    Args:
        location: File and line where it begins.
        tokens: Its words.
        labels: Tag of each word.
    """

    location: str
    tokens: list
    labels: list


def open_tagged(source, request, invalid, columns):
    """Return the `SplitReader` of the `TaggedSentence` of a source.

    Args:
        source: `DataSource`.
        request: `SplitRequest`; train is split by a hash of the sentence.
        invalid: `InvalidRecords`.
        columns: (words, tags): keys in JSON lines, or TFDS features. In CoNLL files, the second is the name
            of the tag column, or its number from 1; None is ``upos`` in CoNLL-U, the last column in other
            CoNLL files, and ``tags`` elsewhere.

    Raises:
        SourceUnavailable: a TFDS data set is neither on this machine nor reachable.
        DataError: a file cannot be read.
    """
    if source.name == "sample":
        generated = tagged_sentences(source.sample_size, source.seed)
        sentences = [TaggedSentence(f"sample:{i}", *sentence) for i, sentence in enumerate(generated)]
        return FixedSplits("sample:tagged_sentences", split_generated(sentences))
    if source.name == "files":
        name, fix = str(source.path), "Fix the sentence."
        files_of = find_splits(source.path, request.required_split, TAGGED_ENDINGS)
        log_unread(source.path, files_of.values())
    else:
        name, fix = source.name, "The data set itself is inconsistent."
        builder, files_of = tfds_source.open_builder(name.removeprefix("tfds:")), None
        features = {"tokens": columns[0], "tags": columns[1] or "tags"}

    def read(split, invalid):
        if files_of is not None:
            sentences = _read_file(files_of[split], columns, invalid)
        else:
            rows = tfds_source.read_examples(builder, split, features)
            sentences = (TaggedSentence(*row) for row in rows)
        for sentence in sentences:
            if problem := _problem_of(sentence):
                invalid.report(sentence.location, problem, fix)
            else:
                yield sentence

    names = tfds_source.splits_of(builder) if files_of is None else files_of
    return SplitReader(name, names, read, request, _text_of, invalid, "sentence", keep_labels=True)


def read_words(path, tokens_key):
    """Return the words of every sentence of a file, which may lack tags, as lists.

    Args:
        path: File in one of the formats of `load_tagged`.
        tokens_key: Key of the words in JSON lines.

    Raises:
        DataError: a line cannot be read.
    """
    name = path.name.lower().removesuffix(".gz")
    with files.open_lines(path) as lines:
        if not name.endswith(".jsonl"):
            is_conllu = name.endswith(".conllu")
            word = COLUMNS.index("form") if is_conllu else 0
            return [
                [_word(path, *row, word) for row in rows] for rows in _rows_of_sentences(lines, is_conllu)
            ]
        sentences = []
        for number, record, problem in files.json_lines(lines):
            tokens = None if problem else _split_words(record.get(tokens_key))
            if tokens is None:
                problem = problem or f"{shown(tokens_key)} is not a list of texts"
                raise DataError(f"{path}:{number}", problem, fix="Fix the record.")
            sentences.append(tokens)
        return sentences


def _word(path, number, fields, index):
    if index >= len(fields):
        raise DataError(f"{path}:{number}", "no column of words", fix="Separate columns by tabs.")
    return fields[index]


def _text_of(sentence):
    return " ".join(sentence.tokens)


def _read_file(file, columns, invalid):
    tokens, tags = columns
    name = file.name.lower().removesuffix(".gz")
    with files.open_lines(file) as lines:
        if name.endswith(".jsonl"):
            yield from _from_json(file, lines, tokens, tags or "tags", invalid)
        else:
            is_conllu = name.endswith(".conllu")
            yield from _from_columns(file, lines, _tag_column(file, tags, is_conllu), is_conllu, invalid)


def _tag_column(file, tags, is_conllu):
    """Index of the tag column; -1 for the last."""
    if tags is None:
        return COLUMNS.index("upos") if is_conllu else -1
    if tags.isdecimal() and int(tags) >= 1:
        return int(tags) - 1
    if is_conllu and tags in COLUMNS:
        return COLUMNS.index(tags)
    expected = f"{', '.join(COLUMNS)}, or the number of a column" if is_conllu else "the number of a column"
    unnamed = f"The columns of {file.name} have no names: the first is 1."
    fix = did_you_mean(tags, COLUMNS) if is_conllu else unnamed
    raise DataError("data.tags", received=shown(tags), expected=expected, fix=fix)


def _from_columns(file, lines, column, is_conllu, invalid):
    """Yield the sentences of a file with one word per line and an empty line after each sentence."""
    word = COLUMNS.index("form") if is_conllu else 0
    for rows in _rows_of_sentences(lines, is_conllu):
        is_invalid = False
        for number, fields in rows:
            if problem := _line_problem(fields, column, is_conllu):
                invalid.report(f"{file}:{number}", *problem)
                is_invalid = True
        if not is_invalid:
            tokens, labels = [fields[word] for _, fields in rows], [fields[column] for _, fields in rows]
            yield TaggedSentence(f"{file}:{rows[0][0]}", tokens, labels)


def _rows_of_sentences(lines, is_conllu):
    """Yield for each sentence the list of the numbers and fields of its lines."""
    rows = []
    for number, line in enumerate(chain(lines, [""]), start=1):
        line = line.rstrip("\r\n")
        if not line.strip():
            if rows:
                yield rows
            rows = []
        elif not (is_conllu and line.startswith("#")) and not line.startswith(_DOCUMENT_START):
            fields = line.split("\t") if "\t" in line else line.split()
            if not (is_conllu and ("-" in fields[0] or "." in fields[0])):  # multiword tokens, empty nodes
                rows.append((number, fields))


def _line_problem(fields, column, is_conllu):
    """Problem and fix for a line that lacks a column, or None."""
    if is_conllu and len(fields) != len(COLUMNS):
        return f"{len(fields)} columns where CoNLL-U has {len(COLUMNS)}", "Separate columns by tabs."
    if len(fields) < 2 or column >= len(fields):
        count = f"{len(fields)} column{'s' if len(fields) > 1 else ''}"
        expected = "a word and its tag" if column < 0 else f"column {column + 1} as data.tags says"
        return f"{count}, expected {expected}", "Fix the line, or name another column with data.tags."
    if is_conllu and column in (3, 4) and fields[column] == _EMPTY:
        fix = Setting("Name the other column of tags", f"data.tags={'xpos' if column == 3 else 'upos'}")
        return f"no tag in column {column + 1}", fix
    return None


def _from_json(file, lines, tokens_key, tags_key, invalid):
    is_first = True
    for number, record, problem in files.json_lines(lines):
        location = f"{file}:{number}"
        if problem:
            invalid.report(location, problem, "Fix the record.")
            continue
        if is_first:
            check_columns(location, list(record), {"tokens": tokens_key, "tags": tags_key})
            is_first = False
        tokens, labels = _split_words(record.get(tokens_key)), record.get(tags_key)
        if isinstance(labels, list):  # integers are tags too, as in some published data sets
            labels = [str(label) if type(label) is int else label for label in labels]
        for name, value in ((tokens_key, tokens), (tags_key, labels)):
            if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
                invalid.report(location, f"{shown(name)} is not a list of texts", "Fix the record.")
                break
        else:
            yield TaggedSentence(location, tokens, labels)


def _split_words(tokens):
    """A list of words, split from a text if necessary; None for anything else."""
    tokens = tokens.split() if isinstance(tokens, str) else tokens
    return tokens if isinstance(tokens, list) and all(isinstance(text, str) for text in tokens) else None


def _problem_of(sentence):
    """Return what is wrong with a sentence, or None."""
    if len(sentence.tokens) != len(sentence.labels):
        return f"{len(sentence.tokens)} words and {len(sentence.labels)} tags"
    if not sentence.tokens:
        return "a sentence without words"
    texts = (*sentence.tokens, *sentence.labels)
    if find_surrogate(*texts):
        return INVALID_UTF8[0]
    return None if all(text.strip() for text in texts) else "a word or tag is empty"
