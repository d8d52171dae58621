"""Parallel texts in the user's own folder: reading, splits, and messages."""

import gzip

import pytest

from rnn_apps.data.parallel import Pairs, find_parallel, open_pairs
from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.splits import DataSource, SplitRequest
from rnn_apps.errors import DataError

ENGLISH = ["A red house.", "Two  old dogs", "Élan, “quoted”"]
GERMAN = ["Ein rotes Haus.", "Zwei  alte Hunde", "Schwung, „zitiert“"]
PAIRS = list(zip(ENGLISH, GERMAN))


def write(folder, files):
    """Write name to content; a list is lines, .gz is packed."""
    for name, content in files.items():
        if isinstance(content, list):
            content = "".join(f"{line}\n" for line in content)
        content = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return folder


def both(stem, english=ENGLISH, german=GERMAN):
    return {f"{stem}.en": english, f"{stem}.de": german}


def load(folder, bad=None, source="en", target="de", named=None, **request):
    data, invalid = DataSource("files", folder, 0, 1), bad or InvalidRecords("fail", 0)
    splits = open_pairs(data, SplitRequest(**request), invalid, (source, target), named=named).lists()
    return {split: Pairs.of(pairs) for split, pairs in splits.items()}


def pairs_of(part):
    return list(zip(part.sources, part.targets))


def refusal(folder, source="en", target="de"):
    with pytest.raises(DataError) as caught:
        load(folder, source=source, target=target)
    return str(caught.value)


def names(found):
    return {part: [file.name for file in files] for part, files in found.items()}


@pytest.mark.parametrize("validation", ["validation", "val", "dev"])
@pytest.mark.parametrize("test", ["test", "test_2016_flickr", "test2017.clean"])
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_a_folder_may_name_its_splits_in_every_usual_way(tmp_path, validation, test, packed):
    stems = {"train": "train", "validation": validation, "test": test}
    expected = {
        part: [f"{stem}.en", f"{stem}.de{packed}"] for part, stems in stems.items() for stem in [stems]
    }
    noise = ["train.fr", "images.train.txt", "train.lc.en", "README.md", "mytest.en", "train"]
    write(tmp_path, dict.fromkeys([*sum(expected.values(), []), *noise], ENGLISH))
    (tmp_path / "test_folder.en").mkdir()
    assert names(find_parallel(tmp_path, "en", "de")) == expected
    assert names(find_parallel(str(tmp_path), "de", "en"))["train"] == expected["train"][::-1]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_lines_of_both_files_are_pairs(tmp_path, ending, mark):
    last_line_is_open = mark + ending.join(GERMAN)
    write(tmp_path, {"train.en.gz": ENGLISH, "train.de": last_line_is_open} | both("val") | both("test"))
    parts = load(tmp_path)
    assert list(parts) == ["train", "validation", "test"]
    assert pairs_of(parts["train"]) == PAIRS
    assert len(parts["train"]) == 3


def test_spaces_at_the_ends_go_and_those_inside_and_capitals_stay(tmp_path):
    write(tmp_path, both("train", ["  A  B\u00a0c\t", "x"], ["\tÄ \t B ", "y"]) | both("val") | both("test"))
    assert pairs_of(load(tmp_path)["train"]) == [("A  B\u00a0c", "Ä \t B"), ("x", "y")]


@pytest.mark.parametrize(
    ("header", "swapped"), [("", False), ("en\tde\n", False), ("DE\t En \n", True)], ids=repr
)
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_tables_have_a_header_or_the_source_first(tmp_path, header, swapped, packed):
    rows = "\n\n".join("\t".join(pair[::-1] if swapped else pair) for pair in PAIRS)
    table = header + rows
    write(tmp_path, {f"{part}.tsv{packed}": table for part in ("train", "dev", "test_2016")})
    assert names(find_parallel(tmp_path, "en", "de"))["validation"] == [f"dev.tsv{packed}"]
    assert {part: pairs_of(pairs) for part, pairs in load(tmp_path).items()} == dict.fromkeys(
        ["train", "validation", "test"], PAIRS
    )


def test_quotes_in_a_table_are_text(tmp_path):
    write(tmp_path, {"train.tsv": '"A dog\tEin "Hund\n'} | both("val") | both("test"))
    assert pairs_of(load(tmp_path)["train"]) == [('"A dog', 'Ein "Hund')]


def test_splits_may_come_in_both_forms(tmp_path):
    write(tmp_path, {"train.tsv": "a\tb\n", "val.tsv": "c\td\n"} | both("test"))
    assert pairs_of(load(tmp_path)["validation"]) == [("c", "d")]
    assert pairs_of(load(tmp_path)["test"]) == PAIRS


def many(number, name="s"):
    return [f"{name}{i // 2}" for i in range(number)], [f"t{i}" for i in range(number)]


def test_missing_splits_are_split_off_and_equal_sources_stand_on_one_side(tmp_path):
    sources, targets = many(2000)
    write(tmp_path, both("train", sources, targets))
    parts = load(tmp_path, validation_fraction=0.25)
    # 20 % are the test; of the other 1600 a quarter is 400; 1000 distinct sources scatter by about 2 x 13.
    assert abs(len(parts["test"]) - 400) < 100
    assert abs(len(parts["validation"]) - 400) < 100
    in_parts = [set(pairs.sources) for pairs in parts.values()]
    assert sum(map(len, in_parts)) == len(set.union(*in_parts)) == 1000
    assert sorted(p for pairs in parts.values() for p in pairs_of(pairs)) == sorted(zip(sources, targets))


@pytest.mark.parametrize(("given", "whole"), [("test", "test"), ("val", "test")])
def test_a_split_that_is_given_stays_whole_and_only_validation_is_split_off(tmp_path, given, whole):
    write(tmp_path, both("train", *many(400)) | both(given, *many(40, "other")))
    parts = load(tmp_path, validation_fraction=0.5)
    assert pairs_of(parts[whole]) == list(zip(*many(40, "other")))
    assert 100 < len(parts["validation"]) < 300
    assert len(parts["train"]) + len(parts["validation"]) == 400


BAD_LINES = [
    ("", "x", "train.en:2: source is empty. Remove the pair."),
    ("x", " \t", "train.de:2: target is empty. Remove the pair."),
    ("", "", "train.en:2: source is empty. Remove the pair."),
    (b"caf\xe9", "x", "train.en:2: not valid UTF-8. Save the file as UTF-8."),
    ("x", b"Stra\xdfe", "train.de:2: not valid UTF-8. Save the file as UTF-8."),
]


def with_bad_line(folder, english, german):
    def lines(middle):
        return b"good\n" + (middle if isinstance(middle, bytes) else middle.encode()) + b"\nalso good\n"

    return write(folder, both("train", lines(english), lines(german)) | both("val") | both("test"))


@pytest.mark.parametrize(("english", "german", "message"), BAD_LINES)
def test_a_invalid_line_is_refused_by_its_place(tmp_path, english, german, message):
    with_bad_line(tmp_path, english, german)
    assert refusal(tmp_path) == (f"{tmp_path}/{message} Or skip such records: data.on_invalid_record=skip")


@pytest.mark.parametrize(("english", "german", "message"), BAD_LINES)
def test_a_invalid_line_is_skipped_with_its_partner_and_counted(tmp_path, english, german, message):
    bad = InvalidRecords("skip", 1)
    parts = load(with_bad_line(tmp_path, english, german), bad)
    assert pairs_of(parts["train"]) == [("good", "good"), ("also good", "also good")]
    assert dict(bad.skipped) == {message.split(": ")[1].split(". ")[0]: 1}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("only one", "a row of the wrong width; received 1 column, expected 2. Put one tab between "),
        ("a\tb\tc", "a row of the wrong width; received 3 columns, expected 2. Put one tab between "),
        ("\tb", "source is empty. "),
        ("a\t ", "target is empty. "),
        (b"caf\xe9\tb", "not valid UTF-8. "),
    ],
)
def test_a_invalid_row_is_refused_by_its_place_or_skipped(tmp_path, row, message):
    row = row if isinstance(row, bytes) else row.encode()
    write(tmp_path, {"train.tsv": b"a\tb\n\n" + row + b"\nc\td\n"} | both("val") | both("test"))
    assert refusal(tmp_path).startswith(f"{tmp_path}/train.tsv:3: {message}")
    bad = InvalidRecords("skip", 1)
    assert pairs_of(load(tmp_path, bad)["train"]) == [("a", "b"), ("c", "d")]
    assert bad.skipped.total() == 1


def test_files_of_different_length_are_refused_and_never_skipped(tmp_path):
    write(tmp_path, both("train", ["", *ENGLISH], GERMAN) | both("val") | both("test"))
    with pytest.raises(DataError) as caught:
        load(tmp_path, InvalidRecords("skip", 100))
    assert str(caught.value) == (
        f"{tmp_path}: received train.en with 4 lines and train.de with 3 lines, "
        "expected equally many lines. Line i of one must be the translation of line i of the other."
    )


FOLDERS = [
    ({}, "received an empty folder, expected train.en and train.de, or train.tsv."),
    ({"notes.txt": "x"}, "received notes.txt, expected train.en and train.de, or train.tsv."),
    (both("val"), "received val.de, val.en, expected train.en and train.de, or train.tsv."),
    ({"train.en": "x"}, "received train.en without train.de. Add train.de."),
    (
        {"train.de": "x", "train.fr.gz": "x", "train.cs": "x"},
        "received train.de without train.en. Add train.en, or name another language: there is cs, fr.",
    ),
    (
        {"train.fr": "x", "train.cs.gz": "x", "test.en": "x", "test.de": "x"},
        'no files of the languages "en" and "de"; the extensions are "cs", "fr". '
        "Name two of them as source and target language.",
    ),
    (both("train") | {"val.en": "x"}, "received val.en without val.de. Add val.de."),
    (
        both("train") | both("test_2016") | both("test_2017"),
        "received test_2016, test_2017 for test, expected one test set. "
        "Keep the one that you want here and move the others away.",
    ),
    (
        both("train") | both("dev") | both("val"),
        "received dev, val for validation, expected one validation set. Keep the one ",
    ),
    (
        both("train") | {"train.tsv": "a\tb"},
        "received train.tsv, train.en, train.de, expected train.tsv or a file for each language. Move one ",
    ),
    (
        both("train") | {"train.en.gz": ENGLISH},
        "received train.en, train.en.gz, train.de, expected train.tsv or a file for each language.",
    ),
    (
        {"train.tsv": "a\tb", "train.tsv.gz": "a\tb"},
        "received train.tsv, train.tsv.gz, expected train.tsv or ",
    ),
    (both("train", [], []) | both("val") | both("test"), "no usable pair for train, 6 in all. Give more"),
]


@pytest.mark.parametrize(
    ("files", "message"), FOLDERS, ids=lambda value: " ".join(value) if isinstance(value, dict) else ""
)
def test_a_folder_that_cannot_be_used_says_why(tmp_path, files, message):
    assert refusal(write(tmp_path, files)).startswith(f"{tmp_path}: {message}")


@pytest.mark.parametrize(
    ("header", "received"), [("en\tfr", '"en", "fr", expected one of them "de"'), ("de", '"de", expected')]
)
def test_a_header_has_to_name_both_languages(tmp_path, header, received):
    write(tmp_path, {"train.tsv": f"{header}\na\tb\n"})
    assert refusal(tmp_path).startswith(f"{tmp_path}/train.tsv:1: received the columns {received}")


WIDE = {
    "licences": "{}\t{}\tCC-BY 2.0 by {i}",
    "numbers of sentences": "{i}\t{}\t{i}1\t{}",
    "codes of languages": "eng\t{}\tdeu\t{}",
}


@pytest.mark.parametrize("form", WIDE.values(), ids=list(WIDE))
def test_of_a_wider_table_the_two_columns_of_sentences_are_read(tmp_path, form):
    rows = [form.format(*pair, i=i) for i, pair in enumerate(PAIRS)]
    write(tmp_path, {"train.tsv": "\n".join(rows)} | both("val") | both("test"))
    assert pairs_of(load(tmp_path)["train"]) == PAIRS


def test_a_header_may_name_more_than_the_languages(tmp_path):
    rows = ["id\tDE\tnote\ten", *(f"{i}\t{b}\tx y\t{a}" for i, (a, b) in enumerate(PAIRS))]
    write(tmp_path, {"all of it.txt": "\n".join(rows)})
    found = load(tmp_path, named=("all of it.txt", "all of it.txt"), use_all_for_test=True)
    assert pairs_of(found["test"]) == PAIRS


def test_a_table_with_three_columns_of_texts_is_refused(tmp_path):
    write(tmp_path, {"train.tsv": "a b\tc d\te f\ng h\ti j\tk l\n"})
    assert "a row of the wrong width; received 3 columns, expected 2" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["train.de", "train.tsv"])
def test_utf_16_is_named(tmp_path, name):
    content = "a\tb\n".encode("utf-16")
    write(tmp_path, {name: content} | ({"train.en": "a\n"} if name == "train.de" else {}))
    assert refusal(tmp_path) == (
        f"{tmp_path}/{name}: received UTF-16, expected UTF-8. Save the file as UTF-8."
    )


def test_a_broken_gz_is_named(tmp_path):
    write(tmp_path, both("train"))
    (tmp_path / "train.de").rename(tmp_path / "train.de.gz")
    assert refusal(tmp_path).startswith(f"{tmp_path}/train.de.gz: cannot be read: ")


def test_no_folder_a_file_and_one_language_twice_are_named(tmp_path):
    file = write(tmp_path, {"train.en": "x"}) / "train.en"
    said = f"{tmp_path}/nowhere: no such file or folder. Check the path: data.path"
    assert refusal(tmp_path / "nowhere") == said
    assert refusal(file).startswith(f"{file}: received a .en file, expected .tsv, ")
    assert refusal(tmp_path, "en", "en") == f'{tmp_path}: source and target language are both "en".'


def test_a_single_table_may_have_any_name_and_files_that_other_data_lacks_are_not_required(tmp_path):
    folder = write(tmp_path, {"my pairs.txt": "a\tb\n", "test.tsv": "c\td\n"})
    file, named = folder / "my pairs.txt", ("other.en", "other.de")
    assert (
        find_parallel(file, "en", "de") == find_parallel(file, "en", "de", True, named) == {"train": (file,)}
    )
    assert find_parallel(folder, "en", "de", True, named) == {"test": (folder / "test.tsv",)}
    with pytest.raises(DataError, match="other.en: no such file"):
        find_parallel(folder, "en", "de", named=named)


def test_a_home_folder_may_be_written_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(write(tmp_path, both("train"))))
    assert find_parallel("~", "en", "de")["train"][0] == tmp_path / "train.en"


def test_two_files_of_any_names_are_train_where_a_recipe_names_them(tmp_path):
    pairs = [(f"word {i}", f"Wort {i}") for i in range(60)]
    write(tmp_path, {"notes english.txt": [p[0] for p in pairs], "uebersetzt.txt": [p[1] for p in pairs]})
    parts = load(tmp_path, named=("notes english.txt", "uebersetzt.txt"))
    assert sorted(pair for part in parts.values() for pair in pairs_of(part)) == sorted(pairs)
    assert all(map(len, parts.values()))
    with pytest.raises(DataError, match=r"gone\.txt: no such file. Check data\.target_file\."):
        load(tmp_path, named=("notes english.txt", "gone.txt"))
