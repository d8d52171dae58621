"""Invalid records: reported, counted, refused or skipped; and the split of a text."""

from collections import Counter

import pytest

from rnn_apps.data.records import (
    MAX_REASONS,
    ClassNames,
    InvalidRecords,
    LabelledText,
    usable,
)
from rnn_apps.data.splits import hashed_split
from rnn_apps.errors import DataError

CLASSES = ClassNames(["negative", "positive"], "Fix it.")
INVALID = [
    (LabelledText("f:1", "", "0"), "text is empty"),
    (LabelledText("f:2", " \t\n\u00a0", "0"), "text is empty"),
    (LabelledText("f:3", "good", ""), "label is missing"),
    (LabelledText("f:4", "good", "  "), "label is missing"),
    (LabelledText("f:5", "caf\udce9", "0"), "not valid UTF-8"),
    (LabelledText("f:6", "good", "neg\udce9"), "not valid UTF-8"),
    (LabelledText("f:7", "good", "neutral"), "label is not one of the classes"),
    (LabelledText("f:8", "", "", "not JSON"), "not JSON"),
]


@pytest.mark.parametrize(("record", "reason"), INVALID, ids=lambda value: str(value)[:30])
def test_a_invalid_record_is_refused_by_place_and_reason(record, reason):
    with pytest.raises(DataError) as caught:
        list(usable([record], CLASSES, InvalidRecords("fail", 0)))
    message = str(caught.value)
    assert message.startswith(f"{record.location}: {reason}")
    assert message.endswith("Or skip such records: data.on_invalid_record=skip")


def test_an_unknown_label_says_what_was_received_and_expected():
    with pytest.raises(DataError) as caught:
        list(usable([LabelledText("f:7", "good", "neutral")], CLASSES, InvalidRecords("fail", 0)))
    assert '; received "neutral", expected negative, positive (or 0 to 1). Fix it.' in str(caught.value)


def test_skipped_records_are_counted_by_reason_and_the_others_kept():
    invalid = InvalidRecords("skip", len(INVALID))
    records = [
        LabelledText("f:0", "one", "0"),
        *(record for record, _ in INVALID),
        LabelledText("f:9", "two", "1"),
    ]
    assert list(usable(records, CLASSES, invalid)) == [("one", 0), ("two", 1)]
    counted = {"label is not one of the classes": 'unknown label "neutral"'}
    assert invalid.skipped == Counter(counted.get(reason, reason) for _, reason in INVALID)


def test_labels_without_end_are_counted_in_bounded_memory():
    invalid = InvalidRecords("skip", 10**6)
    records = (LabelledText("f:1", "text", f"label {number}") for number in range(MAX_REASONS + 7))
    assert list(usable(records, CLASSES, invalid)) == []
    assert len(invalid.skipped) == MAX_REASONS + 1
    assert invalid.skipped["label is not one of the classes"] == 7


@pytest.mark.parametrize(("cap", "used", "fits"), [(0.25, 9, True), (0.25, 8, False), (0.99, 1, True)])
def test_a_cap_below_one_is_a_fraction_of_all_records(cap, used, fits):
    invalid = InvalidRecords("skip", cap)
    for _ in range(3):
        invalid.report("f:1", "text is empty", "Remove the record.")
    if fits:
        invalid.check_fraction("f", used)
        return
    message = (
        rf"f: received 3 of {3 + used} records that cannot be used \(3 text is empty\), expected at most"
    )
    with pytest.raises(DataError, match=message):
        invalid.check_fraction("f", used)


def test_more_invalid_records_than_the_cap_are_refused():
    records = [LabelledText(f"f:{i}", "", "0") for i in range(1, 5)]
    assert list(usable(records[:3], CLASSES, InvalidRecords("skip", 3))) == []
    with pytest.raises(DataError) as caught:
        list(usable(records, CLASSES, InvalidRecords("skip", 3)))
    assert str(caught.value) == (
        "f:4: text is empty; more than 3 invalid records were skipped, this one last. Remove the record. "
        "Or raise the cap: data.max_invalid_records=N"
    )


@pytest.mark.parametrize(
    ("label", "index"),
    [
        ("negative", 0),
        (" positive ", 1),
        ("0", 0),
        ("1", 1),
        ("1.0", 1),
        ("Positive", 1),
        ("NEGATIVE", 0),
        ("2", None),
        ("-1", None),
        ("pos", None),
        ("", None),
    ],
)
def test_a_label_means_a_class_by_name_by_number_or_in_other_capitals(label, index):
    assert CLASSES.index(label) == index


def test_a_name_goes_before_a_number_and_capitals_that_tell_classes_apart_count():
    assert [ClassNames(["1", "0"], "").index(label) for label in "01"] == [1, 0]
    names = ClassNames(["Polish", "polish"], "")
    assert [names.index(label) for label in ("Polish", "polish", "POLISH")] == [0, 1, None]


def test_many_classes_are_shown_in_split():
    assert str(ClassNames([f"c{i}" for i in range(1000)], "")).endswith("c11, ... (or 0 to 999)")


def test_equal_texts_fall_into_one_split_and_the_splits_have_their_sizes():
    fractions = {"test": 0.2, "validation": 0.1}
    parts = Counter(hashed_split(f"review {i}", fractions) for i in range(5000))
    assert parts["test"] == pytest.approx(1000, abs=100)  # 3.5 standard deviations of a binomial
    assert parts["validation"] == pytest.approx(500, abs=75)
    assert {hashed_split("the same", fractions) for _ in range(3)} == {hashed_split("the same", fractions)}


def test_another_fraction_of_validation_never_moves_the_test_split():
    texts = [f"review {i}" for i in range(500)]
    small, large = (
        {t for t in texts if hashed_split(t, {"test": 0.2, "validation": v}) == "test"} for v in (0.1, 0.5)
    )
    assert small == large
