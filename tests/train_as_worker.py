"""Trains the recipes of a JSON file as one worker; `test_workers.py` starts it once per worker.

Usage: python train_as_worker.py JOBS WORKER

Each job is the arguments of `rnn_apps.run`, and optionally "signal": [worker, step, number], a signal that a
worker sends itself after a step, and "of_worker_1", arguments of that worker alone. The outcome of each job
is printed as one line. Runs end before evaluation.
"""

import json
import os
import sys
from pathlib import Path

import rnn_apps
from rnn_apps.errors import RnnAppsError


class Trained(RnnAppsError):
    """The training of a run is complete."""


class Console:
    """Prints nothing, sends the signal of a job, and ends a run when its training is complete."""

    def __init__(self, signal=None):
        self._signal = signal

    def log(self, text):
        """End the run before evaluation."""
        if text.startswith("Evaluating"):
            raise Trained(text)

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
        own = job.pop("of_worker_1", {})
        job |= own if worker == 1 else {}
        try:
            rnn_apps.run(console=Console(signal if at == worker else None), **job)
            print("done", flush=True)
        except Trained:
            print("trained", flush=True)
        except RnnAppsError as error:
            print(f"{type(error).__name__}: {error}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
