"""Batch prediction in the workers of Apache Beam: `RunInference` over the exported network."""

import os
from functools import lru_cache

import apache_beam
import tensorflow as tf
from apache_beam.ml.inference.base import ModelHandler, RunInference

from rnn_apps.errors import UserError
from rnn_apps.export import get_format
from rnn_apps.runs.beam import DIRECT


def predict_on_beam(job, run_class, folder, given, console):
    """Return a function that predicts the missing shards of a batch prediction in workers of a pipeline.

    Args:
        job: `BeamJob`.
        run_class: class `Run`.
        folder: path of the run.
        given: `rnn_apps.runs.batch_prediction.Inputs`.
        console: as in `run`.

    Raises:
        UserError: for relative paths where workers have other current folders.
    """
    for pattern in given.patterns:
        if job.runner != DIRECT and not os.path.isabs(pattern):
            expected = f"an absolute path, because workers of {job.runner} have other current folders"
            raise UserError(str(pattern), received="a relative path", expected=expected)
    folder = os.path.abspath(folder)

    def predict(writer, first):
        console.log(f"Predicting in {job}")
        files = writer.files._replace(out=os.path.abspath(writer.files.out))
        part = _Part(run_class, folder, given, writer._replace(files=files), first, job.workers)
        job.run(
            lambda workers: (
                workers
                | "Read" >> apache_beam.FlatMap(part.read)
                | "Predict" >> RunInference(_ExportedRun(part))
                | "Write" >> apache_beam.Map(part.write)
            )
        )

    return predict


class _Part:
    """What a worker does; see `predict_on_beam`."""

    def __init__(self, run_class, folder, given, writer, first, workers):
        self.run_class, self.folder, self.given, self.writer = run_class, folder, given, writer
        self._first, self._workers = first, workers

    def read(self, worker):
        """Yield the number and the inputs of each missing shard of a worker."""
        inputs = self.given.open(_load(self.run_class, self.folder))
        for number, chunk in self.given.chunks(inputs):
            is_mine = number >= self._first and number % self._workers == worker
            if is_mine and not self.writer.files.has_note(number):
                yield number, chunk

    def write(self, predicted):
        """Write a shard, and leave a note for the process that started the workers."""
        number, answers = predicted
        files, names = self.writer.files, self.writer.names
        files.leave(number, files.write(number, *names.contents(*answers)))


class _ExportedRun(ModelHandler):
    """Predicts whole shards, which are divided into batches of similar length."""

    def __init__(self, part):
        super().__init__()
        self._part = part

    def load_model(self):
        """Return the `Predictor` of the run."""
        return _load(self._part.run_class, self._part.folder)

    def run_inference(self, batch, model, inference_args=None):
        """Yield the number of each shard with its answers and its invalid inputs."""
        for number, chunk in batch:
            yield number, self._part.writer.predict(chunk, model)

    def batch_elements_kwargs(self):
        """One shard at a time."""
        return {"min_batch_size": 1, "max_batch_size": 1}


@lru_cache(maxsize=1)
def _load(run_class, folder):
    """Return the `Predictor` of a run, which calls its SavedModel if it has one."""
    run = run_class(folder)
    exported = run.folder / get_format("saved_model").subdirectory()
    if (exported / "saved_model.pb").is_file():
        run.predictor.module = _ExportedModule(run.predictor, exported)
    return run.predictor


class _ExportedModule:
    """The signatures of a SavedModel, in place of those of the predictor's own module."""

    def __init__(self, predictor, folder):
        self._loaded = tf.saved_model.load(str(folder))
        self._specs = {name: specs for name, (_, specs) in predictor.functions().items()}

    def signature(self, name):
        """Return the function of a signature, which takes tensors in the order of the predictor's."""
        names, function = [spec.name for spec in self._specs[name]], self._loaded.signatures[name]
        return lambda *tensors: function(**dict(zip(names, tensors, strict=True)))
