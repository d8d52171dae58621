"""Statistics against hand counts or the code that training uses."""

import gzip

import pytest

from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.text import normalize_texts
from rnn_apps.errors import DataError
from rnn_apps.inspecting.encodings import check_encoding
from rnn_apps.inspecting.inspection import Inspection
from rnn_apps.inspecting.measures import fold_text, leakage, percent, quantile, round_up, words_of
from rnn_apps.inspecting.tables import is_date, read_table

TEXTS = ["It's a <br />Film!Great?", "Grüße, 日本 語 x_y", "हिन्दी शब्द", "  ", "a\u0301b 12.5 (no)"]


def test_words_are_those_that_training_reads():
    assert [" ".join(words_of(text)) for text in TEXTS] == normalize_texts(TEXTS)


def test_a_quantile_is_a_value_that_so_many_do_not_exceed():
    assert [quantile([5, 1, 3, 2, 4], part) for part in (0, 0.2, 0.5, 0.8, 0.95, 1)] == [1, 1, 3, 4, 5, 5]


def test_leakage_is_counted_for_every_pair_of_splits():
    parts = {"train": ["a b", "c"], "validation": ["C", "d"], "test": ["a  B", "c", "d", "e"]}
    assert leakage(parts) == [
        ("train", "validation", 0, 1, "C"),
        ("train", "test", 1, 2, "a  B"),
        ("validation", "test", 1, 2, "c"),
    ]
    assert fold_text(" A\u00a0b\tC ") == "a b c"


@pytest.mark.parametrize(("part", "said"), [(1, "0.5 %"), (2, "1 %"), (50, "25 %"), (0, "0 %"), (33, "16 %")])
def test_shares_have_decimals_where_they_say_something(part, said):
    assert percent(part, 200) == said


@pytest.mark.parametrize(("number", "up"), [(3, 10), (11, 11), (101, 110), (19_234, 20_000)])
def test_sizes_are_rounded_as_a_person_would(number, up):
    assert round_up(number, 10) == up


@pytest.mark.parametrize(
    ("examples", "batch", "epochs"), [(100, 8, 30), (800, 16, 12), (25_000, 64, 4), (3000, 32, 7)]
)
def test_small_data_takes_small_batches_and_more_epochs(examples, batch, epochs):
    inspection = Inspection("text_classification", "data", "imdb")
    inspection.decide_training(examples, min_epochs=4, steps=600)
    assert inspection.setting("training.batch_size") == batch
    assert inspection.setting("training.epochs") == epochs


def test_a_validation_that_would_be_empty_gets_more_of_train():
    def load(request, bad):
        bad.skipped["no label"] += 1  # of the last attempt only
        if request.validation_fraction < 0.2:
            raise DataError("nothing for validation")
        return {"train": range(100), "validation": range(12)}

    inspection = Inspection("text_classification", "data", "imdb")
    assert len(inspection.load_splits(load)["validation"]) == 12
    assert inspection.setting("data.validation_fraction") == 0.2
    assert inspection.value("invalid_records") == {"no label": 1}


def test_a_later_decision_replaces_an_earlier_one():
    inspection = Inspection("text_classification", "data", "imdb")
    inspection.decide("seed", 1, "first")
    inspection.decide("seed", 2, "second")
    assert inspection.decisions == [("seed", 2, "second")]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gz"])
def test_encodings_are_named_with_the_line_and_the_command(tmp_path, pack):
    file = tmp_path / ("a.csv.gz" if pack is gzip.compress else "a.csv")
    file.write_bytes(pack("\ufeffä\n".encode()))
    assert check_encoding(file) == "UTF-8 with a byte-order mark"
    file.write_bytes(pack(b"good\n" * 300_000 + "caf\u00e9\n".encode("cp1252")))
    convert = "iconv -f WINDOWS-1252 -t UTF-8"
    with pytest.raises(DataError, match=rf':300001: the byte 0xE9 .* reads "caf\u00e9".*{convert}'):
        check_encoding(file)
    file.write_bytes(pack("a\n".encode("utf-16-le")))
    with pytest.raises(DataError, match=r"received UTF-16, expected UTF-8\..*iconv -f UTF-16"):
        check_encoding(file)


@pytest.mark.parametrize(
    "cell", ["2024-01-05", "5.1.2024", "01/13/24", "2024-01", "2024-01-05 10:30", "1/2/2024 9:15"]
)
def test_dates_are_known(cell):
    assert is_date(cell)


@pytest.mark.parametrize("cell", ["2024", "1.5", "1,234.5", "12-34", "10:30", "on 2024-01-05"])
def test_what_is_no_date_is_none(cell):
    assert not is_date(cell)


def test_columns_are_known_by_what_they_hold(tmp_path):
    (tmp_path / "a.csv").write_text(
        'd|n|m|t|p|e\n2024-01-05|1,5|"1.250"|some words|train|\n2024-01-06|2|3|x|test|\n'
    )
    columns = read_table(tmp_path / "a.csv").columns()
    assert [column.kind for column in columns] == ["date", "number", "number", "text", "split", "empty"]


def test_two_columns_of_one_name_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("a,a\n1,2\n")
    with pytest.raises(DataError, match='two columns are called "a"'):
        read_table(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("bad", "used", "cap"),
    [(1, 9999, 0.01), (3, 117, 0.05), (3, 97, 0.06), (1, 9, 0.2), (4, 6, 0.5), (6, 4, 0.6), (99, 1, 0.99)],
)
def test_invalid_records_may_be_twice_as_many_in_later_data_and_those_of_now_always_fit(bad, used, cap):
    skipped, inspection = InvalidRecords("skip", 10**9), Inspection("text_classification", "a.csv", "imdb")
    for _ in range(bad):
        skipped.report("f:1", "text is empty", "Remove the record.")
    inspection.decide_invalid_records(skipped, used)
    assert inspection.setting("data.max_invalid_records") == cap
    assert inspection.decisions[-1].why == f"{bad} of {bad + used:,} records now"
    skipped.max_skipped = cap
    skipped.check_fraction("f", used)


def test_the_split_with_most_invalid_records_decides_so_that_it_can_be_scored_by_itself():
    skipped, inspection = InvalidRecords("skip", 10**9), Inspection("text_classification", "a.csv", "imdb")
    skipped.report("f:1", "text is empty", "Remove the record.")
    inspection.decide_invalid_records(skipped, 999, max_share=0.1)
    assert inspection.setting("data.max_invalid_records") == 0.2
