"""Rule: data is prepared so that a run from it, even if resumed, ends as one from the data; or is refused."""

import json

import numpy as np
import pytest
import tensorflow as tf
from folders import files_of
from test_task_resumes import check_resumed, stop

import rnn_apps
from rnn_apps.data.prepared import MANIFEST
from rnn_apps.errors import UserError
from rnn_apps.recipe import apply_overrides
from rnn_apps.tasks import find_task

pytestmark = pytest.mark.slow

REFUSED = {"forecasting", "imported"}
COUNTS = ("source", "train", "validation", "test", "fingerprint", "skipped", "truncated", "is_sample")


def prepared(run, folder, console):
    """Prepare the data of a tiny run, and return its recipe with that data."""
    rnn_apps.prepare(run.recipe, folder, console=console)
    data = {"data.source": "files", "data.path": str(folder), "data.shuffle": "examples"}
    return apply_overrides(run.recipe, {**data, "export": [], "views": False})


def check_prepared(run, own):
    """Weights, scores, baselines and the description of the data are those of the run from the data."""
    check_resumed(run, own)
    assert own.metrics["baseline"] == run.metrics["baseline"]
    assert own.score_mark == run.score_mark
    assert {name: own.metrics["data"][name] for name in COUNTS} == {
        name: run.metrics["data"][name] for name in COUNTS
    }


def check_order(dataset):
    """In the default order, an epoch has the batches that it says, and can be continued anywhere."""
    batches = dataset.training_batches()
    whole = [tf.nest.flatten(batch) for batch in batches.epoch(1)]
    assert len(whole) == len(batches) > 1
    for own, expected in zip(batches.epoch(1, 1), whole[1:], strict=True):
        for tensor, other in zip(tf.nest.flatten(own), expected, strict=True):
            np.testing.assert_array_equal(tensor, other)


def test_a_run_from_prepared_data_is_that_from_the_data(run, task, tmp_path, new_console):
    if task in REFUSED:
        with pytest.raises(UserError, match=r"^prepare: .* cannot be prepared"):
            rnn_apps.prepare(run.recipe, tmp_path / "prepared", console=new_console())
        assert not (tmp_path / "prepared").exists()
        return
    recipe = prepared(run, tmp_path / "prepared", new_console())
    folder = tmp_path / "run"
    stop(lambda console: rnn_apps.run(recipe, out=folder, console=console), new_console())
    own = rnn_apps.run(resume=folder, console=new_console())
    check_prepared(run, own)
    assert own.evaluate().as_dict() == run.evaluate().as_dict()
    dataset = find_task(task).dataset(apply_overrides(recipe, {"data.shuffle": "shards"}))
    dataset.prepare(find_task(task).preprocessing.load)
    check_order(dataset)


def test_workers_of_beam_write_the_same_files(run, task, tmp_path, new_console):
    if task in REFUSED:
        return
    rnn_apps.prepare(run.recipe, tmp_path / "own", console=new_console())
    console = new_console()
    rnn_apps.prepare(run.recipe, tmp_path / "beam", console=console, runner="DirectRunner", workers=1)
    assert not any("No worker" in line for line in console.lines)
    assert files_of(tmp_path / "beam") == files_of(tmp_path / "own")


# Seeded fault


@pytest.mark.parametrize("task", ["tagging"], indirect=True)
def test_a_folder_of_other_data_is_caught(run, tmp_path, new_console):
    recipe = prepared(run, tmp_path / "prepared", new_console())
    manifest = json.loads((tmp_path / "prepared" / MANIFEST).read_text())
    splits = manifest["splits"]
    splits["validation"], splits["test"] = splits["test"], splits["validation"]
    (tmp_path / "prepared" / MANIFEST).write_text(json.dumps(manifest))
    own = rnn_apps.run(recipe, out=tmp_path / "run", console=new_console())
    with pytest.raises(AssertionError):
        check_prepared(run, own)
