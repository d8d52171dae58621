"""Runs recipes: once, or once per seed; and compares finished runs."""

import glob
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rnn_apps import reporting
from rnn_apps.errors import Call, RnnAppsError, UserError, shown
from rnn_apps.recipe import Recipe, apply_overrides, load_recipe, with_data
from rnn_apps.run_folder import RECORD, RunFolder
from rnn_apps.runs.finished import open_run
from rnn_apps.runs.pipeline import resume_run, run_recipe
from rnn_apps.runs.saying import Lines

SEEDS = "seeds.json"  # in the folder of runs that differ in their seeds alone: their scores together


def run(
    recipe=None,
    *,
    data=None,
    out=None,
    sample=True,
    overrides=(),
    console=None,
    resume=None,
    force=False,
    **settings,
):
    """Run a recipe: train, evaluate, export, report.

    Args:
        recipe: name of a packaged recipe, path of a YAML file, or a `Recipe`; with `resume`, None is that of
            the run.
        data: folder or file of the user's own data, in the layout of the task; or settings of `data`, a dict.
        out: folder for the run; ``runs/<recipe>/<time>`` by default.
        sample: whether generated data may stand in for a set that cannot be had.
        overrides: ``"training.epochs=8"`` texts.
        console: where progress goes; prints lines by default.
        resume: folder of a run to resume from its newest checkpoint; a complete one stays as it is.
        force: resume although recipe or data have changed since.
        **settings: overrides as nested dicts, ``training={"epochs": 8}``.

    Returns:
        `Run`.

    Raises:
        UserError: something in the recipe or the data is wrong; nothing was written.
        TrainingFailed: the loss is no longer a number.
        Interrupted: a signal came; the folder holds the best network so far.
    """
    if isinstance(data, Mapping):
        data, settings = None, {**settings, "data": data}
    console = console or Lines()
    if resume is not None:
        folder = RunFolder.open(resume, needs=("recipe.yaml", RECORD))
        recipe = folder / "recipe.yaml" if recipe is None else recipe
    recipe = _loaded(recipe)
    recipe = apply_overrides(apply_overrides(recipe, overrides), settings)
    recipe = with_data(recipe, data) if data is not None else recipe
    if resume is not None:
        return resume_run(recipe, resume, console, force)
    return run_recipe(recipe, RunFolder.free_path(recipe.name, out), sample, console)


def _loaded(recipe):
    if isinstance(recipe, Recipe):
        return recipe
    if not isinstance(recipe, (str, os.PathLike)):
        received = "none" if recipe is None else f"{type(recipe).__name__} {shown(recipe)}"
        expected = "the name of a packaged recipe, the path of a YAML file, or a Recipe"
        raise UserError("recipe", received=received, expected=expected, fix='Such as rnn_apps.run("imdb").')
    return load_recipe(recipe)


def run_seeds(recipe, seeds, out=None, **options):
    """Run a recipe once per seed, side by side in one folder, with a summary in its `seeds.json`.

    Args:
        recipe: as in `run`.
        seeds: whole numbers.
        out: folder of all runs; ``runs/<recipe>/<time>`` by default.
        **options: of `run`.

    Returns:
        List of `Run`, and metric name to ``{"mean", "low", "high"}`` over the seeds.
    """
    recipe = _loaded(recipe)
    folder = RunFolder(RunFolder.free_path(recipe.name, out))
    runs = [run(recipe, out=folder / f"seed-{seed}", **{**options, "seed": seed}) for seed in seeds]
    scores = [finished.metrics["test"] for finished in runs]
    names = [name for name in scores[0] if all(name in others for others in scores)]
    summary = {name: _range([test[name] for test in scores]) for name in names}
    mark = runs[0].metrics["score_mark"]
    folder.write_json(SEEDS, {"seeds": list(seeds), "test": summary, "score_mark": mark})
    return runs, summary


def _range(values):
    return {"mean": float(np.mean(values)), "low": min(values), "high": max(values)}


def compare(folders):
    """Return the runs of these folders, and the settings in which they differ: dotted path to values.

    Args:
        folders: of runs, of runs with several seeds as `run_seeds` makes them, or patterns such as
            ``runs/imdb/*`` for both.

    Raises:
        UserError: a folder is neither, nothing fits a pattern, or a file of a run is missing.
    """
    runs = [open_run(run) for folder in folders for path in _matches(folder) for run in _runs_in(path)]
    flat = [r.recipe.flat() for r in runs]
    keys = list(dict.fromkeys(key for settings in flat for key in settings))
    differing = {key: [settings.get(key) for settings in flat] for key in keys}
    return runs, {key: values for key, values in differing.items() if any(v != values[0] for v in values)}


def _matches(folder):
    """The paths that a pattern names, in order; a path that is there is itself."""
    if Path(folder).exists() or not glob.has_magic(str(folder)):
        return [Path(folder)]
    found = sorted(glob.glob(str(folder)))
    if not found:
        raise UserError(str(folder), "nothing fits this pattern", expected="folders of runs")
    return map(Path, found)


def _runs_in(folder):
    """The folders of runs that a folder stands for: itself, or those of its seeds."""
    if (folder / "recipe.yaml").exists() or not folder.exists():
        return [folder]
    if (folder / SEEDS).is_file():
        try:
            return [folder / f"seed-{seed}" for seed in RunFolder(folder).read_json(SEEDS)["seeds"]]
        except (KeyError, TypeError):
            raise UserError(str(folder / SEEDS), "damaged", expected='{"seeds": [...]}') from None
    inside = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    seeds = sorted(int(name[5:]) for name in inside if re.fullmatch(r"seed-\d+", name))
    if not seeds:
        has_runs = any((folder / name / "recipe.yaml").exists() for name in inside)
        fix = f"Name the runs in it: {folder / '*'}" if has_runs else "Leave it out."
        expected = "the folder of a run, or that of several seeds"
        raise UserError(str(folder), "recipe.yaml is not there", expected=expected, fix=fix)
    return [folder / f"seed-{seed}" for seed in seeds]


def write_comparison(runs, out):
    """Write the page that compares runs into a new folder, and return its path.

    Args:
        runs: `Run`s.
        out: folder, free.

    Raises:
        UserError: `out` is taken, a run is named twice, damaged, or did not come to its end.
    """
    for run in runs:
        if not run.metrics:
            fix = [Call("Let it come to its end", "run", f"resume={run.folder}"), "Or leave it out."]
            raise UserError(str(run.folder), "did not come to its end", expected="a finished run", fix=fix)
    places = [Path(run.folder).resolve() for run in runs]
    for place in places:
        if places.count(place) > 1:
            problem = "named twice, so that its scores would count as those of two seeds"
            raise UserError(str(place), problem, fix="Name it once.")
    RunFolder.check_free(out)
    out = Path(out)
    try:
        with RunFolder(out.parent).writing(out.name) as path:
            path.mkdir()
            reporting.write_comparison([r.folder for r in runs], [r.recipe.flat() for r in runs], path)
    except UserError:
        raise
    except RnnAppsError as error:  # a damaged file of a run
        raise UserError("compare", str(error), fix="Leave that run out, or run it again.") from error
    return out / "report.html"
