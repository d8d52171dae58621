"""Parallel texts for translation, in the user's own folder.

The folder holds two files a part, one a language, of which line i of one is the translation of line i of the
other (``train.en`` and ``train.de``), or a table (``train.tsv``: a tab between source and target, no quoting;
see `rnn_apps.data.pair_tables`). Splits are ``train``,
``validation`` (or another name of `SPLIT_NAMES`) and one whose name begins with ``test``; each file may be
gzipped.
"""

from dataclasses import dataclass, field
from pathlib import Path

from rnn_apps.data.files import open_lines
from rnn_apps.data.pair_tables import WrongWidth, table_rows
from rnn_apps.data.splits import (
    SPLIT_NAMES,
    conversion_advice,
    listed_files,
    log_unread,
    make_splits,
)
from rnn_apps.errors import DataError, Setting, shown

_TABLE = "tsv"


@dataclass
class Pairs:
    """The sentences of one split and their translations.

    Args:
        sources: sentences of the source language.
        targets: the translation of each.
    """

    sources: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)

    def __len__(self):
        return len(self.sources)

    @classmethod
    def of(cls, pairs):
        """Return the `Pairs` of an iterable of (source, target)."""
        return cls(*map(list, zip(*pairs)))


def find_parallel(path, source_language, target_language, whole=False, named=None):
    """Return part name to its files, (source, target) or (table,), for a folder in the layout of this module.

    Args:
        path: the folder.
        source_language, target_language: endings of the files, or names of the columns, such as ``en``.
        whole: any part will do.
        named: names of the source and of the target file in the folder, which are then all of train; the same
            name twice is a table; or None.

    Raises:
        DataError: no such folder or file, no training part, a language is missing, or one part in several
            files.
    """
    folder, languages = Path(path).expanduser(), (source_language, target_language)
    if not folder.is_dir():
        problem = "not a folder" if folder.exists() else "no such folder"
        raise DataError(str(folder), problem, fix=Setting("Check the path", "data.path"))
    if source_language == target_language:
        raise DataError(str(folder), f"source and target language are both {shown(source_language)}")
    if named is not None:
        files = tuple(_named(folder, *one) for one in zip(("source", "target"), named))
        return {"train": files if files[0] != files[1] else files[:1]}
    there = _texts_of_parts(folder)
    parts = {}
    for part in SPLIT_NAMES:
        stems = [stem for stem in there if _is_of(part, stem) and {_TABLE, *languages} & set(there[stem])]
        if len(stems) > 1:
            names = ", ".join(stems)
            fix = "Keep the one that you want here and move the others away."
            raise DataError(str(folder), received=f"{names} for {part}", expected=f"one {part} set", fix=fix)
        if stems:
            parts[part] = _files_of(folder, stems[0], there[stems[0]], languages)
    if "train" not in parts and not (whole and parts):
        raise _no_train(folder, there, languages)
    return parts


def _named(folder, side, name):
    if not (folder / name).is_file():
        raise DataError(str(folder / name), "no such file", fix=f"Check data.{side}_file.")
    return folder / name


def _is_of(part, stem):
    stem = stem.casefold()
    return stem.startswith("test") if part == "test" else stem in SPLIT_NAMES[part]


def _texts_of_parts(folder):
    """Name before the ending to ending to files, for what is named as a part is."""
    there = {}
    for file in sorted(folder.iterdir()):
        stem, _, ending = file.name.removesuffix(".gz").rpartition(".")
        if file.is_file() and any(_is_of(part, stem) for part in SPLIT_NAMES):
            there.setdefault(stem, {}).setdefault(ending, []).append(file)
    return there


def _files_of(folder, stem, by_ending, languages):
    wanted = [file for ending in (_TABLE, *languages) for file in by_ending.get(ending, [])]
    endings = [language for language in languages if language in by_ending]
    is_table = _TABLE in by_ending
    if len(wanted) > (1 if is_table else len(endings)):
        names = ", ".join(file.name for file in wanted)
        expected = f"{stem}.{_TABLE} or a file for each language"
        raise DataError(str(folder), received=names, expected=expected, fix="Move one away.")
    if not is_table and len(endings) == 1:
        missing = f"{stem}.{next(language for language in languages if language not in endings)}"
        others = ", ".join(sorted(set(by_ending) - {endings[0]}))
        fix = f"Add {missing}" + (f", or name another language: there is {others}." if others else ".")
        raise DataError(str(folder), received=f"{stem}.{endings[0]} without {missing}", fix=fix)
    return tuple(wanted)


def _no_train(folder, there, languages):
    source, target = languages
    expected = f"train.{source} and train.{target}, or train.{_TABLE}"
    if endings := there.get("train"):
        names = " and ".join(map(shown, languages))
        problem = f"no files of the languages {names}; the endings there are {', '.join(map(shown, endings))}"
        return DataError(str(folder), problem, fix="Name two of them as source and target language.")
    found = sorted(folder.iterdir())
    received, fix = listed_files(found) or "an empty folder", conversion_advice(found)
    return DataError(str(folder), received=received, expected=expected, fix=fix)


def load_parallel(path, request, bad, languages, named=None):
    """Read the sentence pairs of a data folder.

    Case and inner blanks stay as they are.

    Args:
        path: folder in the layout of this module.
        request: `SplitRequest`; train is split by a hash of the source.
        bad: `BadRecords`.
        languages: (source, target), as for `find_parallel`.
        named: as for `find_parallel`.

    Returns:
        Split name to `Pairs`.

    Raises:
        DataError: files of different length, a bad record that is not to be skipped, or an empty split.
    """
    files_of = find_parallel(path, *languages, request.use_all_for_test, named)
    log_unread(path, [file for files in files_of.values() for file in files])
    found = {split: list(_usable(files_of[split], languages, bad)) for split in request.read_from(files_of)}
    return pairs_in_splits(str(path), found, request, bad)


def pairs_in_splits(name, found, request, bad):
    """Return split name to `Pairs`, from split name to list of (source, target), as `make_splits` does."""
    splits = make_splits(name, found, request, lambda pair: pair[0], bad, "pair")
    return {split: Pairs.of(pairs) for split, pairs in splits.items()}


def _usable(files, languages, bad):
    """Yield the pairs of one table or two aligned files that can be used; the others go to `bad`."""
    rows = table_rows(*files, languages) if len(files) == 1 else _aligned_lines(*files)
    for places, texts in rows:
        if problem := _problem_of(places, texts):
            bad.report(*problem)
        else:
            yield [text.strip() for text in texts]


def _problem_of(places, texts):
    """Return what `BadRecords.report` takes, or None for a source and a target that can be used."""
    if isinstance(texts, WrongWidth):
        width = "1 column" if texts.received == 1 else f"{texts.received} columns"
        fix = "Put one tab between columns, and none inside them."
        return places[0], "a row of the wrong width", fix, width, str(texts.expected)
    for name, place, text in zip(("source", "target"), places, texts):
        if any("\ud800" <= c <= "\udfff" for c in text):
            return place, "not valid UTF-8", "Save the file as UTF-8."
        if not text.strip():
            return place, f"{name} is empty", "Remove the pair."
    return None


def _aligned_lines(source_file, target_file):
    """Yield the places and texts of source and target, line by line.

    Raises:
        DataError: one file has more lines.
    """
    files, texts = (source_file, target_file), []
    for file in files:
        with open_lines(file) as lines:
            texts.append(list(lines))
    if len(texts[0]) != len(texts[1]):
        counts = " and ".join(f"{file.name} with {len(lines):,} lines" for file, lines in zip(files, texts))
        fix = "Line i of one has to be the translation of line i of the other."
        where, expected = str(source_file.parent), "as many lines in both"
        raise DataError(where, received=counts, expected=expected, fix=fix)
    for number, pair in enumerate(zip(*texts), start=1):
        yield [f"{file}:{number}" for file in files], pair
