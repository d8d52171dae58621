"""Numbers with commas and points: the decimal mark of a whole column."""

import pytest

from rnn_apps.data.files import file_decimal_marks
from rnn_apps.data.numbers import decimal_marks, number

COLUMNS = {
    "plain": (["1", "2.5", "-3e4"], ",", [1, 2.5, -3e4]),
    "decimal commas": (["1,5", "2", "-0,25"], ";", [1.5, 2, -0.25]),
    "both marks, German": (["1.234,5", "7"], ";", [1234.5, 7]),
    "both marks, English": (["1,234.5", "1,234"], ",", [1234.5, 1234]),
    "millions": (["1,234,567", "1,234"], ";", [1234567, 1234]),
    "open, beside commas": (["1,234", "12,345"], ",", [1234, 12345]),
    "open, beside semicolons": (["1,234", "12,345"], ";", [1.234, 12.345]),
    "one cell decides for all": (["1,234", "1,23"], ",", [1.234, 1.23]),
    "a zero before the comma": (["0,125", "1,250"], ",", [0.125, 1.25]),
    "spaces between thousands": (["1 234,5", "12\u00a0345,25"], ";", [1234.5, 12345.25]),
    "points between thousands": (["1.234.567", "1.234"], ";", [1234567, 1234]),
    "three decimals behind a point": (["1.234", "5.125"], ";", [1.234, 5.125]),
}


@pytest.mark.parametrize(("cells", "separator", "values"), COLUMNS.values(), ids=list(COLUMNS))
def test_a_column_is_read_as_a_whole(cells, separator, values):
    (mark,) = decimal_marks([[cell] for cell in cells], separator)
    assert [number(cell, mark) for cell in cells] == values


def test_a_column_that_leaves_it_open_goes_with_the_others():
    assert decimal_marks([["1,5", "1,234"]], ",") == [",", ","]
    assert decimal_marks([["1.5", "1,234"]], ";") == [".", "."]


def test_cells_that_contradict_one_another_leave_the_point():
    (mark,) = decimal_marks([["1,5"], ["1.5"]], ";")
    assert mark == "."
    with pytest.raises(ValueError):
        number("1,5", mark)


@pytest.mark.parametrize("text", ["", "one", "1,2,3", "1.2.3", "12,34.5", "1;5", "1 2", "2024-01-05"])
def test_what_is_no_number_is_none(text):
    for mark in ",.":
        with pytest.raises(ValueError):
            number(text, mark)


def test_the_marks_of_a_file_are_those_of_its_columns(tmp_path):
    (tmp_path / "a.csv").write_text("day;x;y\n2024-01-01;1,5;2.50\n2024-01-02;2,25;1.5\n")
    assert file_decimal_marks(tmp_path / "a.csv", ["y", "x"]) == [".", ","]
