"""Two processes train as one does, stop together, and a run that lost a worker can be resumed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from train_as_worker import Console, Trained

import rnn_apps
from rnn_apps.checkpoint import Checkpoints
from rnn_apps.cluster import VARIABLE, on_this_machine
from rnn_apps.run_folder import CHECKPOINTS

pytestmark = pytest.mark.slow

TRAINING = {"epochs": 1, "batch_size": 12, "clip_norm": 0.5, "learning_rate": 0.002, "compile": False}
TRAINING |= {"schedule": "constant", "warmup_steps": 0, "weight_averaging": None}
SAMPLE = {"source": "sample", "sample": {"size": 100}}
TINY = {"embedding": 3, "units": [3], "dropout": 0.0}
RECIPES = {
    "imdb": {"model": {**TINY, "word_dropout": 0.0}, "data": {**SAMPLE, "vocabulary_size": 50}},
    "translation": {"model": TINY, "data": SAMPLE},
    "language_model": {"model": TINY, "data": SAMPLE},
}


def job_of(name, **changes):
    """Arguments of `rnn_apps.run` for a tiny run; the states of the language model are carried."""
    training = {**TRAINING, **changes.pop("training", {})}
    return {"recipe": name, "export": [], "views": False, "training": training, **RECIPES[name], **changes}


def state_of(folder):
    """The last step of a run, and its weights and carried states."""
    final = Checkpoints(Path(folder) / CHECKPOINTS).newest()
    return final.step, {name: array for name, array in final.state.items() if array.dtype.kind == "f"}


def check_equal(folder, expected):
    """Steps, weights and states of optimizer and recurrence are those of a run in one process."""
    (step, state), (expected_step, expected_state) = state_of(folder), state_of(expected)
    assert step == expected_step
    assert set(state) == set(expected_state)
    for name, array in state.items():
        np.testing.assert_allclose(array, expected_state[name], atol=1e-5, err_msg=name)


def train(jobs, folder, count=2):
    """Run jobs in several processes; return the lines and the exit code of each."""
    file = folder / "jobs.json"
    file.write_text(json.dumps(jobs))
    program = [sys.executable, str(Path(__file__).with_name("train_as_worker.py")), str(file)]
    processes = [
        subprocess.Popen(
            [*program, str(number)],
            env=os.environ | {VARIABLE: cluster.config(), "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for number, cluster in enumerate(on_this_machine(count))
    ]
    outputs = [process.communicate(timeout=300)[0].splitlines() for process in processes]
    return outputs, [process.returncode for process in processes]


def train_alone(**job):
    with pytest.raises(Trained):
        rnn_apps.run(**job, console=Console())


def test_two_processes_train_as_one(tmp_path):
    runs = {name: str(tmp_path / name) for name in RECIPES}
    jobs = [job_of(name, out=out) for name, out in runs.items()]
    stopped, killed = str(tmp_path / "stopped"), str(tmp_path / "killed")
    jobs += [job_of("language_model", out=stopped, signal=[1, 3, signal.SIGTERM])]
    often = {"checkpoint_every": {"steps": 2}}
    jobs += [job_of("imdb", out=killed, training=often, signal=[1, 5, signal.SIGKILL])]
    (chief, worker), codes = train(jobs, tmp_path)

    assert codes == [0, -signal.SIGKILL], (chief, worker)
    for name, out in runs.items():
        train_alone(**job_of(name, out=tmp_path / f"one-{name}"))
        check_equal(out, tmp_path / f"one-{name}")
    assert chief[:3] == ["trained"] * 3
    assert worker[:3] == ["done"] * 3

    assert chief[3] == f'Interrupted: stopped by SIGTERM. Resume with: rnn_apps.run(resume="{stopped}")'
    assert worker[3] == "Interrupted: stopped by SIGTERM"
    assert state_of(stopped)[0] == 4  # the step in which all processes learn of the signal
    train_alone(resume=stopped)
    check_equal(stopped, tmp_path / "one-language_model")

    assert chief[4].startswith("WorkerLost: lost the connection to worker 1 (127.0.0.1:")
    assert chief[4].endswith(f'Restart all workers with: rnn_apps.run(resume="{killed}")')
    assert state_of(killed)[0] == 4
    train_alone(resume=killed)
    check_equal(killed, tmp_path / "one-imdb")
