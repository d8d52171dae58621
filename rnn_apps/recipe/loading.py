"""Loads recipes from names, files and overrides, and validates them."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rnn_apps.errors import RecipeError, UserError, first_line, message, nearest, shown
from rnn_apps.recipe.document import Document, KeyPath, Place, Problem, dotted
from rnn_apps.recipe.overriding import ORIGIN, Overrides, leaves, override, put
from rnn_apps.recipe.packaged import find_recipe
from rnn_apps.recipe.problems import problems_of
from rnn_apps.recipe.reading import parse_document
from rnn_apps.settings import Settings, TaskSettings, TrainingSettings
from rnn_apps.tasks import settings_class, task_names

SAMPLE_SET = ("data", "sample", "set")
CELL = ("model", "cell")
MARKS_OF_A_RUN = ("manifest.json", "checkpoints/run.json")  # what lies beside the recipe in a run's folder
NEVER_SET_BY_A_SAMPLE = ("task", "name", "data.source", "data.path", "data.sample")


class AnyTaskSettings(TaskSettings):
    """The settings that can be checked if the task is unknown."""

    data: Any = None
    model: Any = None


@dataclass(frozen=True)
class Recipe:
    """A validated recipe: everything that a run depends on.

    Attributes:
        name: its own `name`, or else that of its file.
        task: the name of the task.
        data: the task's data settings.
        model: the task's model settings.
        training: how to train.
        seed: of everything random.
        export: formats to write at the end.
        views: whether the report looks into the recurrence.
        description: free text, or None.
        path: the file it was read from; no part of what makes two recipes equal.
        places: where each value was written, for messages.
        asked: the recipe before the settings of its sample were put in, None where they were not.
    """

    name: str
    task: str
    data: Settings
    model: Settings
    training: TrainingSettings
    seed: int
    export: list[str]
    views: bool = True
    description: str | None = None
    path: Path | None = field(default=None, compare=False)
    places: Mapping[KeyPath, Place] = field(default_factory=dict, compare=False, repr=False)
    asked: "Recipe | None" = field(default=None, compare=False, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Returns all settings, including defaults, as plain values."""
        return {
            "name": self.name,
            "description": self.description,
            "task": self.task,
            "seed": self.seed,
            "data": self.data.model_dump(),
            "model": self.model.model_dump(),
            "training": self.training.model_dump(),
            "export": list(self.export),
            "views": self.views,
        }

    def flat(self) -> dict[str, Any]:
        """Returns all settings by dotted path."""
        return {dotted(path): value for path, value in leaves(self.as_dict())}


def load_recipe(name_or_path: str | os.PathLike, overrides: Overrides = (), origin: str = ORIGIN) -> Recipe:
    """Returns the validated recipe with a name or in a file.

    Args:
        name_or_path: a packaged recipe ("imdb"), or the path of a YAML file.
        overrides: "training.epochs=8" texts, or a mapping such as {"training": {"epochs": 8}}.
        origin: what messages write before the key of an override.

    Raises:
        RecipeError: with every problem found.
        UserError: if there is no such recipe.
    """
    return parse_recipe(*find_recipe(os.fspath(name_or_path)), overrides, origin)


def load_run_recipe(folder: str | os.PathLike) -> Recipe:
    """Load the recipe in the folder of a run.

    Raises:
        UserError: if this version does not know its keys, in one line.
    """
    try:
        return load_recipe(Path(folder) / "recipe.yaml")
    except RecipeError as error:
        problem = f"this version of rnn-apps cannot read its recipe ({first_line(error)})"
        fix = "It was made by another version, or changed by hand: train it again."
        raise UserError(str(folder), problem, fix=fix) from error


def parse_recipe(content: bytes, path: Path, overrides: Overrides = (), origin: str = ORIGIN) -> Recipe:
    """Returns the validated recipe from the bytes of a file.

    Args:
        content: of the file, which need not be there.
        path: of the file, for messages and for the name of the recipe.
        overrides, origin: as of `load_recipe`.

    Raises:
        RecipeError: with every problem found.
    """
    document = parse_document(content, str(path))
    if isinstance(document.values, dict):
        document = override(document, overrides, origin)
    return _checked_with_sample(document, path)


def given_values(name: str, overrides: Iterable[str], origin: str = ORIGIN) -> dict[str, Any]:
    """Returns the values of overrides by dotted path, validated as settings of a packaged recipe.

    Args:
        name: of the packaged recipe.
        overrides: "data.label=stars" texts.
        origin: as of `load_recipe`.

    Raises:
        RecipeError: with every problem found.
    """
    load_recipe(name, overrides, origin)
    values = override(Document({}, {(): Place(origin)}), overrides, origin).values
    return {dotted(path): value for path, value in leaves(values)}


def apply_overrides(recipe: Recipe, overrides: Overrides) -> Recipe:
    """Returns the recipe with overrides, validated; see `load_recipe`."""
    return _checked_with_sample(override(_document(recipe.asked or recipe), overrides), recipe.path)


def with_values(recipe: Recipe, values: Mapping[str, object], places: Mapping[str, Place]) -> Recipe:
    """Returns the recipe with other values of some keys, validated.

    Args:
        recipe: whose values are replaced.
        values: dotted key to value.
        places: dotted key to where its value was written, for messages.

    Raises:
        RecipeError: with every problem found.
    """
    document = _document(recipe.asked or recipe)
    for key, value in values.items():
        put(document, tuple(key.split(".")), value, places[key]._replace(is_override=True))
    return _checked_with_sample(document, recipe.path)


def with_data(recipe: Recipe, path: str | os.PathLike, origin: str = "data") -> Recipe:
    """Returns the recipe with the user's own file or folder as its data.

    Args:
        recipe: whose data it replaces.
        path: file or folder.
        origin: what messages write before the path.
    """
    document = _document(recipe.asked or recipe)
    place = Place(f"{origin} {os.fspath(path)}")
    put(document, ("data", "source"), "files", place)
    put(document, ("data", "path"), path, place)
    return _checked(document, recipe.path)


def with_sample(recipe: Recipe) -> tuple[Recipe, list[str]]:
    """Returns the recipe with its synthetic data, and the settings that this overrides.

    What the user has overridden stays. The sample's `set:` is empty afterwards, so that it applies once.

    Raises:
        UserError: if the recipe has no sample.
        RecipeError: if `data.sample.set` does not fit the recipe.
    """
    document, sample = _document(recipe), getattr(recipe.data, "sample", None)
    if sample is None:
        fix = "Name one, such as {name: reviews}, or make the data available."
        where = document.where(SAMPLE_SET[:2])
        raise UserError(where, "this recipe has no synthetic data to use instead of its own", fix=fix)
    wanted = [(path, value) for path, value in leaves(sample.set) if not _is_overridden(document, path)]
    applied = [_put_from_sample(document, path, value) for path, value in wanted]
    put(document, SAMPLE_SET, {}, Place("data.sample"))
    put(document, ("data", "source"), "sample", Place("data.sample"))
    put(document, ("data", "path"), None, Place("data.sample"))
    return _checked(document, recipe.path), applied


def _is_overridden(document: Document, path: KeyPath) -> bool:
    return document.place(path).is_override


def _put_from_sample(document: Document, path: KeyPath, value: object) -> str:
    name = dotted(path)
    written = document.place((*SAMPLE_SET, name))
    place = Place(Document(None, {(): written}).where(SAMPLE_SET), written.line)
    if any(f"{name}.".startswith(f"{key}.") for key in NEVER_SET_BY_A_SAMPLE):
        text = message(f"{place.text}  {name}", "a sample cannot set this", fix="Remove it.")
        document.problems.append(Problem(place.line, text))
    else:
        put(document, path, value, place)
    return f"{name} = {shown(value)}"


def _document(recipe: Recipe) -> Document:
    places = dict(recipe.places) or {(): Place(str(recipe.path or recipe.name))}
    return Document(recipe.as_dict(), places)


def _checked_with_sample(document: Document, path: Path | None) -> Recipe:
    recipe = _checked(document, path)
    if getattr(recipe.data, "sample", None) is None:
        return recipe
    sampled, _ = with_sample(recipe)  # always, so that a broken `set:` is known before it is needed
    return replace(sampled, asked=recipe) if recipe.data.source == "sample" else recipe


def _checked(document: Document, path: Path | None) -> Recipe:
    context = {"of_a_run": _is_of_a_run(document, path)}
    problems = [*document.problems, *_problems(document, context)]
    if problems:
        raise RecipeError([problem.text for problem in sorted(problems, key=lambda problem: problem.line)])
    settings = settings_class(document.values["task"]).model_validate(document.values, context=context)
    return Recipe(
        name=settings.name or _name_of(path),
        task=settings.task,
        data=settings.data,
        model=settings.model,
        training=settings.training,
        seed=settings.seed,
        export=settings.export,
        views=settings.views,
        description=settings.description,
        path=path,
        places=document.places,
    )


def _is_of_a_run(document: Document, path: Path | None) -> bool:
    """Whether the recipe is that of a run, whose process may have registered the cell."""
    beside = [path.parent / name for name in MARKS_OF_A_RUN] if path else []
    return any(mark.is_file() for mark in beside) and not _is_overridden(document, CELL)


def _problems(document: Document, context: dict[str, bool]) -> list[Problem]:
    values = document.values
    if not isinstance(values, dict):
        expected = "a mapping of keys, the first of which is task"
        text = message(document.where(()), received=shown(values), expected=expected)
        return [Problem(document.place(()).line, text)]
    task = values.get("task")
    if isinstance(task, str) and task in task_names():
        return problems_of(document, settings_class(task), context)
    known = Document({**values, "task": ""}, document.places)
    return [_task_problem(document), *problems_of(known, AnyTaskSettings)]


def _task_problem(document: Document) -> Problem:
    line, where = document.place(("task",)).line, document.where(("task",))
    expected = f"one of {', '.join(task_names())}"
    if "task" not in document.values:
        return Problem(line, message(where, "missing", expected=expected))
    task = document.values["task"]
    guess = nearest(task, task_names())
    fix = f'Did you mean "{guess}"?' if guess else None
    return Problem(line, message(where, received=shown(task), expected=expected, fix=fix))


def _name_of(path: Path | None) -> str:
    """Returns a valid folder name from a file name."""
    stem = path.stem if path else ""
    return re.sub(r"[^A-Za-z0-9._-]", "_", stem).lstrip("._-")[:100] or "recipe"
