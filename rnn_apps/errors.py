"""The exceptions that users see, and the form of their messages."""

import copy
import difflib
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "Argument",
    "Call",
    "DataError",
    "Fix",
    "RecipeError",
    "RnnAppsError",
    "Setting",
    "UserError",
    "Wording",
    "current_folder_note",
    "did_you_mean",
    "first_line",
    "list_fixes",
    "message",
    "nearest",
    "printable",
    "shown",
    "type_and_line",
]

LONGEST_SHOWN = 60
MOST_PROBLEMS_SHOWN = 50


class RnnAppsError(Exception):
    """Base class of all errors of rnn-apps."""

    def text(self, wording: "Wording") -> str:
        """Returns the message in a given wording."""
        return str(self)


class Fix:
    """A way to fix a problem, which Python and the command line write differently.

    Args:
        purpose: what it does, as a sentence without its end.
        *assignments: "name=value" texts.
    """

    def __init__(self, purpose: str, *assignments: str):
        self.purpose, self.assignments = purpose, assignments

    def __str__(self) -> str:
        return f"{self.purpose}: {', '.join(self.assignments)}"


class Setting(Fix):
    """A fix by settings of the recipe.

    Example:
        >>> print(Setting("Or sort them with", "data.sort=true"))
        Or sort them with: data.sort=true
    """

    @property
    def key(self) -> str:
        """Dotted key of the first setting."""
        return self.assignments[0].partition("=")[0]


class Argument(Fix):
    """A fix by arguments of the function that was called, such as "as_text=True"."""


class Call(Fix):
    """A fix by calling a function of rnn_apps.

    Args:
        purpose: as of `Fix`.
        function: its name below ``rnn_apps``.
        *assignments: its arguments, "name=text" texts.

    Example:
        >>> print(Call("Resume it with", "run", "resume=runs/imdb/1"))
        Resume it with: rnn_apps.run(resume="runs/imdb/1")
    """

    def __init__(self, purpose: str, function: str, *assignments: str):
        super().__init__(purpose, *assignments)
        self.function = function

    def __str__(self) -> str:
        pairs = (text.partition("=") for text in self.assignments)
        arguments = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, _, value in pairs)
        return f"{self.purpose}: rnn_apps.{self.function}({arguments})"


Fixes = str | Fix | Sequence[str | Fix]


def list_fixes(fix: Fixes | None) -> tuple[str | Fix, ...]:
    """Returns the `fix` of an error as a tuple of single ones."""
    return (fix,) if isinstance(fix, (str, Fix)) else tuple(fix or ())


class Wording:
    """How messages write settings and arguments: in Python; the command line has a subclass."""

    def where(self, error: "UserError") -> str:
        """Returns the location, or the argument that the error is about."""
        if error.option is None:
            return error.where
        return f"{error.option}={error.where}" if error.where else error.option

    def fixes(self, error: "UserError") -> Sequence[str | Fix]:
        """Returns the fixes of an error that apply to its reader."""
        return error.fixes

    def fix(self, fix: str | Fix) -> str:
        """Returns the text of one fix."""
        return str(fix)


class UserError(RnnAppsError):
    """An error that the user can fix; the command line prints it and exits with 2.

    Its text never names an option of a command: settings, arguments and their fixes are attributes, from
    which the command line writes its own text with `text`.

    Args:
        where: as of `message`; empty where `option` says it.
        problem, received, expected: as of `message`.
        fix: a sentence, a `Fix`, or several of them.
        key: dotted recipe key that the error is about; by default that of the first `Setting` in `fix`.
        option: name of the argument that the error is about; `where` is then its value, or empty.

    Attributes:
        settings: tuple of the `Setting`s that fix it.

    Examples:
        >>> print(UserError("reviews.csv:7  label", received='"good"', expected="positive or negative"))
        reviews.csv:7  label: received "good", expected positive or negative.
        >>> print(UserError("air.csv:9", "not in order", fix=Setting("Sort it with", "data.sort=true")))
        air.csv:9: not in order. Sort it with: data.sort=true
        >>> print(UserError(option="steps", received="0", expected="1 to 200"))
        steps: received 0, expected 1 to 200.
    """

    def __init__(
        self,
        where: str = "",
        problem: str | None = None,
        *,
        received: str | None = None,
        expected: str | None = None,
        fix: Fixes | None = None,
        key: str | None = None,
        option: str | None = None,
    ):
        self.where, self.problem, self.received, self.expected = where, problem, received, expected
        self.fixes = list_fixes(fix)
        self.settings = tuple(one for one in self.fixes if isinstance(one, Setting))
        self.key = key or (self.settings[0].key if self.settings else None)
        self.option = option
        super().__init__(self.text(Wording()))

    def __str__(self) -> str:
        return self.text(Wording())

    def text(self, wording: Wording) -> str:
        """Returns the message in a given wording."""
        fixes = list(wording.fixes(self))
        ended = [f"{wording.fix(one)}{'.' if isinstance(one, Fix) else ''}" for one in fixes[:-1]]
        fix = " ".join([*ended, *map(wording.fix, fixes[-1:])])
        details = {"received": self.received, "expected": self.expected}
        return message(wording.where(self), self.problem, **details, fix=fix or None)

    def within(self, source: str) -> "UserError":
        """Returns this error with the name of its source before its location."""
        inner = copy.copy(self)
        inner.where = f"{source}, {self.where}"
        return inner


class DataError(UserError):
    """An error in the user's data, not in the recipe."""


class RecipeError(UserError):
    """A recipe that cannot be run, with every problem found in it.

    Attributes:
        problems: one line of text per problem, in the order of the file.
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
    """Returns one readable line: where and what happened, what was received and expected, how to fix it.

    Args:
        where: the file, line and dotted path, or the whole text when it is the only argument.
        problem: what happened, without a full stop.
        received: what was found; pass values through `shown`.
        expected: what would have been right.
        fix: a full sentence that says how to fix it.
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


def current_folder_note(path: str | os.PathLike) -> list[str]:
    """Returns a sentence on where a relative path starts, as a list; an empty one for an absolute path."""
    if os.path.isabs(os.path.expanduser(path)):
        return []
    return [f"A relative path starts at the current folder, {printable(os.getcwd())}."]


def type_and_line(error: BaseException, most: int | None = 200) -> str:
    """Returns an exception as "ValueError: the first line of its text"."""
    name, line = type(error).__name__, first_line(error, most)
    return name if line == name else f"{name}: {line}"


def nearest(name: object, options: Iterable[str]) -> str | None:
    """Returns the option that is most similar to `name`, or None."""
    by_plain_name = {_plain_name(option): option for option in options}
    found = difflib.get_close_matches(_plain_name(str(name)), by_plain_name, n=1)
    return by_plain_name[found[0]] if found else None


def did_you_mean(name: object, options: Iterable[str]) -> str:
    """Returns the advice for a name that is not known: the nearest one, and all of them.

    Args:
        name: what was received.
        options: the names that are known.
    """
    options = list(options)
    close = nearest(name, options)
    guess = [f'Did you mean "{close}"?'] if close else []
    return " ".join([*guess, f"Allowed here: {', '.join(options)}."])


def shown(value: object, limit: int = LONGEST_SHOWN) -> str:
    """Returns a received value as a recipe would write it: one line, safe to print, shortened when long."""
    text = _one_line(value, limit)
    text = printable(text)
    return text if len(text) <= limit else text[: limit - 4] + " ..."


def printable(text: str) -> str:
    """Returns a text without terminal control characters."""
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
