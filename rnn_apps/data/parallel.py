"""Loads sentence pairs for translation from TFDS, a data folder, or synthetic data.

A folder holds, for each split, either two files, one per language, whose lines correspond (``train.en``
and ``train.de``), or a table (``train.tsv``, see `rnn_apps.data.pair_tables`). A single table may have any
name. Splits are ``train``, ``validation`` (or another name in `SPLIT_NAMES`) and one whose name begins with
``test``; each file may be gzipped.
"""

import operator
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from pathlib import Path

from rnn_apps.data import tfds_source
from rnn_apps.data.files import open_lines
from rnn_apps.data.pair_tables import table_rows
from rnn_apps.data.records import INVALID_UTF8, find_surrogate
from rnn_apps.data.split_files import is_single_file, log_unread, no_data
from rnn_apps.data.splits import SPLIT_NAMES, FixedSplits, SplitReader, split_generated
from rnn_apps.data.synthetic.translation import sentence_pairs
from rnn_apps.errors import DataError, shown

TABLE_ENDINGS = (".tsv", ".tsv.gz", ".txt", ".txt.gz")
_TABLE = "tsv"


@dataclass
class Pairs:
    """The sentences of one split and their translations.

    Args:
        sources: Sentences in the source language.
        targets: Translation of each.
    """

    sources: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)

    def __len__(self):
        return len(self.sources)

    @classmethod
    def of(cls, pairs):
        """Return the `Pairs` of an iterable of (source, target)."""
        return cls(*map(list, zip(*pairs)))


def find_parallel(path, source_language, target_language, use_all_for_test=False, named=None):
    """Return split name to its files, (source, target) or (table,).

    Args:
        path: Folder in the layout of this module, or a table.
        source_language, target_language: File extensions or column names, such as ``en``.
        use_all_for_test: Whether any split will do, and other files if the folder lacks those that are
            `named`.
        named: Names of the source and the target file in the folder, which are then all of train; the same
            name twice is a table; or None.

    Raises:
        DataError: no such folder or file, no train split, a language is missing, or several files for one
            split.
    """
    folder, languages = Path(path).expanduser(), (source_language, target_language)
    if source_language == target_language:
        raise DataError(str(folder), f"source and target language are both {shown(source_language)}")
    if is_single_file(folder, TABLE_ENDINGS):
        return {"train": (folder,)}
    has_named = named is not None and all((folder / name).is_file() for name in named)
    if named is not None and (has_named or not use_all_for_test):
        for side, name in zip(("source", "target"), named):
            if not (folder / name).is_file():
                raise DataError(str(folder / name), "no such file", fix=f"Check data.{side}_file.")
        return {"train": tuple(folder / name for name in dict.fromkeys(named))}
    files = _files_by_stem(folder)
    splits = {}
    for split in SPLIT_NAMES:
        stems = [stem for stem in files if _is_of(split, stem) and {_TABLE, *languages} & set(files[stem])]
        if len(stems) > 1:
            received, expected = f"{', '.join(stems)} for {split}", f"one {split} set"
            fix = "Keep the one that you want here and move the others away."
            raise DataError(str(folder), received=received, expected=expected, fix=fix)
        if stems:
            splits[split] = _files_of(folder, stems[0], files[stems[0]], languages)
    if "train" not in splits and not (use_all_for_test and splits):
        raise _no_train(folder, files, languages)
    return splits


def _is_of(split, stem):
    stem = stem.casefold()
    return stem.startswith("test") if split == "test" else stem in SPLIT_NAMES[split]


def _files_by_stem(folder):
    """Stem to extension to files, for the files that are named as a split is."""
    files = {}
    for file in sorted(folder.iterdir()):
        stem, _, ending = file.name.removesuffix(".gz").rpartition(".")
        if file.is_file() and any(_is_of(split, stem) for split in SPLIT_NAMES):
            files.setdefault(stem, {}).setdefault(ending, []).append(file)
    return files


def _files_of(folder, stem, by_ending, languages):
    files = [file for ending in (_TABLE, *languages) for file in by_ending.get(ending, [])]
    endings = [language for language in languages if language in by_ending]
    is_table = _TABLE in by_ending
    if len(files) > (1 if is_table else len(endings)):
        received = ", ".join(file.name for file in files)
        expected = f"{stem}.{_TABLE} or a file for each language"
        raise DataError(str(folder), received=received, expected=expected, fix="Move one away.")
    if not is_table and len(endings) == 1:
        missing = f"{stem}.{next(language for language in languages if language not in endings)}"
        others = ", ".join(sorted(set(by_ending) - {endings[0]}))
        fix = f"Add {missing}" + (f", or name another language: there is {others}." if others else ".")
        raise DataError(str(folder), received=f"{stem}.{endings[0]} without {missing}", fix=fix)
    return tuple(files)


def _no_train(folder, files, languages):
    if endings := files.get("train"):
        names = " and ".join(map(shown, languages))
        problem = f"no files of the languages {names}; the extensions are {', '.join(map(shown, endings))}"
        return DataError(str(folder), problem, fix="Name two of them as source and target language.")
    source, target = languages
    return no_data(folder, f"train.{source} and train.{target}, or train.{_TABLE}")


def open_pairs(source, request, invalid, languages, max_examples=None, named=None):
    """Return the `SplitReader` of the (source, target) pairs of a source; case and white space are kept.

    Args:
        source: `DataSource`; for files, a folder in the layout of this module, or a table.
        request: `SplitRequest`; train is split by a hash of the source sentence.
        invalid: `InvalidRecords`.
        languages: (source, target), file extensions, column names or TFDS features.
        max_examples: Pairs of train that are kept, the first ones, or None for all.
        named: As for `find_parallel`.

    Raises:
        SourceUnavailable: a TFDS data set is neither on this machine nor reachable.
        DataError: the files cannot be found, or a TFDS data set lacks these languages.
    """
    name, files_of = source.name, None
    if name == "sample":
        splits = split_generated(sentence_pairs(source.sample_size, source.seed))
        splits["train"] = splits["train"][:max_examples]
        return FixedSplits("sample:bilingual", splits)
    if name == "files":
        name = str(source.path)
        files_of = find_parallel(name, *languages, request.use_all_for_test, named)
        log_unread(name, [file for files in files_of.values() for file in files])
    else:
        builder = tfds_source.open_builder(name.removeprefix("tfds:"))

    def read(split, invalid):
        if files_of is not None:
            return _usable_pairs(files_of[split], languages, invalid)
        most = max_examples if split == "train" else None
        return _pairs_of_tfds(builder, split, languages, most, invalid)

    names = tfds_source.splits_of(builder) if files_of is None else files_of
    key = operator.itemgetter(0)
    return SplitReader(name, names, read, request, key, invalid, "pair", max_train=max_examples)


def _pairs_of_tfds(builder, split, languages, max_examples, invalid):
    """Yield the usable pairs of the first examples of a TFDS split.

    The others are counted as skipped, also where invalid records are an error: nobody can fix a public set.
    """
    features = dict(zip(("source_language", "target_language"), languages))
    for location, *texts in islice(tfds_source.read_examples(builder, split, features), max_examples):
        if problem := _problem_of((location, location), texts):
            _, reason, _ = problem
            invalid.skipped[reason] += 1
        else:
            yield [text.strip() for text in texts]


def _usable_pairs(files, languages, invalid):
    """Yield the usable pairs of one table or two aligned files; the others are reported to `invalid`."""
    rows = table_rows(*files, languages, invalid) if len(files) == 1 else _aligned_lines(*files)
    for locations, texts in rows:
        if problem := _problem_of(locations, texts):
            invalid.report(*problem)
        else:
            yield [text.strip() for text in texts]


def _problem_of(locations, texts):
    """Return location, problem and fix, or None if source and target can be used."""
    for name, location, text in zip(("source", "target"), locations, texts):
        if find_surrogate(text):
            return location, *INVALID_UTF8
        if not text.strip():
            return location, f"{name} is empty", "Remove the pair."
    return None


def _aligned_lines(source_file, target_file):
    """Yield the locations and texts of source and target, line by line.

    Raises:
        DataError: one file has more lines.
    """
    files, counts = (source_file, target_file), [0, 0]
    with open_lines(source_file) as sources, open_lines(target_file) as targets:
        for number, pair in enumerate(zip_longest(sources, targets), start=1):
            counts = [count + (line is not None) for count, line in zip(counts, pair)]
            if None not in pair:
                yield [f"{file}:{number}" for file in files], pair
    if counts[0] != counts[1]:
        received = " and ".join(f"{file.name} with {count:,} lines" for file, count in zip(files, counts))
        fix = "Line i of one must be the translation of line i of the other."
        raise DataError(str(source_file.parent), received=received, expected="equally many lines", fix=fix)
