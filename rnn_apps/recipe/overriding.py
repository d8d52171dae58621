"""Overrides of a recipe: "a.b=c" texts, or nested mappings."""

import copy
import os
from collections.abc import Iterable, Iterator, Mapping

from rnn_apps.errors import RecipeError, message, shown
from rnn_apps.recipe.document import Document, KeyPath, Place, Problem, dotted
from rnn_apps.recipe.reading import parse_value

Overrides = Mapping[str, object] | Iterable[str]

ORIGIN = "override"  # what messages write before the key of an override
EXAMPLE = "KEY=VALUE, as in training.epochs=8"


def override(document: Document, overrides: Overrides, origin: str = ORIGIN) -> Document:
    """Returns a copy of the document with the overrides applied; it also collects their problems.

    Args:
        document: what is overridden.
        overrides: "a.b=c" texts, each of which sets that one key, or a mapping, nested or with dotted
            keys, which is merged into what is there: an empty one changes nothing.
        origin: what messages write before the key of an override.
    """
    changed = copy.deepcopy(document)
    if isinstance(overrides, Mapping):
        for path, value in leaves(overrides):
            if value != {} or not isinstance(_at(changed.values, path), Mapping):
                put(changed, path, value, Place(f"{origin} {dotted(path)}", is_override=True))
        return changed
    for text in [overrides] if isinstance(overrides, str) else overrides:
        _assign(changed, text, origin)
    return changed


def put(document: Document, path: KeyPath, value: object, place: Place) -> None:
    """Sets one value of the document in place, and creates the mappings above it."""
    parent = document.values
    for depth, key in enumerate(path[:-1], start=1):
        if parent.get(key) is None:
            parent[key] = {}
            document.places[path[:depth]] = place
        parent = parent[key]
        if not isinstance(parent, dict):
            problem = f"{dotted(path[:depth])} is {shown(parent)}, which has no keys"
            _refuse(document, message(place.text, problem, fix="Override it as a whole."))
            return
    for stale in [place for place in document.places if place[: len(path)] == path]:
        del document.places[stale]
    parent[path[-1]] = _plain(value)
    document.places[path] = place


def leaves(overrides: Mapping[str, object], path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """Yields the path and value of all settings in a nested mapping, whose keys may be dotted."""
    for key, value in overrides.items():
        here = (*path, *str(key).split("."))
        if isinstance(value, Mapping) and value:
            yield from leaves(value, here)
        else:
            yield here, value


def _at(values: object, path: KeyPath) -> object:
    for key in path:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _assign(document: Document, text: str, origin: str) -> None:
    key, equals, value_text = text.partition("=")
    path = tuple(key.strip().split("."))
    if not equals or not all(path):
        _refuse(document, message(f"{origin} {shown(text)[1:-1]}", expected=EXAMPLE))
        return
    place = Place(f"{origin} {key.strip()}", is_override=True)
    try:
        value = parse_value(value_text, place)
    except RecipeError as error:
        document.problems += [Problem(place.line, line) for line in error.problems]
        return
    document.problems += value.problems
    put(document, path, value.values, place)


def _refuse(document: Document, text: str) -> None:
    document.problems.append(Problem(Place("").line, text))


def _plain(value: object) -> object:
    """Converts a Python value to the type that YAML would give."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value
