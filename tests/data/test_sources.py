"""Labelled texts from files, TensorFlow Datasets or synthetic data, split into train, validation and test."""

import csv
import socket
import time

import pytest

from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.sources import load_labelled_texts, open_source
from rnn_apps.data.splits import DataSource, SplitRequest
from rnn_apps.data.tfds_source import SourceUnavailable, open_builder, read_examples
from rnn_apps.errors import DataError

NAMES = ["negative", "positive"]


def write(folder, part, rows):
    folder.mkdir(exist_ok=True)
    with open(folder / f"{part}.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return folder


def rows(count, start=0):
    return [(f"review number {i}", NAMES[i % 2]) for i in range(start, start + count)]


def opened(path, required_split="train", name="files", size=0, seed=1):
    return open_source(DataSource(name, path, size, seed), "text", "label", required_split)


def load(path, class_names=NAMES, fraction=0.1, on_invalid_record="fail", max_invalid_records=100):
    invalid = InvalidRecords(on_invalid_record, max_invalid_records)
    splits, names = load_labelled_texts(opened(path), SplitRequest(fraction), invalid, class_names)
    return splits, names, dict(invalid.skipped)


def texts(parts):
    return {part: set(loaded.texts) for part, loaded in parts.items()}


def test_all_splits_that_are_there_are_taken_as_they_are(tmp_path):
    for part, start in (("train", 0), ("validation", 10), ("test", 20)):
        write(tmp_path, part, rows(6, start))
    parts, names, skipped = load(tmp_path)
    assert names == NAMES
    assert skipped == {}
    for part, start in (("train", 0), ("validation", 10), ("test", 20)):
        assert list(zip(parts[part].texts, parts[part].labels)) == [
            (t, NAMES.index(n)) for t, n in rows(6, start)
        ]


def test_without_validation_it_is_split_off_from_train_alone(tmp_path):
    write(write(tmp_path, "train", rows(300)), "test", rows(20, 300))
    parts = texts(load(tmp_path, fraction=0.3)[0])
    assert parts["test"] == {text for text, _ in rows(20, 300)}
    assert parts["train"] | parts["validation"] == {text for text, _ in rows(300)}
    assert not parts["train"] & parts["validation"]
    assert len(parts["validation"]) == pytest.approx(90, abs=28)  # 3.5 standard deviations


def test_without_test_the_validation_split_is_the_test(tmp_path):
    write(write(tmp_path, "train", rows(300)), "validation", rows(20, 300))
    parts = texts(load(tmp_path)[0])
    assert parts["test"] == {text for text, _ in rows(20, 300)}
    assert parts["validation"] < {text for text, _ in rows(300)}


def test_a_single_file_is_divided_in_three_and_duplicates_stay_together(tmp_path):
    write(tmp_path, "all", rows(300) * 2)
    loaded = load(tmp_path / "all.csv")[0]
    parts = texts(loaded)
    assert sum(map(len, parts.values())) == 300
    assert sum(map(len, loaded.values())) == 600
    assert len(parts["test"]) == pytest.approx(60, abs=25)
    assert len(parts["validation"]) == pytest.approx(24, abs=17)  # 0.1 of what is not test


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["b", "a"], ["a", "b"]),
        (["10", "9"], ["9", "10"]),
        (["2", "-1"], ["-1", "2"]),
        (["5.0", "10.0"], ["5.0", "10.0"]),
        (["²", "1"], ["1", "²"]),
    ],
)
def test_classes_may_be_taken_from_the_data_numbers_in_their_order(tmp_path, labels, names):
    write(tmp_path, "train", [(f"review {i}", labels[i % 2]) for i in range(200)])
    parts, found, _ = load(tmp_path / "train.csv", class_names=None)
    assert found == names
    assert parts["train"].labels[0] == names.index(labels[int(parts["train"].texts[0].split()[1]) % 2])


def test_a_class_that_only_the_test_split_shows_is_a_invalid_record(tmp_path):
    write(write(tmp_path, "train", rows(100)), "test", [("odd", "mixed")])
    with pytest.raises(DataError, match=r'test\.csv:2: label is not one of the classes; received "mixed"'):
        load(tmp_path, class_names=None)


def test_labels_that_do_not_fit_the_names_say_how_to_take_those_of_the_data(tmp_path):
    write(tmp_path, "train", [(f"review {i}", ("bad", "good")[i % 2]) for i in range(100)])
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    assert str(caught.value) == (
        f'{tmp_path}/train.csv:2: label is not one of the classes; received "bad", expected negative, '
        "positive (or 0 to 1). Fix the label. Or take the classes from the data: data.class_names=null. "
        "Or skip such records: data.on_invalid_record=skip"
    )


def test_invalid_records_are_counted_over_all_splits(tmp_path):
    write(
        write(tmp_path, "train", [*rows(100), ("", "negative")]),
        "test",
        [*rows(5, 100), (" ", "negative"), ("x", "")],
    )
    skipped = load(tmp_path, on_invalid_record="skip", max_invalid_records=3)[2]
    assert skipped == {"text is empty": 2, "label is missing": 1}
    with pytest.raises(DataError, match="more than 2 invalid records"):
        load(tmp_path, on_invalid_record="skip", max_invalid_records=2)


@pytest.mark.parametrize("class_names", [NAMES, None])
def test_one_class_only_is_refused(tmp_path, class_names):
    write(tmp_path, "train", [(f"review {i}", "negative") for i in range(100)])
    with pytest.raises(DataError, match='class "negative" in train, expected two classes or more'):
        load(tmp_path, class_names=class_names)


def test_a_column_of_empty_labels_is_refused(tmp_path):
    write(tmp_path, "train", [(f"review {i}", "") for i in range(10)])
    with pytest.raises(DataError, match="received no label in train, expected two classes or more"):
        load(tmp_path, class_names=None, on_invalid_record="skip")


def test_a_split_without_examples_is_refused(tmp_path):
    write(write(tmp_path, "train", rows(100)), "test", [])
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: no usable text for test, 100 in all. Give more texts, or a file for test."
    )


def test_a_file_without_records_is_refused(tmp_path):
    write(tmp_path, "train", [])
    with pytest.raises(DataError, match="no usable text for train, 0 in all"):
        load(tmp_path)


def test_a_column_of_free_text_is_no_label(tmp_path):
    write(tmp_path, "train", [(f"review {i}", f"text {i}") for i in range(1001)])
    with pytest.raises(
        DataError, match=r"1001 distinct labels in train, expected at most 1000 .*data\.label=COLUMN"
    ):
        load(tmp_path, class_names=None)


def test_a_long_review_and_one_of_breaks_alone_are_kept(tmp_path):
    long, breaks = "word " * 100_000, "<br /><br />"
    write(
        write(tmp_path, "train", [*rows(50), (long, "negative"), (breaks, "positive")]), "test", rows(5, 50)
    )
    parts = texts(load(tmp_path)[0])
    assert {long, breaks} <= parts["train"] | parts["validation"]


def test_a_trained_network_is_tested_on_the_same_texts_as_after_training(tmp_path):
    write(tmp_path, "train", rows(200))
    after_training = load(tmp_path)[0]["test"]
    invalid = InvalidRecords("fail", 0)
    later, _ = load_labelled_texts(opened(tmp_path), SplitRequest(), invalid, known_classes=NAMES)
    assert (later["test"].texts, later["test"].labels) == (after_training.texts, after_training.labels)


def test_other_data_is_tested_on_whole_where_it_has_no_split_for_it(tmp_path):
    write(tmp_path, "train", rows(50))
    source = opened(tmp_path / "train.csv", required_split=None)
    request = SplitRequest(use_all_for_test=True, required_split=None)
    splits, _ = load_labelled_texts(source, request, InvalidRecords("fail", 0), known_classes=NAMES)
    assert {split: len(found) for split, found in splits.items()} == {"test": 50}


def test_nothing_to_test_on_is_refused_with_what_was_skipped(tmp_path):
    write(write(tmp_path, "train", rows(50)), "test", [("", "negative")])
    with pytest.raises(DataError, match="no usable text for test, 50 in all; skipped 1: text is empty"):
        load(tmp_path, on_invalid_record="skip")


def test_the_sample_is_seeded_and_divided_seven_to_one_to_two():
    first, second, other = (opened(None, name="sample", size=200, seed=seed) for seed in (1, 1, 2))
    assert [len(list(first.records(split))) for split in first.splits] == [140, 20, 40]
    assert list(first.records("test")) == list(second.records("test"))
    assert list(first.records("test")) != list(other.records("test"))


# TensorFlow Datasets

REVIEWS = {
    "train": [("A triumph.", 1), ("A <br /> bore.", 0), ("Grüße 🎬", 1)],
    "test": [("Dull", 0), ("Rich", 1)],
}


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A folder with imdb_reviews as TFDS itself writes it, of five reviews."""
    import tensorflow_datasets as tfds

    with tfds.core.registered.skip_registration():

        class ImdbReviews(tfds.core.GeneratorBasedBuilder):
            name = "imdb_reviews"
            VERSION = tfds.core.Version("1.0.0")
            BUILDER_CONFIGS = [tfds.core.BuilderConfig(name="plain_text", version="1.0.0")]
            pkg_dir_path = tmp_path

            def _info(self):
                label = tfds.features.ClassLabel(names=["neg", "pos"])
                features = tfds.features.FeaturesDict({"text": tfds.features.Text(), "label": label})
                return tfds.core.DatasetInfo(builder=self, features=features)

            def _split_generators(self, dl_manager):
                return {split: self._generate_examples(split) for split in REVIEWS}

            def _generate_examples(self, split):
                for i, (text, label) in enumerate(REVIEWS[split]):
                    yield i, {"text": text, "label": label}

        tfds.disable_progress_bar()
        ImdbReviews(data_dir=tmp_path, config="plain_text").download_and_prepare()
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    return tmp_path


def no_network(*_, **__):
    raise OSError("no network in this test")


def test_a_set_that_tfds_prepared_is_read_without_a_network(prepared, monkeypatch, capfd):
    monkeypatch.setattr(socket, "create_connection", no_network)
    capfd.readouterr()
    source = opened(None, name="tfds:imdb_reviews")
    assert source.name == "tfds:imdb_reviews"
    assert (source.splits, source.class_names) == (["train", "test"], ["neg", "pos"])
    for part, expected in REVIEWS.items():
        assert sorted((r.text, int(r.label)) for r in source.records(part)) == sorted(expected)
    assert capfd.readouterr() == ("", "")


def test_a_set_without_a_train_split_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("rnn_apps.data.tfds_source._check_hosts", lambda builder: None)
    monkeypatch.setattr("rnn_apps.data.tfds_source._download", lambda builder: None)
    with pytest.raises(
        DataError, match="^tfds:imdb_reviews: received the splits none, expected one called train"
    ):
        opened(None, name="tfds:imdb_reviews")


def test_a_missing_feature_names_those_there_are(prepared):
    with pytest.raises(DataError) as caught:
        next(read_examples(open_builder("imdb_reviews"), "train", {"text": "text", "label": "stars"}))
    assert str(caught.value) == (
        'imdb_reviews: no feature "stars"; its features are text, label. '
        "Name the right one: data.label=FEATURE"
    )


def test_an_unknown_set_names_the_nearest():
    with pytest.raises(DataError) as caught:
        open_builder("imdb_review")
    assert str(caught.value).startswith(
        'data.source: TensorFlow Datasets has no data set "imdb_review". Did you mean "imdb_reviews"'
    )


@pytest.mark.parametrize("name", ["imdb_reviews/nothing", "imdb_reviews:9.9.9"])
def test_an_unknown_configuration_or_version_is_the_users_to_fix(name):
    with pytest.raises(DataError, match="TensorFlow Datasets cannot open"):
        open_builder(name)


def test_a_set_out_of_reach_is_unavailable_and_leaves_nothing_behind(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "sets"))
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    with pytest.raises(SourceUnavailable) as caught:
        open_builder("imdb_reviews")
    assert (
        str(caught.value) == f"imdb_reviews is not in {tmp_path / 'sets'} and ai.stanford.edu does not answer"
    )
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_a_host_that_is_mute_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "sets"))
    monkeypatch.setattr("rnn_apps.data.tfds_source.MAX_PROBE_SECONDS", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(2) or [])
    start = time.monotonic()
    with pytest.raises(SourceUnavailable, match="does not answer"):
        open_builder("imdb_reviews")
    assert time.monotonic() - start < 1.5


def test_a_fetch_that_fails_midway_is_unavailable_and_leaves_nothing_behind(tmp_path, monkeypatch, capfd):
    import tensorflow_datasets as tfds

    def cut_off(self, dl_manager, download_config):
        self.data_path.mkdir(parents=True, exist_ok=True)
        print("noise of TFDS")
        raise OSError("connection reset\nand more")

    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "sets"))
    monkeypatch.setattr("rnn_apps.data.tfds_source._check_hosts", lambda builder: None)
    monkeypatch.setattr(tfds.core.GeneratorBasedBuilder, "_download_and_prepare", cut_off)
    with pytest.raises(SourceUnavailable, match="^imdb_reviews could not be downloaded: connection reset$"):
        open_builder("imdb_reviews")
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_an_answer_of_the_host_other_than_the_file_is_told(monkeypatch):
    import requests

    class Refusal:
        ok, status_code, reason = False, 403, "Forbidden"
        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda self, *error: None  # noqa: E731

    monkeypatch.setattr(requests, "get", lambda *_, **__: Refusal())
    monkeypatch.setenv("TFDS_DATA_DIR", "/nowhere")
    with pytest.raises(SourceUnavailable, match="and ai.stanford.edu answers 403 Forbidden"):
        open_builder("imdb_reviews")
