"""Console output, logs and learning curves of a run."""

import logging
from contextlib import contextmanager

import keras
import tensorflow as tf

from rnn_apps.errors import UserError
from rnn_apps.layers import RecurrentLayer
from rnn_apps.reporting import UNPLOTTED_COLUMNS
from rnn_apps.reporting.views.recording import describe_layer, recurrent_layers


class PrintConsole:
    """Prints log lines, and nothing for single steps.

    Args:
        file: file to print to; standard output by default.
    """

    def __init__(self, file=None):
        self._file = file

    def log(self, text):
        """Print one line."""
        print(text, file=self._file, flush=True)

    def step(self, step, total, logs):
        """Called after each training step, and with step 0 before the first one."""

    def close(self):
        """Called at the end of training."""


@contextmanager
def log_to_console(console, package="rnn_apps"):
    """Context manager that shows the log messages of a package on the console."""
    log, handler = logging.getLogger(package), logging.Handler()
    handler.emit = lambda record: console.log(record.getMessage())
    level, propagate = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = propagate


def layer_paths(model):
    """Return dicts with the name, path and reason of every recurrent layer of a network."""
    return [
        dict(zip(("layer", "path", "reason"), (name, *(layer.engine_path or ("", "")))))
        for name, layer in recurrent_layers(model)
        if isinstance(layer, RecurrentLayer)
    ]


class HistoryLogs(keras.callbacks.Callback):
    """Writes history.csv and TensorBoard logs, and prints one line per epoch."""

    def __init__(self, folder, console):
        super().__init__()
        self.folder, self.console, self.trainer = folder, console, None
        self._writer = tf.summary.create_file_writer(str(folder / "logs"))

    def on_epoch_end(self, epoch, logs=None):
        """Write the scores of an epoch."""
        rows = self.trainer.history
        self.folder.write_csv("history.csv", rows)
        with self._writer.as_default():
            for name, value in rows[-1].items():
                tf.summary.scalar(name, value, step=epoch + 1)
        try:
            self._writer.flush()
        except tf.errors.OpError as error:
            problem = f"cannot be written ({error.message})"
            fix = ["Free disk space.", self.folder.resuming()]
            raise UserError(str(self.folder / "logs"), problem, fix=fix) from error
        row, epochs = rows[-1], self.trainer.settings.epochs
        scores = "  ".join(f"{key} {row[key]:.4f}" for key in row if key not in UNPLOTTED_COLUMNS)
        self.console.log(f"Epoch {epoch + 1}/{epochs}  {scores}  ({row['seconds']:.0f} s)")
        if epoch == 0:
            layers = {}
            for line in layer_paths(self.model):
                if not line["path"]:
                    continue  # has not run yet: resumed after the last step of an epoch
                layers.setdefault((line["path"], line["reason"]), []).append(describe_layer(line["layer"]))
            for (path, reason), names in layers.items():
                self.console.log(f"  {'; '.join(names)}: {path} path, {reason}")


logging.getLogger("rnn_apps").addHandler(logging.NullHandler())
