"""Labels: spellings of one class, numeric labels, and those that mark a missing one."""

import pytest

from rnn_apps.data.labels import gather_labels
from rnn_apps.data.records import ClassNames, InvalidRecords, LabelledText, usable
from rnn_apps.data.sources import load_labelled_texts, open_files
from rnn_apps.data.splits import SplitRequest
from rnn_apps.errors import DataError


def test_labels_that_are_one_number_and_capitals_are_one_class_and_missing_ones_none():
    found = gather_labels(["yes", "YES", "yes", " no", "1", "1.0", "1.0", "nan", "None", "none", "", "nan"])
    assert found.names == ["1.0", "no", "none", "yes"]
    assert found.equal_numbers == [["1", "1.0"]]
    assert found.other_capitals == [["YES", "yes"]]
    assert found.missing == {"None": 1, "nan": 2}
    assert gather_labels(["10", "9", "9.5"]).names == ["9", "9.5", "10"]
    assert gather_labels(["a", "A"], fold=False).names == ["A", "a"]


@pytest.mark.parametrize(
    ("names", "label", "index"),
    [
        (["4.0", "5.0"], "5", 1),
        (["4", "5"], "5.0", 1),
        (["1", "2", "3"], "1.0", 0),  # the class 1, not the one of number 1
        (["1", "2", "3"], "1", 0),
        (["neg", "pos"], "1.0", 1),
        (["neg", "pos"], "1", 1),
        (["neg", "pos"], "2", None),
        (["neg", "pos"], "nan", None),
    ],
)
def test_a_label_means_the_class_of_the_same_number_before_the_number_of_a_class(names, label, index):
    assert ClassNames(names, "").index(label) == index


def test_a_missing_label_is_reported_as_such_unless_it_is_a_class():
    records = [LabelledText("a:1", "text", "nan"), LabelledText("a:2", "text", "x")]
    invalid = InvalidRecords("skip", 10)
    assert list(usable(iter(records), ClassNames(["x", "y"], ""), invalid)) == [("text", 0)]
    assert dict(invalid.skipped) == {"label is missing": 1}
    assert len(list(usable(iter(records), ClassNames(["x", "nan"], ""), invalid))) == 2


def loaded(file):
    return load_labelled_texts(open_files(file, "text", "label"), SplitRequest(), InvalidRecords("fail", 0))


def test_classes_taken_from_the_data_are_numbers_once_and_missing_labels_are_none(tmp_path):
    rows = [f"text number {i},{'1.0' if i % 4 == 1 else i % 2}\n" for i in range(60)]
    file = tmp_path / "a.csv"
    file.write_text("text,label\n" + "".join(rows))
    assert loaded(file)[1] == ["0", "1"]
    file.write_text("text,label\nand one,nan\n" + "".join(rows))
    with pytest.raises(DataError, match=r"a\.csv:2: label is missing"):
        loaded(file)


def test_too_few_distinct_examples_are_said_to_be_few(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("text,label\n" + "one text,a\nanother,b\n" * 20)
    with pytest.raises(DataError, match="validation, 40 in all, 2 of them distinct, and equal ones stay in"):
        loaded(file)
