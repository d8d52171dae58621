"""The fixes of errors, as each command writes them: one of its own options, or a command to type."""

import json

import click
import pytest

import rnn_apps.runs
from rnn_apps.cli import call, cli
from rnn_apps.cli.wording import CommandWording
from rnn_apps.errors import Argument, Call, DataError, Setting, UserError

SKIP = DataError("a.csv:7", "no text", fix=["Fix it.", Setting("Or skip it", "data.on_invalid_record=skip")])
CAP = DataError(
    "a.csv", "too many", fix=["Fix them.", Setting("Or raise the cap", "data.max_invalid_records=N")]
)
COLUMN = DataError("a.csv", "no column", fix=Setting("Name it", "data.text=COLUMN"))
TWO = DataError("a", "no date", fix=Setting("Name it", "data.time=[day, hour]", "data.time_format=FORMAT"))
PATH = DataError("a.csv", "no such file", fix=Setting("Check the path", "data.path"))
NAMED = UserError("data.source", "no answer", fix=Setting("Name the data", "data.path=PATH"))
RESUME = UserError("run", "stopped", fix=[Call("Resume with", "run", "resume=runs/my run"), "Or leave it."])
LIST = UserError("imbd", "no such recipe", fix=Call("List them with", "recipe.packaged_recipes"))
TEXT = UserError("a.csv", "no such file", fix=Argument("To answer the words, add", "as_text=True"))
STEPS = UserError(received="0", expected="1 to 9", option="steps")
FORMAT = UserError("onnx", "cannot hold it", option="format")

NEW_TRAINING = "Name it when training: rnn-apps run RECIPE --set data.text=COLUMN"


@pytest.mark.parametrize(
    ("error", "command", "text"),
    [
        (SKIP, None, "a.csv:7: no text. Fix it. Or skip it: data.on_invalid_record=skip"),
        (SKIP, "run", "a.csv:7: no text. Fix it. Or skip it: --set data.on_invalid_record=skip"),
        (SKIP, "evaluate", "a.csv:7: no text. Fix it."),
        (CAP, "kill-test", "a.csv: too many. Fix them. Or raise the cap: --set data.max_invalid_records=N"),
        (CAP, "evaluate", "a.csv: too many. Fix them. Or raise the cap: --max-invalid-records N"),
        (CAP, "predict", "a.csv: too many. Fix them."),
        (COLUMN, None, "a.csv: no column. Name it: data.text=COLUMN"),
        (COLUMN, "init", "a.csv: no column. Name it: --set data.text=COLUMN"),
        (COLUMN, "predict", f"a.csv: no column. {NEW_TRAINING}"),
        (COLUMN, "serve", f"a.csv: no column. {NEW_TRAINING}"),
        (TWO, None, "a: no date. Name it: data.time=[day, hour], data.time_format=FORMAT"),
        (
            TWO,
            "inspect",
            "a: no date. Name it: --set 'data.time=[day, hour]' --set data.time_format=FORMAT",
        ),
        (PATH, None, "a.csv: no such file. Check the path: data.path"),
        (PATH, "run", "a.csv: no such file. Check the path: --data or data.path"),
        (PATH, "evaluate", "a.csv: no such file. Check the path: --data"),
        (PATH, "init", "a.csv: no such file. Check the path: DATA"),
        (NAMED, "run", "data.source: no answer. Name the data: --data PATH"),
        (NAMED, "evaluate", "data.source: no answer. Name the data: --data PATH"),
        (RESUME, None, 'run: stopped. Resume with: rnn_apps.run(resume="runs/my run"). Or leave it.'),
        (RESUME, "compare", "run: stopped. Resume with: rnn-apps run --resume 'runs/my run'. Or leave it."),
        (LIST, None, "imbd: no such recipe. List them with: rnn_apps.recipe.packaged_recipes()"),
        (LIST, "validate", "imbd: no such recipe. List them with: rnn-apps list"),
        (TEXT, None, "a.csv: no such file. To answer the words, add: as_text=True"),
        (TEXT, "predict", "a.csv: no such file. To answer the words, add: --text"),
        (TEXT, "evaluate", "a.csv: no such file. To answer the words, add: as_text=True"),
        (STEPS, None, "steps: received 0, expected 1 to 9."),
        (STEPS, "export", "--steps: received 0, expected 1 to 9."),
        (FORMAT, None, "format=onnx: cannot hold it."),
        (FORMAT, "export", "--format onnx: cannot hold it."),
        (FORMAT, "run", "format=onnx: cannot hold it."),
    ],
)
def test_a_fix_is_written_as_the_reader_can_use_it(error, command, text):
    if command is None:
        assert str(error) == text
    else:
        assert error.text(CommandWording(cli.commands[command], cli.commands)) == text


@pytest.mark.parametrize("command", cli.commands)
def test_what_a_command_writes_is_what_some_command_takes(command):
    for error in (SKIP, CAP, COLUMN, TWO, PATH, NAMED, RESUME, LIST, TEXT, STEPS, FORMAT):
        text = error.text(CommandWording(cli.commands[command], cli.commands))
        typed = cli.commands["run"] if "rnn-apps run" in text else cli.commands[command]
        options = {name for parameter in typed.params for name in parameter.opts}
        assert {word.rstrip(":.") for word in text.split() if word.startswith("--")} <= options


def test_the_attributes_say_which_setting_it_is():
    assert (SKIP.key, [one.assignments for one in SKIP.settings]) == (
        "data.on_invalid_record",
        [("data.on_invalid_record=skip",)],
    )
    assert (TEXT.key, TEXT.settings, STEPS.option) == (None, (), "steps")
    assert UserError("data.path", "gone", key="data.path").key == "data.path"


def test_a_source_comes_before_the_location_and_the_rest_stays():
    error = SKIP.within("standard input")
    assert str(error).startswith("standard input, a.csv:7: no text.")
    assert (type(error), error.settings) == (DataError, SKIP.settings)
    assert str(SKIP).startswith("a.csv:7: no text.")


@pytest.mark.parametrize(
    ("arguments", "function", "fix"),
    [
        (["evaluate", "RUN", "--json"], "open_run", "Or raise the cap: --max-invalid-records N"),
        (["run", "imdb"], "run", "Or raise the cap: --set data.max_invalid_records=N"),
    ],
)
def test_a_command_that_fails_prints_its_own_wording(arguments, function, fix, monkeypatch, capsys):
    def fail(*_, **__):
        raise CAP

    monkeypatch.setattr(rnn_apps.runs, function, fail)
    assert call(arguments) == 2
    assert capsys.readouterr() == ("", f"a.csv: too many. Fix them. {fix}\n")


def test_an_override_is_named_as_it_was_typed(capsys, tmp_path):
    (tmp_path / "a.csv").write_text("text,label\ngood,1\n")
    for arguments in (["validate", "imdb"], ["show", "imdb"], ["run", "imdb"], ["kill-test", "imdb"]):
        assert call([*arguments, "--set", "model.cel=gru"]) == 2
        assert capsys.readouterr().err.startswith("--set model.cel: unknown key")
    given = ["text_classification", str(tmp_path / "a.csv"), "--set", "data.path=b.csv"]
    assert call(["init", *given]) == 2
    assert capsys.readouterr().err.startswith("--set data.path: follows from")
    with pytest.raises(click.exceptions.NoSuchOption):
        cli.main(["list", "--set"], standalone_mode=False)


def test_a_warning_of_inspect_has_an_option_and_its_json_has_none(capsys, tmp_path):
    rows = [f"2024-01-{day:02d},{-200 if day % 5 == 0 else day}" for day in range(1, 31)]
    (tmp_path / "air.csv").write_text("\n".join(["date,co", *rows]))
    command = ["inspect", str(tmp_path / "air.csv"), "--task", "forecasting"]
    assert call(command) == 0
    assert "If it stands for a missing value: --set data.missing_values=[-200]" in capsys.readouterr().out
    assert call([*command, "--json"]) == 0
    texts = [finding["text"] for finding in json.loads(capsys.readouterr().out)["findings"]]
    assert any("missing value: data.missing_values=[-200]" in text for text in texts)
    assert not any("--set" in text for text in texts)
