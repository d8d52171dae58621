"""Tagged sentences: every format, and the messages for what cannot be read."""

import gzip
import json

import pytest

from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.splits import DataSource, SplitRequest
from rnn_apps.data.tagged_files import open_tagged, read_words
from rnn_apps.errors import DataError

CONLLU = """# sent_id = 1
1\tThey\tthey\tPRON\tPRP\t_\t2\tnsubj\t_\t_
2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
2\tdo\tdo\tAUX\tVBP\t_\t0\troot\t_\t_
3\tn't\tnot\tPART\tRB\t_\t2\tadvmod\t_\t_
3.1\tgo\tgo\tVERB\tVB\t_\t_\t_\t_\t_

1\tYes\tyes\tINTJ\tUH\t_\t0\troot\t_\t_
"""
CONLL = "-DOCSTART- -X- O\n\nAnna NNP B-PER\nBell NNP I-PER\nsleeps VBZ O\n\nno DT O\n"


def loaded(path, tokens="tokens", tags=None, whole=True, action="fail"):
    invalid = InvalidRecords(action, 100)
    source = DataSource("files", path, 0, 1)
    reader = open_tagged(source, SplitRequest(use_all_for_test=whole), invalid, (tokens, tags))
    return [(one.tokens, one.labels) for one in reader.lists()["test"]], invalid


def loaded_splits(folder, seed=1):
    source = DataSource("files", folder, 0, seed)
    reader = open_tagged(source, SplitRequest(), InvalidRecords("fail", 0), ("tokens", None))
    return reader.name, reader.lists()


def a_file(folder, name, text):
    file = folder / name
    file.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return file


@pytest.mark.parametrize("name", ["train.conllu", "train.conllu.gz"])
def test_conllu_gives_words_as_they_are_tagged(tmp_path, name):
    found, _ = loaded(a_file(tmp_path, name, CONLLU))
    assert found == [(["They", "do", "n't"], ["PRON", "AUX", "PART"]), (["Yes"], ["INTJ"])]


@pytest.mark.parametrize(("tags", "expected"), [("xpos", "PRP"), ("5", "PRP"), ("deprel", "nsubj")])
def test_another_column_goes_by_name_or_number(tmp_path, tags, expected):
    found, _ = loaded(a_file(tmp_path, "a.conllu", CONLLU), tags=tags)
    assert found[0][1][0] == expected


@pytest.mark.parametrize("name", ["train.conll", "train.bio", "train.txt", "train.tsv"])
def test_columns_without_names_have_the_word_first_and_the_tag_last(tmp_path, name):
    text = CONLL.replace(" ", "\t") if name.endswith("tsv") else CONLL
    found, _ = loaded(a_file(tmp_path, name, text))
    assert found == [(["Anna", "Bell", "sleeps"], ["B-PER", "I-PER", "O"]), (["no"], ["O"])]
    assert loaded(a_file(tmp_path, name, text), tags="2")[0][0][1] == ["NNP", "NNP", "VBZ"]


def test_json_lines_have_lists_or_a_text_of_words(tmp_path):
    rows = [{"w": ["a", "b"], "t": ["X", "Y"]}, {"w": "c d", "t": ["X", "X"]}]
    file = a_file(tmp_path, "train.jsonl", "\n".join(map(json.dumps, rows)))
    assert loaded(file, "w", "t")[0] == [(["a", "b"], ["X", "Y"]), (["c", "d"], ["X", "X"])]


def test_splits_go_by_the_last_piece_of_their_name_and_dev_is_the_test_where_there_is_none(tmp_path):
    words = "".join(f"w{i} X\n\n" for i in range(40))
    a_file(tmp_path, "en_ewt-ud-train.conll", words)
    a_file(tmp_path, "en_ewt-ud-dev.conll", "dev Y\n")
    _, parts = loaded_splits(tmp_path)
    assert [one.tokens for one in parts["test"]] == [["dev"]]
    assert len(parts["train"]) + len(parts["validation"]) == 40
    assert parts["validation"]
    again = loaded_splits(tmp_path, seed=2)[1]
    assert [one.location for one in again["train"]] == [one.location for one in parts["train"]]


def test_a_tag_that_comes_once_is_never_split_off_from_train(tmp_path):
    rare = "".join(f"w{i} T{i}\nv X\n\n" for i in range(100))
    usual = "".join(f"u{i} X\n\n" for i in range(100))
    a_file(tmp_path, "train.conll", rare + usual)
    _, parts = loaded_splits(tmp_path)
    known = {label for one in parts["train"] for label in one.labels}
    assert len(known) == 101
    assert parts["test"]
    assert all(known.issuperset(one.labels) for one in parts["test"] + parts["validation"])


INVALID = {
    "too few columns": ("a.conllu", "1\tThey\tthey\n", r"a.conllu:1: 3 columns where CoNLL-U has 10"),
    "no tag": ("a.conllu", "1\tHi\t_\t_\t_\t_\t_\t_\t_\t_\n", r"a.conllu:1: no tag in column 4"),
    "a lone word": ("a.conll", "Anna B-PER\nBell\n", r"a.conll:2: 1 column, expected a word and its tag"),
    "not JSON": ("a.jsonl", "{", r"a.jsonl:1: not JSON"),
    "another key": (
        "a.jsonl",
        '{"words": []}',
        r'no column "tokens"; the columns are "words". Rename the column in the file. Or name the right one',
    ),
    "a number": ("a.jsonl", '{"tokens": [1], "tags": ["X"]}', '"tokens" is not a list of texts'),
    "more words": ("a.jsonl", '{"tokens": ["a", "b"], "tags": ["X"]}', r"a.jsonl:1: 2 words and 1 tags"),
    "no word": ("a.jsonl", '{"tokens": [], "tags": []}', "a sentence without words"),
    "an empty tag": ("a.jsonl", '{"tokens": ["a"], "tags": [" "]}', "a word or tag is empty"),
    "another ending": ("a.csv", "a,b\n", r"received a .csv file, expected .conllu"),
    "nothing": ("a.conll", "\n\n", "no usable sentence for test"),
}


@pytest.mark.parametrize(("name", "text", "said"), INVALID.values(), ids=list(INVALID))
def test_what_cannot_be_read_is_named(tmp_path, name, text, said):
    with pytest.raises(DataError, match=said):
        loaded(a_file(tmp_path, name, text))


def test_bytes_that_are_no_utf8_are_named(tmp_path):
    (tmp_path / "a.conll").write_bytes(b"caf\xe9 X\n")
    with pytest.raises(DataError, match="a.conll:1: not valid UTF-8"):
        loaded(tmp_path / "a.conll")


@pytest.mark.parametrize("tags", ["upos2", "0", "-1"])
def test_a_column_that_is_none_is_refused_with_those_there_are(tmp_path, tags):
    with pytest.raises(DataError, match="data.tags: received .* expected id, form, lemma, upos"):
        loaded(a_file(tmp_path, "a.conllu", CONLLU), tags=tags)


def test_a_invalid_sentence_is_skipped_whole_where_the_recipe_says_so(tmp_path):
    found, invalid = loaded(a_file(tmp_path, "a.conll", "a X\nb\nc X\n\nd X\n"), action="skip")
    assert found == [(["d"], ["X"])]
    assert sum(invalid.skipped.values()) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("new.conllu", CONLLU),
        ("new.conll.gz", "They PRON\ndo AUX\nn't PART\n\nYes INTJ\n"),
        ("new.bio", "They\ndo\nn't\n\nYes\n"),
        ("new.tsv", "They\tPRON\ndo\tAUX\nn't\tPART\n\nYes\tINTJ\n"),
        ("new.jsonl", '{"words": ["They", "do", "n\'t"]}\n{"words": "Yes", "tags": 3}\n'),
    ],
)
def test_words_are_read_with_or_without_tags(tmp_path, name, text):
    assert read_words(a_file(tmp_path, name, text), "words") == [["They", "do", "n't"], ["Yes"]]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("new.conllu", "1 They PRON\n\n1\n", "new.conllu:3: no column of words"),
        ("new.jsonl", '{"words": 3}\n', 'new.jsonl:1: "words" is not a list of texts'),
        ("new.jsonl", "[]\n", "new.jsonl:1: "),
    ],
)
def test_lines_without_words_are_named(tmp_path, name, text, problem):
    with pytest.raises(DataError) as caught:
        read_words(a_file(tmp_path, name, text), "words")
    assert problem in str(caught.value)
