"""What a user may meet: the exceptions, and the formula that every message follows."""

import difflib
import json
import math
from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "DataError",
    "RecipeError",
    "RnnAppsError",
    "UserError",
    "did_you_mean",
    "first_line",
    "message",
    "nearest",
    "printable",
    "shown",
    "type_and_line",
]

LONGEST_SHOWN = 60
MOST_PROBLEMS_SHOWN = 50


class RnnAppsError(Exception):
    """Any error that rnn-apps raises on purpose."""


class UserError(RnnAppsError):
    """Something that the user can mend; the command line prints it and exits with 2.

    The arguments are those of `message`. One argument alone is taken as the whole text.

    Examples:
        >>> print(UserError("reviews.csv:7  label", received='"good"', expected="positive or negative"))
        reviews.csv:7  label: received "good", expected positive or negative.
    """

    def __init__(
        self,
        where: str,
        problem: str | None = None,
        *,
        received: str | None = None,
        expected: str | None = None,
        fix: str | None = None,
    ):
        super().__init__(message(where, problem, received=received, expected=expected, fix=fix))


class DataError(UserError):
    """The user's data, not the recipe, is what has to be mended."""


class RecipeError(UserError):
    """A recipe that cannot be run, with every problem found in it.

    Attributes:
        problems: one line of text a problem, in the order of the file.
    """

    def __init__(self, problems: Sequence[str]):
        self.problems = list(problems)
        super().__init__("\n".join(self._lines()))

    def __reduce__(self):
        return type(self), (self.problems,)

    def _lines(self) -> list[str]:
        lines = self.problems[:MOST_PROBLEMS_SHOWN]
        hidden = len(self.problems) - len(lines)
        if hidden:
            lines = [*lines, f"... and {hidden} more."]
        count = len(self.problems)
        return [*lines, f"{count} {'problem' if count == 1 else 'problems'}; nothing was run."]


def message(
    where: str,
    problem: str | None = None,
    *,
    received: str | None = None,
    expected: str | None = None,
    fix: str | None = None,
) -> str:
    """Returns one readable line: where and what happened, what was received and expected, how to mend it.

    Args:
        where: the file, line and dotted path, or the whole text when it is the only argument.
        problem: what happened, without a full stop.
        received: what was found; pass values through `shown`.
        expected: what would have been right.
        fix: a full sentence that says how to mend it.
    """
    exchange = ", ".join(
        f"{word} {text}" for word, text in [("received", received), ("expected", expected)] if text
    )
    clauses = "; ".join(part for part in (problem, exchange) if part)
    line = f"{where}: {clauses}." if clauses else where
    return f"{line} {fix}" if fix else line


def first_line(error: BaseException, most: int | None = 200) -> str:
    """Returns the first line of an exception's text, or the name of its type where it has no text."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:most]


def type_and_line(error: BaseException, most: int | None = 200) -> str:
    """Returns an exception as "ValueError: the first line of its text"."""
    name, line = type(error).__name__, first_line(error, most)
    return name if line == name else f"{name}: {line}"


def nearest(name: object, options: Iterable[str]) -> str | None:
    """Returns the option that `name` was probably meant to be, or None."""
    by_plain_name = {_plain_name(option): option for option in options}
    found = difflib.get_close_matches(_plain_name(str(name)), by_plain_name, n=1)
    return by_plain_name[found[0]] if found else None


def did_you_mean(name: object, options: Iterable[str], *, listing: str | None = None) -> str:
    """Returns the advice for a name that is not known: the nearest one, and how to list them all.

    Args:
        name: what was received.
        options: the names that are known.
        listing: a command that lists the names; without one the names themselves are given.
    """
    options = list(options)
    close = nearest(name, options)
    guess = [f'Did you mean "{close}"?'] if close else []
    everything = f"List them all with: {listing}" if listing else f"Allowed here: {', '.join(options)}."
    return " ".join([*guess, everything])


def shown(value: object, limit: int = LONGEST_SHOWN) -> str:
    """Returns a received value as a recipe would write it: one line, safe to print, shortened when long."""
    text = _one_line(value, limit)
    text = printable(text)
    return text if len(text) <= limit else text[: limit - 4] + " ..."


def printable(text: str) -> str:
    """Returns a text without anything that could steer a terminal."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _one_line(value: object, limit: int) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value).replace("inf", ".inf").replace("nan", ".nan")
    if isinstance(value, str):
        return json.dumps(value if len(value) <= limit else value[:limit], ensure_ascii=False)
    if isinstance(value, Mapping):
        entries = (f"{key}: {_one_line(entry, limit)}" for key, entry in list(value.items())[:limit])
        return "{" + ", ".join(entries) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_one_line(entry, limit) for entry in value[:limit]) + "]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return repr(value)


def _plain_name(name: str) -> str:
    return name[:100].casefold().replace("-", "_").replace(" ", "_")
