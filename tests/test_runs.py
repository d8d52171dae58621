"""A run from recipe to report, what its folder holds, and what Python gets from it."""

import csv
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import rnn_apps
import rnn_apps.runs
from rnn_apps.cli import call
from rnn_apps.errors import UserError
from rnn_apps.recipe import apply_overrides, dump_recipe, load_recipe
from rnn_apps.runs import api, stages
from rnn_apps.tasks.objectives.classes import ClassObjective
from rnn_apps.training import Interrupted, TrainingFailed

FILES = {
    "recipe.yaml",
    "model.keras",
    "metrics.json",
    "history.csv",
    "predictions.jsonl",
    "views.json",
    "report.html",
    "manifest.json",
}
FOLDERS = {"examples", "logs", "checkpoints", "preprocessing", "export", "plots"}


def in_another_process(script, *arguments, cwd=None):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    process = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd)
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of the finished run, to be damaged."""
    return shutil.copytree(finished.folder, tmp_path / "copy")


# What a run leaves


def test_the_folder_holds_what_the_contract_lists_and_nothing_else(finished):
    assert {p.name for p in finished.folder.iterdir() if p.is_file()} == FILES
    assert {p.name for p in finished.folder.iterdir() if p.is_dir()} == FOLDERS
    assert list((finished.folder / "logs").rglob("events.out.tfevents.*"))
    assert {p.name for p in (finished.folder / "preprocessing").iterdir()} == {
        "tokenizer.json",
        "text.json",
        "class_names.json",
    }
    assert {p.name for p in (finished.folder / "examples").iterdir()} == {"given.json"}


def test_metrics_are_those_of_the_contract(finished, small_recipe):
    metrics = json.loads((finished.folder / "metrics.json").read_text())
    assert metrics == finished.metrics
    assert metrics["task"] == "text_classification"
    assert metrics["recipe"] == "imdb"
    assert metrics["class_names"] == ["negative", "positive"]
    data = metrics["data"]
    assert data | {"fingerprint": None} == {
        "source": "sample:reviews",
        "is_sample": True,
        "sample_of": None,
        "train": 140,
        "validation": 20,
        "test": 40,
        "skipped": {},
        "truncated": {},
        "fingerprint": None,
    }
    names = {"accuracy", "f1_macro", "f1/negative", "f1/positive", "auc", "log_loss", "calibration_error"}
    assert set(metrics["test"]) == names
    assert {"majority", "bag_of_words"} == set(metrics["baseline"])
    steps = 2 * -(-140 // 16)
    assert metrics["training"]["steps_planned"] == metrics["training"]["steps_executed"] == steps
    assert metrics["training"]["resumes"] == 0
    assert metrics["training"]["parameters"] == sum(w.size for w in finished.model.get_weights())
    assert set(metrics["seconds"]) == {"data", "training", "evaluation", "export", "views"}
    assert metrics["score_mark"] == "SAMPLE score, not real data"
    assert [layer["path"] for layer in metrics["layers"]] == ["graph"]
    assert "tokenizer" in metrics["settings"]


def test_the_scores_are_those_of_the_predictions(finished):
    with open(finished.folder / "predictions.jsonl", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    assert len(records) == 40
    right = [record["label"] == record["prediction"] for record in records]
    assert finished.metrics["test"]["accuracy"] == pytest.approx(np.mean(right))
    names = finished.metrics["class_names"]
    true = [record["probabilities"][names.index(record["label"])] for record in records]
    assert finished.metrics["test"]["log_loss"] == pytest.approx(-np.log(true).mean(), abs=1e-4)
    answers = finished.predict([record["text"] for record in records])
    assert [answer["label"] for answer in answers] == [record["prediction"] for record in records]


def test_an_export_carries_a_few_test_inputs_unless_it_is_told_not_to(finished, tmp_path):
    def examples_in(folder):
        return json.loads((folder / "assets.extra" / "demo" / "facts.json").read_text())["examples"]

    finished.export(out=tmp_path / "bare", examples=False)
    assert len(examples_in(finished.folder / "export" / "1")) == 4
    assert examples_in(tmp_path / "bare") == []


def test_a_network_without_views_does_not_fail_the_run(small_recipe, heard, tmp_path, monkeypatch):
    def fail(*_):
        raise KeyError("a cell of one's own" + "\nin many lines")

    monkeypatch.setattr("rnn_apps.runs.stages.diagnostics", fail)
    few = {"training": {"epochs": 1}, "export": [], "views": True}
    run = rnn_apps.run(small_recipe, out=tmp_path / "run", console=heard, **few)
    assert run.metrics["test"]
    assert not (run.folder / "views.json").exists()
    (line,) = (line for line in heard.lines if line.startswith("No views"))
    assert "\n" not in line


def test_some_predictions_carry_the_score_word_by_word(finished):
    with open(finished.folder / "predictions.jsonl", encoding="utf-8") as lines:
        traced = [record for record in map(json.loads, lines) if "steps" in record]
    assert len(traced) >= 12
    for record in traced:
        assert record["steps"][-1][1] == pytest.approx(record["score"], abs=2e-4)


def test_the_history_has_a_row_an_epoch(finished):
    with open(finished.folder / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert [row["step"] for row in rows] == ["9", "18"]
    best = max(rows, key=lambda row: (float(row["val_accuracy"]), -float(row["val_loss"])))
    assert finished.metrics["training"]["best_epoch"] == int(best["epoch"])
    assert finished.metrics["validation"]["accuracy"] == pytest.approx(float(best["val_accuracy"]))


def test_the_manifest_holds_digests_of_every_artefact_versions_seed_and_data(finished):
    manifest = json.loads((finished.folder / "manifest.json").read_text())
    kept = [p for p in finished.folder.rglob("*") if p.is_file() and not {"logs", "checkpoints"} & {*p.parts}]
    assert manifest["sha256"] == {
        p.relative_to(finished.folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in kept
        if p != finished.folder / "manifest.json"
    }
    assert manifest["versions"]["tensorflow"] == tf.__version__
    assert manifest["seed"] == 1
    assert manifest["data"] == finished.metrics["data"]["fingerprint"]


def test_the_resolved_recipe_is_the_one_that_ran(finished, small_recipe):
    ran = apply_overrides(small_recipe, {"views": True})
    assert load_recipe(finished.folder / "recipe.yaml") == ran == finished.recipe


def test_what_is_said_is_each_thing_once(finished):
    lines = finished.heard.lines
    assert lines[0] == "Data: sample:reviews (train 140, validation 20, test 40)"
    assert lines[1] == f"Run folder: {finished.folder}"
    assert len(lines) == len(set(lines))
    assert [line[:9] for line in lines if line.startswith("Epoch")] == ["Epoch 1/2", "Epoch 2/2"]
    assert sum("graph path" in line for line in lines) == 1
    assert finished.heard.closed


def test_progress_goes_from_none_to_all_steps(finished):
    assert [step for step, _, _ in finished.heard.steps] == list(range(19))
    assert {total for _, total, _ in finished.heard.steps} == {18}
    assert set(finished.heard.steps[-1][2]) == {"loss", "accuracy"}


# The run again


def test_deterministic_operations_are_turned_on_where_the_recipe_asks(
    small_recipe, monkeypatch, tmp_path, heard
):
    class Reached(Exception):
        pass

    calls = []
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: calls.append(True))
    monkeypatch.setattr(stages, "prepare", lambda *_: (_ for _ in ()).throw(Reached))
    for deterministic in (False, True):
        recipe = apply_overrides(small_recipe, {"training": {"deterministic": deterministic}})
        with pytest.raises(Reached):
            rnn_apps.run(recipe, out=tmp_path / "out", console=heard)
        assert calls == [True] * deterministic


def test_one_text_is_answered_and_explained_as_a_list_of_one(finished):
    assert finished.predict("Far from dull!") == finished.predict(["Far from dull!"])
    (steps,) = finished.explain("Far from dull!")
    assert [word for word, _ in steps] == ["far", "from", "dull", "!"]


@pytest.mark.slow
def test_an_export_that_fails_costs_a_run_neither_scores_nor_report(
    small_recipe, tmp_path, monkeypatch, capsys
):
    def failing(task, name, *arguments, **options):
        if name == "saved_model":
            raise TypeError("'dict' object is not callable")
        export_model(task, name, *arguments, **options)

    export_model = stages.export_model
    monkeypatch.setattr(stages, "export_model", failing)
    recipe = tmp_path / "small.yaml"
    settings = {"training.epochs": 1, "views": False, "export": ["saved_model", "onnx", "litert", "keras"]}
    recipe.write_text(dump_recipe(apply_overrides(small_recipe, settings)))
    assert call(["run", str(recipe), "--out", str(tmp_path / "run")]) == 1
    run = rnn_apps.open_run(tmp_path / "run")
    assert run.is_complete
    reason = "TypeError: 'dict' object is not callable"
    assert run.metrics["not_exported"] == {"saved_model": reason}
    assert run.metrics["test"]["accuracy"] > 0
    assert "not exported: saved_model" in (run.folder / "report.html").read_text()
    out, err = capsys.readouterr()
    assert f"Not exported as saved_model: {reason}" in out
    assert f"to try again: rnn-apps export {run.folder} --format saved_model" in err
    assert {path.name for path in (run.folder / "export").iterdir()} == {"onnx", "litert", "keras"}


def test_importing_the_package_is_light():
    script = (
        "import sys, rnn_apps as r; r.load_recipe; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    assert in_another_process(script).split() == ["False", "False"]


def test_public_names_are_there():
    assert all(hasattr(rnn_apps, name) for name in rnn_apps.__all__)
    assert set(rnn_apps.__all__) <= set(dir(rnn_apps))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = rnn_apps.nothing


# Where something is missing or damaged


@pytest.mark.parametrize("missing", ["recipe.yaml", "model.keras", "preprocessing"])
def test_a_run_that_lacks_a_part_says_which(copy, missing):
    path = copy / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(UserError, match=f"{missing} is missing; expected the folder of a run"):
        rnn_apps.open_run(copy)


def test_a_run_of_an_earlier_version_says_to_train_it_again(copy):
    recipe = (copy / "recipe.yaml").read_text()
    (copy / "recipe.yaml").write_text(recipe.replace("task: text_classification", "task: sentiment"))
    with pytest.raises(UserError) as caught:
        rnn_apps.open_run(copy)
    message = str(caught.value)
    assert message.startswith(f"{copy}: this version of rnn-apps cannot read its recipe (")
    assert 'received "sentiment"' in message
    assert message.endswith("train it again.")
    assert "\n" not in message


def test_a_damaged_network_is_named(copy):
    content = (copy / "model.keras").read_bytes()
    (copy / "model.keras").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"the saved network cannot be read \(.*A file of it is damaged"):
        rnn_apps.open_run(copy).predict(["a"])


def test_damaged_preprocessing_is_named(copy):
    (copy / "preprocessing" / "class_names.json").write_text("{")
    with pytest.raises(UserError, match="the saved network cannot be read"):
        rnn_apps.open_run(copy).predict(["a"])


def test_damaged_metrics_are_named(copy):
    (copy / "metrics.json").write_text("{")
    with pytest.raises(UserError, match=r"metrics\.json: cannot be read"):
        rnn_apps.open_run(copy)


def test_a_failed_export_leaves_the_old_one(copy, monkeypatch):
    def fail(task, name, path, *options):
        path.mkdir()
        raise OSError("disk full")

    before = (copy / "export/1/saved_model.pb").read_bytes()
    monkeypatch.setattr("rnn_apps.runs.trained_run.export_model", fail)
    with pytest.raises(UserError, match="export/1: cannot be written: disk full"):
        rnn_apps.open_run(copy).export()
    assert (copy / "export/1/saved_model.pb").read_bytes() == before
    assert os.listdir(copy / "export") == ["1"]


def test_an_export_elsewhere_never_overwrites(copy, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("kept")
    with pytest.raises(UserError, match="is there already and not empty"):
        rnn_apps.open_run(copy).export(out=tmp_path / "taken")
    assert os.listdir(tmp_path / "taken") == ["file"]


# Data that cannot be had


@pytest.fixture
def offline(tmp_path, monkeypatch):
    def no_network(*_, **__):
        raise OSError("no network in this test")

    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "sets"))
    monkeypatch.setattr(socket, "getaddrinfo", no_network)


def out_of_reach(small_recipe, **sample):
    return apply_overrides(
        small_recipe, {"data": {"source": "tfds:imdb_reviews", "sample": {"size": 100, **sample}}}
    )


def test_the_sample_stands_in_with_its_settings_said_and_marked(small_recipe, offline, tmp_path, heard):
    recipe = out_of_reach(small_recipe, set={"model.dropout": 0.25})
    prepared = stages.prepare(recipe, True, heard)
    assert heard.lines[0] == (
        f"imdb_reviews is not in {tmp_path / 'sets'} and ai.stanford.edu does not answer. Using "
        'synthetic data with model.word_vectors = "random", model.word_dropout = 0.0, '
        'training.schedule = "constant", '
        "training.weight_averaging = null, model.dropout = 0.25; every score is marked as a SAMPLE score."
    )
    assert prepared.sample_of == "imdb_reviews"
    assert prepared.recipe.data.source == "sample"
    assert prepared.task.predictor.model.get_layer("dropout").rate == 0.25


@pytest.mark.parametrize("allowed", [True, False])
def test_where_no_sample_may_stand_in_the_run_is_refused_and_nothing_written(
    small_recipe, offline, tmp_path, allowed, heard
):
    recipe = out_of_reach(small_recipe)
    recipe = apply_overrides(recipe, {"data": {"sample": None}}) if allowed else recipe
    with pytest.raises(
        UserError, match="ai.stanford.edu does not answer. Set the path of your data: data.path=PATH"
    ):
        rnn_apps.run(recipe, out=tmp_path / "out", sample=allowed, console=heard)
    assert list(tmp_path.iterdir()) == []


def test_data_that_was_named_never_falls_back(small_recipe, tmp_path, heard):
    with pytest.raises(UserError, match="no such file or folder"):
        rnn_apps.run(small_recipe, data=tmp_path / "nowhere", out=tmp_path / "out", console=heard)
    assert list(tmp_path.iterdir()) == []


def test_skipped_records_are_said_and_counted(small_recipe, tmp_path, heard):
    rows = [{"text": f"review {i}", "label": i % 2} for i in range(100)]
    rows += [{"text": "", "label": 1}, {"text": "good"}, {"text": "x", "label": "mixed"}]
    (tmp_path / "all.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n[]\n")
    settings = {"data": {"source": "files", "path": tmp_path / "all.jsonl", "on_invalid_record": "skip"}}
    prepared = stages.prepare(apply_overrides(small_recipe, settings), True, heard)
    assert prepared.data["skipped"] == {
        "text is empty": 1,
        "label is missing": 1,
        'unknown label "mixed"': 1,
        "not a JSON object": 1,
    }
    assert "  skipped 1: not a JSON object" in heard.lines


# Stops


class Stopping:
    """A console that raises a signal at a step, as if it came from outside."""

    def __init__(self, number, at):
        self.number, self.at, self.lines = number, at, []

    def log(self, text):
        self.lines.append(text)

    def step(self, step, total, logs):
        if step == self.at:
            signal.raise_signal(self.number)

    def close(self):
        pass


def test_a_signal_leaves_the_network_and_the_history_so_far(small_recipe, tmp_path):
    console, out = Stopping(signal.SIGTERM, 11), tmp_path / "out"
    with pytest.raises(Interrupted, match="stopped by SIGTERM. Resume with: .*run"):
        rnn_apps.run(small_recipe, out=out, console=console)
    assert console.lines[-1] == "Stopped at step 11 of 18."
    assert len((out / "history.csv").read_text().splitlines()) == 2  # columns and one whole epoch
    assert not (out / "manifest.json").exists()
    stopped = rnn_apps.open_run(out)
    assert stopped.metrics == {}
    assert stopped.predict(["a film"])[0]["label"] in ("negative", "positive")


def test_a_loss_that_is_no_number_ends_the_run(small_recipe, tmp_path, heard, monkeypatch):
    settings = {"training": {"learning_rate": 10.0, "clip_norm": None, "optimizer": "sgd"}}
    recipe = apply_overrides(small_recipe, settings)

    monkeypatch.setattr(
        ClassObjective, "loss", lambda self, outputs, targets: tf.reduce_sum(outputs) * np.inf
    )
    with pytest.raises(TrainingFailed, match="at step 1 "):
        rnn_apps.run(recipe, out=tmp_path / "out", console=heard)
    assert heard.closed
    assert not (tmp_path / "out" / "manifest.json").exists()


# Several runs


def test_settings_of_the_data_may_be_given_as_a_dict(monkeypatch, small_recipe):
    seen = {}

    monkeypatch.setattr(api, "run_recipe", lambda recipe, *_: seen.update(recipe=recipe))
    rnn_apps.run(
        "imdb", data={"max_length": 7}, training={"epochs": 3}, overrides=["model.units=[5]"], seed=9
    )
    recipe = seen["recipe"]
    assert (recipe.data.max_length, recipe.training.epochs, recipe.model.units, recipe.seed) == (7, 3, [5], 9)
    assert recipe.data.source == "tfds:imdb_reviews"


def test_a_run_a_seed_and_a_summary(monkeypatch, finished, tmp_path):
    accuracies = {3: 0.5, 1: 0.75, 2: 0.625}

    def seeded(recipe, out, *_):
        shutil.copytree(finished.folder, out)
        metrics = {**finished.metrics, "test": {"accuracy": accuracies[recipe.seed]}}
        if recipe.seed == 1:
            metrics["test"]["auc"] = 0.5  # not defined for every seed
        (out / "metrics.json").write_text(json.dumps(metrics))
        return rnn_apps.open_run(out)

    monkeypatch.setattr(api, "run_recipe", seeded)
    runs, summary = rnn_apps.runs.run_seeds("imdb", [3, 1, 2], out=tmp_path / "seeds")
    assert [run.folder for run in runs] == [tmp_path / "seeds" / f"seed-{seed}" for seed in (3, 1, 2)]
    assert summary == {"accuracy": {"mean": 0.625, "low": 0.5, "high": 0.75}}
    assert json.loads((tmp_path / "seeds" / "seeds.json").read_text()) == {
        "seeds": [3, 1, 2],
        "test": summary,
        "score_mark": "SAMPLE score, not real data",
    }


def test_seeds_refused_by_their_data_leave_nothing(small_recipe, tmp_path, heard):
    with pytest.raises(UserError):
        rnn_apps.runs.run_seeds(
            small_recipe, [1, 2], out=tmp_path / "seeds", data=tmp_path / "nowhere", console=heard
        )
    assert list(tmp_path.iterdir()) == []


def test_runs_side_by_side_show_the_settings_that_differ(finished, copy):
    recipe = (copy / "recipe.yaml").read_text().replace("embedding: 4", "embedding: 5")
    (copy / "recipe.yaml").write_text(recipe)
    (copy / "metrics.json").unlink()
    runs, differing = rnn_apps.runs.compare([finished.folder, copy])
    assert differing == {"model.embedding": [4, 5]}
    assert [run.folder for run in runs] == [finished.folder, copy]
    assert runs[1].metrics == {}


@pytest.fixture
def runs_of_seeds(finished, tmp_path):
    """A folder with a lone run, one of two seeds, and one whose last seed is still to come."""
    runs = tmp_path / "imdb"
    for name in ("one", "seeds/seed-3", "seeds/seed-1", "stopped/seed-10", "stopped/seed-9"):
        (runs / name).parent.mkdir(parents=True, exist_ok=True)
        (runs / name).symlink_to(finished.folder)
    (runs / "seeds" / "seeds.json").write_text('{"seeds": [3, 1]}')
    return runs


def test_patterns_and_folders_of_seeds_are_compared_run_by_run(runs_of_seeds):
    names = ["one", "seeds/seed-3", "seeds/seed-1", "stopped/seed-9", "stopped/seed-10"]
    for given in ([runs_of_seeds / "*"], [runs_of_seeds / name for name in ("one", "seeds", "stopped")]):
        runs, _ = rnn_apps.runs.compare(map(str, given))
        assert [run.folder.relative_to(runs_of_seeds).as_posix() for run in runs] == names


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing*", r"nothing\*: no path matches this pattern; expected folders of runs"),
        (".", r"imdb: recipe.yaml is missing; .* Name the runs in it: .*imdb/\*"),
        (
            "*",
            "notes: recipe.yaml is missing; expected the folder of a run, or of several seeds. Leave",
        ),
        ("file", r"imdb/file: recipe.yaml is missing; expected the folder of a run"),
        ("seeds", r"imdb/seeds/seed-1: no such folder; expected the folder of a run"),
    ],
)
def test_a_folder_that_holds_no_runs_is_named_and_none_is_left_out(runs_of_seeds, name, message):
    (runs_of_seeds / "notes").mkdir()
    (runs_of_seeds / "seeds" / "seed-1").unlink()
    if name == "file":
        (runs_of_seeds / "file").write_text("")
    with pytest.raises(UserError, match=message):
        rnn_apps.runs.compare([runs_of_seeds / name])


@pytest.mark.parametrize("recipe", [None, 3, {"task": "text_classification"}])
def test_what_is_no_recipe_is_named(recipe):
    with pytest.raises(UserError, match="recipe: received .*, expected the name of a packaged recipe"):
        rnn_apps.run(recipe)


def test_what_is_no_text_is_no_input(finished):
    with pytest.raises(UserError, match="input 2: received int 3, expected text, or the path of a file"):
        finished.predict(["a film", 3])
