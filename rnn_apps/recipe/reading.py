"""YAML as a recipe may use it: the core of YAML 1.2, within limits, with the line of every value.

PyYAML's own rules are those of YAML 1.1, where `no` is false, `12:30` is 750, `1e-3` is text and the
last of two equal keys wins in silence. Its scanner is used, and nothing above its nodes.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from rnn_apps.errors import RecipeError, message, shown
from rnn_apps.recipe.document import Document, KeyPath, Place, Problem

LARGEST_FILE = 256 * 1024
DEEPEST = 32
MOST_ALIASES = 100
MOST_VALUES = 20_000

# 40 digits hold every number that a recipe can use; longer ones stay text and are refused as such.
CORE_SCALARS = {
    "null": re.compile(r"~|null|Null|NULL|"),
    "bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "int": re.compile(r"[-+]?[0-9]{1,40}|0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}"),
    "float": re.compile(
        r"[-+]?(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,9})?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
    ),
}
UNTAGGED = "untagged"
UTF_16_AND_32 = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
INDENTATION = 'Indent with spaces, one level a mapping; text that holds ": " or " #" goes into quotes.'


class CoreLoader(Reader, Scanner, Parser, Composer, BaseResolver):
    """Parses text to YAML nodes without constructing objects, so tags cannot refer to Python objects."""

    # Names of our own, so that a tag in the text is told from none: `!!str` gives another one.
    DEFAULT_SCALAR_TAG = DEFAULT_SEQUENCE_TAG = DEFAULT_MAPPING_TAG = UNTAGGED

    def __init__(self, text: str):
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)


START = 'A recipe starts with the key task, such as "task: text_classification".'


def parse_document(data: bytes, file: str, kind: str = "recipe", start: str = START) -> Document:
    """Parses the bytes of a recipe, or of another small YAML file.

    Args:
        data: the content of the file.
        file: what messages call it.
        kind: what messages call its content.
        start: how such a file starts, a sentence.

    Raises:
        RecipeError: if the file cannot be read at all; lesser problems are in the document.
    """
    if len(data) > LARGEST_FILE:
        size = f"more than {LARGEST_FILE // 1024} KiB"
        raise _unreadable(file, received=size, expected=f"a {kind}, which is far smaller")
    document = _parsed(_decoded(data, file), lambda line: Place(f"{file}:{line}", line))
    if document.values is None:
        raise _unreadable(file, "the file says nothing", fix=start)
    return document


def parse_value(text: str, place: Place) -> Document:
    """Parses the value of an override; an empty text is null, and %d.%m.%Y is text."""
    if text.lstrip().startswith("%"):  # which begins no value in YAML
        text = json.dumps(text.strip())
    return _parsed(text, lambda line: place)


def _parsed(text: str, place_of: Callable[[int], Place]) -> Document:
    node = _composed(text, lambda line: place_of(line).text)
    return _Reading(place_of).document(node) if node else Document(None, {(): place_of(1)})


def _unreadable(where: str, problem: str | None = None, **parts: str) -> RecipeError:
    return RecipeError([message(where, problem, **parts)])


def _decoded(data: bytes, file: str) -> str:
    if data.startswith(UTF_16_AND_32):
        raise _unreadable(file, "the text is UTF-16 or UTF-32", fix="Save the file as UTF-8.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"{file}:{_line_at(data, error.start)}"
        problem = f"byte {error.start + 1} of the file, 0x{data[error.start]:02x}, is not UTF-8"
        raise _unreadable(where, problem, fix="Save the file as UTF-8.") from None
    if "\0" in text:
        where = f"{file}:{_line_at(data, data.index(0))}"
        raise _unreadable(where, "a NUL character; this is not a text file")
    return text


def _line_at(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


def _composed(text: str, name: Callable[[int], str]) -> yaml.Node | None:
    """Returns the root node, or None for an empty text; `name` returns the name of a line."""
    try:
        _guard(text, name)
        return CoreLoader(text).get_single_node()
    except ReaderError as error:
        where = name(text.count("\n", 0, error.position) + 1)
        problem = f"the character U+{error.character:04X} is not allowed in YAML"
        raise _unreadable(where, problem, fix="Remove it.") from None
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, name) from None
    except (ValueError, OverflowError):  # PyYAML's own, from "\\UFFFFFFFF" or %YAML with a thousand digits
        raise _unreadable(name(1), "not YAML: an escape or a version number that is out of range") from None


def _guard(text: str, name: Callable[[int], str]) -> None:
    """Rejects expensive documents event by event, before anything is built."""
    depth = aliases = documents = values = 0
    for event in yaml.parse(text, Loader=CoreLoader):
        where = name(event.start_mark.line + 1)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        values += isinstance(event, yaml.NodeEvent)
        if depth > DEEPEST:
            raise _too_deep(where)
        if aliases > MOST_ALIASES:
            raise _unreadable(where, f"more than {MOST_ALIASES} aliases (*name)", fix="Write the values out.")
        if documents > 1:
            raise _unreadable(where, "a second document starts here", expected="one a file")
        if values > MOST_VALUES:
            raise _too_many(where)


def _too_deep(where: str) -> RecipeError:
    return _unreadable(where, f"nested more than {DEEPEST} levels deep", fix="No recipe needs that.")


def _too_many(where: str) -> RecipeError:
    return _unreadable(where, f"more than {MOST_VALUES:,} values", fix="No recipe needs that.")


def _syntax_error(error: yaml.MarkedYAMLError, name: Callable[[int], str]) -> RecipeError:
    mark = error.problem_mark or error.context_mark
    where, column = name(mark.line + 1), mark.column + 1
    if mark.buffer is not None and mark.buffer[mark.pointer : mark.pointer + 1] == "\t":
        return _unreadable(where, f"a tab in column {column}", expected="spaces", fix=INDENTATION)
    problem = " ".join(part for part in (error.context, error.problem) if part)
    return _unreadable(where, f"not YAML, in column {column}: {problem}", fix=INDENTATION)


class _Reading:
    """Converts nodes to plain values, and collects their locations and problems."""

    def __init__(self, place_of: Callable[[int], Place]):
        self.place_of = place_of
        self.places: dict[KeyPath, Place] = {}
        self.problems: list[Problem] = []

    def document(self, root: yaml.Node) -> Document:
        """Returns the content of `root`."""
        self._note((), root)
        values = self._value(root, ())
        return Document(values, self.places, self.problems)

    def _value(self, node: yaml.Node, path: KeyPath):
        self._refuse_tag(node, path)
        # An alias is read again wherever it stands, so these two also bound what aliases unfold to.
        if len(path) > DEEPEST:
            raise _too_deep(self._place(node).text)
        if len(self.places) > MOST_VALUES:
            raise _too_many(self._place(node).text)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._entry(entry, (*path, number)) for number, entry in enumerate(node.value)]
        return _scalar(node)

    def _entry(self, node: yaml.Node, path: KeyPath):
        self._note(path, node)
        return self._value(node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict:
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(path, key_node, "a key that is itself a list or a mapping", expected="text")
                continue
            self._refuse_tag(key_node, (*path, key_node.value))
            key = key_node.value
            if key in values:
                problem = f"written twice, first on line {lines[key]}"
                self._refuse((*path, key), key_node, problem, fix="Keep one of the two.")
                continue
            lines[key] = line
            self._note((*path, key), key_node)
            values[key] = self._value(value_node, (*path, key))
        return values

    def _refuse_tag(self, node: yaml.Node, path: KeyPath) -> None:
        if node.tag != UNTAGGED:
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            fix = "A recipe holds plain values only; remove the tag."
            self._refuse(path, node, f"received the tag {shown(tag)}", fix=fix)

    def _refuse(self, path: KeyPath, node: yaml.Node, problem: str, **parts: str) -> None:
        place = self._place(node)
        where = Document(None, {(): place}).where(path)
        self.problems.append(Problem(place.line, message(where, problem, **parts)))

    def _place(self, node: yaml.Node) -> Place:
        return self.place_of(node.start_mark.line + 1)

    def _note(self, path: KeyPath, node: yaml.Node) -> None:
        self.places[path] = self._place(node)


def _scalar(node: yaml.ScalarNode):
    text = node.value
    if node.style is not None:  # in quotes, or a block of text
        return text
    kind = next((kind for kind, pattern in CORE_SCALARS.items() if pattern.fullmatch(text)), "text")
    return CONSTRUCTORS[kind](text)


def _integer(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text if base == 10 else text[2:], base)


def _float(text: str) -> float:
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


CONSTRUCTORS: dict[str, Callable[[str], Any]] = {
    "null": lambda text: None,
    "bool": lambda text: text.lower() == "true",
    "int": _integer,
    "float": lambda text: _float(text.lower()),
    "text": str,
}
