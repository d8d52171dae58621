"""Rule: a run that was stopped after its first epoch and resumed ends as one that was not."""

import csv
import signal

import numpy as np
import pytest

import rnn_apps
from rnn_apps.checkpoint import Checkpoint, Checkpoints
from rnn_apps.errors import UserError
from rnn_apps.run_folder import CHECKPOINTS
from rnn_apps.training import Interrupted

pytestmark = pytest.mark.slow

UNTIMED = ("seconds", "examples_per_second")


def check_resumed(whole, resumed):
    """Weights, scores and history of a resumed run are those of the one that was left alone."""
    assert resumed.is_complete
    assert resumed.metrics["training"]["resumes"] == 1
    for ours, expected in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, expected)
    assert resumed.metrics["test"] == whole.metrics["test"]
    assert history_of(resumed) == history_of(whole)


def history_of(run):
    with open(run.folder / "history.csv", newline="") as file:
        return [{key: v for key, v in row.items() if key not in UNTIMED} for row in csv.DictReader(file)]


def stopped(tiny, folder, console):
    """Begin the tiny run without exports, and stop it one step into its second epoch."""
    stop(lambda console: tiny.make(folder, console, export=[], views=False), console)
    return folder


def stop(start, console):
    """Start a run of two epochs, and stop it one step into the second."""

    def step(step, total, logs):
        if step == total // 2 + 1:
            signal.raise_signal(signal.SIGTERM)

    console.step = step
    with pytest.raises(Interrupted):
        start(console)


def test_a_resumed_run_ends_as_one_that_was_left_alone(run, tiny, tmp_path, new_console):
    if not tiny.is_trained_here:
        with pytest.raises(UserError, match="cannot be trained"):
            rnn_apps.run(run.recipe, out=tmp_path / "run")
        return
    folder = stopped(tiny, tmp_path / "run", new_console())
    check_resumed(run, rnn_apps.run(resume=folder, console=new_console()))


# Seeded fault


@pytest.mark.parametrize("task", ["text_classification"], indirect=True)
def test_a_resumed_run_that_forgets_its_optimizer_is_caught(run, tiny, tmp_path, new_console):
    folder = stopped(tiny, tmp_path / "run", new_console())
    checkpoints = Checkpoints(folder / CHECKPOINTS)
    newest = checkpoints.newest()
    forgotten = {
        name: np.zeros_like(value) if name.startswith("optimizer") and value.ndim else value
        for name, value in newest.state.items()
    }
    assert any(np.any(newest.state[name] != forgotten[name]) for name in forgotten)
    checkpoints.save(Checkpoint(newest.step, newest.facts, forgotten, newest.best))
    with pytest.raises(AssertionError):
        check_resumed(run, rnn_apps.run(resume=folder, console=new_console()))
