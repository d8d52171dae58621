"""The settings that a search varies, and their checks. Does not import TensorFlow or Optuna."""

import json
import math
import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnn_apps.errors import RecipeError, UserError, did_you_mean, message, shown
from rnn_apps.recipe import Recipe, dump_commented, with_values
from rnn_apps.recipe.document import Document, Place, Problem
from rnn_apps.recipe.problems import node_at
from rnn_apps.recipe.reading import LARGEST_FILE, parse_document
from rnn_apps.tasks import settings_class

MOST_KEYS, MOST_CHOICES, LARGEST_NUMBER = 50, 100, 1e300
SECTIONS = ("data", "model", "training")
COMBINATIONS = 20  # of the other settings, with which a value is tried before it is rejected
FIELDS = ("low", "high", "step", "log")
EXAMPLE = "{low: 0.0005, high: 0.01, log: true} or [64, 128]"
START = f"A space starts with a key of the recipe, such as training.learning_rate: {EXAMPLE}."

# Other keys of `data` decide which examples are read or scored, so scores could not be compared.
DATA_KEYS = ("vocabulary_size", "min_count", "max_length", "unit", "windows", "shuffle")
NOT_SEARCHED = {
    "task": "a search compares settings of one task",
    "name": "it does not change the score",
    "description": "it does not change the score",
    "seed": "scores that differ by chance are not better",
    "export": "trials are not exported",
    "views": "it does not change the score",
    "training.deterministic": "it does not change the score",
    "training.compile": "it does not change the score",
    "training.checkpoint_every": "it does not change the score",
    "training.accumulate_steps": "it does not change the score",
    "training.recompute_every": "it does not change the score",
    "model.decoding": "it does not change the validation score",
    "model.generation": "it does not change the validation score",
}
OF_TASK = {
    "language_model": dict.fromkeys(
        ("data.unit", "data.vocabulary_size", "data.min_count"), "the validation loss is per token of these"
    ),
    "forecasting": {"model.quantiles": "the validation loss is the loss of these quantiles"},
}


@dataclass(frozen=True)
class Choices:
    """Values to choose from.

    Attributes:
        values: of the recipe key, of any type that the recipe allows.
    """

    values: tuple

    def plain(self) -> list:
        """Returns the choices as a space file has them."""
        return list(self.values)

    def sample(self, rng: random.Random) -> object:
        """Returns a random choice."""
        return rng.choice(self.values)

    def __str__(self) -> str:
        return ", ".join(shown(value) for value in self.values)


@dataclass(frozen=True)
class Range:
    """Numbers between two ends, both included.

    Attributes:
        low, high: the ends, ints for a setting that is a whole number.
        step: distance of the numbers from each other, or None.
        log: whether the logarithm of the number is sampled uniformly.
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the numbers are whole."""
        return isinstance(self.low, int)

    def plain(self) -> dict[str, Any]:
        """Returns the range as a space file has it."""
        step = {} if self.step is None else {"step": self.step}
        return {"low": self.low, "high": self.high, **step, **({"log": True} if self.log else {})}

    def sample(self, rng: random.Random) -> object:
        """Returns one of the ends."""
        return rng.choice((self.low, self.high))

    def __str__(self) -> str:
        step = f", in steps of {self.step}" if self.step is not None else ""
        return f"{self.low} to {self.high}{step}{', logarithmic' if self.log else ''}"


Space = dict[str, Choices | Range]


def plain_space(space: Space) -> dict[str, Any]:
    """Returns a space as its file has it."""
    return {key: values.plain() for key, values in space.items()}


def dump_space(space: Space) -> str:
    """Returns a space as YAML, one setting per line."""
    return dump_commented(plain_space(space), {})


def read_space(source: str | os.PathLike | Mapping[str, Any], recipe: Recipe) -> Space:
    """Returns the validated space from a YAML file or a mapping.

    Args:
        source: path of the file, or dotted recipe keys to lists of choices or to ranges.
        recipe: `Recipe` whose settings are searched.

    Raises:
        RecipeError: with every problem found.
        UserError: if there is no such file.
    """
    reading = _Reading(_document(source), recipe)
    space = reading.space()
    if reading.problems:
        raise RecipeError([p.text for p in sorted(reading.problems, key=lambda problem: problem.line)])
    return space


def _document(source: str | os.PathLike | Mapping[str, Any]) -> Document:
    if isinstance(source, Mapping):
        values = {str(key): value for key, value in source.items()}
        return Document(values, {(): Place("space"), **{(key,): Place(f"space {key}") for key in values}})
    path = Path(source)
    try:
        if not path.is_file():
            problem = "a folder" if path.is_dir() else "no such file"
            raise UserError(str(path), problem, expected="a YAML file with the settings to search")
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UserError(str(path)[:200], f"cannot be read ({error.strerror})") from None
    return parse_document(content, str(path), "space", START)


class _Reading:
    """Checks the entries of a space, and collects their problems."""

    def __init__(self, document: Document, recipe: Recipe):
        self.document, self.recipe = document, recipe
        self.problems = list(document.problems)
        self._places: dict[str, Place] = {}

    def space(self) -> Space:
        """Returns the valid entries."""
        values = self.document.values
        if not isinstance(values, dict) or not values:
            self._refuse((), received=shown(values), expected="a mapping of recipe keys", fix=START)
            return {}
        if len(values) > MOST_KEYS:
            received = f"{len(values)} keys"
            self._refuse((), received=received, expected=f"at most {MOST_KEYS}", fix="Search fewer settings.")
            return {}
        self._places = {key: self.document.place((key,)) for key in values}
        entries = {key: self._entry(key, value) for key, value in values.items()}
        space = {key: entry for key, entry in entries.items() if entry is not None}
        self._check_overlaps(list(values))
        for key, values_of_key in space.items():
            self._check_values(key, values_of_key, space)
        return space

    def _entry(self, key: str, value: object) -> Choices | Range | None:
        reason = self._reason_against(key)
        if reason is not None:
            self._refuse((key,), f"cannot be searched: {reason}", fix="Remove it.")
        elif isinstance(value, Mapping):
            return self._range(key, value)
        elif isinstance(value, (list, tuple)):
            return self._choices(key, list(value))
        else:
            fix = f"Such as {EXAMPLE}."
            self._refuse((key,), received=shown(value), expected="a range or a list of choices", fix=fix)
        return None

    def _reason_against(self, key: str) -> str | None:
        reasons = NOT_SEARCHED | OF_TASK.get(self.recipe.task, {})
        parts = key.split(".")
        for depth in range(1, len(parts) + 1):
            if reason := reasons.get(".".join(parts[:depth])):
                return reason
        if key in SECTIONS:
            return "a whole section; search single settings of it"
        if parts[0] == "data" and len(parts) > 1 and parts[1] not in DATA_KEYS:
            known = node_at(settings_class(self.recipe.task), ("data", parts[1]))
            return "it decides which examples are read or scored" if known else None
        return None

    def _choices(self, key: str, values: list) -> Choices | None:
        distinct = {json.dumps(value, sort_keys=True, default=str) for value in values}
        if not 2 <= len(values) <= MOST_CHOICES:
            received, expected = f"{len(values)} of them", f"2 to {MOST_CHOICES} choices"
            self._refuse(
                (key,), received=received, expected=expected, fix="Set a single value in the recipe."
            )
        elif len(distinct) < len(values):
            self._refuse((key,), received=shown(values), expected="choices that all differ")
        else:
            return Choices(tuple(values))
        return None

    def _range(self, key: str, fields: Mapping) -> Range | None:
        before = len(self.problems)
        for name in fields:
            if name not in FIELDS:
                nested = f'Settings have dotted keys: "{key}.{name}". ' if not {*fields} & {*FIELDS} else ""
                self._refuse((key, name), "unknown field", fix=nested + did_you_mean(name, FIELDS))
        for name in ("low", "high"):
            if name not in fields:
                self._refuse((key,), f"{name} is missing", expected=EXAMPLE.partition(" or ")[0])
        low, high, step = (fields.get(name) for name in ("low", "high", "step"))
        for name, value in {"low": low, "high": high, "step": step}.items():
            if not _is_number(value) and (value is not None or name in fields):
                self._refuse((key, name), received=shown(value), expected="a number")
        if not isinstance(fields.get("log", False), bool):
            self._refuse((key, "log"), received=shown(fields["log"]), expected="true or false")
        if len(self.problems) > before:
            return None
        is_whole = node_at(settings_class(self.recipe.task), tuple(key.split("."))).get("type") == "integer"
        if not (is_whole and isinstance(low, int) and isinstance(high, int)):
            low, high, step = (None if value is None else float(value) for value in (low, high, step))
        found = Range(low, high, step, fields.get("log", False))  # type: ignore[arg-type]
        self._check_range(key, found)
        return found if len(self.problems) == before else None

    def _check_range(self, key: str, found: Range) -> None:
        low, high, step = found.low, found.high, found.step
        if low >= high:
            self._refuse((key,), received=f"low {low} and high {high}", expected="low below high")
        elif found.log and low <= 0:
            self._refuse((key, "low"), received=shown(low), expected="a number above 0, as log is true")
        elif step is not None and found.log:
            self._refuse((key, "step"), "cannot be combined with log: true", fix="Remove one of the two.")
        elif step is not None and not 0 < step <= high - low:
            self._refuse((key, "step"), received=shown(step), expected=f"above 0 and at most {high - low}")
        elif step is not None and found.is_whole and not isinstance(step, int):
            self._refuse((key, "step"), received=shown(step), expected="a whole number")
        elif step is not None and not math.isclose((high - low) / step, round((high - low) / step)):
            last = low + int((high - low) / step) * step
            self._refuse((key, "high"), received=shown(high), expected=f"low plus steps, such as {last:g}")

    def _check_overlaps(self, keys: list[str]) -> None:
        for key in keys:
            below = next((other for other in keys if other.startswith(f"{key}.")), None)
            if below is not None:
                fix = "Search one of the two."
                self._refuse((below,), f"is inside {key}, which is searched as a whole", fix=fix)

    def _check_values(self, key: str, entry: Choices | Range, space: Space) -> None:
        """Apply every value to the recipe; keep the problems of those that it rejects in any combination."""
        values = entry.values if isinstance(entry, Choices) else (entry.low, entry.high)
        known = {problem.text for problem in self.problems}
        for number, value in enumerate(values):
            place = self.document.place((key, number)) if isinstance(entry, Choices) else self._places[key]
            problems = self._problems_of(key, value, place, space)
            for text in problems:
                if text not in known:
                    known.add(text)
                    self.problems.append(Problem(place.line, text))

    def _problems_of(self, key: str, value: object, place: Place, space: Space) -> list[str]:
        problems = self._try({key: value}, {key: place})
        if not problems:
            return []
        others = {name: entry for name, entry in space.items() if name != key}
        for values in self._combinations(others):
            if not self._try({**values, key: value}, self._places):
                return []
        if any(text.startswith(place.text) for text in problems):
            return problems
        where = Document(None, {(): place}).where((key,))
        return [message(where, f"{shown(value)} does not fit the recipe ({problems[0].rstrip('.')})")]

    def _combinations(self, others: Space) -> Iterator[dict[str, object]]:
        rng = random.Random(0)
        for _ in range(COMBINATIONS if others else 0):
            yield {name: entry.sample(rng) for name, entry in others.items()}

    def _try(self, values: Mapping[str, object], places: Mapping[str, Place]) -> list[str]:
        try:
            with_values(self.recipe, values, places)
        except RecipeError as error:
            return error.problems
        except UserError as error:
            return [str(error)]
        return []

    def _refuse(self, path: tuple, problem: str | None = None, **parts: str) -> None:
        place = self.document.place(path)
        text = message(self.document.where(path), problem, **parts)
        self.problems.append(Problem(place.line, text))


def _is_number(value: object) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and abs(value) <= LARGEST_NUMBER  # type: ignore[arg-type]
