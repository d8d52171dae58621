"""Rule: an input is answered alone as among others, in Python as by the command."""

import json

import pytest
from comparing import assert_same

from rnn_apps.cli import call
from rnn_apps.errors import UserError


def check_predictions(run, tiny, inputs, answers):
    """The answers to several inputs are those to each alone, in their order."""
    for raw, answer in zip(inputs, answers, strict=True):
        (alone,) = run.predict([raw], **tiny.options)
        assert_same(alone, answer, "an input that is answered alone")
        assert_same(run.predict([*inputs, raw], **tiny.options)[-1], answer, "the last of three inputs")
    first, second = (json.dumps({**answer, "input": None}) for answer in answers)
    assert first != second, "two inputs, one answer"


def check_command(run, tiny, inputs, answers, capsys):
    """The command prints as JSON what Python gets."""
    options = [part for name, value in tiny.options.items() for part in (f"--{name}", str(value))]
    capsys.readouterr()
    assert call(["predict", str(run.folder), "--json", *options, *inputs]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for one, answer in zip(found, answers, strict=True):
        assert_same(one, answer, "the command")


def test_an_input_is_answered_alone_as_among_others(run, tiny, inputs, answers):
    check_predictions(run, tiny, inputs, answers)


def test_the_command_answers_as_python_does(run, tiny, inputs, answers, capsys):
    check_command(run, tiny, inputs, answers, capsys)


def test_no_input_has_no_answer(run):
    assert run.predict([]) == []


def test_options_that_a_task_lacks_or_that_are_out_of_range_are_refused_by_their_name(run, inputs):
    with pytest.raises(UserError, match=f"voice: the task {run.recipe.task} has no such option"):
        run.predict(inputs, voice=1)
    for name, value in {
        "beam": 0,
        "nbest": 101,
        "length": 0,
        "temperature": -1.0,
        "top_p": 2,
        "top_k": -1,
    }.items():
        with pytest.raises(
            UserError, match=rf"^{name}: (received .*, expected a number from|.*no such option)"
        ):
            run.predict(inputs, **{name: value})


# Seeded faults


class AnswersInTheWrongOrder:
    """A run that mixes the rows of a batch up."""

    def __init__(self, run):
        self.run = run

    def predict(self, inputs, **options):
        return self.run.predict(inputs, **options)[::-1]


@pytest.mark.parametrize("task", ["text_classification"], indirect=True)
def test_answers_that_are_mixed_up_are_caught(run, tiny, inputs, answers):
    with pytest.raises(AssertionError, match="the last of three inputs"):
        check_predictions(AnswersInTheWrongOrder(run), tiny, inputs, answers)


@pytest.mark.parametrize("task", ["text_classification"], indirect=True)
def test_a_command_that_answers_otherwise_is_caught(run, tiny, inputs, answers, capsys):
    with pytest.raises(AssertionError, match="the command: label differs|the command: probabilities differ"):
        check_command(run, tiny, inputs, answers[::-1], capsys)


def files_of(run, inputs, folder):
    """Paths of files with these inputs."""
    if run.predictor.reads_text:
        path = folder / "inputs.jsonl"
        path.write_text("".join(json.dumps({"number": i, "raw": x}) + "\n" for i, x in enumerate(inputs)))
        return [path]
    if not run.predictor.reads_files:
        (folder / "inputs.txt").write_text("".join(f"{raw}\n" for raw in inputs))
        return [folder / "inputs.txt"]
    return inputs


def check_files(run, tiny, inputs, answers, folder, **options):
    """Inputs in files are answered as they are by themselves, one row per input."""
    files, options = files_of(run, inputs, folder), {**tiny.options, **options}
    result = run.predict_files(files, folder / "out", column="raw", format="jsonl", **options)
    rows = [json.loads(line) for path in result.shards for line in path.read_text("utf-8").splitlines()]
    assert (result.answered, result.invalid) == (len(inputs), 0)
    for row, answer in zip(rows, answers, strict=True):
        expected = flat(json.loads(json.dumps(answer)), run.predictor.input_key)
        assert_same({name: row[name] for name in expected}, expected, "an input in a file")


def flat(answer, input_key):
    """The entries of an answer as columns: one for each entry of a dict, none for the input."""
    found = {}
    for name, value in answer.items():
        if isinstance(value, dict):
            prefix = "probability_" if name == "probabilities" else f"{name}."
            found |= {f"{prefix}{key}": one for key, one in value.items()}
        elif name != input_key:
            found[name] = value
    return found


def test_files_of_inputs_are_answered_as_the_inputs(run, tiny, inputs, answers, tmp_path):
    check_files(run, tiny, inputs, answers, tmp_path)


def test_workers_of_beam_answer_files_as_python_does(run, tiny, inputs, answers, tmp_path, new_console):
    """The second shard is that of a worker, which calls the exported network."""
    beam = {"runner": "DirectRunner", "workers": 1, "shard_size": 1}
    console = new_console()
    check_files(run, tiny, inputs, answers, tmp_path, console=console, **beam)
    assert console.lines == ["Predicting in 1 worker of DirectRunner"]
