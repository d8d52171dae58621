"""The stages of a run, functions from one frozen value to the next."""

import logging
import random
import time
from contextlib import contextmanager
from dataclasses import dataclass

import keras

from rnn_apps.data.sources import SourceUnavailable
from rnn_apps.errors import RnnAppsError, Setting, UserError, type_and_line
from rnn_apps.export import EXAMPLES_FILE, export_model, export_subdir
from rnn_apps.recipe import Recipe, dump_recipe, with_sample
from rnn_apps.reporting import examples_to_explain
from rnn_apps.run_folder import RECORD
from rnn_apps.runs.console import log_to_console
from rnn_apps.runs.diagnostics import diagnostics
from rnn_apps.tasks import find_task, settings_class
from rnn_apps.tasks.task import PreparedTask

_log = logging.getLogger("rnn_apps.runs")
NUM_DEMO_EXAMPLES = 4
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Prepared:
    """A recipe with its data read and its network built.

    Attributes:
        recipe: `Recipe` as it runs, with the overrides of synthetic data if that is used.
        task: `PreparedTask`.
        data: description of the data: source, counts and fingerprint.
        sample_of: name of the data set that synthetic data replaces, or None.
        seconds: elapsed time.
    """

    recipe: Recipe
    task: PreparedTask
    data: dict
    sample_of: str | None
    seconds: float


@dataclass(frozen=True)
class Scored:
    """Scores of the network and the baselines.

    Attributes:
        test, validation: scores of the network on these splits, by name.
        baselines: scores of each baseline on the test split, by name.
        seconds: elapsed time.
    """

    test: dict
    validation: dict
    baselines: dict
    seconds: float


def prepare(recipe, allow_sample, console, sample_of=None, dropped=()):
    """Read the data and build the network.

    Args:
        recipe: `Recipe`.
        allow_sample: whether to use synthetic data if the data set is unavailable.
        console: as in `run_recipe`.
        sample_of: name of the data set that synthetic data already replaces, or None.
        dropped: names of splits that are dropped before anything is learned or encoded.

    Returns:
        `Prepared`.
    """
    with timed() as timer, log_to_console(console):
        try:
            task = _seeded_task(recipe, dropped)
        except SourceUnavailable as error:
            recipe, sample_of = _fall_back(recipe, allow_sample, console, error)
            task = _seeded_task(recipe, dropped)
    data = task.dataset.describe()
    counts = ", ".join(f"{split} {data[split]:,}" for split in SPLITS if split in data)
    console.log(f"Data: {data['source']} ({counts})")
    for reason, count in data["skipped"].items():
        console.log(f"  skipped {count}: {reason}")
    for split, sentence in truncations(task.dataset).items():
        console.log(f"  {split}: {sentence} (data.max_length)")
    return Prepared(recipe, task, data, sample_of, timer.seconds)


def _seeded_task(recipe, dropped):
    random.seed(recipe.seed)
    keras.utils.set_random_seed(recipe.seed)
    return find_task(recipe.task).prepare(recipe, dropped)


def _fall_back(recipe, allow_sample, console, error):
    """Return the recipe on synthetic data, and the name of the data set that it replaces."""
    if not allow_sample or recipe.data.sample is None:
        fix = [Setting("Set the path of your data", "data.path=PATH"), "Or allow the synthetic sample."]
        raise UserError("data.source", str(error), fix=fix) from error
    name = recipe.data.source.removeprefix("tfds:")
    recipe, applied = with_sample(recipe)
    changes = f" with {', '.join(applied)}" if applied else ""
    console.log(f"{error}. Using synthetic data{changes}; every score is marked as a SAMPLE score.")
    return recipe, name


def truncations(dataset):
    """Return sentences about truncated texts by split, for splits that have any."""
    sentences = {
        split: ". ".join(str(each) for each in dataset.all_truncations(split) if each.longer)
        for split in SPLITS
        if split not in dataset.dropped
    }
    return {split: sentence for split, sentence in sentences.items() if sentence}


def write_record(folder, prepared):
    """Write the recipe and the description of the data, which resuming compares with."""
    folder.write_json(RECORD, {"data": prepared.data, "sample_of": prepared.sample_of})
    folder.write_text("recipe.yaml", dump_recipe(prepared.recipe))


def score(prepared, folder, console):
    """Score the network and the baselines, and write the records of the test split.

    Args:
        prepared: `Prepared`, trained.
        folder: `RunFolder`.
        console: as in `run_recipe`.

    Returns:
        `Scored`.
    """
    console.log("Evaluating the network and the baselines on the test split")
    task = prepared.task
    with timed() as timer:
        validation, _ = task.objective.evaluate("validation")
        test, records = task.objective.evaluate("test")
        _illustrate(task, folder, records)
        folder.write_json_lines("predictions.jsonl", records)
        baselines = task.objective.baselines()
        _keep_examples(task.dataset, folder, records)
    return Scored(test, validation, baselines, timer.seconds)


def _illustrate(task, folder, records):
    """Add illustrations to the records that the report shows."""
    kind, names = task.objective.record_kind, task.predictor.class_names
    for number in examples_to_explain(records, kind, names):
        entries, files = task.predictor.illustrate(task.dataset, "test", number)
        records[number] |= entries
        _write_files(folder, files)


def _keep_examples(dataset, folder, records):
    """Write the raw inputs of a few test examples, for the demo page."""
    last, kept = len(records) - 1, []
    numbers = sorted({i * last // (NUM_DEMO_EXAMPLES - 1) for i in range(NUM_DEMO_EXAMPLES)})
    for number in numbers if records else ():
        raw = dataset.raw_example("test", number, records[number])
        if isinstance(raw, str):
            kept.append({"text": raw})
        elif raw:
            files = {f"given-{number}/{name}": content for name, content in raw.items()}
            kept.append({"files": list(files)})
            _write_files(folder, {f"examples/{name}": content for name, content in files.items()})
    folder.write_json(f"examples/{EXAMPLES_FILE}", kept)


def _write_files(folder, files):
    for name, content in files.items():
        with folder.writing(name) as path:
            path.write_bytes(content)


def export(prepared, folder, console):
    """Write every format of the recipe; the run continues if one fails.

    Args:
        prepared: `Prepared`, trained.
        folder: `RunFolder`.
        console: as in `run_recipe`.

    Returns:
        Reasons for formats that were not written, by name, and the elapsed seconds.
    """
    not_exported = {}
    with timed() as timer:
        for name in prepared.recipe.export:
            try:
                with folder.writing(export_subdir(name)) as path:
                    export_model(
                        prepared.task.predictor,
                        name,
                        path,
                        examples=folder / "examples",
                        dataset=lambda: prepared.task.dataset,
                    )
            except Exception as error:
                reason = str(error)
                if not isinstance(error, RnnAppsError):
                    _log.debug("the export as %s failed", name, exc_info=True)
                    reason = type_and_line(error)
                not_exported[name] = reason
                console.log(f"Not exported as {name}: {reason}")
    return not_exported, timer.seconds


def write_views(prepared, trained, folder, console):
    """Write the content of the report's views; the run continues if a network has none.

    Returns:
        ``{"views": seconds}``, or {} if the recipe turns views off.
    """
    (folder / "views.json").unlink(missing_ok=True)
    if not prepared.recipe.views:
        return {}
    with timed() as timer:
        try:
            shape = settings_class(prepared.recipe.task).shape
            folder.write_json("views.json", diagnostics(prepared.task, shape, trained.eigenvalues))
        except Exception as error:  # custom cells may raise anything
            reason = type_and_line(error)
            console.log(f"No views of the recurrence: {reason}")
    return {"views": timer.seconds}


class _Timer:
    seconds = 0.0


@contextmanager
def timed():
    """Context manager that measures time, as `seconds` of its target."""
    timer, start = _Timer(), time.perf_counter()
    yield timer
    timer.seconds = round(time.perf_counter() - start, 2)
