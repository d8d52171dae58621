import pickle

import pytest

from rnn_apps import errors
from rnn_apps.errors import (
    DataError,
    RecipeError,
    RnnAppsError,
    UserError,
    did_you_mean,
    first_line,
    nearest,
    shown,
    type_and_line,
)


def test_every_public_name_exists():
    assert all(hasattr(errors, name) for name in errors.__all__)


def test_a_message_says_where_what_was_received_what_was_expected_and_how_to_mend_it():
    error = UserError("a.csv:7  label", "bad record", received='"good"', expected="0 or 1", fix="Fix line 7.")
    assert str(error) == 'a.csv:7  label: bad record; received "good", expected 0 or 1. Fix line 7.'


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ({}, "a.csv"),
        ({"problem": "empty"}, "a.csv: empty."),
        ({"received": "3"}, "a.csv: received 3."),
        ({"expected": "4"}, "a.csv: expected 4."),
        ({"received": "3", "expected": "4"}, "a.csv: received 3, expected 4."),
        ({"problem": "short", "fix": "Add rows."}, "a.csv: short. Add rows."),
        ({"fix": "Add rows."}, "a.csv Add rows."),
    ],
)
def test_a_message_leaves_out_the_parts_that_are_not_given(parts, line):
    assert str(UserError("a.csv", **parts)) == line


def test_every_error_of_the_user_can_be_caught_as_one_kind():
    assert issubclass(DataError, UserError)
    assert issubclass(RecipeError, UserError)
    assert issubclass(UserError, RnnAppsError)


def test_a_recipe_error_is_one_line_a_problem_and_a_count():
    assert str(RecipeError(["a", "b"])) == "a\nb\n2 problems; nothing was run."
    assert str(RecipeError(["a"])) == "a\n1 problem; nothing was run."


def test_a_recipe_error_keeps_every_problem_but_prints_fifty():
    error = RecipeError([f"line {number}" for number in range(73)])
    assert len(error.problems) == 73
    assert str(error).splitlines()[49:] == ["line 49", "... and 23 more.", "73 problems; nothing was run."]


@pytest.mark.parametrize("error", [UserError("x", received="1"), DataError("x"), RecipeError(["a", "b"])])
def test_errors_survive_pickling_so_that_another_process_can_raise_them(error):
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("vanila", "vanilla"),
        ("LSTM", "lstm"),
        ("batch-size", "batch_size"),
        ("zzz", None),
        (7, None),
        ("", None),
    ],
)
def test_nearest_finds_the_name_that_was_meant(name, meant):
    assert nearest(name, ["vanilla", "gru", "lstm", "batch_size"]) == meant


def test_advice_names_the_nearest_and_all_that_are_allowed():
    assert did_you_mean("gruu", ["gru", "lstm"]) == 'Did you mean "gru"? Allowed here: gru, lstm.'
    assert did_you_mean("xyz", ["gru"]) == "Allowed here: gru."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (1e-5, "1e-05"),
        (float("inf"), ".inf"),
        (float("-inf"), "-.inf"),
        (float("nan"), ".nan"),
        ("five", '"five"'),
        ('a "b"', '"a \\"b\\""'),
        ("two\nlines", '"two\\nlines"'),
        ("caf\u00e9", '"caf\u00e9"'),
        ({"a": [1, "b", None]}, '{a: [1, "b", null]}'),
    ],
)
def test_a_received_value_is_shown_as_a_recipe_would_write_it(value, text):
    assert shown(value) == text


@pytest.mark.parametrize("value", ["x" * 10_000, list(range(10_000)), {"x" * 10_000: 1}])
def test_a_long_value_is_shortened(value):
    assert len(shown(value)) == 60
    assert shown(value).endswith(" ...")


@pytest.mark.parametrize("hostile", ["\x1b[31m", "\x9b31m", "\u202e", "\ud800", "\x00"])
def test_a_shown_value_cannot_steer_the_terminal(hostile):
    assert shown(hostile).isprintable()
    assert shown({hostile: hostile}).isprintable()


@pytest.mark.parametrize(
    ("error", "line", "with_type"),
    [
        (ValueError("\n  one\ntwo"), "one", "ValueError: one"),
        (KeyError(), "KeyError", "KeyError"),
        (ValueError("\n \n"), "ValueError", "ValueError"),
        (ValueError("x" * 300), "x" * 200, f"ValueError: {'x' * 200}"),
    ],
)
def test_an_exception_is_told_in_one_line_that_is_never_empty(error, line, with_type):
    assert first_line(error) == line
    assert type_and_line(error) == with_type
    assert first_line(error, 3) == line[:3]
