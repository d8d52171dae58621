"""Inspects parallel texts: which files belong together, languages, lengths, duplicates and leakage."""

import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnn_apps.data.files import open_lines
from rnn_apps.data.pair_tables import find_text_columns
from rnn_apps.data.parallel import TABLE_ENDINGS, Pairs, find_parallel, open_pairs
from rnn_apps.data.split_files import no_data, visible_files
from rnn_apps.data.splits import SPLIT_NAMES, DataSource
from rnn_apps.errors import shown
from rnn_apps.inspecting.inspection import Inspection
from rnn_apps.inspecting.measures import percent, quantile, round_up, words_of

# Code -> names of the language in file names.
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
_SIDE_NAMES = ("source", "target", "src", "tgt")
_NUM_LINES_SAMPLED = 200
_MIN_WORDS = 1.5  # per sentence, on average; shorter cells may be words with tags
_NOT_DATA = ("readme", "license", "licence", "notes")
_NOT_TEXT = (".yaml", ".yml", ".json", ".md", ".py", ".zip", ".csv", ".jsonl", ".png", ".jpg", ".jpeg")
_MIN_CORRELATION = 0.3  # of the lengths of sentences and their translations
_MIN_VARIATION = 0.3  # of lengths (standard deviation by mean), below which a correlation is meaningless
_DEFAULT_NAMES = "default names: the table does not say its languages; the first column of sentences is read"


class Pair(NamedTuple):
    """The texts of a folder that are translations of each other.

    Args:
        source, target: Languages.
        files: Names of the two files, the same twice for a table; None if the folder has the default layout.
        why: How the languages are known.
        is_table: Whether both are columns of one file.
    """

    source: str
    target: str
    files: tuple | None
    why: str
    is_table: bool = False


def find_pair(path):
    """Return the `Pair` of a folder, or of a table, or None.

    Files called train, with a language as their extension, are the default layout. Otherwise the folder must
    hold only a table, or two texts whose names or extensions say their languages.
    """
    folder = Path(path)
    if folder.is_file():
        rows = _tabbed_rows(folder)
        return _pair_of_table(rows, None) if rows else None
    files = visible_files(folder) if folder.is_dir() else []
    texts = [file for file in files if not file.name.lower().endswith(_NOT_TEXT)]
    train = [f for f in texts if f.name.split(".")[0].casefold() in SPLIT_NAMES["train"]]
    endings = sorted({f.name.removesuffix(".gz").rpartition(".")[2] for f in train} - {"txt"})
    if len(endings) == 2:
        return Pair(*_in_order(*endings), None, "by the extensions of the files")
    if endings == ["tsv"]:
        return _pair_of_table(_first_rows(train[0]), None)
    others = [f for f in texts if f.name.split(".")[0].casefold() not in _NOT_DATA]
    if len(others) == 1 and (rows := _tabbed_rows(others[0])):
        return _pair_of_table(rows, others[0].name)
    if len(others) != 2:
        return None
    languages = [_language(f, others) for f in others]
    if None in languages or languages[0] == languages[1]:
        return None
    source, target = _in_order(*languages)
    names = dict(zip(languages, (f.name for f in others)))
    return Pair(source, target, (names[source], names[target]), "by the names of the files")


def has_sentence_pairs(file):
    """Return whether a file is a table with two columns of sentences."""
    rows = _tabbed_rows(file)
    pair = _pair_of_table(rows, None)
    columns = find_text_columns(f"{file}:1", rows, (pair.source, pair.target))
    rows = [row for row in rows if len(row) == columns.width]
    words = [[len(row[i].split()) for row in rows] for i in (columns.source, columns.target)]
    return bool(rows) and min(map(sum, words)) >= _MIN_WORDS * len(rows)


def _first_rows(file):
    with open_lines(file) as lines:
        return [line.rstrip("\r\n").split("\t") for line in islice(lines, _NUM_LINES_SAMPLED) if line.strip()]


def _tabbed_rows(file):
    """The first rows of a table or text; none if its extension is another, or few lines have tabs."""
    if not file.name.lower().endswith(TABLE_ENDINGS):
        return []
    rows = _first_rows(file)
    return rows if 2 * sum(len(row) > 1 for row in rows) > len(rows) else []


def _pair_of_table(rows, name):
    """The `Pair` of a table, whose first line may name its languages."""
    first = [cell.strip().casefold() for cell in next(iter(rows), ())]
    files = None if name is None else (name, name)
    named = [cell for cell in first if cell in _CODES or cell in _SIDE_NAMES]
    if len(named) == 2 and named[0] != named[1]:
        return Pair(*named, files, "by the first line of the table", True)
    return Pair("source", "target", files, _DEFAULT_NAMES, True)


def _in_order(first, second):
    """Source and target: English is the source if it is one of the two, otherwise the first by name."""
    return (second, first) if _CODES.get(second.casefold()) == "en" else (first, second)


def _language(file, files):
    """Code of the language in a file's name, or else the first word that other files' names lack."""
    words = re.split(r"[^a-z]+", file.name.lower().removesuffix(".gz").removesuffix(".txt"))
    known = [_CODES[word] for word in reversed(words) if word in _CODES]
    if known:
        return known[0]
    others = {w for f in files if f != file for w in re.split(r"[^a-z]+", f.name.lower())}
    own = [word for word in words if word and word not in others]
    return own[0][:30] if own else None


def inspect_pairs(path, overrides):
    """Return the `Inspection` of two texts, or of a folder of parallel texts.

    Args:
        path: File or folder.
        overrides: As for `inspect_data`.

    Raises:
        DataError: no two files belong together, or they have different numbers of lines.
    """
    pair = _override_pair(find_pair(path), overrides)
    path = Path(path)
    if pair is None:
        expected = "a folder with two texts, line i of one the translation of line i of the other"
        fix = "Call them train.en and train.de, or put the languages in their names; call a table train.tsv."
        raise no_data(path, expected, fix)
    source, target, named = pair[:3]
    inspection = Inspection("translation", str(path), "translation", overrides)
    files_of = find_parallel(path, source, target, named=named)
    files = [file for split in files_of.values() for file in split]
    inspection.describe_files(path, files)
    _decide_files(inspection, pair, files_of["train"])
    data, languages = DataSource("files", path, 0, 1), (source, target)
    splits = inspection.load_splits(lambda *args: _load(data, *args, languages, named))
    inspection.describe_splits(splits, len(files_of), "Pairs")
    _describe_pairs(inspection, splits)
    sources = {split: pairs.sources for split, pairs in splits.items()}
    inspection.describe_leakage(sources, "sources", len(files_of))
    return inspection


def _load(source, request, invalid, languages, named):
    splits = open_pairs(source, request, invalid, languages, named=named).lists()
    return {split: Pairs.of(pairs) for split, pairs in splits.items()}


def _override_pair(pair, overrides):
    """The `Pair` with the languages and files of the user."""
    named = overrides.get("data.source_file"), overrides.get("data.target_file")
    languages = overrides.get("data.source_language"), overrides.get("data.target_language")
    if pair is None and None in (*named, *languages):
        return None
    pair = pair or Pair(*languages, named, "as given")
    source, target = languages[0] or pair.source, languages[1] or pair.target
    return pair._replace(source=source, target=target, files=pair.files if None in named else named)


def _decide_files(inspection, pair, files):
    swap = "" if pair.why == _DEFAULT_NAMES else "; swap the two to translate the other way"
    inspection.decide("data.source_language", pair.source, f"{pair.why}{swap}")
    inspection.decide("data.target_language", pair.target, "")
    if len(files) == 1:
        rows = _first_rows(files[0])
        columns = find_text_columns(f"{files[0]}:1", rows, (pair.source, pair.target))
        text = f"sentences in column {columns.source + 1}, translations in {columns.target + 1}"
        if columns.ignored:
            example = shown(rows[-1][columns.ignored[0] - 1])
            text = f"{text}; ignored: {columns.ignored_text}, such as {example}"
        inspection.add("columns", {"left_out": columns.ignored}, f"{files[0].name}: {text}.")
    if pair.files:
        why = ("line i is translated by line i of target_file", "line i translates line i of source_file")
        why = ("a table of sentences and translations", "the same") if len(files) == 1 else why
        inspection.decide("data.source_file", pair.files[0], why[0])
        inspection.decide("data.target_file", pair.files[1], f"{why[1]}; validation and test are split off")


def _describe_pairs(inspection, splits):
    train = splits["train"]
    sources, targets = ([words_of(text) for text in side] for side in (train.sources, train.targets))
    inspection.describe_lengths(list(map(len, sources)), "source_lengths", "Words of a source")
    inspection.describe_lengths(list(map(len, targets)), "target_lengths", "Words of a translation")
    inspection.describe_repeats(train.sources, "sources")
    same = sum(a == b for a, b in zip(train.sources, train.targets))
    if same:
        text = f"{same:,} translations ({percent(same, len(train))}) are equal to their sources."
        inspection.warn("copies", same, text)
    _check_alignment(inspection, train)
    counts = [Counter(word for text in side for word in text) for side in (sources, targets)]
    sizes = [len(count) for count in counts]
    text = f"{sizes[0]:,} distinct words in the sources of train, {sizes[1]:,} in the translations."
    inspection.add("vocabulary", {"source": sizes[0], "target": sizes[1]}, text)
    test_words = [word for text in splits["test"].sources for word in words_of(text)]
    inspection.describe_unknown_words(counts[0], test_words)
    size = min(8000, max(400, round_up(max(sizes) // 2, 400)))
    inspection.decide("data.unit", "subword", "words that are not in train are built from pieces")
    inspection.decide("data.vocabulary_size", size, f"{max(sizes):,} distinct words in a language")
    num_characters = quantile([len(text) for text in (*train.sources, *train.targets)], 0.98)
    max_length = min(400, round_up(num_characters / 2, 20))
    why = f"98 % of the sentences have at most {num_characters} characters; pieces have 2 or more"
    inspection.decide("data.max_length", max_length, why)
    inspection.decide("model.decoding.max_length", max_length, "as long as the training sentences")
    if len(train) < 20_000:
        size = 128 if len(train) < 4000 else 256
        settings = {"embedding": size // 2, "encoder_units": [size // 2], "units": [size]}
        settings = {f"model.{key}": value for key, value in settings.items()}
        inspection.decide_all(settings, f"a smaller network for {len(train):,} pairs")
        inspection.decide("training.learning_rate", 0.002, "small networks can take larger steps")
    inspection.decide_training(len(train), min_epochs=10, steps=3000, noun="pairs")


def _check_alignment(inspection, train):
    """Describe the correlation of the lengths of sources and translations; warn if it is low."""
    lengths = [np.array([len(text) for text in side], float) for side in (train.sources, train.targets)]
    if len(train) < 20 or not all(one.std() > _MIN_VARIATION * one.mean() for one in lengths):
        return
    correlation = float(np.corrcoef(*lengths)[0, 1])
    text = f"The lengths of sources and translations have a correlation of {correlation:.2f}."
    if correlation < _MIN_CORRELATION:
        text = f"{text} Is line i of one file the translation of line i of the other?"
        inspection.warn("alignment", round(correlation, 4), text)
    else:
        inspection.add("alignment", round(correlation, 4), text)
