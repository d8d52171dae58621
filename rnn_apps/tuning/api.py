"""Searches settings of a recipe, compares what was found, and writes it to a folder."""

import os
from collections.abc import Mapping
from pathlib import Path

from rnn_apps.cluster import VARIABLE, Cluster
from rnn_apps.errors import Argument, Call, UserError, shown
from rnn_apps.recipe import Recipe, apply_overrides, load_recipe, load_run_recipe, with_data
from rnn_apps.run_folder import RunFolder
from rnn_apps.tuning.space import read_space
from rnn_apps.tuning.study import (
    RECIPE_FILE,
    SAMPLERS,
    SPACE_FILE,
    STUDY_FILE,
    Location,
    check_packages,
)

MOST_TRIALS = 100_000


def tune(
    recipe=None,
    space=None,
    *,
    trials=None,
    data=None,
    out=None,
    study=None,
    name=None,
    sampler=None,
    compare=None,
    sample=True,
    overrides=(),
    console=None,
    on_full=None,
    **settings,
):
    """Search the settings of a recipe that score best on validation.

    Each trial trains the recipe with sampled settings. The test split is dropped before anything is learned
    from the data, and never scored. A search may be interrupted and continued, and several processes may
    work on one study at once.

    Args:
        recipe: as in `rnn_apps.run`; None for that of an existing `study` in the folder of a search.
        space: path of a YAML file, or a dict of dotted keys to lists of choices, or to ranges such as
            ``{"low": 0.0005, "high": 0.01, "log": True}``; None for that of the `study`.
        trials: number of trials; 50 by default, or that of the study.
        data: folder or file in the layout of the task, or a dict of `data` settings.
        out: folder for the results; by default that of the study file, or ``runs/tune/<recipe>/<time>``.
        study: path of an SQLite file, or URL of a database, to create, continue or join.
        name: name of the study in a database; that of the recipe by default.
        sampler: ``"tpe"`` (default) or ``"random"``.
        compare: whether to compare the best recipe with the recipe itself and with a random search of as many
            trials, trained with 3 seeds each; True by default.
        sample: whether to use synthetic data if the data set is unavailable.
        overrides: texts such as ``"training.epochs=8"``.
        console: receives progress; prints lines by default.
        on_full: function that is called between trials, with the location of the study, when this process
            cannot compile any more, to continue in another one; by default later trials run without XLA.
        **settings: overrides as nested dicts.

    Returns:
        `Tuning`.

    Raises:
        UserError: if recipe, space, data or study are invalid; nothing is written.
        RnnAppsError: if no trial could be completed.
        Interrupted: after a signal; finished trials are kept.
    """
    _check_environment()
    _check_options(trials, sampler)
    location = None if study is None else Location.parse(study)
    if location is not None:
        location.check()
    source = _beside(location)
    if recipe is None and location is not None and location.path is not None and not location.path.exists():
        fix = "Name the file of a study, or the recipe and the space of a new one."
        raise UserError(str(location), "no such study", fix=fix)
    typed = (recipe, space)
    if isinstance(data, Mapping):
        data, settings = None, {**settings, "data": data}
    recipe = _complete(_load(recipe, source), data, overrides, settings)
    space = read_space(_space_source(space, source), recipe)
    out, location = _places(recipe, out, location, source)
    from rnn_apps.tuning.session import Session  # imports TensorFlow

    options = {"trials": trials, "sampler": sampler, "compare": compare}
    session = Session(recipe, space, location, name, options, console, on_full)
    return session.run(out, sample, _continuing(typed, location, out, name, source is not None))


def _check_environment():
    check_packages()
    if Cluster.from_environment() is not None:
        problem = "names a cluster, but each trial is trained in one process"
        fix = "Unset it, and start several searches with the same study."
        raise UserError(VARIABLE, problem, fix=fix)


def _check_options(trials, sampler):
    is_number = isinstance(trials, int) and not isinstance(trials, bool)
    if trials is not None and not (is_number and 1 <= trials <= MOST_TRIALS):
        raise UserError(received=shown(trials), expected=f"1 to {MOST_TRIALS:,}", option="trials")
    if sampler is not None and sampler not in SAMPLERS:
        raise UserError(received=shown(sampler), expected=" or ".join(SAMPLERS), option="sampler")


def _beside(location):
    """The folder of a search that a study file lies in, or None."""
    if location is None or location.path is None or not location.path.exists():
        return None
    folder = location.path.parent
    return folder if (folder / RECIPE_FILE).is_file() and (folder / SPACE_FILE).is_file() else None


def _load(recipe, source):
    if isinstance(recipe, Recipe):
        return recipe
    if isinstance(recipe, (str, os.PathLike)):
        return load_recipe(recipe)
    if recipe is None and source is not None:
        return load_run_recipe(source)
    if recipe is None:
        fix = [Call("List them with", "recipe.packaged_recipes")]
        fix += [Argument("Or continue a search with", "study=PATH")]
        raise UserError("Name a recipe.", fix=fix)
    expected = "the name of a packaged recipe, the path of a YAML file, or a Recipe"
    raise UserError("recipe", received=f"{type(recipe).__name__} {shown(recipe)}", expected=expected)


def _complete(recipe, data, overrides, settings):
    """Return the recipe with its overrides and data."""
    recipe = apply_overrides(apply_overrides(recipe, overrides), settings)
    if recipe.task == "imported":
        fix = "Search the settings of a recipe that trains a network."
        raise UserError("task", "an imported model is not trained", fix=fix)
    return recipe if data is None else with_data(recipe, data)


def _space_source(space, source):
    if space is not None:
        return space
    if source is not None:
        return source / SPACE_FILE
    expected = "a YAML file of recipe keys, such as training.learning_rate: {low: 0.0005, high: 0.01}"
    raise UserError(problem="missing", expected=expected, option="space")


def _places(recipe, out, location, source):
    """Return the output folder and the location of the study; writes nothing."""
    if source is not None and out is None:
        return source, location
    is_started = out is not None and (Path(out) / SPACE_FILE).is_file() and location is not None
    if location is not None and location.path is not None and out is None:
        out = location.path.with_suffix("") if location.path.suffix else f"{location.path}-results"
        is_started = (Path(out) / SPACE_FILE).is_file()
    if not is_started:
        out = RunFolder.free_path(f"tune/{recipe.name}", out)
    return Path(out), location or Location.parse(Path(out) / STUDY_FILE)


def _continuing(typed, location, out, name, has_recipe):
    """Return the `Fix` that continues the search."""
    recipe, space = typed
    parts = []
    if not has_recipe and location.path != out / STUDY_FILE:
        parts += [f"recipe={getattr(recipe, 'name', recipe)}"] if recipe is not None else []
        parts += [f"space={space}"] if isinstance(space, (str, os.PathLike)) else []
    parts += [f"study={location}"]
    if location.path is None:
        parts += [f"out={out}"]
    return Call("Continue with", "tune", *parts, *([f"name={name}"] if name else []))
