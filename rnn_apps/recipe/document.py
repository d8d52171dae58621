"""The values of a recipe, with their locations."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

Key = str | int
KeyPath = tuple[Key, ...]


def dotted(path: KeyPath) -> str:
    """Returns a path as a text, such as "model.units.0"."""
    return ".".join(map(str, path))


class Place(NamedTuple):
    """The location of a value.

    Attributes:
        text: what a message calls the place: "recipes/imdb.yaml:7" or "override model.cell".
        line: its line in the recipe; what comes from elsewhere sorts last.
        is_override: whether the user has overridden the recipe there.
    """

    text: str
    line: int = 1_000_000_000
    is_override: bool = False


class Problem(NamedTuple):
    """One problem, as a line of text, and the line of the recipe it belongs to."""

    line: int
    text: str


@dataclass
class Document:
    """The content of a recipe's file and overrides, before validation.

    Attributes:
        values: the recipe as plain mappings, lists and scalars.
        places: where each value was written; the empty path is the whole.
        problems: what was already found wrong while reading.
    """

    values: Any
    places: dict[KeyPath, Place]
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: KeyPath) -> Place:
        """Returns the location of `path`, or of its nearest parent."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places[path]

    def where(self, path: KeyPath) -> str:
        """Returns `path` for messages: its location, then the dotted path."""
        place, dotted = self.place(path).text, ".".join(map(str, path))
        if not dotted or place.endswith(f" {dotted}"):
            return place
        return f"{place}  {dotted}"
