"""Inspects parallel texts: which files belong together, their languages, lengths, repeats and leakage."""

import re
from collections import Counter
from pathlib import Path

import numpy as np

from rnn_apps.data.parallel import find_parallel, load_parallel
from rnn_apps.data.records import BadRecords
from rnn_apps.data.splits import PART_NAMES
from rnn_apps.errors import DataError
from rnn_apps.inspecting.encodings import check_encoding
from rnn_apps.inspecting.findings import Inspection
from rnn_apps.inspecting.measures import (
    decide_bad_records,
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

__all__ = ["LANGUAGES", "find_pair", "inspect_pairs"]

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
_OTHER_FILES = ("readme", "license", "licence", "notes")
_NO_TEXTS = (".yaml", ".yml", ".json", ".md", ".py", ".zip", ".csv", ".jsonl", ".png", ".jpg", ".jpeg")
_LEAST_ALIKE = 0.3  # correlation of the lengths of lines that are translations of each other
_LEAST_SPREAD = 0.3  # of the mean of lengths, below which their correlation says nothing


def find_pair(path):
    """Return (source language, target language, file names or None) of a folder, or None.

    Files called train, with a language as their ending, are the usual layout, which needs no names. Else the
    folder has to hold two texts; their names or endings say their languages.
    """
    folder = Path(path)
    texts = [f for f in sorted(folder.iterdir()) if _is_text(f)] if folder.is_dir() else []
    train = [f for f in texts if f.name.split(".")[0].casefold() in PART_NAMES["train"]]
    endings = sorted({f.name.removesuffix(".gz").rpartition(".")[2] for f in train} - {"txt"})
    if len(endings) == 2:
        return (*_in_order(*endings), None)
    if endings == ["tsv"]:
        return (*_languages_of_table(train[0]), None)
    others = [f for f in texts if f.name.split(".")[0].casefold() not in _OTHER_FILES]
    if len(others) != 2:
        return None
    languages = [_language(f, others) for f in others]
    if None in languages or languages[0] == languages[1]:
        return None
    source, target = _in_order(*languages)
    names = dict(zip(languages, (f.name for f in others)))
    return source, target, (names[source], names[target])


def _is_text(file):
    return file.is_file() and not file.name.startswith(".") and not file.name.lower().endswith(_NO_TEXTS)


def _in_order(first, second):
    """English is what is read where it is one of two, else the first by name."""
    return (second, first) if _CODES.get(second.casefold()) == "en" else (first, second)


def _languages_of_table(file):
    with open(file, encoding="utf-8-sig", errors="replace") as lines:
        names = next(lines, "").rstrip("\r\n").casefold().split("\t")
    return tuple(names) if len(names) == 2 and all(name in _CODES for name in names) else ("en", "de")


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
    pair = find_pair(path)
    if pair is None:
        there = sorted(f.name for f in Path(path).iterdir())[:8] if Path(path).is_dir() else [Path(path).name]
        expected = "a folder with two texts, line i of one the translation of line i of the other"
        fix = "Call them train.en and train.de, or have the languages in their names."
        raise DataError(str(path), received=", ".join(there) or "an empty folder", expected=expected, fix=fix)
    source, target, named = pair
    inspection = Inspection("translation", str(path), "translation", given or {})
    files = find_parallel(path, source, target, named=named)
    for file in (file for pair in files.values() for file in pair):
        inspection.found("file", {"file": file.name}, f"{file.name}: {check_encoding(file)}.")
    describe_unread(inspection, path, [file for pair in files.values() for file in pair])
    _decide_files(inspection, source, target, named)
    bad = []

    def load(fraction):
        bad[:] = [BadRecords("skip", 10**9)]
        return load_parallel(path, source, target, *bad, fraction, named=named)

    parts = load_with_room(inspection, load)
    decide_bad_records(inspection, *bad)
    describe_parts(inspection, parts, carved=len(files) < 3, what="Pairs")
    _describe_pairs(inspection, parts)
    sources = {part: pairs.sources for part, pairs in parts.items()}
    describe_leakage(inspection, sources, "sources", len(files))
    return inspection


def _decide_files(inspection, source, target, named):
    said = "by the names of the files" if named else "by the endings of the files"
    why = f"{said}; swap the two to translate the other way"
    inspection.decide("data.source_language", source, why)
    inspection.decide("data.target_language", target, "")
    if named:
        inspection.decide("data.source_file", named[0], "line i of one is the translation of line i of")
        inspection.decide("data.target_file", named[1], "the other; validation and test are carved from them")


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
    unknown_rate(inspection, counts[0], [w for t in parts["test"].sources for w in words_of(t)], "test")
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
