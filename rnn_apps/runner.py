"""Carries out one recipe, from data to report, and answers from the folder that it leaves."""

import logging
import random
import sys
import time
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import rnn_apps.models.sequence_encoder  # noqa: F401  registers the layers of saved networks
from rnn_apps.data.sources import SourceUnavailable
from rnn_apps.errors import UserError
from rnn_apps.exporting import export_saved_model
from rnn_apps.layers import RecurrentLayer
from rnn_apps.recipe import apply_overrides, dump_recipe, load_recipe, with_data, with_sample
from rnn_apps.reporting import write_report
from rnn_apps.reporting.predictions import summarise
from rnn_apps.run_folder import RunFolder
from rnn_apps.tasks import task_class
from rnn_apps.training import Interrupted, Trainer

__all__ = ["Run", "compare", "open_run", "run", "run_seeds"]

MORE_TRACED = 12
TRACED_WORDS = 120
SAVED_MODEL = "export/1"


class Console:
    """Where a run says what it does: plain lines, and nothing for single steps."""

    def say(self, text):
        """Print one line."""
        print(text, flush=True)

    def step(self, step, total, logs):
        """Take note of one training step."""

    def close(self):
        """Training is over."""


class Run:
    """A finished run: its scores, its network and its answers.

    Args:
        folder: `RunFolder` or path.

    Attributes:
        folder: path of the run.
        recipe: the resolved `Recipe`.
        metrics: content of `metrics.json`, {} where the run did not come to its end.
    """

    def __init__(self, folder):
        self._files = RunFolder.open(folder, needs=("recipe.yaml", "model.keras", "preprocessing"))
        self.folder = self._files.path
        self.recipe = load_recipe(self.folder / "recipe.yaml")
        self.metrics = self._files.read_json("metrics.json") if (self.folder / "metrics.json").is_file() else {}
        self._task = None

    @property
    def task(self):
        """The task with its trained network, loaded on first use."""
        if self._task is None:
            task = task_class(self.recipe.task)(self.recipe)
            model = keras.models.load_model(self.folder / "model.keras", compile=False)
            task.restore(model, self.folder / "preprocessing")
            self._task = task
        return self._task

    @property
    def model(self):
        """The trained `keras.Model`, numbers in and numbers out."""
        return self.task.model

    def predict(self, inputs):
        """Return a readable answer (a dict) for each raw input."""
        return self.task.predict(list(inputs))

    def explain(self, inputs):
        """Return for each raw input how the answer moves, as [step, score] pairs."""
        return self.task.explain(list(inputs))

    def evaluate(self, data=None):
        """Score the network anew on the test part of the run's data, or of other data.

        Args:
            data: a folder or file in the layout of the task, or None for the data of the run.
        """
        if data is not None:
            self.task.recipe = with_data(self.recipe, data)
        try:
            self.task.prepare_evaluation()
        except SourceUnavailable as error:
            raise UserError("data.source", str(error), fix="Name the data: --data PATH") from error
        return self.task.evaluate("test")[0]

    def export(self, out=None):
        """Write the SavedModel anew, into the run or into `out`, and return its path."""
        if out is not None:
            RunFolder.check_free(out)
        folder, name = (self._files, SAVED_MODEL) if out is None else (RunFolder(Path(out).parent), Path(out).name)
        with folder.writing(name) as path:
            export_saved_model(self.task, path)
        return folder / name


def open_run(folder):
    """Return the `Run` in a folder."""
    return Run(folder)


def run(recipe, *, data=None, out=None, sample=True, overrides=(), console=None, **settings):
    """Carry out a recipe: train, evaluate, export, report.

    Args:
        recipe: name of a packaged recipe, path of a YAML file, or a `Recipe`.
        data: folder or file of the user's own data, in the layout of the task.
        out: folder for the run; ``runs/<recipe>/<time>`` by default.
        sample: whether generated data may stand in for a set that cannot be had.
        overrides: ``"training.epochs=8"`` texts.
        console: where progress goes; prints lines by default.
        **settings: overrides as nested dicts, ``training={"epochs": 8}``.

    Returns:
        `Run`.

    Raises:
        UserError: something in recipe or data has to be mended; nothing was written.
        Interrupted: a signal came; the folder holds the best network so far.
    """
    console = console or Console()
    recipe = load_recipe(recipe) if isinstance(recipe, (str, Path)) else recipe
    recipe = apply_overrides(apply_overrides(recipe, overrides), settings)
    recipe = with_data(recipe, data) if data is not None else recipe
    if out is not None:
        RunFolder.check_free(out)
    return _Execution(recipe, out, sample, console).carry_out()


def run_seeds(recipe, seeds, out=None, **options):
    """Carry out a recipe once a seed, side by side in one folder; return the runs and a summary of scores.

    Returns:
        List of `Run`, and metric name to ``{"mean", "low", "high"}`` over the seeds.
    """
    folder = RunFolder.create((load_recipe(recipe) if isinstance(recipe, (str, Path)) else recipe).name, out)
    runs = [run(recipe, out=folder / f"seed-{seed}", **options, seed=seed) for seed in seeds]
    scores = {name: [r.metrics["test"][name] for r in runs] for name in runs[0].metrics["test"]}
    summary = {
        name: {"mean": float(np.mean(values)), "low": min(values), "high": max(values)}
        for name, values in scores.items()
    }
    folder.write_json("seeds.json", {"seeds": list(seeds), "test": summary})
    return runs, summary


def compare(folders):
    """Return the runs of these folders, and the settings in which they differ: dotted path to values."""
    runs = [open_run(folder) for folder in folders]
    flat = [dict(_leaves(r.recipe.as_dict())) for r in runs]
    keys = list(dict.fromkeys(key for settings in flat for key in settings))
    differing = {key: [settings.get(key) for settings in flat] for key in keys}
    return runs, {key: values for key, values in differing.items() if any(v != values[0] for v in values)}


def _leaves(value, path=""):
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves(child, f"{path}.{key}" if path else key)
    else:
        yield path, value


class _Execution:
    """One recipe on its way from data to report."""

    def __init__(self, recipe, out, sample, console):
        self.recipe, self.out, self.sample, self.console = recipe, out, sample, console
        self.sample_of, self.seconds, self.notices = None, {}, []

    def carry_out(self):
        """All of it, in order."""
        if self.recipe.training.deterministic:
            tf.config.experimental.enable_op_determinism()
        with self._timed("data"):
            self._prepare()
        self.folder = RunFolder.create(self.recipe.name, self.out)
        self.folder.write_text("recipe.yaml", dump_recipe(self.recipe))
        self.console.say(f"Run folder: {self.folder.path}")
        with self._timed("training"):
            self._train()
        with self._timed("evaluation"):
            self._evaluate()
        with self._timed("export"):
            self._export()
        self._write_metrics()
        write_report(self.folder.path)
        versions = {"python": sys.version.split()[0], "tensorflow": tf.__version__, "keras": keras.__version__}
        facts = {"versions": versions, "seed": self.recipe.seed, "data": self.data["fingerprint"]}
        self.folder.write_manifest(facts)
        return Run(self.folder.path)

    @contextmanager
    def _timed(self, name):
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 2)

    def _prepare(self):
        self._seed()
        try:
            self._make_task()
        except SourceUnavailable as error:
            self._fall_back(error)
            self._seed()
            self._make_task()
        self.data = self.task.describe_data()
        counts = ", ".join(f"{part} {self.data[part]:,}" for part in ("train", "validation", "test"))
        self.console.say(f"Data: {self.data['source']} ({counts})")
        for reason, count in self.data["skipped"].items():
            self.console.say(f"  skipped {count}: {reason}")

    def _seed(self):
        random.seed(self.recipe.seed)
        keras.utils.set_random_seed(self.recipe.seed)

    def _make_task(self):
        self.task = task_class(self.recipe.task)(self.recipe)
        self.task.prepare()

    def _fall_back(self, error):
        wanted = self.recipe.data.source
        if not self.sample or self.recipe.data.sample is None:
            fix = "Name the data: --data PATH; or allow the generated sample."
            raise UserError("data.source", str(error), fix=fix) from error
        self.sample_of = wanted.removeprefix("tfds:")
        self.recipe, applied = with_sample(self.recipe)
        changes = f" with {', '.join(applied)}" if applied else ""
        self.console.say(f"{error}. Using the generated sample{changes}; every score is marked as such.")

    def _train(self):
        callbacks = [_Logs(self.folder, self.console)]
        self.trainer = Trainer(self.task, callbacks, self.console.step)
        callbacks[0].trainer = self.trainer
        self.console.say(f"Network: {self.task.model.count_params():,} weights")
        try:
            self.trainer.train()
        except Interrupted:
            self._save_network()
            raise
        finally:
            self.console.close()
        self._save_network()

    def _save_network(self):
        with self.folder.writing("model.keras") as path:
            named = path.with_suffix(".keras")
            self.task.model.optimizer = None
            self.task.model.save(named)
            named.rename(path)
        with self.folder.writing("preprocessing") as path:
            path.mkdir()
            self.task.save_preprocessing(path)

    def _evaluate(self):
        self.console.say("Evaluating on the test part, and the baselines beside it")
        self.validation = self.task.evaluate("validation")[0]
        self.scores, records = self.task.evaluate("test")
        self._trace(records)
        self.folder.write_json_lines("predictions.jsonl", records)
        self.baselines = self.task.baselines()

    def _trace(self, records):
        """Let the records that the report shows carry the score word by word."""
        summary = summarise(records, self.task.class_names)
        chosen = [e.number - 1 for e in (*summary.mistakes, *summary.close_calls)]
        short = (i for i, r in enumerate(records) if len(r["text"].split()) <= TRACED_WORDS and i not in chosen)
        for i in [*chosen, *islice(short, MORE_TRACED)]:
            (records[i]["steps"],) = self.task.explain([records[i]["text"]])

    def _export(self):
        for _ in self.recipe.export:
            with self.folder.writing(SAVED_MODEL) as path:
                export_saved_model(self.task, path)

    def _write_metrics(self):
        is_sample = self.sample_of is not None or self.recipe.data.source == "sample"
        mark = f"SAMPLE score, not {self.sample_of or 'real data'}" if is_sample else None
        facts = {"is_sample": is_sample, "sample_of": self.sample_of}
        trainer = self.trainer
        metrics = {
            "task": self.recipe.task,
            "recipe": self.recipe.name,
            "data": {**self.data, **facts},
            "class_names": self.task.class_names,
            "test": self.scores,
            "validation": self.validation,
            "baseline": self.baselines,
            "training": {
                "steps_planned": trainer.total_steps,
                "steps_executed": trainer.step,
                "resumes": 0,
                "parameters": int(self.task.model.count_params()),
                "best_epoch": trainer.best_epoch,
            },
            "seconds": self.seconds,
            "settings": self.task.settings(),
            "score_mark": mark,
            "layers": _paths(self.task.model),
        }
        self.folder.write_json("metrics.json", metrics)


def _paths(model):
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, RecurrentLayer)]
    return [dict(zip(("layer", "path", "reason"), (layer.name, *(layer.engine_path or ("", ""))))) for layer in layers]


class _Logs(keras.callbacks.Callback):
    """history.csv, TensorBoard and one line an epoch."""

    def __init__(self, folder, console):
        super().__init__()
        self.folder, self.console, self.trainer = folder, console, None
        self._writer = tf.summary.create_file_writer(str(folder / "logs"))

    def on_epoch_end(self, epoch, logs=None):
        """Write what is known after an epoch."""
        rows = self.trainer.history
        self.folder.write_csv("history.csv", rows)
        with self._writer.as_default():
            for name, value in rows[-1].items():
                tf.summary.scalar(name, value, step=epoch + 1)
        self._writer.flush()
        row, epochs = rows[-1], self.trainer.settings.epochs
        scores = "  ".join(f"{key} {row[key]:.4f}" for key in rows[-1] if "loss" in key or "accuracy" in key)
        self.console.say(f"Epoch {epoch + 1}/{epochs}  {scores}  ({row['seconds']:.0f} s)")
        if epoch == 0:
            for line in _paths(self.model):
                self.console.say(f"  {line['layer']}: {line['path']} path, {line['reason']}")


logging.getLogger("rnn_apps").addHandler(logging.NullHandler())
