"""A finished run: its scores, its network and its answers."""

import json
import os
from pathlib import Path
from typing import NamedTuple

import keras

from rnn_apps.data.splits import ENDINGS
from rnn_apps.data.tfds_source import SourceUnavailable
from rnn_apps.errors import Argument, RecipeError, UserError, first_line, shown
from rnn_apps.export import export_model, get_format
from rnn_apps.export.client import Client, InputError
from rnn_apps.recipe import load_recipe
from rnn_apps.run_folder import RECORD, RunFolder
from rnn_apps.runs.evaluation import evaluate, evaluation_recipe
from rnn_apps.runs.inputs import read_file, read_inputs, read_lines
from rnn_apps.tasks import find_task

SCORED = 200  # records at most


def sample_mark(data, sample_of):
    """Return what every score on generated data is marked with, None where the data is real.

    Args:
        data: the recipe's settings of data.
        sample_of: name of the set that the sample stands in for, or None.
    """
    is_sample = sample_of is not None or data.source == "sample"
    return f"SAMPLE score, not {sample_of or 'real data'}" if is_sample else None


class ExportScore(NamedTuple):
    """A score of a network and of the files that were made from it.

    Args:
        records: on how many.
        name: of the score.
        network: its value for the network as it is.
        files: for the exported files, by the client that lies beside them.
    """

    records: int
    name: str
    network: float
    files: float


class Run:
    """A finished run: its scores, its network and its answers.

    Args:
        folder: path of the run.

    Attributes:
        folder: path of the run.
        recipe: the resolved `Recipe`.
        metrics: content of `metrics.json`, {} where the run did not come to its end.

    Raises:
        UserError: the folder is no run, or a file of it is missing or damaged.
    """

    def __init__(self, folder):
        self._files = RunFolder.open(folder, needs=("recipe.yaml", "model.keras", "preprocessing"))
        self.folder = self._files.path
        self.recipe = _recipe_of_run(self.folder)
        self.metrics = (
            self._files.read_json("metrics.json") if (self.folder / "metrics.json").is_file() else {}
        )
        self._predictor = None

    @property
    def is_complete(self):
        """Whether the run came to its end."""
        return self._files.is_complete

    @property
    def score_mark(self):
        """What every score on the run's own data is marked with, None where it is real data."""
        if self.metrics or not (self.folder / RECORD).is_file():
            return self.metrics.get("score_mark")
        return sample_mark(self.recipe.data, self._files.read_json(RECORD).get("sample_of"))

    @property
    def predictor(self):
        """The `Predictor` of the trained network, loaded on first use."""
        if self._predictor is None:
            self._predictor = self._restore()
        return self._predictor

    def _restore(self):
        def load_model():
            return keras.models.load_model(self.folder / "model.keras", compile=False)

        try:
            return find_task(self.recipe.task).restore(self.recipe, load_model, self.folder / "preprocessing")
        except UserError:
            raise
        except Exception as error:  # Keras raises whatever its reader meets in a damaged file
            problem = f"the saved network cannot be read ({first_line(error, 150)})"
            raise UserError(
                str(self.folder), problem, fix="A file of it is damaged or missing; run it again."
            ) from error

    @property
    def model(self):
        """The trained `keras.Model`, numbers in and numbers out."""
        return self.predictor.model

    def predict(self, inputs, as_text=False, **options):
        """Return a readable answer (a dict) for each raw input, or for a single one.

        Args:
            inputs: text, or path; several as a list. Where the task reads texts, the path of a table gives
                those in the recipe's column, that of a .txt file those on its lines.
            as_text: whether inputs are texts even where there are files of that name.
            **options: what the task takes: ``beam``, ``nbest``, ``temperature``, ``seed`` where it writes;
                ``length``, ``temperature``, ``seed``, ``top_k``, ``top_p`` where it goes on with a text.

        Raises:
            UserError: an input cannot be read, or the task has no such option.
        """
        for name in options:
            if name not in self.predictor.options:
                problem, options = f"the task {self.recipe.task} has no such option", self.predictor.options
                fix = Argument("Its options", *options) if options else "It has no options."
                raise UserError(problem=problem, fix=fix, option=name)
        listed = self._listed(inputs, as_text)
        return self.predictor.predict(listed, **options) if listed else []

    def stream(self, lines):
        """Yield an answer for every step as its line comes, in memory that does not grow.

        Args:
            lines: iterable of str: words, rows of a table under a line that names its columns, paths of
                pictures or video files, or lines of text, as the task reads them.

        Raises:
            UserError: the network has to see the end before it answers the beginning.
        """
        stream = self.predictor.open_stream()
        for line in lines:
            yield from stream.feed([line])

    def explain(self, inputs, as_text=False):
        """Return for each raw input how its answer comes about, in a form that the task says."""
        listed = self._listed(inputs, as_text)
        return self.predictor.explain(listed) if listed else []

    def evaluate(self, data=None, max_invalid_records=None):
        """Score the network on the test split of the run's data, or of other data.

        Args:
            data: a folder or file in the layout of the task; a lone file, or a folder with neither a test nor
                a validation split, is used as a whole. None for the data of the run.
            max_invalid_records: invalid records of other data that are skipped, or their fraction below 1;
                they are counted in the result. Half of them by default.

        Returns:
            `Evaluation`, a dict of scores that also says what they were measured on.

        Raises:
            UserError: the data cannot be read, or too much of it cannot be used.
        """
        if data is None and max_invalid_records is not None:
            fix = ["Leave it out.", Argument("Or name other data", "data=PATH")]
            raise UserError(problem="is for other data", fix=fix, option="max_invalid_records")

        def own_dataset():
            return find_task(self.recipe.task).dataset(self.recipe, self.predictor.preprocessing)

        prepared = self.prepare_evaluation(data, max_invalid_records)
        return evaluate(prepared, None if data is None else own_dataset, self.metrics)

    def prepare_evaluation(self, data=None, max_invalid_records=None):
        """Read the test split that `evaluate` scores, for scores or views of your own.

        Args:
            data, max_invalid_records: as in `evaluate`.

        Returns:
            `rnn_apps.tasks.task.PreparedTask`: dataset, predictor and objective.

        Raises:
            UserError: the data cannot be read, or too much of it cannot be used.
        """
        recipe = self.recipe
        if data is not None:
            recipe = evaluation_recipe(recipe, data, max_invalid_records)
        try:
            task = find_task(recipe.task)
            return task.prepare_evaluation(recipe, self.predictor, use_all=data is not None)
        except SourceUnavailable as error:
            fix = Argument("Name the data", "data=PATH")
            raise UserError("data.source", str(error), fix=fix) from error

    def export(self, format="saved_model", *, out=None, weights="float32", steps=None, examples=True):
        """Write the network in a format, into the run or into `out`.

        Args:
            format: name of an export format: ``"saved_model"``, ``"onnx"``, ``"litert"``, ``"keras"``, or one
                that `rnn_apps.export.register_format` added.
            out: folder; one below ``export/`` of the run by default.
            weights: ``"float32"``; for LiteRT ``"float16"`` or ``"int8"`` as well, for ONNX ``"int8"``.
            steps: length of the inputs of a LiteRT file, whose shapes are fixed; the other formats take any.
            examples: whether a SavedModel carries a few test inputs, for the visitors of a demo page.

        Returns:
            The path, and a `rnn_apps.export.verification.ExportResult` for every file; none for a SavedModel.

        Raises:
            UserError: the folder is taken, or the network has no such form.
        """
        chosen = get_format(format)
        if chosen.needs_plain_path:
            RunFolder.check_plain(self.folder if out is None else out)
        if out is not None:
            RunFolder.check_free(out)
        place = chosen.subdirectory(weights)
        folder, name = (self._files, place) if out is None else (RunFolder(Path(out).parent), Path(out).name)
        with folder.writing(name) as path:
            kept = self.folder / "examples" if examples else None
            written = export_model(self.predictor, format, path, weights, kept, steps)
        if out is None:
            self._files.renew_manifest(name)
        return folder / name, written

    def export_score(self, folder):
        """Score exported files beside the network, on records of the run at even distances.

        Args:
            folder: that `export` wrote in a format that has a client: ONNX or LiteRT.

        Returns:
            `ExportScore`, or why there is none: one line.
        """
        if not (Path(folder) / "client.json").is_file():
            return "not scored: the format has no client that reads the test records"
        path = self.folder / "predictions.jsonl"
        if not path.is_file():
            return "not scored: the run keeps no test records"
        with open(path, encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
        places = sorted({i * len(records) // SCORED for i in range(SCORED)})
        chosen = [records[place] for place in places if records]
        try:
            found = self.predictor.export_score(Client(folder), chosen) if chosen else None
        except InputError as error:
            return f"not scored: a test record is longer than the files read ({error})"
        if found is None:
            return "not scored: the run's test records do not hold what it reads"
        return ExportScore(len(chosen), *found)

    def inputs_of(self, path):
        """Return the inputs in a file, for `predict`: texts in a table's column, or what its lines hold."""
        is_table = self.predictor.reads_text and Path(path).name.lower().endswith(ENDINGS)
        return read_file(path, self._text_column) if is_table else read_lines(path)

    @property
    def _text_column(self):
        return getattr(self.recipe.data, "text", None)

    def _listed(self, inputs, as_text):
        """Inputs as a list, files of texts read; numbers are for an imported model only."""
        inputs = [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)
        for number, one in enumerate(inputs, start=1):
            if not isinstance(one, (str, os.PathLike)) and self.recipe.task != "imported":
                received = f"{type(one).__name__} {shown(one)}"
                raise UserError(f"input {number}", received=received, expected="text, or the path of a file")
        return read_inputs(inputs, self._text_column, as_text) if self.predictor.reads_text else inputs


def _recipe_of_run(folder):
    """The recipe of a run; UserError in one line where this version does not know its keys."""
    try:
        return load_recipe(folder / "recipe.yaml")
    except RecipeError as error:
        problem = f"this version of rnn-apps cannot read its recipe ({first_line(error)})"
        fix = "It was made by another version, or changed by hand: train it again."
        raise UserError(str(folder), problem, fix=fix) from error


def open_run(folder):
    """Return the `Run` in a folder."""
    return Run(folder)
