"""Completion in the shell: what may stand where, quickly, in scripts that shells take."""

import os
import shutil
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from rnn_apps.cli import call, cli
from rnn_apps.cli.completing import files
from rnn_apps.export import FORMATS, weight_types
from rnn_apps.inspecting.inspectors import inspectable_tasks
from rnn_apps.recipe import packaged_recipes
from rnn_apps.recipe.problems import allowed_keys, node_at
from rnn_apps.tasks import settings_class, task_names
from rnn_apps.tasks.settings import GATES

SHELLS = ("bash", "zsh", "fish")


def completed(*words):
    """What is offered for the last of the words."""
    shell = ShellComplete(cli, {}, "rnn-apps", "_RNN_APPS_COMPLETE")
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


@pytest.fixture
def some_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("runs/imdb/2026-01-01", "runs/imdb/2026-01-02", "exported"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "runs/imdb/2026-01-01/recipe.yaml").write_text("task: text_classification\n")
    (tmp_path / "runs/imdb/2026-01-02/manifest.json").write_text("{}")
    for name in ("mine.yaml", "model.keras", "notes.txt"):
        (tmp_path / name).write_text("task: tagging\n")


def test_commands_and_options_are_completed():
    assert completed("va") == ["validate"]
    assert completed("run", "--no") == ["--no-sample"]


def test_a_recipe_is_a_name_or_a_yaml_file(some_runs):
    for command in ("run", "show", "validate", "kill-test"):
        assert completed(command, "") == [*sorted(packaged_recipes()), "exported/", "mine.yaml", "runs/"]
    assert completed("run", "im") == ["image_captioning", "imdb", "imdb_gru"]


def test_a_run_is_a_folder_with_a_recipe_or_a_manifest_the_newest_first(some_runs):
    newest = ["runs/imdb/2026-01-02", "runs/imdb/2026-01-01"]
    for command in (["predict"], ["evaluate"], ["export"], ["serve"], ["compare"], ["run", "--resume"]):
        assert completed(*command, "") == [*newest, "exported/", "runs/"]
    assert completed("predict", "runs/imdb/") == newest[::-1]
    assert completed("predict", "runs/i") == ["runs/imdb/"]


def test_a_model_is_a_file_of_keras_or_a_run(some_runs):
    assert completed("check", "m") == completed("import", "m") == ["model.keras"]


def test_a_folder_that_is_not_there_offers_nothing():
    assert completed("predict", "nowhere/at/all/") == []


@pytest.mark.parametrize("task", task_names())
def test_keys_of_set_are_those_of_the_task(task, tmp_path):
    (tmp_path / "mine.yaml").write_text(f"# It.\ntask: {task}\n")
    expected = set()
    todo = [()]
    while todo:
        path = todo.pop()
        node, below = node_at(settings_class(task), path), allowed_keys(settings_class(task), path)
        todo += [(*path, key) for key in below]
        if path and (not below or node.get("nullable")):
            expected.add(".".join(path) + "=")
    offered = completed("run", str(tmp_path / "mine.yaml"), "--set", "")
    assert set(offered) == expected
    assert len(set(offered)) == len(offered)


def test_keys_of_set_are_those_of_the_recipe_on_the_line():
    assert completed("run", "imdb", "--set", "training.ep") == ["training.epochs=", "training.epsilon="]
    assert completed("run", "imdb", "--set", "model.encoder") == []
    assert "model.encoder.name=" in completed("run", "image_captioning", "--set", "model.encoder")
    assert "model.encoder.name=" in completed("run", "--set", "model.encoder")
    assert completed("run", "nowhere.yaml", "--set", "see") == ["seed="]


def test_a_file_is_left_to_the_shell():
    assert [item.type for item in files(None, None, "ph")] == ["file"]


def test_names_that_the_command_line_knows_are_offered():
    assert completed("export", "RUN", "--format", "") == list(FORMATS)
    assert completed("export", "RUN", "--weights", "") == list(weight_types())
    assert completed("check-cell", "") == list(GATES)
    assert set(completed("init", "")) == set(completed("inspect", "--task", "")) == set(inspectable_tasks())
    assert completed("completion", "") == list(SHELLS)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_takes_its_script(shell, capsys, tmp_path):
    assert call(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_RNN_APPS_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        line = [shell, "--no-execute" if shell == "fish" else "-n", tmp_path / "script"]
        done = subprocess.run(line, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_in_bash_a_key_goes_on_without_a_blank_and_a_recipe_with_one(capsys, tmp_path):
    assert call(["completion", "bash"]) == 0
    program = tmp_path / "rnn-apps"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -m rnn_apps\n")
    program.chmod(0o755)
    script = f"""{capsys.readouterr().out}
compopt() {{ echo "$*"; }}
ask() {{
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
    _rnn_apps_open {program}
    echo "$COMPREPLY"
}}
ask rnn-apps run imdb --set training.warm
ask rnn-apps run video
"""
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["-o nospace", "training.warmup_steps=", "video_captioning"]


def test_completing_imports_neither_tensorflow_nor_pydantic():
    script = """
import atexit, sys
from rnn_apps.cli import main
heavy = {"tensorflow", "keras", "pydantic", "numpy"}
atexit.register(lambda: print(heavy & set(sys.modules)))
main()
"""
    words = {"COMP_WORDS": "rnn-apps run imdb --set seed", "COMP_CWORD": "4"}
    environment = {**os.environ, **words, "_RNN_APPS_COMPLETE": "bash_complete"}
    code = f"import sys; sys.argv = ['rnn-apps']\n{script}"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["plain,seed=", "set()"], done.stderr
