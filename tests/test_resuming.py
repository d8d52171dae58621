"""Runs that stop and go on: nothing lost, nothing done twice, and nothing else than what was begun."""

import csv
import json
import shutil
import signal

import numpy as np
import pytest

import rnn_apps
from rnn_apps.checkpoint import Checkpoint, Checkpoints
from rnn_apps.errors import UserError
from rnn_apps.recipe import apply_overrides, load_recipe
from rnn_apps.runs.kill_test import differences, kill_test
from rnn_apps.training import Interrupted

pytestmark = pytest.mark.slow

TINY = {
    "data": {"source": "sample", "sample": {"size": 100}},
    "model": {"embedding": 3, "units": [3], "bidirectional": False, "characters": None},
    "training": {
        "epochs": 2,
        "batch_size": 8,
        "compile": False,
        "checkpoint_every": {"steps": 2},
        "tbptt": {"steps": 5},
    },
    "export": [],
}


def stopping(console, at, number=signal.SIGTERM):
    """The console raises a signal at this step."""

    def step(step, total, logs):
        if step == at:
            signal.raise_signal(number)

    console.step = step
    return console


@pytest.fixture(scope="module")
def stopped(small_recipe, new_console, tmp_path_factory):
    """A run of the finished one's recipe that a signal ended at step 7 of 18, in its first epoch."""
    console = stopping(new_console(), at=7)
    folder = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.raises(Interrupted) as caught:
        rnn_apps.run(small_recipe, out=folder, console=console)
    assert str(caught.value) == f'stopped by SIGTERM. Resume with: rnn_apps.run(resume="{folder}")'
    assert console.lines[-1] == "Stopped at step 7 of 18."
    return folder


@pytest.fixture
def run(stopped, tmp_path):
    return shutil.copytree(stopped, tmp_path / "run")


def timeless_history(folder):
    with open(folder / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{k: v for k, v in r.items() if k not in ("seconds", "examples_per_second")} for r in rows]


def test_a_run_that_goes_on_ends_where_it_would_have_ended(run, finished, heard):
    resumed = rnn_apps.run(resume=run, console=heard)
    assert "Resuming at step 7 of 18" in heard.lines
    facts = resumed.metrics["training"]
    assert (facts["steps_planned"], facts["steps_executed"], facts["resumes"]) == (18, 18, 1)
    assert resumed.metrics["test"] == finished.metrics["test"]
    for ours, theirs in zip(resumed.model.get_weights(), finished.model.get_weights()):
        np.testing.assert_array_equal(ours, theirs)
    assert timeless_history(run) == timeless_history(finished.folder)
    assert {p.name for p in run.iterdir()} == {p.name for p in finished.folder.iterdir()} - {"views.json"}
    assert differences(run, finished.folder) == []


def test_a_complete_run_is_left_as_it_is(finished, small_recipe, heard):
    before = (finished.folder / "manifest.json").read_bytes()
    again = rnn_apps.run(resume=finished.folder, console=heard)
    assert again.metrics == finished.metrics
    assert heard.lines == [f"{finished.folder} is complete: there is nothing to resume."]
    with pytest.raises(UserError, match="complete, and the recipe has changed.* was 2, is 9") as error:
        rnn_apps.run(small_recipe, resume=finished.folder, console=heard, force=True, training={"epochs": 9})
    assert "--force" not in str(error.value)
    assert (finished.folder / "manifest.json").read_bytes() == before


def test_a_changed_recipe_is_refused_with_the_difference(run, small_recipe, heard):
    changed = {"training": {"batch_size": 8, "learning_rate": 0.5}}
    before = sorted(run.rglob("*"))
    with pytest.raises(UserError) as caught:
        rnn_apps.run(small_recipe, resume=run, console=heard, **changed)
    text = str(caught.value)
    assert "the recipe has changed" in text
    assert "training.batch_size was 16, is 8" in text
    assert "training.learning_rate was 0.002, is 0.5" in text
    assert text.endswith("Or resume anyway with: force=True")
    assert sorted(run.rglob("*")) == before


def test_with_force_it_goes_on_all_the_same_and_the_run_says_so(run, small_recipe, heard):
    changed = {"training": {"epochs": 3, "learning_rate": 1e-4}, "export": []}
    resumed = rnn_apps.run(small_recipe, resume=run, console=heard, force=True, **changed)
    assert resumed.metrics["training"]["steps_executed"] == 27
    training = resumed.recipe.training
    assert (training.epochs, training.learning_rate) == (3, 1e-4)
    assert float(timeless_history(run)[-1]["learning_rate"]) < 1e-4


def test_fewer_epochs_than_are_done_end_it(run, small_recipe, heard, new_console):
    with pytest.raises(Interrupted):
        rnn_apps.run(resume=run, console=stopping(new_console(), at=10))  # in the second epoch
    changed = {"training": {"epochs": 1}, "export": []}
    resumed = rnn_apps.run(small_recipe, resume=run, console=heard, force=True, **changed)
    assert [row["epoch"] for row in timeless_history(run)] == ["1"]
    assert resumed.metrics["training"]["steps_executed"] == 10


def test_a_stand_in_goes_on_as_a_stand_in_and_what_is_overridden_is_seen(run, heard, monkeypatch):
    """As if the run had fallen back: the recipe that was asked for names a set that cannot be had."""
    record = json.loads((run / "checkpoints" / "run.json").read_text())
    (run / "checkpoints" / "run.json").write_text(json.dumps({**record, "sample_of": "imdb_reviews"}))
    begun = load_recipe(run / "recipe.yaml")
    asked = apply_overrides(begun, {"data": {"source": "tfds:imdb_reviews"}})
    with pytest.raises(UserError) as caught:
        rnn_apps.run(asked, resume=run, console=heard, overrides=["training.epochs=9"])
    assert "the recipe has changed: training.epochs was 2, is 9. Undo" in str(caught.value)
    with pytest.raises(Interrupted):
        rnn_apps.run(asked, resume=run, console=stopping(heard, at=8))
    assert "Resuming at step 7 of 18" in heard.lines


def test_another_network_is_refused_even_by_force(run, small_recipe, heard):
    with pytest.raises(UserError, match="of another network .*another folder"):
        rnn_apps.run(small_recipe, resume=run, console=heard, force=True, model={"units": [5]})


def test_changed_data_are_refused_with_the_difference(run, heard):
    record = json.loads((run / "checkpoints" / "run.json").read_text())
    record["data"]["fingerprint"] = "of yesterday"
    (run / "checkpoints" / "run.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match='the data has changed: fingerprint was "of yesterday", is'):
        rnn_apps.run(resume=run, console=heard)


def test_a_run_killed_before_its_first_checkpoint_begins(run, heard):
    for path in run.glob("checkpoints/checkpoint-*"):
        shutil.rmtree(path)
    (run / ".rnn-apps-1.model.keras").write_bytes(b"half")
    (run / ".1.mine").write_text("not ours")
    with pytest.raises(Interrupted):
        rnn_apps.run(resume=run, console=stopping(heard, at=2, number=signal.SIGINT))
    assert not (run / ".rnn-apps-1.model.keras").exists()
    assert (run / ".1.mine").read_text() == "not ours"
    assert "Resuming at" not in " ".join(heard.lines)


def test_a_project_of_ones_own_is_no_run(tmp_path, heard):
    (tmp_path / "recipe.yaml").write_text("task: text_classification  # years of work\n")
    with pytest.raises(UserError, match=r"checkpoints/run.json is missing; expected the folder of a run"):
        rnn_apps.run(resume=tmp_path, console=heard)
    assert [p.name for p in tmp_path.iterdir()] == ["recipe.yaml"]


def test_what_is_no_run_cannot_be_gone_on_with(tmp_path, heard):
    with pytest.raises(UserError, match="no such folder; expected the folder of a run"):
        rnn_apps.run(resume=tmp_path / "typo", console=heard)


def test_a_kill_leaves_no_trace_where_windows_carry_states_on(tmp_path):
    said = []
    found = kill_test(load_recipe("tagging", TINY), 1, tmp_path / "kills", seed=1, log=said.append)
    assert (found.kills, found.unequal, found.extra_steps) == (1, [], 0)
    assert sum(line.startswith("Kill ") for line in said) == 1
    assert not (tmp_path / "kills" / "whole" / "views.json").exists()


def test_the_kill_test_sees_a_difference(run, stopped):
    checkpoints = Checkpoints(run / "checkpoints")
    newest = checkpoints.newest()
    assert differences(run, stopped) == []
    position = newest.facts["progress"]
    position["step"] += 1
    state = {**newest.state, "model.0": newest.state["model.0"] + 1e-7}
    checkpoints.save(Checkpoint(newest.step, newest.facts, state, {"0": np.zeros(1)}))
    assert {"state model.0", "best 0", "step"} == set(differences(run, stopped))
