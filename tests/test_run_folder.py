"""The run folder: nothing half-written, nothing overwritten, and plain words where something is missing."""

import csv
import hashlib
import json
import os

import pytest

from rnn_apps.errors import UserError
from rnn_apps.run_folder import RECORD, RunFolder


def refusal(function, *arguments):
    with pytest.raises(UserError) as caught:
        function(*arguments)
    return str(caught.value)


def test_a_run_goes_to_a_folder_of_its_recipe_and_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = RunFolder.free_path("imdb")
    assert path.parts[:2] == ("runs", "imdb")
    assert not (tmp_path / "runs").exists()
    RunFolder.create(path)
    assert sorted(p.name for p in path.iterdir()) == ["checkpoints", "logs"]


def test_two_runs_within_a_second_get_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = [RunFolder.create(RunFolder.free_path("imdb")).path for _ in range(3)]
    assert len(set(paths)) == 3


def test_a_folder_in_use_is_refused_and_nothing_in_it_changes(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for attempt in (RunFolder.create, RunFolder.check_free, lambda out: RunFolder.free_path("imdb", out)):
        assert refusal(attempt, tmp_path) == (
            f"out: {tmp_path} is there already and not empty. Name another folder, or remove it yourself."
        )
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("thesis.txt", "years of work")]


def test_an_empty_folder_is_taken(tmp_path):
    assert RunFolder.create(tmp_path).path == tmp_path


@pytest.mark.parametrize("below", ["", "a/b"])
def test_a_file_is_no_folder(tmp_path, below):
    (tmp_path / "file").write_text("kept")
    message = refusal(RunFolder.check_free, tmp_path / "file" / below)
    assert message == f"out: {tmp_path / 'file'} is a file; expected a folder. Name another folder."
    assert (tmp_path / "file").read_text() == "kept"


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_done(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)  # root may write anywhere
    assert refusal(RunFolder.check_free, tmp_path / "new") == (
        f"out: {tmp_path} cannot be written to. Name a folder of your own."
    )


def test_a_folder_that_cannot_be_made_is_refused():
    assert refusal(RunFolder.create, "/proc/rnn-apps-run").startswith(
        "out: /proc/rnn-apps-run cannot be made: "
    )


def test_what_is_written_appears_whole_or_not_at_all(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_text("metrics.json", "old")

    def fail():
        with folder.writing("metrics.json") as path:
            path.write_text("half")
            assert (tmp_path / "metrics.json").read_text() == "old"
            raise OSError("disk full")

    with pytest.raises(UserError, match="cannot be written: disk full"):
        fail()
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("metrics.json", "old")]


def test_a_folder_within_is_replaced_as_a_whole_or_not_at_all(tmp_path):
    folder = RunFolder(tmp_path)
    for content in ("old", "new"):
        with folder.writing("export/1") as path:
            path.mkdir()
            (path / content).write_text(content)
            if content == "new":
                assert os.listdir(tmp_path / "export/1") == ["old"]
    assert os.listdir(tmp_path / "export/1") == ["new"]

    def fail():
        with folder.writing("export/1") as path:
            path.mkdir()
            raise OSError("disk full")

    with pytest.raises(UserError, match="cannot be written: disk full"):
        fail()
    assert os.listdir(tmp_path / "export/1") == ["new"]
    assert os.listdir(tmp_path / "export") == ["1"]


def test_what_a_killed_process_left_goes_and_what_it_was_to_replace_comes_back(tmp_path):
    for name in ("export/.rnn-apps-7.1", "export/.rnn-apps-7-old.1", "preprocessing/.rnn-apps-7-old.x"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "export/.rnn-apps-7-old.1/model").write_text("the old one")
    (tmp_path / "preprocessing/x").write_text("the new one")
    (tmp_path / ".rnn-apps-7.model.keras").write_text("half")
    RunFolder(tmp_path).remove_unfinished()
    left = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert left == ["export/1/model", "preprocessing/x"]


def test_a_folder_in_which_a_run_was_killed_before_it_began_may_be_taken(tmp_path):
    folder = RunFolder.create(tmp_path / "run")
    for name in ("checkpoints/lock", "checkpoints/run.json", "checkpoints/.rnn-apps-7.run.json"):
        (folder / name).write_text("")
    (folder / ".rnn-apps-7.recipe.yaml").write_text("half")
    RunFolder.create(folder.path)
    (folder / "recipe.yaml").write_text("task: text_classification")
    assert "not empty" in refusal(RunFolder.check_free, folder.path)


def test_json_lines_and_csv_are_read_back_as_they_were(tmp_path):
    folder, records = RunFolder(tmp_path), [{"text": "Grüße\n\u2028🎬", "n": 1}, {"text": "", "n": 2}]
    folder.write_json_lines("predictions.jsonl", records)
    assert [
        json.loads(line) for line in (tmp_path / "predictions.jsonl").read_bytes().split(b"\n")[:-1]
    ] == records
    folder.write_csv("history.csv", [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])
    with open(tmp_path / "history.csv", newline="") as file:
        assert list(csv.DictReader(file)) == [{"epoch": "1", "loss": "0.5"}, {"epoch": "2", "loss": "0.25"}]
    folder.write_json("metrics.json", {"a": [1, None]})
    assert folder.read_json("metrics.json") == {"a": [1, None]}


def test_the_manifest_marks_a_run_complete_and_holds_the_digest_of_every_artefact(tmp_path):
    folder = RunFolder.create(tmp_path)
    (tmp_path / "logs" / "events").write_text("not an artefact")
    folder.write_text("recipe.yaml", "task: text_classification\n")
    with folder.writing("export/1") as path:
        path.mkdir()
        (path / "saved_model.pb").write_bytes(b"\x00" * 3_000_000)
    assert not folder.is_complete
    folder.write_manifest({"seed": 7})
    assert folder.is_complete
    manifest = folder.read_json("manifest.json")
    assert manifest["seed"] == 7
    assert manifest["sha256"] == {
        name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in ("recipe.yaml", "export/1/saved_model.pb")
    }


def test_a_run_without_a_network_yet_is_resumed(tmp_path):
    needs = ("recipe.yaml", "model.keras")
    folder = RunFolder.create(tmp_path / "run")
    folder.write_json(RECORD, {})
    folder.write_text("recipe.yaml", "task: imdb")
    assert refusal(RunFolder.open, folder.path, needs) == (
        f"{folder.path}: model.keras is missing: training has not saved a network yet. "
        f'If it was stopped, resume it with: rnn_apps.run(resume="{folder.path}")'
    )
    folder.write_manifest({})
    assert "expected the folder of a run" in refusal(RunFolder.open, folder.path, needs)


def test_a_folder_that_is_no_run_is_named_with_the_newest_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refusal(RunFolder.open, "nowhere") == (
        "nowhere: no such folder; expected the folder of a run. Run a recipe first."
    )
    RunFolder.create("runs/imdb/one").write_text("recipe.yaml", "")
    (tmp_path / "empty").mkdir()
    assert refusal(RunFolder.open, "empty") == (
        "empty: recipe.yaml is missing; expected the folder of a run. The newest here: runs/imdb/one."
    )


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe"])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "metrics.json").write_bytes(content)
    message = refusal(RunFolder(tmp_path).read_json, "metrics.json")
    assert message.startswith(f"{tmp_path / 'metrics.json'}: cannot be read (")
    assert message.endswith("The run is damaged; run it again.")
