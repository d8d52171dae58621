"""What is said and written down while a run is carried out."""

import logging
from contextlib import contextmanager

import keras
import tensorflow as tf

from rnn_apps.errors import UserError
from rnn_apps.layers import RecurrentLayer
from rnn_apps.reporting import UNPLOTTED_COLUMNS


class Lines:
    """Where a run says what it does: plain lines, and nothing for single steps.

    Args:
        file: where they are printed; standard output by default.
    """

    def __init__(self, file=None):
        self._file = file

    def say(self, text):
        """Print one line."""
        print(text, file=self._file, flush=True)

    def step(self, step, total, logs):
        """Take note of one training step; step 0 comes before the first."""

    def close(self):
        """Training is over."""


@contextmanager
def log_lines(console, package="rnn_apps"):
    """Within this context what the modules of a package log is said on the console."""
    log, handler = logging.getLogger(package), logging.Handler()
    handler.emit = lambda record: console.say(record.getMessage())
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
    """Return layer, path and reason of every recurrent layer of a network, as dicts."""
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, RecurrentLayer)]
    return [
        dict(zip(("layer", "path", "reason"), (layer.name, *(layer.engine_path or ("", "")))))
        for layer in layers
    ]


class HistoryLogs(keras.callbacks.Callback):
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
        try:
            self._writer.flush()
        except tf.errors.OpError as error:
            problem = f"cannot be written ({error.message})"
            fix = ["Make room.", self.folder.resuming()]
            raise UserError(str(self.folder / "logs"), problem, fix=fix) from error
        row, epochs = rows[-1], self.trainer.settings.epochs
        scores = "  ".join(f"{key} {row[key]:.4f}" for key in row if key not in UNPLOTTED_COLUMNS)
        self.console.say(f"Epoch {epoch + 1}/{epochs}  {scores}  ({row['seconds']:.0f} s)")
        if epoch == 0:
            layers = {}
            for line in layer_paths(self.model):
                if not line["path"]:
                    continue  # resumed behind the last step of an epoch, it has not run
                layers.setdefault((line["path"], line["reason"]), []).append(line["layer"])
            for (path, reason), names in layers.items():
                self.console.say(f"  {', '.join(names)}: {path} path, {reason}")


logging.getLogger("rnn_apps").addHandler(logging.NullHandler())
