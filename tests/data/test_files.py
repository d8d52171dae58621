"""The user's own files: what can be read, and the messages for what cannot."""

import csv
import gzip
import io
import json

import pytest

from rnn_apps.data.files import read_records
from rnn_apps.errors import DataError

ROWS = [
    ("A plain one", "positive"),
    ('With "quotes", a comma,\nand a second\nline', "negative"),
    ("Grüße – 日本語 🎬<br /><br />as IMDB breaks lines", "positive"),
]


def as_csv(rows, columns=("text", "label")):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([columns, *rows])
    return text.getvalue().encode()


def as_json_lines(rows, columns=("text", "label")):
    return "".join(json.dumps(dict(zip(columns, row))) + "\n" for row in rows).encode()


def read(file, text="text", label="label"):
    return [(record.text, record.label) for record in read_records(file, text, label)]


def a_file(folder, content, name="train.csv"):
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def refusal(file, **columns):
    with pytest.raises(DataError) as caught:
        read(file, **columns)
    return str(caught.value)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("pack", [lambda content: content, gzip.compress], ids=["raw", "gz"])
@pytest.mark.parametrize(("write", "ending"), [(as_csv, "csv"), (as_json_lines, "jsonl")])
def test_every_format_gives_the_same_records(tmp_path, write, ending, pack, mark):
    packed = ".gz" if pack is gzip.compress else ""
    file = a_file(tmp_path, pack(mark + write(ROWS)), f"train.{ending}{packed}")
    assert read(file) == ROWS


@pytest.mark.parametrize("name", ["TRAIN.CSV", "Train.Csv.GZ"])
def test_capitals_in_an_ending_do_not_matter(tmp_path, name):
    content = as_csv(ROWS)
    file = a_file(tmp_path, gzip.compress(content) if name.endswith("GZ") else content, name)
    assert read(file) == ROWS


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_line_ending_is_read(tmp_path, ending):
    file = a_file(tmp_path, ending.join(["text,label", "one,0", "two,1", ""]))
    assert read(file) == [("one", "0"), ("two", "1")]


def test_columns_go_by_name_wherever_they_stand(tmp_path):
    file = a_file(tmp_path, as_csv([("7", "neg", "bad")], ("id", "stars", "review")))
    assert read(file, "review", "stars") == [("bad", "neg")]


@pytest.mark.parametrize(("write", "ending"), [(as_csv, "csv"), (as_json_lines, "jsonl")])
def test_a_record_is_named_by_the_line_on_which_it_begins(tmp_path, write, ending):
    file = a_file(tmp_path, write(ROWS), f"train.{ending}")
    places = [record.location for record in read_records(file, "text", "label")]
    raw = file.read_bytes().decode().split("\n")
    begins = [next(i for i, line in enumerate(raw, 1) if start in line) for start in ("plain", "With", "Gr")]
    assert places == [f"{file}:{line}" for line in begins]


def test_empty_lines_are_passed_over_but_counted(tmp_path):
    file = a_file(tmp_path, "text,label\n\n\none,0\n\ntwo,1\n")
    assert [r.location for r in read_records(file, "text", "label")] == [f"{file}:4", f"{file}:6"]
    lines = a_file(tmp_path, '\n{"text": "one", "label": 0}\n\n{"text": "two", "label": 1}\n', "train.jsonl")
    assert [r.location for r in read_records(lines, "text", "label")] == [f"{lines}:2", f"{lines}:4"]


def test_json_labels_may_be_numbers_and_null_is_a_missing_one(tmp_path):
    rows = [("one", 0), ("two", 1), ("three", None), ("four", True)]
    assert [label for _, label in read(a_file(tmp_path, as_json_lines(rows), "train.jsonl"))] == [
        "0",
        "1",
        "",
        "True",
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("[1, 2]", "not a JSON object"),
        ('"text"', "not a JSON object"),
        ("{text: 1}", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"text": "a", "label": ' + "9" * 5000 + "}", "not JSON"),
        ('{"text": ["a"], "label": 1}', "text is not a string"),
        ('{"text": "a", "label": {}}', "label is not a string"),
    ],
    ids=lambda text: text[:20],
)
def test_a_invalid_json_line_is_a_invalid_record_and_the_next_line_is_read(tmp_path, line, problem):
    good = json.dumps({"text": "good", "label": "1"})
    file = a_file(tmp_path, f"{good}\n{line}\n{good}\n", "train.jsonl")
    records = list(read_records(file, "text", "label"))
    assert [record.problem for record in records] == [None, problem, None]
    assert records[1].location == f"{file}:2"


@pytest.mark.parametrize(
    ("row", "problem"),
    [("one", "1 field where the header has 2"), ("one, two,0", "3 fields where the header has 2")],
)
def test_a_row_of_another_width_is_a_invalid_record_and_never_cut_in_silence(tmp_path, row, problem):
    records = list(read_records(a_file(tmp_path, f"text,label\n{row}\ngood,1\n"), "text", "label"))
    assert [record.problem for record in records] == [problem, None]


def test_invalid_bytes_stay_visible(tmp_path):
    file = a_file(tmp_path, b"text,label\ncaf\xe9,1\n")
    assert read(file) == [("caf\udce9", "1")]


def test_a_quote_that_is_never_closed_does_not_swallow_the_rest(tmp_path):
    file = a_file(tmp_path, 'text,label\ngood,1\n"bad,0\nmore,1\n')
    assert refusal(file).startswith(f"{file}:3: not CSV: ")


def test_a_missing_column_names_the_nearest_and_those_there_are(tmp_path):
    file = a_file(tmp_path, as_csv([("a", "b")], ("txt", "label")))
    assert refusal(file) == (
        f'{file}:1: no column "text"; the columns are "txt", "label". Did you mean "txt"? '
        "Rename the column in the file. Or name the right one: data.text=COLUMN"
    )
    lines = a_file(tmp_path, b"\n" + as_json_lines([("a", "b")], ("text", "labels")), "train.jsonl")
    assert refusal(lines) == (
        f'{lines}:2: no column "label"; the columns are "text", "labels". Did you mean "labels"? '
        "Rename the column in the file. Or name the right one: data.label=COLUMN"
    )


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_header_says_what_separates_columns(tmp_path, separator):
    file = a_file(tmp_path, f'text{separator}label\n"a{separator} b, c; d"{separator}1\n')
    assert read(file) == [(f"a{separator} b, c; d", "1")]


def test_where_a_header_holds_several_marks_the_rows_decide(tmp_path):
    file = a_file(tmp_path, "text|title,label\none,1\ntwo|three,0\n")
    assert read(file, "text|title") == [("one", "1"), ("two|three", "0")]
    file = a_file(tmp_path, "text (long, short);label\none;1\n", "b.csv")
    assert read(file, "text (long, short)") == [("one", "1")]


GERMAN = "01.01.2023;1004,15;Köln\n"


@pytest.mark.parametrize("name", ['"Umsatz (€), netto"', '"Umsatz ""€"", netto"', '"Umsatz,\nnetto"'])
def test_a_mark_in_a_quoted_name_never_separates(tmp_path, name):
    plain = name[1:-1].replace('""', '"')
    for number, header in enumerate((f"Datum;{name};Ort", f"Datum;{name};Ort: A/B")):
        file = a_file(tmp_path, f"{header}\n{GERMAN}", f"{number}.csv")
        assert read(file, plain, header.rpartition(";")[2]) == [("1004,15", "Köln")]
    file = a_file(tmp_path, f"{name};Ort\n1004,15;Köln\n")
    assert read(file, plain, "Ort") == [("1004,15", "Köln")]


@pytest.mark.parametrize("header", ['Datum;"Umsatz, netto";Ort', "Datum;Umsatz, netto;Ort"])
def test_one_invalid_row_is_named_and_decides_nothing(tmp_path, header):
    rows = GERMAN.replace(",", ".") * 14 + GERMAN * 14 + "02.01.2023;7;Köln;x\n"
    *good, invalid = read_records(a_file(tmp_path, f"{header}\n{rows}"), "Datum", "Ort")
    assert {(one.text, one.label) for one in good} == {("01.01.2023", "Köln")}
    assert invalid.problem == "4 fields where the header has 3"


def test_a_header_that_nothing_decides_is_refused(tmp_path):
    file = a_file(tmp_path, "text;title,label\na;b,c\n")
    assert refusal(file) == (
        f'{file}:1: "," and ";" may both separate the columns. '
        "Quote the names that contain one of these characters."
    )


def test_utf_16_is_named(tmp_path):
    file = a_file(tmp_path, "text,label\na,1\n".encode("utf-16"))
    assert refusal(file) == f"{file}: received UTF-16, expected UTF-8. Save the file as UTF-8."


def test_an_empty_csv_is_named(tmp_path):
    file = a_file(tmp_path, b"")
    assert refusal(file) == f'{file}: empty; expected records with "text".'


@pytest.mark.parametrize("cut", [20, -1])
def test_a_truncated_gz_is_named(tmp_path, cut):
    file = a_file(tmp_path, gzip.compress(as_csv(ROWS * 50))[:cut], "train.csv.gz")
    assert refusal(file).startswith(f"{file}: cannot be read: ")


def test_what_is_no_gz_and_damage_inside_one_are_named(tmp_path):
    file = a_file(tmp_path, b"text,label\n", "train.csv.gz")
    assert "cannot be read: Not a gzipped file" in refusal(file)
    packed = bytearray(gzip.compress(as_csv(ROWS * 50)))
    packed[15:25] = b"\xff" * 10
    assert "cannot be read: " in refusal(a_file(tmp_path, bytes(packed), "train.csv.gz"))


def test_a_file_of_other_lines_than_json_is_refused_at_its_first(tmp_path):
    file = a_file(tmp_path, "a line\n" * 50 + '{"text": "a", "label": "b"}\n', "train.jsonl")
    assert refusal(file) == (
        f"{file}:1: not JSON; expected a JSON object on each line. Fix the lines, of which none of the first "
        "50 can be read."
    )
    few = a_file(tmp_path, "a line\n" * 49 + '{"text": "a", "label": "b"}\n', "train.jsonl")
    assert [record.problem for record in read_records(few, "text", "label")] == ["not JSON"] * 49 + [None]
