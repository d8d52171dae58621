"""The pipeline of a run: prepare, train, score, export, report."""

import json
import sys
from pathlib import Path

import keras
import tensorflow as tf

from rnn_apps.checkpoint import Checkpoints
from rnn_apps.errors import Argument
from rnn_apps.export import get_format
from rnn_apps.recipe import apply_overrides, load_run_recipe, with_sample
from rnn_apps.reporting import write_report
from rnn_apps.run_folder import CHECKPOINTS, RECORD, RunFolder
from rnn_apps.runs import stages
from rnn_apps.runs.checkpointing import check_unchanged
from rnn_apps.runs.console import layer_paths
from rnn_apps.runs.trained_run import Run, sample_mark


def run_recipe(recipe, out, allow_sample, console):
    """Run a recipe.

    Args:
        recipe: `Recipe`.
        out: path of the run folder, which must not exist.
        allow_sample: whether to use synthetic data if the data set is unavailable.
        console: `PrintConsole`, or an object with its methods.

    Returns:
        `Run`.
    """
    _check_environment(recipe)
    prepared = stages.prepare(_with_absolute_paths(recipe), allow_sample, console)
    folder = RunFolder(out)
    RunFolder.create(folder.path)
    with Checkpoints(folder / CHECKPOINTS).locked() as checkpoints:
        stages.write_record(folder, prepared)
        console.log(f"Run folder: {folder.path}")
        return _run(prepared, folder, checkpoints, console)


def resume_run(recipe, out, console, force=False):
    """Resume a run from its newest checkpoint.

    Args:
        recipe: `Recipe`, that of the run unless `force` is set.
        out: path of the run folder.
        console: as in `run_recipe`.
        force: whether to resume even if recipe or data have changed.

    Returns:
        `Run`.

    Raises:
        UserError: if recipe or data have changed since the run was started.
    """
    _check_environment(recipe)
    recipe, folder = _with_absolute_paths(recipe), RunFolder(out)
    where, record = str(folder.path), folder.read_json(RECORD)
    started, sample_of = load_run_recipe(folder.path), record["sample_of"]
    if sample_of and recipe.data.source.removeprefix("tfds:") == sample_of:
        recipe, _ = with_sample(recipe)
    fix = ["Undo that, or use another folder.", Argument("Or resume anyway with", "force=True")]
    if folder.is_complete:
        fix = "Undo that, or train again in another folder."
        check_unchanged(where, "complete, and the recipe", started.flat(), recipe.flat(), fix)
        console.log(f"{where} is complete: there is nothing to resume.")
        return Run(folder.path)
    before, now = started.flat(), recipe.flat()
    has_moved = before.get("data.path") != now.get("data.path")
    if not force:
        path = {"data.path": None}  # data may move, as long as its content is the same
        check_unchanged(where, "the recipe", before | path, now | path, fix)
    with Checkpoints(folder / CHECKPOINTS).locked() as checkpoints:
        prepared = stages.prepare(recipe, False, console, sample_of)
        if not force:
            source = {"source": None} if has_moved else {}
            data = json.loads(json.dumps(prepared.data))
            check_unchanged(where, "the data", record["data"] | source, data | source, fix)
        folder.remove_unfinished()
        if has_moved:
            stages.write_record(folder, prepared)
            console.log(f"The data has moved to {recipe.data.path}")
        console.log(f"Resuming {where}")
        return _run(prepared, folder, checkpoints, console, force)


def _check_environment(recipe):
    for name in recipe.export:
        get_format(name).check_packages()
    if recipe.training.deterministic:
        tf.config.experimental.enable_op_determinism()


def _run(prepared, folder, checkpoints, console, force=False):
    """Run the stages after preparation, each of which writes its files to the run folder."""
    _log_unsupported_formats(prepared, console)
    trained = stages.train(prepared, folder, checkpoints, console, force)
    scored = stages.score(prepared, folder, console)
    not_exported, export_seconds = stages.export(prepared, folder, console)
    seconds = {
        "data": prepared.seconds,
        "training": trained.seconds,
        "evaluation": scored.seconds,
        "export": export_seconds,
        **stages.write_views(prepared, trained, folder, console),
    }
    _write_metrics(prepared, trained, scored, not_exported, seconds, folder)
    write_report(folder.path)
    versions = {
        "python": sys.version.split()[0],
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
    fingerprint = prepared.data["fingerprint"]
    folder.write_manifest({"versions": versions, "seed": prepared.recipe.seed, "data": fingerprint})
    checkpoints.keep_newest()
    return Run(folder.path)


def _log_unsupported_formats(prepared, console):
    for name in prepared.recipe.export:
        reason = get_format(name).unsupported(prepared.task.predictor)
        if reason is not None:
            console.log(f"This network will not be exported as {name}: {reason}.")


def _write_metrics(prepared, trained, scored, not_exported, seconds, folder):
    recipe, task = prepared.recipe, prepared.task
    mark = sample_mark(recipe.data, prepared.sample_of)
    sample = {"is_sample": mark is not None, "sample_of": prepared.sample_of}
    metrics = {
        "task": recipe.task,
        "recipe": recipe.name,
        "data": {**prepared.data, **sample, "truncated": stages.truncations(task.dataset)},
        "class_names": task.predictor.class_names,
        "record_kind": task.objective.record_kind,
        "test": scored.test,
        "validation": scored.validation,
        "baseline": scored.baselines,
        "training": trained.progress,
        "seconds": seconds,
        "settings": task.objective.settings(),
        "score_mark": mark,
        "not_exported": not_exported,
        "layers": layer_paths(task.predictor.model),
    }
    folder.write_json("metrics.json", metrics)


def _with_absolute_paths(recipe):
    """Return the recipe with absolute paths, so that the run can be used from any folder."""
    weights = getattr(getattr(recipe.model, "encoder", None), "weights", None)
    paths = {"data.path": getattr(recipe.data, "path", None)}
    paths |= {"model.encoder.weights": None if weights == "imagenet" else weights}
    paths = {key: str(Path(path).expanduser().absolute()) for key, path in paths.items() if path is not None}
    return apply_overrides(recipe, paths) if paths else recipe
