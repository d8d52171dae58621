"""Runs recipes: once, or once per seed; and compares finished runs."""

import glob
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rnn_apps import reporting
from rnn_apps.errors import Call, RnnAppsError, UserError, shown
from rnn_apps.recipe import Recipe, apply_overrides, load_recipe, load_run_recipe, with_data
from rnn_apps.run_folder import RECORD, RunFolder
from rnn_apps.runs.beam import BeamJob
from rnn_apps.runs.connecting import check_same_recipe, connect
from rnn_apps.runs.console import PrintConsole
from rnn_apps.runs.pipeline import resume_run, run_recipe
from rnn_apps.runs.preparing import prepare_data
from rnn_apps.runs.trained_run import open_run

SEEDS = "seeds.json"  # the scores of runs that differ only in their seeds


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
    slurm=False,
    **settings,
):
    """Run a recipe: train, evaluate, export, report.

    If the variable TF_CONFIG names several processes, they train together: each computes a share of every
    batch. Only the first one, the chief, writes the run folder and returns the `Run`.

    Args:
        recipe: name of a packaged recipe, path of a YAML file, or a `Recipe`; with `resume`, None for the
            recipe of the run.
        data: folder or file in the layout of the task, or a dict of `data` settings.
        out: folder for the run; ``runs/<recipe>/<time>`` by default.
        sample: whether to use synthetic data if the data set is unavailable.
        overrides: texts such as ``"training.epochs=8"``.
        console: receives progress; prints lines by default.
        resume: folder of a run to resume from its newest checkpoint; a complete run is not changed.
        force: whether to resume even if recipe or data have changed.
        slurm: whether to train together with the other tasks of this Slurm step.
        **settings: overrides as nested dicts, such as ``training={"epochs": 8}``.

    Returns:
        `Run`; None in a process other than the chief.

    Raises:
        UserError: if the recipe or the data is invalid; nothing is written.
        TrainingFailed: if the loss is NaN or infinite.
        Interrupted: after a signal; the folder contains the best network so far.
        WorkerLost: if another process of the training cannot be reached.
    """
    if isinstance(data, Mapping):
        data, settings = None, {**settings, "data": data}
    console = console or PrintConsole()
    workers = connect(console, slurm)
    with workers.together():
        if resume is not None and (workers.is_chief or recipe is None):  # only the chief needs the folder
            folder = RunFolder.open(resume, needs=("recipe.yaml", RECORD))
            recipe = load_run_recipe(folder.path) if recipe is None else recipe
        recipe = _loaded(recipe)
        recipe = apply_overrides(apply_overrides(recipe, overrides), settings)
        recipe = with_data(recipe, data) if data is not None else recipe
        if resume is None and workers.is_chief:
            out = RunFolder.free_path(recipe.name, out)
    check_same_recipe(recipe, resume is not None, workers)
    if resume is not None:
        return resume_run(recipe, resume, console, force, workers)
    return run_recipe(recipe, out, sample, console, workers)


def prepare(
    recipe,
    to,
    *,
    data=None,
    overrides=(),
    console=None,
    runner=None,
    workers=None,
    beam_options=None,
    **settings,
):
    """Prepare data that is larger than memory: shards of encoded examples, which `run` reads from disk.

    An interrupted preparation continues after its last complete shards when it is started again.

    Args:
        recipe: as in `run`.
        to: folder to write: new, empty, or half prepared from the same data with the same settings.
        data, overrides, console, **settings: as in `run`.
        runner: name of an Apache Beam runner whose workers encode the data, such as ``"DirectRunner"``; they
            need the same paths as this process. None to encode in this process.
        workers: number of parts that are encoded at the same time, each of which reads all data; for
            ``"DirectRunner"`` the number of cores by default.
        beam_options: options of Beam, a list such as ``["--flink_master=host:8081"]``.

    Returns:
        `rnn_apps.data.prepared.PreparedData`.

    Raises:
        UserError: if the recipe or the data is invalid, the folder is not free, or data of this task cannot
            be prepared.
    """
    if isinstance(data, Mapping):
        data, settings = None, {**settings, "data": data}
    beam = BeamJob.of(runner, workers, beam_options)
    recipe = apply_overrides(apply_overrides(_loaded(recipe), overrides), settings)
    return prepare_data(recipe if data is None else with_data(recipe, data), to, console, beam)


def _loaded(recipe):
    if isinstance(recipe, Recipe):
        return recipe
    if not isinstance(recipe, (str, os.PathLike)):
        received = "none" if recipe is None else f"{type(recipe).__name__} {shown(recipe)}"
        expected = "the name of a packaged recipe, the path of a YAML file, or a Recipe"
        raise UserError("recipe", received=received, expected=expected, fix='Such as rnn_apps.run("imdb").')
    return load_recipe(recipe)


def run_seeds(recipe, seeds, out=None, **options):
    """Run a recipe once per seed, all in one folder, with a summary in `seeds.json`.

    Args:
        recipe: as in `run`.
        seeds: list of ints.
        out: folder of all runs; ``runs/<recipe>/<time>`` by default.
        **options: further arguments of `run`.

    Returns:
        List of `Run`, and a dict of metrics to ``{"mean", "low", "high"}`` over the seeds; both empty in a
        process other than the chief.
    """
    recipe = _loaded(recipe)
    folder = RunFolder(RunFolder.free_path(recipe.name, out))
    runs = [run(recipe, out=folder / f"seed-{seed}", **{**options, "seed": seed}) for seed in seeds]
    if None in runs:
        return [], {}
    scores = [finished.metrics["test"] for finished in runs]
    names = [name for name in scores[0] if all(name in others for others in scores)]
    summary = {name: _range([test[name] for test in scores]) for name in names}
    mark = runs[0].metrics["score_mark"]
    folder.write_json(SEEDS, {"seeds": list(seeds), "test": summary, "score_mark": mark})
    return runs, summary


def _range(values):
    return {"mean": float(np.mean(values)), "low": min(values), "high": max(values)}


def compare(folders):
    """Return the runs of these folders, and the settings that differ, dotted path to values.

    Args:
        folders: folders of runs, folders of several seeds written by `run_seeds`, or patterns such as
            ``runs/imdb/*``.

    Raises:
        UserError: if a folder is neither, a pattern has no match, or a file of a run is missing.
    """
    runs = [open_run(run) for folder in folders for path in _matches(folder) for run in _runs_in(path)]
    flat = [r.recipe.flat() for r in runs]
    keys = list(dict.fromkeys(key for settings in flat for key in settings))
    differing = {key: [settings.get(key) for settings in flat] for key in keys}
    return runs, {key: values for key, values in differing.items() if any(v != values[0] for v in values)}


def _matches(folder):
    """The paths that match a pattern, in order; an existing path matches itself."""
    if Path(folder).exists() or not glob.has_magic(str(folder)):
        return [Path(folder)]
    matches = sorted(glob.glob(str(folder)))
    if not matches:
        raise UserError(str(folder), "no path matches this pattern", expected="folders of runs")
    return map(Path, matches)


def _runs_in(folder):
    """The run folders in a folder: itself, or those of its seeds."""
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
        expected = "the folder of a run, or of several seeds"
        raise UserError(str(folder), "recipe.yaml is missing", expected=expected, fix=fix)
    return [folder / f"seed-{seed}" for seed in seeds]


def write_comparison(runs, out):
    """Write a page that compares runs to a new folder, and return its path.

    Args:
        runs: list of `Run`.
        out: path of the new folder.

    Raises:
        UserError: if `out` exists, or a run is listed twice, damaged, or not complete.
    """
    for run in runs:
        if not run.metrics:
            fix = [Call("Resume it", "run", f"resume={run.folder}"), "Or leave it out."]
            raise UserError(str(run.folder), "is not complete", expected="a complete run", fix=fix)
    places = [Path(run.folder).resolve() for run in runs]
    for place in places:
        if places.count(place) > 1:
            problem = "listed twice, so its scores would count as two seeds"
            raise UserError(str(place), problem, fix="List it once.")
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
