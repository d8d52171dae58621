"""Files that cannot be a recipe: refused before anything is built from them, with the line to look at."""

import pytest

from rnn_apps.errors import RecipeError
from rnn_apps.recipe import load_recipe
from rnn_apps.recipe.reading import parse_document

QUOTES = 'Indent with spaces, one level a mapping; text that holds ": " or " #" goes into quotes.'
DEEP = "nested more than 32 levels deep. No recipe needs that."
MANY = "more than 20,000 values. No recipe needs that."
EMPTY = 'the file says nothing. A recipe starts with the key task, such as "task: text_classification".'
ROOT = "expected a mapping of keys, the first of which is task."
UTF_8 = "Save the file as UTF-8."


def alias_bomb(levels: int, fan: int) -> str:
    lines = ["a0: &a0 [1, 1]"]
    lines += [f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * fan)}]" for i in range(levels)]
    return "\n".join(lines)


# id: (content of r.yaml, the one problem). Lines are counted by hand.
UNREADABLE = {
    "empty": ("", f"r.yaml: {EMPTY}"),
    "only a comment": ("# task: text_classification\n", f"r.yaml: {EMPTY}"),
    "only a document marker": ("---\n", f"r.yaml: {EMPTY}"),
    "a list at the top": (
        "# x\n- task: text_classification\n",
        f'r.yaml:2: received [{{task: "text_classification"}}], {ROOT}',
    ),
    "text at the top": ("sentiment", f'r.yaml:1: received "sentiment", {ROOT}'),
    "too large": (
        "#" * (256 * 1024 + 1),
        "r.yaml: received more than 256 KiB, expected a recipe, which is far smaller.",
    ),
    "50,000 brackets": ("[" * 50_000, f"r.yaml:1: {DEEP}"),
    "50,000 brackets on lines of their own": ("[\n" * 50_000, f"r.yaml:33: {DEEP}"),
    "50,000 dashes": ("- " * 50_000, f"r.yaml:1: {DEEP}"),
    "30,000 braces": ("# x\n" + "{a: " * 30_000, f"r.yaml:2: {DEEP}"),
    "33 mappings": ("a: " + "{a: " * 32 + "1" + "}" * 32, f"r.yaml:1: {DEEP}"),
    "a value that holds itself": ("a: &a\n- *a", f"r.yaml:1: {DEEP}"),
    "101 aliases": (
        "a: &a 1\nb: [" + "*a, " * 101 + "]",
        "r.yaml:2: more than 100 aliases (*name). Write the values out.",
    ),
    "few aliases that unfold to many values": (alias_bomb(9, 9), f"r.yaml:1: {MANY}"),
    "120,000 entries": ("a: 1\nb: [" + "1," * 120_000 + "]", f"r.yaml:2: {MANY}"),
    "several documents": (
        "task: text_classification\n---\ntask: text_classification\n",
        "r.yaml:2: a second document starts here; expected one a file.",
    ),
    "a tab for indentation": (
        "task: text_classification\ndata:\n\tsource: sample\n",
        f"r.yaml:3: a tab in column 1; expected spaces. {QUOTES}",
    ),
    "Latin-1": (
        b"task: text_classification\ndescription: caf\xe9\n",
        f"r.yaml:2: byte 43 of the file, 0xe9, is not UTF-8. {UTF_8}",
    ),
    "UTF-16": (
        "task: text_classification".encode("utf-16"),
        f"r.yaml: the text is UTF-16 or UTF-32. {UTF_8}",
    ),
    "UTF-16 without a mark": (
        "task: text_classification".encode("utf-16-le"),
        "r.yaml:1: a NUL character; this is not a text file.",
    ),
    "a NUL": (
        b"task: text_classification\nseed: \0\n",
        "r.yaml:2: a NUL character; this is not a text file.",
    ),
    "a bell": ("a: 1\nb: 2\nc: \x07", "r.yaml:3: the character U+0007 is not allowed in YAML. Remove it."),
    "a colon within text": (
        "task: text_classification\ndescription: note: x\n",
        f"r.yaml:2: not YAML, in column 18: mapping values are not allowed here. {QUOTES}",
    ),
    "an open bracket": (
        "task: text_classification\nexport: [keras\n",
        "r.yaml:3: not YAML, in column 1: while parsing a flow sequence "
        f"expected ',' or ']', but got '<stream end>'. {QUOTES}",
    ),
    "an alias to nothing": (
        "task: *x",
        f"r.yaml:1: not YAML, in column 7: found undefined alias 'x'. {QUOTES}",
    ),
    "an escape beyond Unicode": (
        'task: "\\UFFFFFFFF"',
        "r.yaml:1: not YAML: an escape or a version number that is out of range.",
    ),
}


@pytest.mark.parametrize(("content", "problem"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_a_recipe_is_refused_with_its_line(content, problem, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RecipeError) as caught:
        load_recipe("r.yaml")
    assert caught.value.problems == [problem]


# Lesser problems leave the rest readable. id: (text, values, problems)
TAG = "A recipe holds plain values only; remove the tag."
SPOILED = {
    "a key twice": (
        "a: 1\nb: 2\na: 3",
        {"a": 1, "b": 2},
        ["r.yaml:3  a: written twice, first on line 1. Keep one of the two."],
    ),
    "a key twice, deep down": (
        "a:\n- b: 1\n  'b': 2",
        {"a": [{"b": 1}]},
        ["r.yaml:3  a.0.b: written twice, first on line 2. Keep one of the two."],
    ),
    "a tag that calls Python": (
        "a: 1\nb: !!python/object/apply:os.system [id]",
        {"a": 1, "b": ["id"]},
        [f'r.yaml:2  b: received the tag "!!python/object/apply:os.system". {TAG}'],
    ),
    "a plain tag": ("a: !!str 5", {"a": 5}, [f'r.yaml:1  a: received the tag "!!str". {TAG}']),
    "a tag of one's own": (
        "%TAG ! tag:me,2000:\n---\na: !x {b: 1}",
        {"a": {"b": 1}},
        [f'r.yaml:3  a: received the tag "tag:me,2000:x". {TAG}'],
    ),
    "a tag on a key": ("!!str a: 1", {"a": 1}, [f'r.yaml:1  a: received the tag "!!str". {TAG}']),
    "keys that are collections": (
        "a: 1\nb: {[1]: 2}\n? {c: 1}\n: 3",
        {"a": 1, "b": {}},
        [
            "r.yaml:2  b: a key that is itself a list or a mapping; expected text.",
            "r.yaml:3: a key that is itself a list or a mapping; expected text.",
        ],
    ),
}


@pytest.mark.parametrize(("text", "values", "problems"), SPOILED.values(), ids=SPOILED)
def test_what_is_wrong_with_one_value_leaves_the_others_readable(text, values, problems):
    document = parse_document(text.encode(), "r.yaml")
    assert document.values == values
    assert [problem.text for problem in document.problems] == problems


# From the tables of the YAML 1.2 core schema, section 10.3.2.
SCALARS = {
    "true": True,
    "True": True,
    "FALSE": False,
    "yes": "yes",
    "no": "no",
    "on": "on",
    "off": "off",
    "y": "y",
    "~": None,
    "null": None,
    "": None,
    "none": "none",
    "12": 12,
    "-7": -7,
    "+7": 7,
    "007": 7,
    "0o17": 15,
    "0x1F": 31,
    "1_000": "1_000",
    "1e-3": 0.001,
    "1E5": 100_000.0,
    "1.": 1.0,
    ".5": 0.5,
    "-.inf": float("-inf"),
    "12:30": "12:30",
    "2020-01-01": "2020-01-01",
    "0b1": "0b1",
    "1.2.3": "1.2.3",
    "9" * 41: "9" * 41,
    "'5'": "5",
    '"true"': "true",
    "<<": "<<",
}


@pytest.mark.parametrize(("text", "value"), SCALARS.items())
def test_a_scalar_means_what_the_core_of_yaml_1_2_says(text, value):
    read = parse_document(f"a: {text}".encode(), "r.yaml").values["a"]
    assert read == value
    assert type(read) is type(value)


def test_not_a_number_is_read_as_one():
    read = parse_document(b"a: .nan", "r.yaml").values["a"]
    assert read != read


def test_a_key_is_always_text():
    assert parse_document(b"1: a\ntrue: b\nnull: c", "r.yaml").values == {"1": "a", "true": "b", "null": "c"}


def test_a_byte_order_mark_and_windows_line_ends_change_nothing():
    document = parse_document(b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: 2\r\n", "r.yaml")
    assert document.values == {"a": 1, "b": {"c": 2}}
    assert document.places["b", "c"].text == "r.yaml:3"


def test_limits_themselves_are_allowed():
    deepest = "a: " + "{a: " * 31 + "1" + "}" * 31
    aliases = "a: &a 1\nb: [" + "*a, " * 100 + "]"
    largest = "a: 1\n#".ljust(256 * 1024, "#")
    for text in (deepest, aliases, largest):
        assert parse_document(text.encode(), "r.yaml").values["a"]
