"""One recipe on its way from data to report."""

import json
import logging
import random
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import keras
import tensorflow as tf

from rnn_apps.checkpoint import Checkpoints
from rnn_apps.data.tfds_source import SourceUnavailable
from rnn_apps.errors import RnnAppsError, UserError, type_and_line
from rnn_apps.exporting import GIVEN, export_model, export_subdir, get_format
from rnn_apps.recipe import apply_overrides, dump_recipe, load_recipe, with_sample
from rnn_apps.reporting import shown_examples, write_report
from rnn_apps.reporting.views import EigenvalueHistory
from rnn_apps.run_folder import CHECKPOINTS, RECORD, RunFolder
from rnn_apps.runner.finished import Run, sample_mark
from rnn_apps.runner.keeping import Keeper, check_unchanged
from rnn_apps.runner.looking import EIGENVALUES, look_inside
from rnn_apps.runner.saying import HistoryLogs, layer_paths, log_lines
from rnn_apps.tasks import settings_class, task_class
from rnn_apps.training import Interrupted, Trainer, TrainingFailed

__all__ = ["Execution"]

_log = logging.getLogger("rnn_apps.runner")
CLICKED = 4  # examples of the test part that a demo page offers


class Execution:
    """One recipe on its way from data to report.

    Args:
        recipe: `Recipe`.
        out: path of the run folder, free unless the run goes on.
        sample: whether generated data may stand in for a set that cannot be had.
        console: `Lines`, or what has its methods.
        resumes: go on with the run that `out` holds.
        force: although recipe or data have changed since.
    """

    def __init__(self, recipe, out, sample, console, resumes=False, force=False):
        self.recipe = _found_from_anywhere(recipe)
        self.folder, self.sample, self.console = RunFolder(out), sample, console
        self.resumes, self.force = resumes, force
        self.sample_of, self.seconds = None, {}

    def carry_out(self):
        """All of it, in order; returns the `Run`."""
        for name in self.recipe.export:
            get_format(name).check_packages()
        if self.recipe.training.deterministic:
            tf.config.experimental.enable_op_determinism()
        if self.resumes:
            return self._go_on()
        self._prepare()
        RunFolder.create(self.folder.path)
        with Checkpoints(self.folder / CHECKPOINTS).locked() as checkpoints:
            self._write_down()
            self.console.say(f"Run folder: {self.folder.path}")
            return self._carry_out(checkpoints)

    def _go_on(self):
        where, record = str(self.folder.path), self.folder.read_json(RECORD)
        begun = load_recipe(self.folder / "recipe.yaml")
        self.sample, self.sample_of = False, record["sample_of"]
        if self.sample_of and self.recipe.data.source.removeprefix("tfds:") == self.sample_of:
            self.recipe, _ = with_sample(self.recipe)
        fix = "Undo that, name another folder, or resume all the same with --force."
        if self.folder.is_complete:
            fix = "Undo that, or train again in another folder: rnn-apps run without --resume."
            check_unchanged(where, "complete, and the recipe", begun.flat(), self.recipe.flat(), fix)
            self.console.say(f"{where} is complete: there is nothing to resume.")
            return Run(self.folder.path)
        if not self.force:
            check_unchanged(where, "the recipe", begun.flat(), self.recipe.flat(), fix)
        with Checkpoints(self.folder / CHECKPOINTS).locked() as checkpoints:
            self._prepare()
            if not self.force:
                check_unchanged(where, "the data", record["data"], json.loads(json.dumps(self.data)), fix)
            self.folder.remove_unfinished()
            self.console.say(f"Going on with {where}")
            return self._carry_out(checkpoints)

    def _write_down(self):
        """What a resumed run is held against."""
        self.folder.write_json(RECORD, {"data": self.data, "sample_of": self.sample_of})
        self.folder.write_text("recipe.yaml", dump_recipe(self.recipe))

    def _say_what_cannot_be_exported(self):
        """Warn before training of formats that cannot hold this network."""
        for name in self.recipe.export:
            reason = get_format(name).unsupported(self.task)
            if reason is not None:
                self.console.say(f"This network will not be exported as {name}: {reason}.")

    def _carry_out(self, checkpoints):
        self._say_what_cannot_be_exported()
        with self._timed("training"):
            self._train(checkpoints)
        with self._timed("evaluation"):
            self._evaluate()
        with self._timed("export"):
            self._export()
        self._look()
        self._write_metrics()
        write_report(self.folder.path)
        versions = {
            "python": sys.version.split()[0],
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        }
        facts = {"versions": versions, "seed": self.recipe.seed, "data": self.data["fingerprint"]}
        self.folder.write_manifest(facts)
        checkpoints.keep_newest()
        return Run(self.folder.path)

    @contextmanager
    def _timed(self, name):
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 2)

    def _prepare(self):
        with self._timed("data"), log_lines(self.console):
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
        for part, sentence in self._truncations().items():
            self.console.say(f"  {part}: {sentence} (data.max_length)")

    def _truncations(self):
        """Split name to what is not read of its texts, where some are too long."""
        found = {
            part: ". ".join(str(one) for one in self.task.truncations(part) if one.longer)
            for part in ("train", "validation", "test")
        }
        return {part: sentence for part, sentence in found.items() if sentence}

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

    def _train(self, checkpoints):
        logs = HistoryLogs(self.folder, self.console)
        self.keeper = Keeper(checkpoints, self.recipe.training.checkpoint_every)
        self._eigenvalues = EigenvalueHistory(self.task.model, self.folder / EIGENVALUES)
        callbacks = [logs, self._eigenvalues] if self.recipe.views else [logs]
        self.trainer = logs.trainer = Trainer(self.task, callbacks, self.console.step, self.keeper)
        whole, moving = self.task.model.count_params(), _count(self.task.trained.trainable_weights)
        trained = "" if moving == whole else f", {moving:,} of them trained"
        self.console.say(f"Network: {whole:,} weights{trained}")
        with log_lines(self.console):
            if self.keeper.restore(self.trainer):
                if self.force:
                    self.trainer.change_rate()
                    self._write_down()
                self.console.say(f"From step {self.trainer.step} of {self.trainer.total_steps} on")
        self.console.step(self.trainer.step, self.trainer.total_steps, {})
        try:
            self.trainer.train()
        except Interrupted:
            self.console.close()
            self._save_network()
            done = f"step {self.trainer.step} of {self.trainer.total_steps}"
            again = f"rnn-apps run --resume {self.folder.path}"
            self.console.say(f"Stopped at {done}. Go on with: {again}")
            raise
        except TrainingFailed:
            self.console.close()
            if self.trainer.best_epoch:
                self._save_network()
                kept = f"{self.folder / 'model.keras'} has the weights of epoch {self.trainer.best_epoch}"
                self.console.say(f"{kept}, the best so far.")
            raise
        finally:
            self.console.close()
        self._save_network()

    def _save_network(self):
        self.task.trained.optimizer = None
        with self.folder.writing("model.keras") as path:
            self.task.model.save(path)
        with self.folder.writing("preprocessing") as path:
            path.mkdir()
            self.task.save_preprocessing(path)

    def _evaluate(self):
        self.console.say("Evaluating on the test part, and the baselines beside it")
        self.validation = self.task.evaluate("validation")[0]
        self.scores, records = self.task.evaluate("test")
        self._illustrate(records)
        self.folder.write_json_lines("predictions.jsonl", records)
        self.baselines = self.task.baselines()
        self._keep_examples(records)

    def _keep_examples(self, records):
        """Keep what a few examples of the test part were given, for the demo page of a server."""
        last, kept = len(records) - 1, []
        for number in sorted({i * last // (CLICKED - 1) for i in range(CLICKED)}) if records else ():
            given = self.task.raw_example("test", number, records[number])
            if isinstance(given, str):
                kept.append({"text": given})
            elif given:
                names = {f"given-{number}/{name}": content for name, content in given.items()}
                kept.append({"files": list(names)})
                for name, content in names.items():
                    with self.folder.writing(f"examples/{name}") as path:
                        path.write_bytes(content)
        self.folder.write_json(f"examples/{GIVEN}", kept)

    def _illustrate(self, records):
        """Let the records that the report shows carry what explains them."""
        for number in shown_examples(records, self.task.class_names):
            entries, files = self.task.illustrate("test", number)
            records[number] |= entries
            for name, content in files.items():
                with self.folder.writing(name) as path:
                    path.write_bytes(content)

    def _look(self):
        """What the report shows of the inside; a network that cannot be looked into is no reason to fail."""
        (self.folder / "views.json").unlink(missing_ok=True)
        if not self.recipe.views:
            return
        with self._timed("views"):
            try:
                views = look_inside(self.task, settings_class(self.recipe.task).shape, self._eigenvalues)
                self.folder.write_json("views.json", views)
            except Exception as error:  # the cell may be anyone's
                self.console.say(f"No views into the recurrence: {type_and_line(error)}")

    def _export(self):
        """Write every format of the recipe; one that fails costs the run neither scores nor report."""
        self.not_exported = {}
        for name in self.recipe.export:
            try:
                with self.folder.writing(export_subdir(name)) as path:
                    export_model(self.task, name, path, examples=self.folder / "examples")
            except Exception as error:
                is_ours = isinstance(error, RnnAppsError)
                if not is_ours:
                    _log.debug("the export as %s failed", name, exc_info=True)
                reason = str(error) if is_ours else type_and_line(error)
                self.not_exported[name] = reason
                self.console.say(f"Not exported as {name}: {reason}")

    def _write_metrics(self):
        mark = sample_mark(self.recipe.data, self.sample_of)
        facts = {"is_sample": mark is not None, "sample_of": self.sample_of}
        trainer = self.trainer
        self.seconds["training"] = round(self.seconds["training"] + self.keeper.seconds, 2)
        metrics = {
            "task": self.recipe.task,
            "recipe": self.recipe.name,
            "data": {**self.data, **facts, "truncated": self._truncations()},
            "class_names": self.task.class_names,
            "test": self.scores,
            "validation": self.validation,
            "baseline": self.baselines,
            "training": {
                "steps_planned": trainer.total_steps,
                "steps_executed": trainer.step,
                "resumes": self.keeper.resumes,
                "parameters": int(self.task.model.count_params()),
                "parameters_trained": _count(self.task.trained.trainable_weights),
                "best_epoch": trainer.best_epoch,
            },
            "seconds": self.seconds,
            "settings": self.task.settings(),
            "score_mark": mark,
            "not_exported": self.not_exported,
            "layers": layer_paths(self.task.model),
        }
        self.folder.write_json("metrics.json", metrics)


def _found_from_anywhere(recipe):
    """The recipe with absolute paths to its files, so that the run can be used from any folder."""
    weights = getattr(getattr(recipe.model, "encoder", None), "weights", None)
    found = {"data.path": getattr(recipe.data, "path", None)}
    found |= {"model.encoder.weights": None if weights == "imagenet" else weights}
    paths = {key: str(Path(path).expanduser().absolute()) for key, path in found.items() if path is not None}
    return apply_overrides(recipe, paths) if paths else recipe


def _count(weights):
    return sum(int(weight.shape.num_elements()) for weight in weights)
