"""Trains the recipes of a JSON file as one worker; `test_workers.py` starts it once per worker.

Usage: python train_as_worker.py JOBS WORKER

Each job is the arguments of `rnn_apps.run`, and optionally "signal": [worker, step, number], a signal that a
worker sends itself after a step. The outcome of each job is printed as one line.
"""

import json
import os
import sys
from pathlib import Path

import rnn_apps
from rnn_apps.errors import RnnAppsError


class Console:
    """Prints nothing, and sends the signal of a job."""

    def __init__(self, signal=None):
        self._signal = signal

    def log(self, text):
        """Print nothing."""

    def step(self, step, total, logs):
        """Send the signal after its step."""
        if self._signal and step == self._signal[0]:
            os.kill(os.getpid(), self._signal[1])

    def close(self):
        """Close nothing."""


def main(jobs, worker):
    """Run all jobs."""
    for job in json.loads(Path(jobs).read_text()):
        at, *signal = job.pop("signal", [None])
        try:
            finished = rnn_apps.run(console=Console(signal if at == worker else None), **job)
            print("done" if finished is None else f"finished {finished.folder}", flush=True)
        except RnnAppsError as error:
            print(f"{type(error).__name__}: {error}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
