"""Headers: found below other lines, completed if names are missing, refused if they are data."""

import pytest

from rnn_apps.data.files import open_table, read_records
from rnn_apps.data.headers import is_unnamed, name_columns
from rnn_apps.errors import DataError
from rnn_apps.inspecting.tables import read_table


def rows_of(folder, text):
    file = folder / "a.csv"
    file.write_text(text)
    with open_table(file) as table:
        header = int(table.location.rpartition(":")[2]), table.columns
        return [header, *((number, cells) for number, cells, _ in table.rows)]


BELOW = "2020-01-01;1,5\n2020-01-02;2,5\n2020-01-03;3,5\n"
VALUES = [["2020-01-01", "1,5"], ["2020-01-02", "2,5"], ["2020-01-03", "3,5"]]


@pytest.mark.parametrize(
    ("above", "line"),
    [
        ("day;sold\n", 1),
        ('\ufeff"day";"sold"\n', 1),
        ("sep=;\nday;sold\n", 2),
        ("Sales of the shop\n\nday;sold\n", 3),
        ("Sales, by day, of the shop\nmade in 2024\nday;sold\n", 3),
        ("day;sold;\n", 1),
    ],
)
def test_a_table_begins_with_its_names_whatever_is_above_them(tmp_path, above, line):
    assert rows_of(tmp_path, above + BELOW) == [
        (line, ["day", "sold"]),
        *((line + 1 + i, row) for i, row in enumerate(VALUES)),
    ]


def test_a_separator_at_the_end_of_each_row_is_no_column(tmp_path):
    rows = rows_of(tmp_path, "day;sold\n" + BELOW.replace("\n", ";\n"))
    assert [row for _, row in rows] == [["day", "sold"], *VALUES]


def test_counted_rows_without_a_name_for_the_count_get_one(tmp_path):
    rows = rows_of(tmp_path, "x,y\n1,a,b\n2,c,d\n3,e,f\n")
    assert [row for _, row in rows][:2] == [["unnamed column 1", "x", "y"], ["1", "a", "b"]]


def test_columns_without_a_name_are_called_by_their_number():
    names = name_columns(["", " x ", "", "unnamed column 9"])
    assert names == ["unnamed column 1", "x", "unnamed column 3", "unnamed column 9"]
    assert [is_unnamed(names, i) for i in range(4)] == [True, False, True, False]


RECORDS = {
    "labels": "1,a bad film\n2,a good film\n1,a dull film\n2,a fine film\n1,a poor film\n",
    "dates": "2020-01-01,up\n2020-01-02,down\n2020-01-03,none\n",
    "numbers": "1,2.5\n2,3.5\n3,4.5\n",
    "one column": "5\n6\n7\n",
}


@pytest.mark.parametrize("text", RECORDS.values(), ids=list(RECORDS))
def test_a_record_in_place_of_names_is_refused(tmp_path, text):
    with pytest.raises(DataError, match=r"a\.csv:1: looks like a record, not a line of column names"):
        rows_of(tmp_path, text)


NAMES = {
    "counted columns": "0,1,2\n5.5,6,7\n5.5,6,7\n",
    "years": "country,2019,2020\nFrance,1.5,2.5\nSpain,1.5,2.5\n",
    "one of the labels": "text,spam\na b,spam\nc d,ham\ne f,spam\ng h,ham\n",
    "repeated": "word,kind\na,b\nword,kind\nc,d\nword,kind\n",
    "one counted column": "0\n5.5\n6.5\n",
    "a lone row": "1,2\n3,4\n",
}


@pytest.mark.parametrize("text", NAMES.values(), ids=list(NAMES))
def test_names_that_look_a_little_like_records_are_names(tmp_path, text):
    assert rows_of(tmp_path, text)[0] == (1, text.partition("\n")[0].split(","))


def test_columns_without_name_and_cells_are_left_out_and_the_others_named(tmp_path):
    (tmp_path / "a.csv").write_text(",x,,\n1,2,,\n2,3,,7\n")
    table = read_table(tmp_path / "a.csv")
    assert table.header == ["unnamed column 1", "x", "unnamed column 4"]
    assert table.rows == [["1", "2", ""], ["2", "3", "7"]]
    assert (table.ignored, table.unnamed) == ((3,), ("unnamed column 1", "unnamed column 4"))


def test_a_title_above_names_of_texts_is_pointed_at(tmp_path):
    (tmp_path / "a.csv").write_text("All reviews\ntext,mood\na b,good\nc d,bad\n")
    with pytest.raises(DataError, match="1 field, and 2 in most rows below.*remove the lines above"):
        read_table(tmp_path / "a.csv")


def test_two_columns_of_the_name_that_is_read_are_refused_and_others_are_not(tmp_path):
    (tmp_path / "a.csv").write_text("text,label,text,x,x\na,b,c,1,2\n")
    with pytest.raises(DataError, match=r'a\.csv:1: two columns are called "text"'):
        list(read_records(tmp_path / "a.csv", "text", "label"))
    assert [r.text for r in read_records(tmp_path / "a.csv", "label", "label")] == ["b"]
