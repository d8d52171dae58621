"""Splits: which file of a folder holds which, which files are not read, and how few examples are split."""

import os
import re
from collections import Counter

import pytest

from rnn_apps.data.parallel import find_parallel
from rnn_apps.data.plain_text import TEXT_ENDINGS
from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.split_files import conversion_advice, find_splits, unread_files
from rnn_apps.data.splits import SplitReader, SplitRequest, hashed_split, make_splitter
from rnn_apps.data.step_tables import split_folders
from rnn_apps.errors import DataError

VALIDATION = ["validation", "valid", "val", "dev", "eval"]


def put(folder, name):
    file = folder / name
    file.touch()
    return file


@pytest.mark.parametrize("stem", ["validation", "valid", "val", "dev", "eval", "en-Valid"])
@pytest.mark.parametrize("ending", ["csv", "csv.gz", "jsonl", "jsonl.gz"])
def test_a_folder_may_name_its_splits_in_every_usual_way(tmp_path, stem, ending):
    for name in ("train.csv", f"{stem}.{ending}", "test.jsonl", "notes.txt"):
        put(tmp_path, name)
    assert {split: file.name for split, file in find_splits(tmp_path).items()} == {
        "train": "train.csv",
        "validation": f"{stem}.{ending}",
        "test": "test.jsonl",
    }


def test_a_single_file_is_the_training_split(tmp_path):
    file = put(tmp_path, "anything.jsonl.gz")
    assert find_splits(file) == {"train": file}


def test_two_files_for_one_split_are_refused(tmp_path):
    for name in ("train.csv", "val.csv", "dev.csv"):
        put(tmp_path, name)
    with pytest.raises(DataError) as caught:
        find_splits(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: received dev.csv, val.csv for validation, expected one file for validation. "
        "Keep the one that you want here and move the others away."
    )


def test_a_folder_may_hold_one_file_of_any_name_and_of_several_says_what_is_there(tmp_path):
    put(tmp_path, "reviews.csv")
    assert find_splits(tmp_path) == {"train": tmp_path / "reviews.csv"}
    put(tmp_path, "more.csv")
    with pytest.raises(DataError) as caught:
        find_splits(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: received more.csv, reviews.csv, expected train.csv, .csv.gz, .tsv, .tsv.gz, .jsonl or "
        ".jsonl.gz, or a single file. Name the files train.csv, validation.csv and test.csv, or give the "
        "path of one file."
    )


def test_an_empty_folder_another_ending_and_nothing_at_all_are_named(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"received an empty folder, expected train\.csv"):
        find_splits(tmp_path / "empty")
    with pytest.raises(DataError, match=r"received a \.xls file, expected \.csv, "):
        find_splits(put(tmp_path, "train.xls"))
    with pytest.raises(DataError, match="no such file or folder. Check the path: data.path"):
        find_splits(tmp_path / "nowhere")
    start = f"A relative path starts at the current folder, {re.escape(os.getcwd())}. Check the path"
    with pytest.raises(DataError, match=f"nowhere/at all: no such file or folder. {start}"):
        find_splits("nowhere/at all")


def test_a_folder_to_test_on_needs_no_train(tmp_path):
    put(tmp_path, "test.csv")
    assert list(find_splits(tmp_path, required_split=None)) == ["test"]


def test_a_home_folder_may_be_written_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    put(tmp_path, "train.csv")
    assert find_splits("~")["train"] == tmp_path / "train.csv"


@pytest.mark.parametrize("name", VALIDATION)
def test_every_task_knows_validation_by_the_same_names(tmp_path, name):
    for file in ("train.txt", f"{name}.txt", "test.txt", "train.en", "train.de", f"{name}.en", f"{name}.de"):
        put(tmp_path, file)
    (tmp_path / name.upper()).mkdir()
    assert find_splits(tmp_path, endings=TEXT_ENDINGS)["validation"].name == f"{name}.txt"
    assert [file.name for file in find_parallel(tmp_path, "en", "de")["validation"]] == [
        f"{name}.en",
        f"{name}.de",
    ]
    assert list(split_folders(tmp_path)) == ["validation"]


def test_two_folders_for_one_split_are_refused_not_joined(tmp_path):
    (tmp_path / "val").mkdir()
    (tmp_path / "dev").mkdir()
    with pytest.raises(DataError, match="received dev, val for validation"):
        split_folders(tmp_path)


def test_data_files_that_are_not_read_are_listed_and_others_are_not(tmp_path):
    used = [put(tmp_path, name) for name in ("train.en", "train.de")]
    for name in ("more.en.gz", "extra.xlsx", "old.parquet", "README.txt", "recipe.yaml", ".train.csv"):
        put(tmp_path, name)
    found = unread_files(tmp_path, used)
    assert [file.name for file in found] == ["extra.xlsx", "more.en.gz", "old.parquet"]
    assert unread_files(used[0], used[:1]) == []
    assert conversion_advice(found) == 'extra.xlsx: Spreadsheets are not read: save the sheet as "CSV UTF-8".'


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(3, (1, 1, 1)), (6, (4, 1, 1)), (24, (17, 2, 5)), (80, (58, 6, 16))],
)
def test_few_examples_are_split_near_the_fractions_and_no_split_is_empty(count, sizes):
    keys = [f"example {i}" for i in range(count)] * 2
    split_of = make_splitter(keys, SplitRequest().fractions(["train"]))
    found = Counter(map(split_of, set(keys)))
    assert tuple(found[split] for split in ("train", "validation", "test")) == sizes


def test_many_examples_are_split_by_their_hash_alone():
    keys, fractions = [f"example {i}" for i in range(500)], SplitRequest().fractions(["train"])
    split_of = make_splitter(keys, fractions)
    assert [split_of(key) for key in keys] == [hashed_split(key, fractions) for key in keys]


def reader_of(splits, invalid, **options):
    """A reader of texts; "" is invalid."""

    def read(split, invalid):
        for number, text in enumerate(splits[split]):
            if text:
                yield text
            else:
                invalid.report(f"{split}:{number}", "empty", "Write something.")

    return SplitReader("texts", splits, read, SplitRequest(0.3), str, invalid, "text", **options)


@pytest.mark.parametrize(
    "splits",
    [
        {"train": [f"text {i % 300}" for i in range(900)] + ["", ""]},
        {"train": ["a", "b", "c", "d", "", "e", "a"]},
        {"train": ["a", "b", "c"], "validation": ["", "d"]},
        {"train": ["a"], "validation": ["b"], "test": ["c"]},
    ],
)
@pytest.mark.parametrize("max_train", [None, 2])
def test_a_stream_has_the_splits_and_the_order_of_the_lists(splits, max_train):
    counted, streamed = InvalidRecords("skip", 9), InvalidRecords("skip", 9)
    lists = reader_of(splits, counted, max_train=max_train).lists()
    stream = {split: [] for split in lists}
    for split, text in reader_of(splits, None, max_train=max_train).stream(streamed):
        stream[split].append(text)
    assert stream == lists
    assert streamed.skipped == counted.skipped
    assert not set(lists["train"]) & set(lists["test"])
