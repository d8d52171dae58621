"""The pipeline of a run: prepare, train, score, export, report."""

import json
import sys
from contextlib import ExitStack
from pathlib import Path

import keras
import tensorflow as tf

from rnn_apps.checkpoint import Checkpoints
from rnn_apps.data.batches import Share, epoch_in_parts
from rnn_apps.errors import Argument, Setting, UserError
from rnn_apps.export import get_format
from rnn_apps.recipe import apply_overrides, load_run_recipe, with_sample
from rnn_apps.reporting import write_report
from rnn_apps.run_folder import CHECKPOINTS, RECORD, RunFolder
from rnn_apps.runs import stages, train_stage
from rnn_apps.runs.checkpointing import check_unchanged
from rnn_apps.runs.console import layer_paths
from rnn_apps.runs.trained_run import Run, sample_mark
from rnn_apps.tasks.visual import digest_of_arrays
from rnn_apps.training import SINGLE, check_divisible


def run_recipe(recipe, out, allow_sample, console, workers=SINGLE):
    """Run a recipe.

    Args:
        recipe: `Recipe`.
        out: path of the run folder, which must not exist.
        allow_sample: whether to use synthetic data if the data set is unavailable.
        console: `PrintConsole`, or an object with its methods.
        workers: `Workers`, the processes that train together.

    Returns:
        `Run`; None in a process other than the chief.
    """
    with workers.together():
        check_environment(recipe)
        prepared = stages.prepare(with_absolute_paths(recipe), allow_sample, console)
        _check_parts(prepared, workers)
    _check_same_data(prepared, workers)
    if not workers.is_chief:
        with workers.together():
            pass  # the chief creates the folder
        return train_stage.follow(prepared, console, workers)
    folder = RunFolder(out)
    with ExitStack() as stack:
        with workers.together():
            checkpoints = stack.enter_context(Checkpoints(folder / CHECKPOINTS).locked())
            RunFolder.create(folder.path)
            stages.write_record(folder, prepared)
        console.log(f"Run folder: {folder.path}")
        return _run(prepared, folder, checkpoints, console, False, workers)


def resume_run(recipe, out, console, force=False, workers=SINGLE):
    """Resume a run from its newest checkpoint.

    Args:
        recipe: `Recipe`, that of the run unless `force` is set.
        out: path of the run folder, which only the chief needs.
        console: as in `run_recipe`.
        force: whether to resume even if recipe or data have changed.
        workers: as in `run_recipe`.

    Returns:
        `Run`; None in a process other than the chief.

    Raises:
        UserError: if recipe or data have changed since the run was started.
    """
    recipe, folder = with_absolute_paths(recipe), RunFolder(out)
    with workers.together():
        check_environment(recipe)
        record, is_complete = None, False
        if workers.is_chief:
            record = folder.read_json(RECORD)
            is_complete = _check_recipe(recipe, folder, record["sample_of"], force)
    sample_of, is_complete = workers.broadcast([record and record["sample_of"], is_complete])
    if is_complete:
        console.log(f"{folder.path} is complete: there is nothing to resume.")
        return Run(folder.path) if workers.is_chief else None
    if sample_of and recipe.data.source.removeprefix("tfds:") == sample_of:
        recipe, _ = with_sample(recipe)
    if not workers.is_chief:
        with workers.together():
            prepared = stages.prepare(recipe, False, console, sample_of)
            _check_parts(prepared, workers)
        _check_same_data(prepared, workers)
        return train_stage.follow(prepared, console, workers)
    with ExitStack() as stack:
        with workers.together():
            checkpoints = stack.enter_context(Checkpoints(folder / CHECKPOINTS).locked())
            prepared = stages.prepare(recipe, False, console, sample_of)
            _check_parts(prepared, workers)
            _continue_folder(prepared, folder, record, force, console)
        _check_same_data(prepared, workers)
        console.log(f"Resuming {folder.path}")
        return _run(prepared, folder, checkpoints, console, force, workers)


def _how_to_resume():
    return ["Undo that, or use another folder.", Argument("Or resume anyway with", "force=True")]


def _check_recipe(recipe, folder, sample_of, force):
    """Check that the recipe is that of the run; return whether the run is complete."""
    started, where = load_run_recipe(folder.path), str(folder.path)
    if sample_of and recipe.data.source.removeprefix("tfds:") == sample_of:
        recipe, _ = with_sample(recipe)
    if folder.is_complete:
        fix = "Undo that, or train again in another folder."
        check_unchanged(where, "complete, and the recipe", started.flat(), recipe.flat(), fix)
        return True
    if not force:
        path = {"data.path": None}  # data may move, as long as its content is the same
        check_unchanged(where, "the recipe", started.flat() | path, recipe.flat() | path, _how_to_resume())
    return False


def _continue_folder(prepared, folder, record, force, console):
    """Check that the data is that of the run, and tidy up its folder."""
    before, now = (
        recipe.flat().get("data.path") for recipe in (load_run_recipe(folder.path), prepared.recipe)
    )
    if not force:
        source = {"source": None} if before != now else {}
        data = json.loads(json.dumps(prepared.data))
        check_unchanged(
            str(folder.path), "the data", record["data"] | source, data | source, _how_to_resume()
        )
    folder.remove_unfinished()
    if before != now:
        stages.write_record(folder, prepared)
        console.log(f"The data has moved to {now}")


def _check_parts(prepared, workers):
    """Raise UserError if batches cannot be divided into parts for all processes and steps."""
    training = prepared.recipe.training
    parts = workers.count * training.accumulate_steps
    if parts == 1:
        return
    if parts > training.batch_size:
        received = f"{training.batch_size}, divided into {parts} parts"
        fix = Setting("Use more", f"training.batch_size={parts}")
        raise UserError("training.batch_size", received=received, expected="an example per part", fix=fix)
    check_divisible(prepared.task.trained, parts)
    epoch_in_parts(prepared.task.dataset.training_batches(), [Share(0, parts)])


def _check_same_data(prepared, workers):
    data = {key: value for key, value in prepared.data.items() if key != "source"}  # may have another path
    fix = "Give all workers the same data."
    workers.check_same("data", json.loads(json.dumps(data)), fix)
    if workers.count > 1:  # these weights are not exchanged
        digest = {"frozen": digest_of_arrays(_frozen(prepared.task.predictor.model))}
        workers.check_same("weights of the encoder", digest, "Give all workers the same file of weights.")


def _frozen(model):
    return [weight.numpy() for weight in model.non_trainable_weights if weight.dtype == "float32"]


def check_environment(recipe):
    """Check the packages that the exports of a recipe need, and set deterministic operations."""
    for name in recipe.export:
        get_format(name).check_packages()
    if recipe.training.deterministic:
        tf.config.experimental.enable_op_determinism()


def _run(prepared, folder, checkpoints, console, force, workers):
    """Run the stages after preparation, each of which writes its files to the run folder."""
    _log_unsupported_formats(prepared, console)
    trained = train_stage.train(prepared, folder, checkpoints, console, force, workers)
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


def with_absolute_paths(recipe):
    """Return the recipe with absolute paths, so that the run can be used from any folder."""
    weights = getattr(getattr(recipe.model, "encoder", None), "weights", None)
    paths = {"data.path": getattr(recipe.data, "path", None)}
    paths |= {"model.encoder.weights": None if weights == "imagenet" else weights}
    paths = {key: str(Path(path).expanduser().absolute()) for key, path in paths.items() if path is not None}
    return apply_overrides(recipe, paths) if paths else recipe
