"""Tables with a label at every step: streams by name or file, and messages for invalid cells."""

import numpy as np
import pytest
from PIL import Image

from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.splits import DataSource, SplitRequest
from rnn_apps.data.step_tables import Columns, open_streams
from rnn_apps.errors import DataError

PLAIN = Columns("label", None, None, None, (8, 8), "fail")
NAMED = PLAIN._replace(stream="machine")


def loaded(path, columns=PLAIN, whole=True, action="fail"):
    invalid = InvalidRecords(action, 100)
    source = DataSource("files", path, 0, 1)
    names, reader = open_streams(source, SplitRequest(0.3, whole), invalid, columns)
    return names, reader.lists(), invalid


def a_file(folder, text, name="train.csv"):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_a_file_is_one_stream_of_all_its_other_columns(tmp_path):
    names, parts, _ = loaded(a_file(tmp_path, "x,label,y\n1,on,2\n3,off,4.5\n"))
    (one,) = parts["test"]
    assert names == ["x", "y"]
    assert one.steps.tolist() == [[1, 2], [3, 4.5]]
    assert one.labels == ["on", "off"]


def test_rows_of_several_streams_may_be_mixed(tmp_path):
    text = "machine,x,label\na,1,on\nb,10,off\na,2,on\nb,20,on\n"
    _, parts, _ = loaded(a_file(tmp_path, text), NAMED)
    assert [one.steps[:, 0].tolist() for one in parts["test"]] == [[1, 2], [10, 20]]
    assert [one.location.rpartition(", ")[2] for one in parts["test"]] == ["a", "b"]


def test_a_folder_a_split_has_a_file_a_stream_with_columns_in_any_order(tmp_path):
    for split, names in (("train", "abcdef"), ("dev", "g"), ("test", "h")):
        for name in names:
            header = "x,y,label" if name < "d" else "y,label,x"
            row = "1,2,on" if name < "d" else "2,on,1"
            a_file(tmp_path, f"{header}\n{row}\n", f"{split}/{name}.csv")
    names, parts, _ = loaded(tmp_path, whole=False)
    assert names == ["x", "y"]
    assert {split: len(streams) for split, streams in parts.items()} == {
        "train": 6,
        "validation": 1,
        "test": 1,
    }
    assert all(one.steps.tolist() == [[1, 2]] for streams in parts.values() for one in streams)


def test_streams_are_never_cut_between_splits(tmp_path):
    rows = "".join(f"m{i % 30},{i},{'on' if i % 2 else 'off'}\n" for i in range(300))
    _, parts, _ = loaded(a_file(tmp_path, "machine,x,label\n" + rows), NAMED, whole=False)
    assert all(len(one.labels) == 10 for streams in parts.values() for one in streams)
    assert sum(map(len, parts.values())) == 30
    assert all(parts.values())


def test_splits_do_not_depend_on_where_the_folder_lies(tmp_path):
    rows = "".join(f"m{i},{i},{'on' if i % 2 else 'off'}\nm{i},{i},off\n" for i in range(30))
    found = []
    for place in ("here", "somewhere/else"):
        (tmp_path / place).mkdir(parents=True)
        a_file(tmp_path / place, "machine,x,label\n" + rows)
        _, parts, _ = loaded(tmp_path / place, NAMED, whole=False)
        found.append([[one.steps[0, 0] for one in streams] for streams in parts.values()])
    assert found[0] == found[1]


def test_a_table_next_to_its_images_and_one_next_to_folders_of_tables_count(tmp_path):
    (tmp_path / "train").mkdir()
    a_file(tmp_path, "x,label\n1,on\n")
    assert [len(one.labels) for one in loaded(tmp_path)[1]["test"]] == [1]
    a_file(tmp_path, "x,label\n1,on\n", "train/a.csv")
    with pytest.raises(DataError, match="received a file train.csv and a folder of tables for train"):
        loaded(tmp_path)
    (tmp_path / "train.csv").rename(tmp_path / "test.csv")
    assert [one.location.rpartition("/")[2] for one in loaded(tmp_path)[1]["test"]] == ["test.csv"]


def test_a_label_that_is_no_utf8_is_named(tmp_path):
    (tmp_path / "train.csv").write_bytes(b"x,label\n1,caf\xe9\n")
    with pytest.raises(DataError, match="train.csv:2: not valid UTF-8"):
        loaded(tmp_path / "train.csv")


def test_images_are_read_from_the_folder_of_the_table(tmp_path):
    for number, grey in enumerate((0, 200)):
        Image.new("RGB", (10, 6), (grey,) * 3).save(tmp_path / f"{number}.png")
    columns = PLAIN._replace(frames="picture")
    names, parts, _ = loaded(a_file(tmp_path, "picture,label\n0.png,dark\n1.png,light\n"), columns)
    (one,) = parts["test"]
    assert names == []
    assert one.steps.shape == (2, 8, 8, 3)
    assert one.steps.mean(axis=(1, 2, 3)).tolist() == [0, 200]


def test_a_missing_number_repeats_the_one_before_it_where_the_recipe_says_so(tmp_path):
    file = a_file(tmp_path, "x,y,label\n1,5,on\n,6,on\nnan,7,on\n")
    _, parts, _ = loaded(file, PLAIN._replace(on_missing="previous"))
    assert parts["test"][0].steps.tolist() == [[1, 5], [1, 6], [1, 7]]


def test_numbers_may_have_commas_before_decimals_and_marks_between_thousands(tmp_path):
    file = a_file(tmp_path, "x;y;label\n1,5;1.234,5;on\n2;-7;off\n")
    assert loaded(file)[1]["test"][0].steps.tolist() == [[1.5, 1234.5], [2, -7]]
    file = a_file(tmp_path, 'x,y,label\n"1,234",0.5,on\n"12,345",2,off\n')
    assert loaded(file)[1]["test"][0].steps.tolist() == [[1234, 0.5], [12345, 2]]


INVALID = {
    "ragged": ("x,label\n1,on\n2\n", "train.csv:3: 1 field where the header has 2"),
    "a word": ("x,label\none,on\n", r'train.csv:2: x is not a number; received "one", expected a number'),
    "a comma for a point": (
        'x,label\n1.25,on\n"1,5",on\n',
        r"train.csv:3: x is not a number.*decimals have a point",
    ),
    "empty": ("x,label\n1,on\n,on\n", r"train.csv:3: x has no number. Fill it in. Or repeat"),
    "NaN": ("x,label\n1,on\nNaN,on\n", "train.csv:3: x has no number"),
    "infinite": ("x,label\n1,on\ninf,on\n", "train.csv:3: x is infinite"),
    "no label": ("x,label\n1,\n", "train.csv:2: label is missing"),
    "no column of labels": (
        "x,lable\n1,on\n",
        r'train.csv:1: no column "label"; the columns are "x", "lable". Did you mean "lable"\?',
    ),
    "nothing but labels": ("label\non\n", "no column is left for features"),
    "too large": ("x,label\n1e39,on\n", "train.csv:2: x is too large"),
    "a name twice": ("x,x,label\n1,2,on\n", r'train.csv:1: two columns are called "x"'),
    "no row": ("x,label\n", "no usable stream for test"),
    "nothing": ("", "train.csv: empty"),
}


@pytest.mark.parametrize(("text", "said"), INVALID.values(), ids=list(INVALID))
def test_what_cannot_be_read_is_named_with_its_row(tmp_path, text, said):
    with pytest.raises(DataError, match=said):
        loaded(a_file(tmp_path, text))


def test_a_image_that_is_none_is_named(tmp_path):
    with pytest.raises(DataError, match=r'train.csv:2: "gone.png" cannot be read \(No such file'):
        loaded(a_file(tmp_path, "picture,label\ngone.png,dark\n"), PLAIN._replace(frames="picture"))


def test_columns_that_changed_between_splits_are_named(tmp_path):
    a_file(tmp_path, "x,y,label\n1,2,on\n")
    a_file(tmp_path, "x,label\n1,on\n", "test.csv")
    with pytest.raises(DataError, match=r'test.csv:1: no column "y", which holds a feature'):
        loaded(tmp_path, whole=False)


def test_invalid_rows_are_skipped_where_the_recipe_says_so(tmp_path):
    _, parts, invalid = loaded(a_file(tmp_path, "x,label\n1,on\nwarm,on\n3,on\n"), action="skip")
    assert parts["test"][0].steps[:, 0].tolist() == [1, 3]
    assert dict(invalid.skipped) == {"x is not a number": 1}


def test_a_frame_of_nothing_stays_a_frame(tmp_path):
    assert np.array(loaded(a_file(tmp_path, "x,label\n0,on\n0,on\n"))[1]["test"][0].steps).shape == (2, 1)


@pytest.mark.parametrize("cell", ["", "nan", "NaN", "NA", "n/a", "null", "?"])
def test_every_mark_of_a_missing_number_repeats_the_previous_one_if_asked(tmp_path, cell):
    path = a_file(tmp_path, f"x,label\n1,on\n{cell},on\n3,on\n")
    _, splits, _ = loaded(path, Columns("label", None, None, None, (1, 1), "previous"))
    assert splits["test"][0].steps[:, 0].tolist() == [1, 1, 3]
    with pytest.raises(DataError, match="x has no number"):
        loaded(path)


def test_a_column_that_is_no_number_from_the_start_may_name_the_streams(tmp_path):
    with pytest.raises(DataError, match=r'machine is not a number; received "m0", .*data\.stream=machine'):
        loaded(a_file(tmp_path, "machine,x,label\nm0,1,on\nm0,2,on\n"))
