"""Inspects parallel texts: which files belong together, their languages, lengths, repeats and leakage."""

import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnn_apps.data.files import open_lines
from rnn_apps.data.pair_tables import find_text_columns
from rnn_apps.data.parallel import find_parallel, load_parallel
from rnn_apps.data.splits import PART_NAMES, conversion_advice
from rnn_apps.errors import DataError, shown
from rnn_apps.inspecting.encodings import check_encoding
from rnn_apps.inspecting.findings import Inspection
from rnn_apps.inspecting.measures import (
    describe_leakage,
    describe_lengths,
    describe_parts,
    describe_repeats,
    describe_unread,
    percent,
    quantile,
    unknown_rate,
    words_of,
)
from rnn_apps.inspecting.sizes import decide_training, load_with_room, rounded_up

# Code -> how file names call the language.
LANGUAGES = {
    "en": "en eng english englisch anglais ingles",
    "de": "de deu ger german deutsch allemand",
    "fr": "fr fra fre french francais franzoesisch",
    "es": "es spa spanish espanol spanisch",
    "it": "it ita italian italiano italienisch",
    "pt": "pt por portuguese portugues",
    "nl": "nl nld dut dutch nederlands",
    "pl": "pl pol polish polski",
    "sv": "sv swe swedish svenska",
    "cs": "cs ces cze czech cesky",
    "ru": "ru rus russian",
    "uk": "uk ukr ukrainian",
    "tr": "tr tur turkish",
    "ar": "ar ara arabic",
    "zh": "zh zho chi chinese",
    "ja": "ja jpn japanese",
    "ko": "ko kor korean",
    "hi": "hi hin hindi",
}
_CODES = {name: code for code, names in LANGUAGES.items() for name in names.split()}
_SIDES = ("source", "target", "src", "tgt")
_LINES_LOOKED_AT = 200
_WORDS_OF_A_SENTENCE = 1.5  # on average, from which on cells are not words with tags
_OTHER_FILES = ("readme", "license", "licence", "notes")
_NO_TEXTS = (".yaml", ".yml", ".json", ".md", ".py", ".zip", ".csv", ".jsonl", ".png", ".jpg", ".jpeg")
_LEAST_ALIKE = 0.3  # correlation of the lengths of lines that are translations of each other
_LEAST_SPREAD = 0.3  # of the mean of lengths, below which their correlation says nothing


class Pair(NamedTuple):
    """Which texts of a folder are translations of each other.

    Args:
        source, target: languages.
        files: names of the two files, twice the same for a table; None where the folder has the usual layout.
        why: how the languages are known.
        is_table: whether both are columns of one file.
    """

    source: str
    target: str
    files: tuple | None
    why: str
    is_table: bool = False


def find_pair(path):
    """Return the `Pair` of a folder, or of a table, or None.

    Files called train, with a language as their ending, are the usual layout, which needs no names. Else the
    folder has to hold a table alone, or two texts; their names or endings say their languages.
    """
    folder = Path(path)
    if folder.is_file():
        return _pair_of_table(folder, folder.name) if _has_tabs(folder) else None
    texts = [f for f in sorted(folder.iterdir()) if _is_text(f)] if folder.is_dir() else []
    train = [f for f in texts if f.name.split(".")[0].casefold() in PART_NAMES["train"]]
    endings = sorted({f.name.removesuffix(".gz").rpartition(".")[2] for f in train} - {"txt"})
    if len(endings) == 2:
        return Pair(*_in_order(*endings), None, "by the endings of the files")
    if endings == ["tsv"]:
        return _pair_of_table(train[0], None)
    others = [f for f in texts if f.name.split(".")[0].casefold() not in _OTHER_FILES]
    if len(others) == 1 and _has_tabs(others[0]):
        return _pair_of_table(others[0], others[0].name)
    if len(others) != 2:
        return None
    languages = [_language(f, others) for f in others]
    if None in languages or languages[0] == languages[1]:
        return None
    source, target = _in_order(*languages)
    names = dict(zip(languages, (f.name for f in others)))
    return Pair(source, target, (names[source], names[target]), "by the names of the files")


def is_of_sentences(file):
    """Return whether a file is a table with two columns of sentences.

    Args:
        file: path.
    """
    if not _has_tabs(file):
        return False
    rows, pair = _first_rows(file), _pair_of_table(file, None)
    columns = find_text_columns(f"{file}:1", rows, (pair.source, pair.target))
    rows = [row for row in rows if len(row) == columns.width]
    words = [[len(row[i].split()) for row in rows] for i in (columns.source, columns.target)]
    return bool(rows) and min(map(sum, words)) >= _WORDS_OF_A_SENTENCE * len(rows)


def _first_rows(file):
    with open_lines(file) as lines:
        return [line.rstrip("\r\n").split("\t") for line in islice(lines, _LINES_LOOKED_AT) if line.strip()]


def _has_tabs(file):
    """Whether a file has the ending of a text or table, and tabs in most of its first lines."""
    if not file.name.lower().endswith((".tsv", ".txt", ".tsv.gz", ".txt.gz")):
        return False
    rows = _first_rows(file)
    return 2 * sum(len(row) > 1 for row in rows) > len(rows)


def _pair_of_table(file, name):
    """The `Pair` of a table; a first line names its languages, or else nothing does."""
    with open_lines(file) as lines:
        first = [cell.strip().casefold() for cell in next(lines, "").split("\t")]
    files = None if name is None else (name, name)
    named = [cell for cell in first if cell in _CODES or cell in _SIDES]
    if len(named) == 2 and named[0] != named[1]:
        return Pair(*named, files, "by the first line of the table", True)
    why = "a name alone: the table does not say its languages; the first column of sentences is read"
    return Pair("source", "target", files, why, True)


def _is_text(file):
    return file.is_file() and not file.name.startswith(".") and not file.name.lower().endswith(_NO_TEXTS)


def _in_order(first, second):
    """English is what is read where it is one of two, else the first by name."""
    return (second, first) if _CODES.get(second.casefold()) == "en" else (first, second)


def _language(file, files):
    """Code of the language that a file's name says, or else what of its name is not in the other's."""
    words = re.split(r"[^a-z]+", file.name.lower().removesuffix(".gz").removesuffix(".txt"))
    known = [_CODES[word] for word in reversed(words) if word in _CODES]
    if known:
        return known[0]
    others = {w for f in files if f != file for w in re.split(r"[^a-z]+", f.name.lower())}
    own = [word for word in words if word and word not in others]
    return own[0][:30] if own else None


def inspect_pairs(path, given=None):
    """Return the `Inspection` of two texts, or of a folder of parallel texts.

    Args:
        path: file or folder.
        given: settings that the user has chosen, dotted path to value.

    Raises:
        DataError: no two files belong together, or they have different numbers of lines.
    """
    given = given or {}
    pair = _given_pair(find_pair(path), given)
    if pair is None:
        there = sorted(f.name for f in Path(path).iterdir())[:8] if Path(path).is_dir() else [Path(path).name]
        expected = "a folder with two texts, line i of one the translation of line i of the other"
        fix = "Call them train.en and train.de, or have the languages in their names; call a table train.tsv."
        fix = conversion_advice(sorted(Path(path).iterdir()) if Path(path).is_dir() else [Path(path)]) or fix
        raise DataError(str(path), received=", ".join(there) or "an empty folder", expected=expected, fix=fix)
    source, target, named = pair[:3]
    path = str(Path(path).parent) if Path(path).is_file() else path
    inspection = Inspection("translation", str(path), "translation", given)
    files = find_parallel(path, source, target, named=named)
    for file in (file for pair in files.values() for file in pair):
        inspection.found("file", {"file": file.name}, f"{file.name}: {check_encoding(file)}.")
    describe_unread(inspection, path, [file for pair in files.values() for file in pair])
    _decide_files(inspection, pair, files["train"])
    parts = load_with_room(
        inspection, lambda bad, fraction: load_parallel(path, source, target, bad, fraction, named=named)
    )
    describe_parts(inspection, parts, carved=len(files) < 3, what="Pairs")
    _describe_pairs(inspection, parts)
    sources = {part: pairs.sources for part, pairs in parts.items()}
    describe_leakage(inspection, sources, "sources", len(files))
    return inspection


def _given_pair(pair, given):
    """The `Pair` with the languages and files that are given."""
    named = given.get("data.source_file"), given.get("data.target_file")
    languages = given.get("data.source_language"), given.get("data.target_language")
    if pair is None and None in (*named, *languages):
        return None
    pair = pair or Pair(*languages, named, "as given")
    source, target = languages[0] or pair.source, languages[1] or pair.target
    return pair._replace(source=source, target=target, files=pair.files if None in named else named)


def _decide_files(inspection, pair, files):
    swap = "" if pair.why.startswith("a name alone") else "; swap the two to translate the other way"
    inspection.decide("data.source_language", pair.source, f"{pair.why}{swap}")
    inspection.decide("data.target_language", pair.target, "")
    if len(files) == 1:
        rows = _first_rows(files[0])
        columns = find_text_columns(f"{files[0]}:1", rows, (pair.source, pair.target))
        read = (
            f"{files[0].name}: sentences in column {columns.source + 1}, translations in {columns.target + 1}"
        )
        left = ", ".join(map(str, columns.left_out))
        more = (
            f"; left out: column {left}, such as {shown(rows[-1][columns.left_out[0] - 1])}" if left else ""
        )
        inspection.found("columns", {"left_out": columns.left_out}, f"{read}{more}.")
    if pair.files:
        is_table = len(files) == 1
        inspection.decide(
            "data.source_file",
            pair.files[0],
            "a table of sentences and translations"
            if is_table
            else "line i of one is the translation of line i of",
        )
        more = "the same" if is_table else "the other"
        inspection.decide("data.target_file", pair.files[1], f"{more}; validation and test are split off")


def _describe_pairs(inspection, parts):
    train = parts["train"]
    sources, targets = ([words_of(text) for text in side] for side in (train.sources, train.targets))
    describe_lengths(inspection, list(map(len, sources)), "source_lengths", "Words of a source")
    describe_lengths(inspection, list(map(len, targets)), "target_lengths", "Words of a translation")
    describe_repeats(inspection, train.sources, "sources")
    same = sum(a == b for a, b in zip(train.sources, train.targets))
    if same:
        said = f"{same:,} translations ({percent(same, len(train))}) are equal to their sources."
        inspection.warn("copies", same, said)
    _warn_of_lines_that_do_not_belong(inspection, train)
    counts = [Counter(word for text in side for word in text) for side in (sources, targets)]
    said = (
        f"{len(counts[0]):,} distinct words in the sources of train, {len(counts[1]):,} in the translations."
    )
    inspection.found("vocabulary", {"source": len(counts[0]), "target": len(counts[1])}, said)
    unknown_rate(inspection, counts[0], [w for t in parts["test"].sources for w in words_of(t)])
    distinct = max(map(len, counts))
    size = min(8000, max(400, rounded_up(distinct // 2, 400)))
    inspection.decide("data.unit", "subword", "words that train never shows are written from their pieces")
    inspection.decide("data.vocabulary_size", size, f"{distinct:,} distinct words in a language")
    letters = quantile([len(text) for text in (*train.sources, *train.targets)], 0.98)
    longest = min(400, rounded_up(letters / 2, 20))
    why = f"98 % of the sentences have at most {letters} letters; pieces have 2 or more"
    inspection.decide("data.max_length", longest, why)
    inspection.decide("model.decoding.max_length", longest, "as long as what is learned")
    if len(train) < 20_000:
        size = 128 if len(train) < 4000 else 256
        why = f"a smaller network for {len(train):,} pairs"
        for key, value in (("embedding", size // 2), ("encoder_units", [size // 2]), ("units", [size])):
            inspection.decide(f"model.{key}", value, why)
        inspection.decide("training.learning_rate", 0.002, "small networks take larger steps")
    decide_training(inspection, len(train), least_epochs=10, steps=3000, unit="pairs")


def _warn_of_lines_that_do_not_belong(inspection, train):
    lengths = [np.array([len(text) for text in side], float) for side in (train.sources, train.targets)]
    if len(train) < 20 or not all(one.std() > _LEAST_SPREAD * one.mean() for one in lengths):
        return
    alike = float(np.corrcoef(*lengths)[0, 1])
    said = f"Lengths of sources and translations go together with a correlation of {alike:.2f}."
    if alike < _LEAST_ALIKE:
        said = f"{said} Is line i of one file the translation of line i of the other?"
        inspection.warn("alignment", round(alike, 4), said)
    else:
        inspection.found("alignment", round(alike, 4), said)
