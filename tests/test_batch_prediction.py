"""Batch prediction: exactly one answer per input, also after an interruption, or the reason for none."""

import csv
import gzip
import json

import pytest

from rnn_apps.cli import call
from rnn_apps.errors import UserError

TEXTS = [f"a film {'to remember ' * (number % 5)}{number}" for number in range(25)]


@pytest.fixture
def table(tmp_path):
    """25 records in two files, of which three cannot be read."""
    rows = [{"id": number, "text": text, "label": "given"} for number, text in enumerate(TEXTS)]
    rows[3]["text"], rows[7]["text"] = None, ["a", "b"]
    lines = list(map(json.dumps, rows))
    lines[12] = "{no JSON"
    (tmp_path / "in-1.jsonl").write_text("\n".join(lines[:10]) + "\n")
    with gzip.open(tmp_path / "in-2.jsonl.gz", "wt") as file:
        file.write("\n".join(lines[10:]))
    return tmp_path / "in-*"


def rows_of(paths):
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]


def test_every_input_has_one_answer_or_one_reason(finished, table, tmp_path):
    result = finished.predict_files(str(table), tmp_path / "out/of", shard_size=10)
    rows, invalid = rows_of(result.shards), rows_of(result.invalid_shards)
    assert [path.name for path in result.shards] == [f"of-0000{n}-of-00003.jsonl" for n in range(3)]
    assert [row["id"] for row in rows] == [n for n in range(25) if n not in (3, 7, 12)]
    answers = finished.predict([row["text"] for row in rows], as_text=True)
    for row, answer in zip(rows, answers, strict=True):
        assert row["label"] == "given"
        assert row["predicted_label"] == answer["label"]
        assert row["probability_positive"] == pytest.approx(answer["probabilities"]["positive"], abs=1e-5)
    assert [(row["location"].rpartition("/")[2], row["reason"]) for row in invalid] == [
        ("in-1.jsonl:4", "text: received nothing, expected a text"),
        ("in-1.jsonl:8", 'text: received ["a", "b"], expected a text'),
        ("in-2.jsonl.gz:3", "not JSON"),
    ]
    assert invalid[0]["input"] == {"id": 3, "text": None, "label": "given"}
    assert invalid[2]["input"] == {"line": "{no JSON"}


class Stopping:
    """Stops the process that predicts when so many inputs are done."""

    def __init__(self, at):
        self.at, self.lines = at, []

    def log(self, text):
        self.lines.append(text)

    def step(self, step, total, logs):
        if step == self.at:
            raise KeyboardInterrupt

    def close(self):
        pass


def test_an_interrupted_prediction_continues_after_its_last_shard(finished, table, tmp_path, monkeypatch):
    finished.predict_files(table, tmp_path / "whole", shard_size=4)
    stopped = Stopping(8)
    with pytest.raises(KeyboardInterrupt):
        finished.predict_files(table, tmp_path / "part", shard_size=4, console=stopped)
    assert stopped.lines == ["Stopped. The same command continues: 2 of 7 shards are written."]
    read, predict = [], type(finished.predictor).predict

    def counting(self, inputs):
        read.extend(inputs)
        return predict(self, inputs)

    monkeypatch.setattr(type(finished.predictor), "predict", counting)
    console = Stopping(None)
    result = finished.predict_files(table, tmp_path / "part", shard_size=4, console=console)
    assert console.lines == ["2 of 7 shards were written before"]
    assert len(read) == 25 - 8 - 1
    assert result.resumed == 2
    for path in tmp_path.glob("part-*"):
        assert path.read_bytes() == (tmp_path / path.name.replace("part", "whole")).read_bytes()
    assert len(list(tmp_path.glob("part-*"))) == len(list(tmp_path.glob("whole-*")))
    again = finished.predict_files(table, tmp_path / "part", shard_size=4)
    assert (again.answered, again.invalid, again.resumed) == (22, 3, 7)
    assert len(read) == 25 - 8 - 1


def test_csv_has_the_same_columns_in_every_shard(finished, tmp_path):
    given = tmp_path / "reviews.csv"
    given.write_text('text,stars\n"good, very good",5\n"bad\nvery bad",1\n,3\n')
    result = finished.predict_files(given, tmp_path / "out", shard_size=1)
    shards = [list(csv.reader(path.open(newline=""))) for path in result.shards]
    header = ["text", "stars", "label", "score", "probability_negative", "probability_positive", "note"]
    assert [shard[0] for shard in shards] == [header] * 3
    assert [shard[1][:2] for shard in shards] == [["good, very good", "5"], ["bad\nvery bad", "1"], ["", "3"]]
    assert [shard[1][-1] for shard in shards] == ["", "", "empty: no word was read"]


def test_a_key_that_the_output_cannot_hold_makes_a_record_invalid(finished, tmp_path):
    given = tmp_path / "reviews.jsonl"
    given.write_text('{"text": "a"}\n{"text": "b", "label": "mine"}\n{"text": "c", "other": 1}\n')
    lines = finished.predict_files(given, tmp_path / "lines")
    assert [row["text"] for row in rows_of(lines.shards)] == ["a", "c"]
    assert 'the key "label"' in rows_of(lines.invalid_shards)[0]["reason"]
    table = finished.predict_files(given, tmp_path / "table", format="csv")
    assert (table.answered, table.invalid) == (1, 2)


def test_lines_of_a_text_file_are_inputs(finished, tmp_path):
    given = tmp_path / "reviews.txt"
    given.write_text("good\nbad\n")
    assert [row["text"] for row in rows_of(finished.predict_files(given, tmp_path / "out").shards)] == [
        "good",
        "bad",
    ]


def refuse(run, match, patterns, out, **options):
    with pytest.raises(UserError, match=match):
        run.predict_files(patterns, out, **options)


def test_what_cannot_be_predicted_is_refused_and_nothing_is_written(finished, table, tmp_path):
    out = tmp_path / "out"
    refuse(finished, r"nothing-\*: no such file", str(tmp_path / "nothing-*"), out)
    refuse(
        finished, 'lacks the column of the texts; received "id", "text", "label"', table, out, column="body"
    )
    refuse(finished, "is a folder", tmp_path, out)
    (tmp_path / "empty.jsonl").write_text("\n")
    refuse(finished, "inputs: received no record", tmp_path / "empty.jsonl", out)
    (tmp_path / "empty.txt").write_text("")
    refuse(finished, "inputs: received no record", tmp_path / "empty.txt", out)
    (tmp_path / "twice.csv").write_text("text,text\na,b\n")
    refuse(finished, "twice|several|text", tmp_path / "twice.csv", out)
    refuse(finished, "no such option", table, out, beam=2)
    refuse(finished, r'format: received "parquet", expected jsonl or csv', table, out, format="parquet")
    refuse(finished, "shard_size: received 0, expected a whole number from 1 on", table, out, shard_size=0)
    refuse(finished, "out: received the folder", table, tmp_path)
    refuse(finished, "out: the answers would match .* as inputs", str(tmp_path / "*.jsonl"), tmp_path / "all")
    (tmp_path / "old-00000-of-00002.jsonl").write_text("mine")
    refuse(finished, "out: there are files with the prefix .*old-00000", table, tmp_path / "old")
    assert not list(tmp_path.glob("out*"))


def test_shards_of_another_prediction_are_not_continued(finished, table, tmp_path):
    out = tmp_path / "out"
    finished.predict_files(table, out, shard_size=10)
    refuse(
        finished,
        r"out.json, shard_size: of another prediction; received 20, expected 10",
        table,
        out,
        shard_size=20,
    )
    (tmp_path / "in-1.jsonl").write_text('{"text": "new"}\n')
    refuse(finished, r"inputs: of another .* received .*in-1.jsonl, which has", table, out, shard_size=10)
    (tmp_path / "in-3.jsonl").write_text('{"text": "new"}\n')
    (tmp_path / "in-1.jsonl").unlink()
    refuse(finished, r"received .*in-1.jsonl: no such file, expected a file", table, out, shard_size=10)


SHARD = {"answered": 1, "invalid": 0, "names": {"answers": "../a"}, "files": {"../a": "0"}}


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{",
        "[" * 100_000,
        json.dumps({"settings": [], "shards": [], "answers": None}),
        json.dumps({"settings": {}, "shards": 5, "answers": None}),
        json.dumps({"settings": {}, "shards": [1], "answers": None}),
        json.dumps({"settings": {}, "shards": [{"x": 1}], "answers": None}),
        json.dumps({"settings": {}, "shards": [SHARD], "answers": None}),
        json.dumps({"settings": {}, "shards": [SHARD | {"answered": "1"}], "answers": None}),
        json.dumps({"settings": {}, "shards": [], "answers": [1]}),
    ],
    ids=range(10),
)
def test_a_damaged_progress_file_is_refused(finished, tmp_path, content):
    (tmp_path / "in.txt").write_text("good")
    (tmp_path / "out.json").write_text(content)
    refuse(finished, "out: .*out.json is not of a batch prediction", tmp_path / "in.txt", tmp_path / "out")


def test_answers_get_names_that_no_column_has(finished, tmp_path):
    given = tmp_path / "reviews.csv"
    given.write_text("text,label,predicted_label,note\npositive,1,2,3\n")
    (shard,) = finished.predict_files(given, tmp_path / "out").shards
    (row,) = csv.DictReader(shard.open(newline=""))
    assert (row["text"], row["label"], row["predicted_label"], row["note"]) == ("positive", "1", "2", "3")
    assert row["predicted_predicted_label"] in ("positive", "negative")
    assert row["predicted_note"] == ""


def test_lines_that_are_no_text_are_invalid(finished, tmp_path):
    (tmp_path / "in.txt").write_bytes(b"good\n\xff\xfe bad\nwith \0 zero\n")
    result = finished.predict_files(tmp_path / "in.txt", tmp_path / "out")
    reasons = [row["reason"] for row in rows_of(result.invalid_shards)]
    assert reasons == ["not valid UTF-8", "a byte of zero: not a text"]


def test_an_option_out_of_range_is_no_invalid_input(finished, tmp_path, monkeypatch):
    def refusing(self, inputs):
        raise UserError(received="0", expected="1", option="beam")

    (tmp_path / "in.txt").write_text("good")
    monkeypatch.setattr(type(finished.predictor), "predict", refusing)
    refuse(finished, "beam: received 0", tmp_path / "in.txt", tmp_path / "out")


def test_a_shard_that_has_changed_is_named(finished, tmp_path):
    (tmp_path / "in.txt").write_text("good\nbad\n")
    (shard,) = finished.predict_files(tmp_path / "in.txt", tmp_path / "out").shards
    shard.write_text("changed")
    refuse(finished, f"{shard.name}: is missing or has changed", tmp_path / "in.txt", tmp_path / "out")


def test_the_command_says_where_the_answers_are(finished, table, tmp_path, capsys):
    assert (
        call(["predict", str(finished.folder), str(table), "--out", str(tmp_path / "o"), "--shard-size", "9"])
        == 0
    )
    assert capsys.readouterr().out.splitlines() == [
        f"22 answered: {tmp_path}/o-00000-of-00003.jsonl and 2 more",
        f"3 invalid: {tmp_path}/o-invalid-00000-of-00003.jsonl and 1 more",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "o", "--stream"], "--stream: cannot be combined with --out."),
        (["--out", "o", "--prompt", "a"], "--prompt: cannot be combined with --out."),
        (["--out", "o", "--json"], "--json: cannot be combined with --out."),
        (["--out", "o"], "predict: no input."),
        (["--out", "o", "--text"], "--text: cannot be combined with --out."),
        (["--format", "csv", "a"], "--format: applies only to --out. Add it: --out PREFIX"),
    ],
)
def test_options_that_contradict_each_other_are_refused(finished, capsys, options, message):
    assert call(["predict", str(finished.folder), *options]) == 2
    assert message in capsys.readouterr().err
