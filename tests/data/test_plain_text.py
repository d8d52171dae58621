"""Text for language models: splits by name or position, windows by hand, messages for invalid input."""

import gzip
from types import SimpleNamespace

import numpy as np
import pytest

from rnn_apps.data import plain_text
from rnn_apps.data.plain_text import load_texts
from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.splits import DataSource, SplitRequest
from rnn_apps.data.synthetic.text import synthetic_text
from rnn_apps.errors import DataError

PARTS = ["train", "validation", "test"]
LINES = "".join(f"line {i:03}\n" for i in range(100))  # 900 characters, 9 a line
TEXTS = {"train": "a b c\nd e\n", "validation": "f g\n", "test": "h i\nj\n"}
NOT_UTF_8 = b"one\ncaf\xe9\nthree\n"


def write(folder, files):
    """Write name to content; .gz is packed."""
    for name, content in files.items():
        content = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return folder


def load(path, invalid=None, source="files", unit="character", **request):
    source = DataSource(source, path, 50, 1)
    return load_texts(source, SplitRequest(**request), invalid or InvalidRecords("fail", 0), unit)[1]


def refusal(path, **settings):
    with pytest.raises(DataError) as caught:
        load(path, **settings)
    return str(caught.value)


def lines_of(first, last):
    return LINES[9 * first : 9 * last]


@pytest.mark.parametrize("validation", ["validation", "valid", "val", "dev"])
@pytest.mark.parametrize("prefix", ["", "ptb.", "wiki-103_", "My "])
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_a_folder_names_its_splits_in_every_usual_way(tmp_path, validation, prefix, packed):
    names = dict(zip(PARTS, (f"{prefix}{name}.txt" for name in ("train", validation, "test"))))
    if prefix == "My ":
        names = {part: name[3:].upper().replace(".TXT", ".txt") for part, name in names.items()}
    noise = [
        "README.txt",
        "notes.txt",
        "constrain.txt",
        "train.csv",
        "._train.txt",
        "pretrain",
        "train.txt.bak",
    ]
    write(tmp_path, dict.fromkeys(noise, "noise"))
    write(tmp_path, {name + packed: TEXTS[part] for part, name in names.items()})
    (tmp_path / "a.test.txt").mkdir()
    name, parts = load_texts(DataSource("files", tmp_path, 0, 0), SplitRequest(), InvalidRecords("fail", 0))
    assert (name, parts, list(parts)) == (str(tmp_path), TEXTS, PARTS)


@pytest.mark.parametrize("name", ["input.txt", "train.txt", "tiny-shakespeare.txt.gz"])
def test_a_single_text_is_split_by_position_the_test_last(tmp_path, name):
    noise = {"README.md": "x", "readme.txt": "x", "LICENSE.txt": "x"}
    write(tmp_path, {name: LINES} | noise)
    expected = {"train": lines_of(10, 90), "validation": lines_of(0, 10), "test": lines_of(90, 100)}
    assert load(tmp_path) == expected
    assert load(tmp_path / name) == expected
    expected = {"train": lines_of(25, 90), "validation": lines_of(0, 25), "test": lines_of(90, 100)}
    assert load(tmp_path, validation_fraction=0.25) == expected


@pytest.mark.parametrize("name", ["test.txt", "my valid.txt"])
def test_a_file_that_is_named_is_all_the_text_whatever_its_name(tmp_path, name):
    write(tmp_path, {name: LINES, "train.txt": "another"})
    assert load(tmp_path / name)["train"] == lines_of(10, 90)


@pytest.mark.parametrize(
    ("text", "place", "cut"),
    [
        ("aaa\nbbb\nccc\nddd\n", 8, 8),
        ("aaa\nbbb\nccc\nddd\n", 9, 8),
        ("aaa\nbbb\nccc\nddd\n", 11, 12),
        ("aaa\nbbb\nccc\nddd\n", 10, 8),  # of two as near the one before
        ("aaa bbb ccc ddd\n", 9, 8),  # the only line end is the end of all
        ("a\nb ccc ddd eee", 9, 8),  # the line end, 7 away, would more than double the 6 after
        ("a\nb ccc ddd eee", 3, 2),
        ("aaabbbcccddd", 9, 9),
    ],
)
def test_cuts_are_at_line_ends_else_at_spaces_else_where_they_fall(text, place, cut):
    assert plain_text._cut(text, place, len(text) - place) == cut


def test_nothing_is_lost_or_doubled_by_the_cuts(tmp_path):
    rng = np.random.default_rng(0)
    text = "".join("x" * length + "\n" for length in rng.integers(0, 60, 300))
    parts = load(write(tmp_path, {"input.txt": text}))
    assert parts["validation"] + parts["train"] + parts["test"] == text
    assert all(part.endswith("\n") for part in parts.values())
    assert [len(part) / len(text) for part in parts.values()] == pytest.approx([0.8, 0.1, 0.1], abs=0.005)


@pytest.mark.parametrize("given", ["validation.txt", "test.txt"])
def test_with_one_split_besides_train_it_is_the_test_and_validation_begins_train(tmp_path, given):
    parts = load(write(tmp_path, {"train.txt": LINES, given: "x y\n"}), validation_fraction=0.2)
    assert parts == {"train": lines_of(20, 100), "validation": lines_of(0, 20), "test": "x y\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"input.txt": LINES}, {"test": LINES}),
        ({"train.txt": LINES}, {"test": LINES}),
        ({"test.txt": "x y\n"}, {"test": "x y\n"}),
        ({"valid.txt": "x y\n"}, {"test": "x y\n"}),
        ({"valid.txt": "u v\n", "test.txt": "x y\n"}, {"validation": "u v\n", "test": "x y\n"}),
        (
            {"train.txt": LINES, "test.txt": "x y\n"},
            {"train": lines_of(10, 100), "validation": lines_of(0, 10), "test": "x y\n"},
        ),
    ],
)
def test_whole_takes_a_single_text_as_the_test(tmp_path, files, expected):
    parts = load(write(tmp_path, files), use_all_for_test=True)
    assert parts == dict.fromkeys(PARTS, "") | expected
    assert list(parts) == PARTS


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_are_newlines_and_all_else_stays(tmp_path, ending, mark):
    lines = ["  Zwei  alte\t“Hunde” ", "", "\x0c\x85\u2028 <unk> N\x00", "the last is open"]
    text = (mark + ending.join(lines)).encode()
    parts = load(write(tmp_path, {"train.txt": text, "test.txt": text}))
    assert parts["test"] == "\n".join(lines)


def test_the_sample_is_generated_and_split_by_lines():
    name, parts = load_texts(
        DataSource("sample", None, 100, 3), SplitRequest(use_all_for_test=True), InvalidRecords("fail", 0)
    )
    assert name == "sample:sayings"
    assert parts["validation"] + parts["train"] + parts["test"] == synthetic_text(100, 3)
    assert [part.count("\n") for part in parts.values()] == pytest.approx([80, 10, 10], abs=2)
    assert all(part.endswith(" .\n") for part in parts.values())


def test_a_invalid_line_is_refused_by_its_place_or_skipped_and_counted(tmp_path):
    write(tmp_path, {"train.txt": TEXTS["train"], "val.txt": NOT_UTF_8, "test.txt": TEXTS["test"]})
    assert refusal(tmp_path) == (
        f"{tmp_path}/val.txt:2: not valid UTF-8; received the byte 0xE9. Save the file as UTF-8. "
        "Or skip such records: data.on_invalid_record=skip"
    )
    invalid = InvalidRecords("skip", 1)
    assert load(tmp_path, invalid)["validation"] == "one\nthree\n"
    assert dict(invalid.skipped) == {"not valid UTF-8": 1}


CANNOT_BE_USED = [
    (
        {},
        "received an empty folder, expected train.txt or .txt.gz, or a single file. Name the files train.txt",
    ),
    (
        {"a.csv": "x", "README.txt": "x"},
        "folder: received README.txt, a.csv, expected train.txt or .txt.gz, or a single file",
    ),
    (
        {"b.txt": LINES, "a.txt.gz": LINES},
        "folder: received a.txt.gz, b.txt, expected train.txt or .txt.gz, or a single file",
    ),
    ({f"{i}.txt": LINES for i in range(9)}, "5.txt, 6.txt, 7.txt and 1 more, expected"),
    ({"test.txt": LINES}, "folder: received test.txt, expected train.txt or .txt.gz, or a single file. "),
    ({"test.txt": LINES, "dev.txt": LINES}, "folder: received dev.txt, test.txt, expected train.txt or "),
    (
        {"train.txt": LINES, "train.txt.gz": LINES},
        "folder: received train.txt, train.txt.gz for train, expected one file for train. Keep the one that ",
    ),
    (
        {"train.txt": LINES, "ptb.valid.txt": LINES, "dev.txt": LINES},
        "folder: received dev.txt, ptb.valid.txt for validation, expected one file for validation. ",
    ),
    ({"train.txt": LINES, "test.txt": ""}, "folder/test.txt: empty. Give a text, or move the file away."),
    ({"input.txt": "\n \r\n"}, "folder/input.txt: empty. "),
    ({"input.txt": b"\xff\xfea\x00\n\x00"}, "folder/input.txt: received UTF-16, expected UTF-8. Save the "),
    ({"input.txt": b"\xfe\xff\x00a\x00\n"}, "folder/input.txt: received UTF-16, expected UTF-8. Save the "),
    ({"input.txt": NOT_UTF_8}, "folder/input.txt:2: not valid UTF-8; received the byte 0xE9. "),
    ({"input.txt": b"a\n\n\xed\xa0\x80b\n"}, "folder/input.txt:3: not valid UTF-8; received the byte 0xED. "),
    (
        {"train.txt": LINES, "test.txt": "x"},
        "folder: received 1 character for test, expected at least 2. Give more text, or a file for test.",
    ),
    ({"input.txt": "a\nb\nc\nd\n"}, "folder: received 1 character for validation, expected at least 2. "),
]


@pytest.mark.parametrize(("files", "message"), CANNOT_BE_USED, ids=lambda value: " ".join(value)[:40])
def test_a_folder_that_cannot_be_used_says_why(tmp_path, files, message):
    folder = tmp_path / "folder"
    folder.mkdir()
    assert message in refusal(write(folder, files))


def test_a_split_is_measured_in_the_unit_that_is_read(tmp_path):
    write(tmp_path, {"train.txt": LINES, "test.txt": "word"})
    assert load(tmp_path)["test"] == load(tmp_path, unit="subword")["test"] == "word"
    assert refusal(tmp_path, unit="word").startswith(f"{tmp_path}: received 1 word for test, expected at ")
    write(tmp_path, {"test.txt": "w"})
    assert ": received 1 character for test, expected at least 2." in refusal(tmp_path, unit="subword")
    write(tmp_path, {"test.txt": "word\n"})  # the line end is the second
    assert load(tmp_path, unit="word")["test"] == "word\n"


def test_whole_wants_a_test_and_nothing_else(tmp_path):
    assert "folder: received an empty folder" in refusal(folder_in(tmp_path), use_all_for_test=True)
    write(tmp_path, {"train.txt": "x", "test.txt": "y"})
    assert "received 1 character for test" in refusal(tmp_path, use_all_for_test=True)
    write(tmp_path, {"test.txt": "y z"})
    assert load(tmp_path, use_all_for_test=True)["test"] == "y z"


def folder_in(path):
    (path / "folder").mkdir()
    return path / "folder"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "nowhere: no such file or folder. Check the path: data.path"),
        ("nowhere.txt", "nowhere.txt: no such file or folder. "),
        ("a.csv", "a.csv: received a .csv file, expected .txt or .txt.gz."),
        ("text", "text: received a file without an extension, expected .txt or .txt.gz."),
        ("broken.txt.gz", "broken.txt.gz: cannot be read: "),
    ],
)
def test_a_path_that_cannot_be_read_is_named(tmp_path, name, message):
    write(tmp_path, {"a.csv": "x", "text": "x", "broken.txt.gz": LINES})
    (tmp_path / "broken.txt.gz").write_bytes((tmp_path / "broken.txt.gz").read_bytes()[:-20])
    assert refusal(tmp_path / name).startswith(f"{tmp_path}/{message}")


def test_a_home_folder_may_be_written_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(write(tmp_path, {"input.txt": LINES})))
    assert load("~/input.txt") == load("~") == load(tmp_path)


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A folder with tiny_shakespeare as TFDS itself writes it; its train part in two examples."""
    import tensorflow_datasets as tfds

    examples = {
        "train": ["To be\ror not", "Grüße\r\n"],
        "validation": ["Enter\n", "\nGhost"],
        "test": ["Exit\n"],
    }
    with tfds.core.registered.skip_registration():

        class TinyShakespeare(tfds.core.GeneratorBasedBuilder):
            name = "tiny_shakespeare"
            VERSION = tfds.core.Version("1.0.0")
            pkg_dir_path = tmp_path

            def _info(self):
                features = tfds.features.FeaturesDict({"text": tfds.features.Text()})
                return tfds.core.DatasetInfo(builder=self, features=features, disable_shuffling=True)

            def _split_generators(self, dl_manager):
                return {split: enumerate({"text": text} for text in examples[split]) for split in examples}

            def _generate_examples(self):
                raise NotImplementedError

        tfds.disable_progress_bar()
        TinyShakespeare(data_dir=tmp_path).download_and_prepare()
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))


def test_a_set_that_tfds_prepared_is_read_without_a_network(prepared):
    name, parts = load_texts(
        DataSource("tfds:tiny_shakespeare", None, 0, 0),
        SplitRequest(use_all_for_test=True),
        InvalidRecords("fail", 0),
    )
    assert name == "tfds:tiny_shakespeare"
    assert parts == {"train": "To be\nor not\nGrüße\n", "validation": "Enter\n\nGhost", "test": "Exit\n"}
    assert list(parts) == PARTS


@pytest.fixture
def tfds_gives(monkeypatch):
    """Let a set of TFDS have these features and examples."""

    def give(features, examples):
        builder = SimpleNamespace(name="some_set", info=SimpleNamespace(features=features, splits=examples))
        monkeypatch.setattr(plain_text.tfds_source, "open_builder", lambda name: builder)

        def read_examples(builder, split, features):
            return ((f"{builder.name}:{split}:{i}", text) for i, text in enumerate(examples[split]))

        monkeypatch.setattr(plain_text.tfds_source, "read_examples", read_examples)

    return give


def test_splits_that_a_set_of_tfds_lacks_are_cut_off_train(tfds_gives):
    tfds_gives(["text"], {"train": [lines_of(0, 50), lines_of(50, 99) + "line 099"]})
    parts = load(None, source="tfds:some_set")
    assert parts["train"] == lines_of(10, 90)
    assert parts["test"] == lines_of(90, 99) + "line 099"


@pytest.mark.parametrize(
    ("features", "examples", "message"),
    [
        (["words", "tags"], {"train": []}, "tfds:some_set: received the features words, tags, expected one "),
        (["text"], {}, "tfds:some_set: received the splits none, expected one called train."),
        (["text"], {"test": ["a"]}, "tfds:some_set: received the splits test, expected one called train."),
        (
            ["text"],
            {"train": ["ab", "c\nd\udce9\n"]},
            "some_set:train:1:2: not valid UTF-8; received the byte 0x",
        ),
        (
            ["text"],
            {"train": [LINES], "test": []},
            "tfds:some_set: received 0 characters for test, expected ",
        ),
    ],
)
def test_a_set_of_tfds_that_cannot_be_used_says_why(tfds_gives, features, examples, message):
    tfds_gives(features, examples)
    assert refusal(None, source="tfds:some_set").startswith(message)
