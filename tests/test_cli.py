"""The command line: exit codes, plain messages, and what a user reads at the end of a run."""

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest

import rnn_apps.runs
from rnn_apps.cli import call, cli
from rnn_apps.cli.shared import print_table
from rnn_apps.errors import RnnAppsError, UserError
from rnn_apps.run_folder import RunFolder
from rnn_apps.runs.kill_test import KillTest
from rnn_apps.serving.model import newest_version
from rnn_apps.training import Interrupted, TrainingFailed

COMMANDS = ["list", "show", "validate", "prepare", "run", "evaluate", "predict", "compare", "export"]
COMMANDS += ["check", "check-cell", "completion", "import", "init", "inspect", "kill-test", "schema", "serve"]
COMMANDS += ["tune", "workers"]


@pytest.fixture
def answer(capsys):
    """Carry out a command in this process: (exit code, standard output, standard error)."""

    def run(*arguments):
        capsys.readouterr()
        code = call([str(argument) for argument in arguments])
        return (code, *capsys.readouterr())

    return run


# Help and light commands


def test_every_command_of_the_contract_is_there():
    assert sorted(cli.commands) == sorted(COMMANDS)


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=str)
def test_help_ends_in_examples(answer, command):
    code, out, _ = answer(*command, "--help")
    assert code == 0
    examples = out.partition("Examples:\n")[2].splitlines()
    assert examples
    assert all(line.strip().startswith(("rnn-apps ", "cat ", "tail ")) for line in examples)
    assert all(" ".join(["rnn-apps", *command]) in line for line in examples)


def test_list_names_every_recipe_with_its_shape(answer):
    code, out, _ = answer("list")
    assert code == 0
    assert all(word in out for word in ("imdb", "imdb_gru", "text_classification", "many-to-one"))


@pytest.mark.parametrize("columns", ["40", "80", "200"])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_list_draws_shapes_on_any_terminal(encoding, columns):
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": columns, "TTY_COMPATIBLE": "1"}
    done = subprocess.run([*PROGRAM, "list"], env=environment, capture_output=True)
    assert done.returncode == 0
    assert ("h→h→h→h" if encoding == "utf-8" else "h>h>h>h") in done.stdout.decode(encoding)
    table = [re.sub("\x1b\\[[0-9;]*m", "", line) for line in done.stdout.decode(encoding).splitlines()[:-1]]
    assert max(map(len, table)) <= int(columns)
    assert "…" not in "".join(table), "no name is cut"


def test_show_prints_a_recipe_that_is_valid_again(answer, tmp_path):
    code, out, _ = answer("show", "imdb", "--set", "model.cell=gru")
    assert code == 0
    assert "cell: gru" in out
    (tmp_path / "mine.yaml").write_text(out)
    assert answer("validate", tmp_path / "mine.yaml") == (
        0,
        f"{tmp_path / 'mine.yaml'}: a valid recipe for the task text_classification.\n",
        "",
    )


@pytest.mark.parametrize("path", ["nowhere", "/nowhere"])
def test_a_recipe_is_valid_without_its_data_which_is_noted(answer, tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    command = ["validate", "imdb", "--set", "data.source=files", "--set", f"data.path={path}"]
    code, out, _ = answer(*command)
    start = f" A relative path starts at the current folder, {tmp_path}." if path == "nowhere" else ""
    assert (code, out.splitlines()[1:]) == (
        0,
        [f'Note: data.path: no such file or folder: "{path}".{start}'],
    )
    (tmp_path / "nowhere").mkdir()
    assert len(answer(*command)[1].splitlines()) == (1 if path == "nowhere" else 2)


def test_schema_is_json(answer):
    code, out, _ = answer("schema")
    assert code == 0
    assert json.loads(out)["title"] == "rnn-apps recipe"


# What is wrong, in plain words


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["run", "imbd"], 'imbd: no such recipe, and no such file. Did you mean "imdb"?'),
        (["validate", "imdb", "--set", "model.cel=gru"], 'model.cel: unknown key. Did you mean "cell"?'),
        (
            ["validate", "imdb", "--set", "trainning.epochs=1"],
            '--set trainning.epochs: unknown key "trainning". Did you mean "training"? Allowed here:',
        ),
        (["run", "imdb", "--set", "training.epochs"], "--set training.epochs: expected KEY=VALUE"),
        (
            ["run", "imdb", "--set", "training.epochs=five", "--set", "seed=-1"],
            "2 problems; nothing was run.",
        ),
        (["run", "imdb", "--seeds", "1,one"], 'received "1,one", expected distinct whole numbers'),
        (["run", "imdb", "--seeds", "1,1"], "expected distinct whole numbers"),
        (["run", "imdb", "--data", "nowhere"], "nowhere: no such file or folder"),
        (["run", "imdb", "--out", "taken"], "--out: taken is there already and not empty"),
        (["predict", "nowhere", "text"], "nowhere: no such folder; expected the folder of a run"),
        (["evaluate", "taken"], "taken: recipe.yaml is missing; expected the folder of a run"),
        (["compare", "nowhere"], "nowhere: no such folder"),
        (
            ["compare", "taken"],
            "taken: recipe.yaml is missing; expected the folder of a run, or of several seeds",
        ),
        (["export", "nowhere"], "nowhere: no such folder"),
        (["compare"], "Missing argument 'RUNS...'. Help: rnn-apps compare --help"),
        (["run"], "Name a recipe. List them with: rnn-apps list"),
        (["run", "--resume", "nowhere"], "nowhere: no such folder; expected the folder of a run"),
        (
            ["run", "--resume", "taken", "--seeds", "1,2"],
            "--resume: continues one run in its folder. Omit --out and --seeds.",
        ),
        (["kill-test", "imdb", "--kills", "0"], "0 is not in the range"),
        (["kill-test", "imdb", "--out", "taken"], "--out: taken is there already and not empty"),
        (["run", "--resume", "taken", "--out", "other"], "continues one run in its folder"),
        (["rum", "imdb"], "No such command 'rum'. Did you mean 'run'? Help: rnn-apps --help"),
        (["run", "imdb", "--epochs", "3"], "No such option"),
        (
            ["predict", "run", "--file", "nowhere"],
            "--file nowhere: no such file; expected inputs, one per line, or a table",
        ),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_what_the_user_can_mend_exits_with_2_and_writes_nothing(
    answer, tmp_path, monkeypatch, arguments, part
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("kept")
    code, out, err = answer(*arguments)
    assert (code, out) == (2, "")
    assert part in " ".join(err.split())
    assert "Traceback" not in err
    assert "Usage" not in err
    assert [str(p.relative_to(tmp_path)) for p in sorted(tmp_path.rglob("*"))] == ["taken", "taken/file"]


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            UserError("a.csv:7  label", received='"good"', expected="0 or 1"),
            2,
            'received "good", expected 0 or 1',
        ),
        (RnnAppsError("the disk is on fire"), 1, "the disk is on fire"),
        (TrainingFailed("training: the loss became nan at step 3"), 1, "the loss became nan at step 3"),
        (Interrupted(signal.SIGINT), 130, "stopped by SIGINT"),
        (Interrupted(signal.SIGTERM), 143, "stopped by SIGTERM"),
        (KeyboardInterrupt(), 130, ""),
        (click.exceptions.Abort(), 130, ""),
        (
            ZeroDivisionError("division by zero\nmore"),
            1,
            "ZeroDivisionError: division by zero\n(rnn-apps --verbose",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_each_kind_of_failure_has_its_exit_code_and_no_traceback(answer, monkeypatch, error, code, said):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(rnn_apps.runs, "compare", fail)
    found, out, err = answer("compare", "a", "b")
    assert (found, out) == (code, "")
    assert said in err
    assert "Traceback" not in err
    assert len(err.splitlines()) <= 2


def test_verbose_shows_where_a_bug_is(monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(rnn_apps.runs, "compare", fail)
    with pytest.raises(ZeroDivisionError):
        call(["--verbose", "compare", "a"], verbose=True)


@pytest.mark.parametrize("command", ["run", "evaluate", "predict", "compare", "export"])
def test_verbose_may_stand_behind_the_command_too(answer, command):
    assert "--verbose" in answer(command, "--help")[1]


# A run, from its command to its last line


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory):
    """`rnn-apps run imdb` where there is neither data nor network: (exit code, lines, folder)."""
    folder, patch = tmp_path_factory.mktemp("cli"), pytest.MonkeyPatch()

    def no_network(*_, **__):
        raise OSError("no network in this test")

    patch.setattr(socket, "getaddrinfo", no_network)
    patch.setenv("TFDS_DATA_DIR", str(folder / "sets"))
    patch.chdir(folder)
    settings = ["model.units=[3]", "model.embedding=3", "model.bidirectional=false", "training.epochs=1"]
    settings += ["data.sample.size=100", "training.compile=false", "export=[]"]
    arguments = [part for setting in settings for part in ("--set", setting)]
    with open(folder / "said", "w+") as said:
        patch.setattr(sys, "stdout", said)
        code = call(["run", "imdb", *arguments, "--out", "mine"])
        patch.undo()
        said.seek(0)
        return code, said.read().splitlines(), folder / "mine"


def test_a_run_without_data_says_so_in_one_line_and_marks_its_score(sample_run):
    code, lines, folder = sample_run
    assert code == 0
    assert lines[0].startswith("imdb_reviews is not in ")
    assert lines[0].endswith(
        'Using synthetic data with model.word_vectors = "random", model.word_dropout = 0.0, '
        'training.schedule = "constant", '
        "training.weight_averaging = null; every score is marked as a SAMPLE score."
    )
    accuracy = json.loads((folder / "metrics.json").read_text())["test"]["accuracy"]
    assert lines[-2:] == [
        f"Test accuracy {accuracy:.4f} on sample:reviews  [SAMPLE score, not imdb_reviews]",
        "Report: mine/report.html",
    ]
    assert (
        sum("SAMPLE score, not imdb_reviews" in line for line in lines) == 2
    )  # over the table, and behind the score
    assert any("bag_of_words" in line for line in lines)


def test_no_line_of_a_run_comes_twice_or_from_tensorflow(sample_run):
    _, lines, _ = sample_run
    words = [line for line in lines if line.strip()]
    assert len(words) == len(set(words))
    assert not [
        line for line in lines if "tensorflow/" in line or "WARNING" in line or line.startswith(("I0", "E0"))
    ]


def test_the_metrics_of_a_fallback_say_what_it_stands_for(sample_run):
    data = json.loads((sample_run[2] / "metrics.json").read_text())["data"]
    assert (data["is_sample"], data["sample_of"], data["source"]) == (True, "imdb_reviews", "sample:reviews")


def test_seeds_end_with_each_runs_score_and_their_mean(answer, monkeypatch, finished, tmp_path):
    summary = {
        "accuracy": {"mean": 0.625, "low": 0.5, "high": 0.75},
        "f1/positive": {"mean": 0, "low": 0, "high": 0},
    }
    asked = {}

    def run_seeds(recipe, seeds, **options):
        asked.update(options, seeds=seeds)
        return [finished, finished], summary

    monkeypatch.setattr(rnn_apps.runs, "run_seeds", run_seeds)
    code, out, _ = answer("run", "imdb", "--seeds", "1, 2", "--no-sample", "--out", tmp_path / "out")
    assert code == 0
    assert (asked["seeds"], asked["sample"], asked["out"]) == ([1, 2], False, str(tmp_path / "out"))
    assert out.count(f"Report: {finished.folder / 'report.html'}") == 2
    assert out.splitlines()[-1] == (
        "accuracy over 2 seeds: 0.6250 (0.5000 to 0.7500)  [SAMPLE score, not real data]"
    )


def test_options_reach_the_recipe(answer, monkeypatch, finished, tmp_path):
    seen = {}
    monkeypatch.setattr(
        rnn_apps.runs, "run", lambda recipe, **options: seen.update(recipe=recipe, **options) or finished
    )
    answer("run", "imdb", "--deterministic", "--data", tmp_path, "--set", "seed=5")
    assert seen["recipe"].training.deterministic
    assert (seen["recipe"].data.source, seen["recipe"].data.path) == ("files", str(tmp_path))
    assert seen["recipe"].seed == 5
    assert seen["sample"] is True


def test_a_run_is_gone_on_with_by_its_folder_alone(answer, monkeypatch, finished):
    seen = {}
    monkeypatch.setattr(
        rnn_apps.runs, "run", lambda recipe, **options: seen.update(recipe=recipe, **options) or finished
    )
    code, _, _ = answer("run", "--resume", finished.folder, "--force")
    assert code == 0
    assert seen["recipe"] == finished.recipe
    assert (seen["resume"], seen["force"]) == (str(finished.folder), True)


@pytest.mark.parametrize(
    ("unequal", "code", "said"), [([], 0, ""), (["run 1: state model.3"], 1, "run 1: state model.3\n")]
)
def test_a_kill_test_that_finds_a_difference_fails(answer, monkeypatch, unequal, code, said):
    def found(recipe, kills, folder, seed, log):
        log(f"{recipe.name}, {seed}")
        return KillTest(kills, 2, unequal, 0)

    monkeypatch.setattr("rnn_apps.runs.kill_test.kill_test", found)
    assert answer("kill-test", "imdb", "--kills", 3, "--seed", 7) == (
        code,
        f"imdb, 7\n3 kills, 2 runs, {len(unequal)} of them unequal\n",
        said,
    )


# Finished runs


def test_evaluate_prints_the_scores_and_the_mark(answer, finished):
    code, out, _ = answer("evaluate", finished.folder)
    assert code == 0
    assert out.splitlines()[-1] == "SAMPLE score, not real data"
    lines = out.splitlines()
    assert lines[0] == f"{finished.metrics['data']['test']} records scored"
    assert lines[1].split() == ["accuracy", f"{finished.metrics['test']['accuracy']:.4f}"]
    assert any(line.startswith("baseline bag_of_words: accuracy ") for line in lines)
    code, out, _ = answer("evaluate", finished.folder, "--json")
    said = json.loads(out)
    assert said["score_mark"] == "SAMPLE score, not real data"
    assert said["test"] == pytest.approx(finished.metrics["test"])


def test_predict_answers_arguments_files_and_standard_input_in_order(answer, finished, tmp_path, monkeypatch):
    (tmp_path / "reviews.txt").write_bytes(b"\xef\xbb\xbfa film\r\nna\xc3\xafve\n")
    (tmp_path / "stdin").write_bytes(b"\xef\xbb\xbffrom stdin\n\xff bad bytes\n")
    monkeypatch.setattr(sys, "stdin", open(tmp_path / "stdin", encoding="ascii"))  # noqa: SIM115
    code, out, _ = answer(
        "predict", finished.folder, "first", "-", "--file", tmp_path / "reviews.txt", "--json"
    )
    said = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [a["text"] for a in said] == ["first", "a film", "naïve", "from stdin", "\ufffd bad bytes"]
    assert said == finished.predict([a["text"] for a in said])


def test_a_printed_prediction_is_one_line_that_cannot_steer_the_terminal(answer, finished):
    hostile = "two\nlines \x1b[31mred\x1b[0m " + "word " * 50
    code, out, _ = answer("predict", finished.folder, hostile)
    (line,) = out.splitlines()
    label, score, text = line.split(maxsplit=2)
    assert code == 0
    assert label in ("negative", "positive")
    assert 0.5 <= float(score) <= 1
    assert text.startswith("two lines [31mred[0m word")
    assert len(text) <= 80
    assert text.isprintable()


def test_predict_without_input_says_how_to_give_some(answer, finished, tmp_path, monkeypatch):
    (tmp_path / "empty").write_text("")
    monkeypatch.setattr(sys, "stdin", open(tmp_path / "empty"))  # noqa: SIM115
    code, _, err = answer("predict", finished.folder)
    assert code == 2
    assert err == 'predict: no input. Give texts, --file, or lines on standard input with "-".\n'


def test_a_page_that_compares_runs_is_written_whole_or_not_at_all(answer, finished, tmp_path):
    out = tmp_path / "new" / "page"
    code, said, _ = answer("compare", finished.folder, "--out", out)
    assert code == 0
    assert f"Report: {out / 'report.html'}" in said.replace("\n", "")
    assert (out / "plots" / "main.svg").is_file()
    code, _, error = answer("compare", finished.folder, "--out", out)
    assert (code, "already and not empty" in error) == (2, True)

    other = tmp_path / "other"
    code, _, error = answer("compare", finished.folder, finished.folder, "--out", other)
    assert (code, "listed twice" in error) == (2, True)
    damaged = tmp_path / "damaged"
    shutil.copytree(finished.folder, damaged)
    (damaged / "predictions.jsonl").write_text("{")
    code, _, error = answer("compare", finished.folder, damaged, "--out", other)
    assert (code, "predictions.jsonl:1: damaged" in error) == (2, True)
    assert not other.exists()


def test_compare_shows_what_differs_and_marks_samples_and_stops(answer, finished, tmp_path):
    other = shutil.copytree(finished.folder, tmp_path / "other")
    recipe = (other / "recipe.yaml").read_text()
    (other / "recipe.yaml").write_text(
        recipe.replace("name: imdb", "name: mine").replace("epochs: 2", "epochs: 3")
    )
    (other / "metrics.json").unlink()
    code, out, _ = answer("compare", finished.folder, other)
    rows = [
        [cell.strip() for cell in line.strip("│┃ ").replace("┃", "│").split("│")] for line in out.splitlines()
    ]
    assert code == 0
    assert ["", str(finished.folder), str(other)] in rows or [str(finished.folder), str(other)] in rows
    assert ["name", '"imdb"', '"mine"'] in rows
    assert ["training.epochs", "2", "3"] in rows
    assert ["accuracy", f"{finished.metrics['test']['accuracy']:.4f}", "-"] in rows
    assert not any(row[0] == "seed" for row in rows)
    assert "SAMPLE score, not real data" in out
    assert "not finished" in out


def test_export_writes_where_it_is_told_and_never_over_anything(answer, finished, tmp_path):
    code, out, _ = answer("export", finished.folder, "--out", tmp_path / "served" / "1")
    assert (code, out) == (0, f"SavedModel: {tmp_path / 'served' / '1'}\n")
    assert (tmp_path / "served" / "1" / "saved_model.pb").is_file()
    code, _, err = answer("export", finished.folder, "--out", tmp_path / "served" / "1")
    assert code == 2
    assert "is there already and not empty" in err


def test_an_export_into_the_run_is_in_its_manifest_and_a_lone_version_is_served(answer, finished, tmp_path):
    own = Path(shutil.copytree(finished.folder, tmp_path / "own"))
    before = json.loads((own / "manifest.json").read_text())
    assert answer("export", own, "--no-examples")[0] == 0
    after = json.loads((own / "manifest.json").read_text())
    assert {**before, "sha256": 0} == {**after, "sha256": 0}
    changed = {name for name in after["sha256"] if after["sha256"][name] != before["sha256"].get(name)}
    assert "export/1/assets.extra/demo/facts.json" in changed
    assert all(name.startswith("export/1/") for name in changed)
    for name, digest in after["sha256"].items():
        assert hashlib.sha256((own / name).read_bytes()).hexdigest() == digest
    assert newest_version(own / "export" / "1") == newest_version(own / "export")
    with pytest.raises(UserError):
        newest_version(own)


def test_a_path_that_tensorflow_takes_for_a_pattern_is_refused_before_training(answer, tmp_path):
    code, _, err = answer("run", "imdb", "--out", tmp_path / "out[1]")
    assert code == 2
    assert "has one of the characters" in err
    assert not (tmp_path / "out[1]").exists()
    RunFolder.check_free(tmp_path / "compared [v2]")  # a page may lie there


def test_a_stopped_run_answers_with_its_mark_and_says_that_it_is_not_finished(answer, finished, tmp_path):
    own = Path(shutil.copytree(finished.folder, tmp_path / "own"))
    (own / "metrics.json").unlink()
    (own / "manifest.json").unlink()
    code, out, err = answer("evaluate", own)
    assert (code, out.splitlines()[-1]) == (0, "SAMPLE score, not real data")
    assert f"{own} is not finished: this is its best network so far." in err
    assert "is not finished" in answer("predict", own, "a film")[2]


def test_brackets_in_a_name_are_shown_as_they_are(capsys):
    from rich.table import Table

    table = Table("", "run[1]")
    table.add_row("data.class_names", "[/neg]")
    print_table(table)
    out = capsys.readouterr().out
    assert "run[1]" in out
    assert "[/neg]" in out


def test_a_fix_that_a_finished_run_cannot_follow_is_not_left_alone(answer, finished, tmp_path):
    (tmp_path / "one.csv").write_text("words,label\na film,good\nb,bad\n")
    code, _, err = answer("evaluate", finished.folder, "--data", tmp_path / "one.csv")
    assert code == 2
    assert "Rename the column in the file." in err
    assert "--set" not in err


# A cell of the user's own, three classes, and other processes

CELL = """
from keras import ops
from rnn_apps.layers import RecurrentCell, register_cell

@register_cell("leaky_of_mine")
class Leaky(RecurrentCell):
    gates = 2

    def step(self, z, r, states):
        (h,) = states
        leak, new = ops.split(z + r, 2, axis=-1)
        leak = ops.sigmoid(leak)
        return (leak * h + (1 - leak) * ops.tanh(new),)
"""
ANOTHER_PROCESS = """
import json, os, sys
import rnn_apps
own, other, texts = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
network = rnn_apps.load_model(other)
import numpy
print(json.dumps(network(numpy.array([[2, 3, 4]])).numpy().tolist()))
os.chdir("elsewhere")
try:
    rnn_apps.open_run(own).predict(texts)
except rnn_apps.errors.UserError as error:
    print(json.dumps(str(error)))
os.chdir("..")
print(json.dumps(rnn_apps.open_run(own).predict(texts)))
"""


@pytest.mark.slow
def test_a_cell_of_ones_own_runs_on_three_classes_and_answers_in_another_process(
    answer, finished, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "cells_of_mine.py").write_text(CELL)
    words = {"bad": "dull", "fair": "average", "good": "lovely"}
    rows = [{"text": f"a {words[name]} film, number {i}", "label": name} for i in range(60) for name in words]
    (tmp_path / "films.jsonl").write_text("\n".join(map(json.dumps, rows)))
    settings = [
        "model.cell=cells_of_mine:Leaky",
        "data.class_names=null",
        "model.units=[3]",
        "model.embedding=3",
        "export=[]",
    ]
    settings += ["training.epochs=1", "training.compile=false", "model.bidirectional=false"]
    arguments = [part for setting in settings for part in ("--set", setting)]
    code, out, err = answer("run", "imdb", "--data", "films.jsonl", *arguments, "--out", "run")
    assert (code, err) == (0, "")
    assert "SAMPLE" not in out
    run = rnn_apps.runs.open_run("run")
    assert run.metrics["class_names"] == ["bad", "fair", "good"]
    assert {"f1/bad", "f1/fair", "f1/good", "auc"} <= set(run.metrics["test"])
    assert run.metrics["baseline"]["bag_of_words"]["accuracy"] > 0.9

    texts = ["a lovely film", "dull", ""]
    command = [
        sys.executable,
        "-c",
        ANOTHER_PROCESS,
        tmp_path / "run",
        finished.folder / "model.keras",
        json.dumps(texts),
    ]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert process.returncode == 0, process.stderr
    network, refusal, answers = map(json.loads, process.stdout.splitlines())
    assert network == finished.model(np.array([[2, 3, 4]])).numpy().tolist()
    assert refusal.startswith("model.cell: ModuleNotFoundError: No module named 'cells_of_mine'")
    assert "Start rnn-apps in the folder that contains the module cells_of_mine" in refusal
    assert answers == run.predict(texts)


# The program itself

PROGRAM = [sys.executable, "-m", "rnn_apps"]


def test_the_program_exits_with_the_code_of_the_failure():
    process = subprocess.run([*PROGRAM, "run", "imbd"], capture_output=True, text=True)
    assert process.returncode == 2
    assert process.stdout == ""
    assert process.stderr.startswith("imbd: no such recipe")


def test_a_reader_that_goes_away_is_no_failure():
    process = subprocess.run(
        f"{' '.join(PROGRAM)} schema | head -1; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "{\n", "")


def test_what_cpp_code_writes_to_standard_error_is_sent_away_but_not_python():
    script = """
import os, sys
from rnn_apps.cli.quiet import be_quiet
be_quiet()
os.write(2, b"noise of TensorFlow")
print("a message", file=sys.stderr)
"""
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert process.stderr == "a message\n"
