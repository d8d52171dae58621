"""A finished run: its scores, its network and its predictions."""

import json
import os
from pathlib import Path
from typing import NamedTuple

import keras

from rnn_apps.data.prepared import is_synthetic
from rnn_apps.data.split_files import ENDINGS
from rnn_apps.data.tfds_source import SourceUnavailable
from rnn_apps.disk import sha256_of
from rnn_apps.errors import Argument, UserError, first_line, shown
from rnn_apps.export import export_model, get_format
from rnn_apps.export.client import Client, InputError
from rnn_apps.recipe import load_run_recipe
from rnn_apps.run_folder import RECORD, RunFolder
from rnn_apps.runs.batch_prediction import SHARD_SIZE, Inputs, predict_files
from rnn_apps.runs.beam import BeamJob
from rnn_apps.runs.console import PrintConsole
from rnn_apps.runs.evaluation import evaluate, evaluation_recipe
from rnn_apps.runs.inputs import read_file, read_inputs, read_lines
from rnn_apps.tasks import find_task

MAX_SCORED_RECORDS = 200


def sample_mark(data, sample_of):
    """Return the mark of all scores on synthetic data, or None for real data.

    Args:
        data: `data` settings of the recipe.
        sample_of: name of the data set that synthetic data replaces, or None.
    """
    is_sample = sample_of is not None or is_synthetic(data)
    return f"SAMPLE score, not {sample_of or 'real data'}" if is_sample else None


class ExportScore(NamedTuple):
    """The score of a network and of its export.

    Args:
        records: number of records.
        name: name of the score.
        network: score of the network.
        files: score of the exported files, run by their client.
    """

    records: int
    name: str
    network: float
    files: float


class Run:
    """A finished run: its scores, its network and its predictions.

    Args:
        folder: path of the run.

    Attributes:
        folder: path of the run.
        recipe: the resolved `Recipe`.
        metrics: content of `metrics.json`, {} if the run is not complete.

    Raises:
        UserError: if the folder is not a run, or a file of it is missing or damaged.
    """

    def __init__(self, folder):
        self._files = RunFolder.open(folder, needs=("recipe.yaml", "model.keras", "preprocessing"))
        self.folder = self._files.path
        self.recipe = load_run_recipe(self.folder)
        self.metrics = (
            self._files.read_json("metrics.json") if (self.folder / "metrics.json").is_file() else {}
        )
        self._predictor = None

    @property
    def is_complete(self):
        """Whether the run is complete."""
        return self._files.is_complete

    @property
    def score_mark(self):
        """The mark of all scores on the run's own data, or None for real data."""
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
        except Exception as error:  # Keras raises all kinds of errors for damaged files
            problem = f"the saved network cannot be read ({first_line(error, 150)})"
            fix = "A file of it is damaged, missing, or of another version of rnn-apps: train it again."
            raise UserError(str(self.folder), problem, fix=fix) from error

    @property
    def model(self):
        """The trained `keras.Model`, numbers in and numbers out."""
        return self.predictor.model

    def predict(self, inputs, as_text=False, **options):
        """Return a readable answer (a dict) for each raw input, or for a single one.

        Args:
            inputs: text or path, or a list of them. For tasks on texts, the path of a table stands for the
                texts in the recipe's column, and that of a .txt file for its lines.
            as_text: whether inputs are texts even if there are files of that name.
            **options: options of the task: ``beam``, ``nbest``, ``temperature``, ``seed`` for captioning and
                translation; ``length``, ``temperature``, ``seed``, ``top_k``, ``top_p`` for language models.

        Raises:
            UserError: if an input cannot be read, or the task has no such option.
        """
        self._check_options(options)
        listed = self._listed(inputs, as_text)
        return self.predictor.predict(listed, **options) if listed else []

    def predict_files(
        self,
        patterns,
        out,
        *,
        column=None,
        format=None,
        shard_size=SHARD_SIZE,
        console=None,
        runner=None,
        workers=None,
        beam_options=None,
        **options,
    ):
        """Predict the inputs in any number of files, and write the answers in shards.

        Each output row has the columns of its input and the entries of its answer; an entry that has the name
        of a column begins with ``predicted_``. Inputs that cannot be read are written to files of their own,
        with the reason. The same call continues an interrupted prediction after its last complete shard.

        Args:
            patterns: path or pattern such as ``data/*.jsonl``, or a list of them. For tasks on texts: tables
                (CSV, TSV, JSON lines) and .txt files with a text per line; for other tasks, each file is an
                input.
            out: prefix of the files to write: ``PREFIX-00000-of-00003.jsonl``, and so on.
            column: column with the texts; by default that of the recipe.
            format: ``"jsonl"`` or ``"csv"``; by default that of the first file.
            shard_size: inputs per file.
            console: receives progress; prints lines by default.
            runner: name of an Apache Beam runner whose workers predict all shards but the first, with the
                SavedModel of the run if it has one; they need the same paths as this process.
            workers, beam_options: as of `rnn_apps.prepare`; each worker reads all inputs, and predicts its
                share of the shards.
            **options: as of `predict`.

        Returns:
            `rnn_apps.runs.batch_prediction.BatchResult`.

        Raises:
            UserError: if an input file cannot be read as a whole, or the prefix belongs to another
                prediction.
        """
        self._check_options(options)
        column = column or self._text_column
        identity = sha256_of(self.folder / "model.keras")
        patterns = [patterns] if isinstance(patterns, (str, os.PathLike)) else list(patterns)
        given, console = Inputs(list(map(str, patterns)), column, shard_size), console or PrintConsole()
        beam = BeamJob.of(runner, workers, beam_options)
        if beam is not None:
            from rnn_apps.runs.beam_prediction import predict_on_beam

            beam = predict_on_beam(beam, type(self), self.folder, given, console)
        return predict_files(self.predictor, identity, given, out, console, format, options, beam)

    def _check_options(self, options):
        for name in options:
            if name not in self.predictor.options:
                problem, own = f"the task {self.recipe.task} has no such option", self.predictor.options
                fix = Argument("Its options", *own) if own else "It has no options."
                raise UserError(problem=problem, fix=fix, option=name)

    def stream(self, lines):
        """Yield an answer for every step while lines arrive, in constant memory.

        Args:
            lines: iterable of str: words, rows of a table after its header, paths of images or video files,
                or lines of text, depending on the task.

        Raises:
            UserError: if the network needs the whole input.
        """
        stream = self.predictor.open_stream()
        for line in lines:
            yield from stream.feed([line])

    def explain(self, inputs, as_text=False):
        """Return an explanation of the answer to each raw input, in a form that depends on the task."""
        listed = self._listed(inputs, as_text)
        return self.predictor.explain(listed) if listed else []

    def evaluate(self, data=None, max_invalid_records=None):
        """Evaluate the network on the test split of the run's data, or of other data.

        Args:
            data: folder or file in the layout of the task; a single file, or a folder without a test or
                validation split, is used as a whole. None for the data of the run.
            max_invalid_records: invalid records of other data that are skipped, or their fraction below 1;
                they are counted in the result. Half of them by default.

        Returns:
            `Evaluation`, a dict of scores with the facts about the data.

        Raises:
            UserError: if the data cannot be read, or too many of its records are invalid.
        """
        if data is None and max_invalid_records is not None:
            fix = ["Leave it out.", Argument("Or give other data with", "data=PATH")]
            raise UserError(problem="applies only to other data", fix=fix, option="max_invalid_records")

        def own_dataset():
            return find_task(self.recipe.task).dataset(self.recipe, self.predictor.preprocessing)

        prepared = self.prepare_evaluation(data, max_invalid_records)
        return evaluate(prepared, None if data is None else own_dataset, self.metrics)

    def prepare_evaluation(self, data=None, max_invalid_records=None):
        """Read the test split that `evaluate` uses, for custom scores or views.

        Args:
            data, max_invalid_records: as in `evaluate`.

        Returns:
            `rnn_apps.tasks.task.PreparedTask`: dataset, predictor and objective.

        Raises:
            UserError: if the data cannot be read, or too many of its records are invalid.
        """
        recipe = self.recipe
        if data is not None:
            recipe = evaluation_recipe(recipe, data, max_invalid_records)
        try:
            return find_task(recipe.task).prepare_evaluation(recipe, self.predictor, data is not None)
        except SourceUnavailable as error:
            fix = Argument("Give the data with", "data=PATH")
            raise UserError("data.source", str(error), fix=fix) from error

    def export(self, format="saved_model", *, out=None, weights=None, steps=None, examples=True):
        """Export the network, to the run folder or to `out`.

        Args:
            format: name of an export format: ``"saved_model"``, ``"onnx"``, ``"litert"``, ``"micro"``,
                ``"keras"``, or one registered with `rnn_apps.export.register_format`.
            out: path of a new folder; by default a folder in ``export/`` of the run.
            weights: ``"float32"``, ``"float16"``, ``"int8"`` or ``"int16x8"``, if the format supports it.
            steps: sequence length for LiteRT, whose shapes are fixed; other formats accept any length.
            examples: whether a SavedModel includes a few test inputs, for the demo page.

        Returns:
            The path, and a list of `rnn_apps.export.verification.ExportResult` for all files, empty for a
            SavedModel.

        Raises:
            UserError: if the folder exists, or the format does not support the network.
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
            written = export_model(self.predictor, format, path, weights, kept, steps, self._own_data)
        if out is None:
            self._files.renew_manifest(name)
        return folder / name, written

    def _own_data(self):
        """Return the `Dataset` of the run with the splits train and test."""
        prepare = find_task(self.recipe.task).prepare_evaluation
        try:
            return prepare(self.recipe, self.predictor, splits=("train", "test")).dataset
        except SourceUnavailable as error:
            raise UserError("data.source", str(error), fix="Export where the data is available.") from error

    def export_score(self, folder):
        """Score an export and the network on evenly spaced records of the test split.

        Args:
            folder: folder of an export with a client: ONNX or LiteRT.

        Returns:
            `ExportScore`, or a line that says why there is none.
        """
        if not (Path(folder) / "client.json").is_file():
            return "not scored: the format has no client that can read the test records"
        path = self.folder / "predictions.jsonl"
        if not path.is_file():
            return "not scored: the run has no test records"
        with open(path, encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
        places = sorted({i * len(records) // MAX_SCORED_RECORDS for i in range(MAX_SCORED_RECORDS)})
        chosen = [records[place] for place in places if records]
        try:
            score = self.predictor.export_score(Client(folder), chosen) if chosen else None
        except InputError as error:
            return f"not scored: a test record is longer than the export can read ({error})"
        if score is None:
            return "not scored: the run's test records do not contain the inputs"
        return ExportScore(len(chosen), *score)

    def inputs_of(self, path):
        """Return the inputs in a file, for `predict`: the texts in a table's column, or the lines."""
        readers = self.predictor.text_readers
        is_table = self.predictor.reads_text and Path(path).name.lower().endswith((*ENDINGS, *readers))
        return read_file(path, self._text_column, readers) if is_table else read_lines(path)

    @property
    def _text_column(self):
        return getattr(self.recipe.data, "text", None)

    def _listed(self, inputs, as_text):
        """Return inputs as a list, with the texts of files; only imported models take numbers."""
        inputs = [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)
        for number, one in enumerate(inputs, start=1):
            if not isinstance(one, (str, os.PathLike)) and self.recipe.task != "imported":
                received = f"{type(one).__name__} {shown(one)}"
                raise UserError(f"input {number}", received=received, expected="text, or the path of a file")
        if not self.predictor.reads_text:
            return inputs
        return read_inputs(inputs, self._text_column, as_text, self.predictor.text_readers)


def open_run(folder):
    """Open the `Run` in a folder."""
    return Run(folder)
