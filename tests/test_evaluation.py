"""What `evaluate` says besides the scores, and what `predict` takes for a file."""

import json
import shutil

import pytest

import rnn_apps
from rnn_apps.cli import call
from rnn_apps.errors import DataError, UserError
from rnn_apps.runs.inputs import read_file

GOOD, BAD = "superb and moving", "dull and tedious"


@pytest.fixture
def others(tmp_path):
    """A table of which 6 rows can be scored, 3 have a class that the network does not know, 1 is empty."""
    rows = [
        *([(GOOD, "positive")] * 4),
        *([(BAD, "negative")] * 2),
        *([("a parcel", "shipping")] * 3),
        (" ", "positive"),
    ]
    path = tmp_path / "others.csv"
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    return path


def test_rows_that_cannot_be_scored_are_counted_by_what_is_wrong_with_them(finished, others):
    found = finished.evaluate(others)
    assert found.scored == 6
    assert found.skipped == {'unknown label "shipping"': 3, "text is empty": 1}
    assert found.coverage == (
        '6 of 10 records scored; skipped: unknown label "shipping" (3), text is empty (1)'
    )
    answers = [answer["label"] for answer in finished.predict([GOOD] * 4 + [BAD] * 2)]
    right = sum(a == b for a, b in zip(answers, ["positive"] * 4 + ["negative"] * 2))
    assert found["accuracy"] == pytest.approx(right / 6)
    names, counts = found.confusion["labels"], found.confusion["counts"]
    assert [sum(row) for row in counts] == [{"positive": 4, "negative": 2}[name] for name in names]
    assert sum(counts[i][i] for i in range(2)) == right
    assert set(found.baselines) == {"majority", "bag_of_words"}
    assert found.baselines_left_out is None


def test_the_command_prints_and_gives_as_json_what_was_scored(finished, others, capsys):
    assert call(["evaluate", str(finished.folder), "--data", str(others)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("6 of 10 records scored; skipped: ")
    assert any(line.startswith("baseline majority: accuracy ") for line in lines)
    assert any("label \\ answer" in line for line in lines)
    assert call(["evaluate", str(finished.folder), "--data", str(others), "--json"]) == 0
    said, found = json.loads(capsys.readouterr().out), finished.evaluate(others)
    assert said == {**json.loads(json.dumps(found.as_dict())), "score_mark": None}
    assert said["test"]["accuracy"] == found["accuracy"]


@pytest.mark.parametrize(
    ("cap", "message"),
    [
        (0.3, r"received 4 of 10 records that cannot be used \(3 unknown label .*, expected at most 0.3 of"),
        (2, "more than 2 invalid records were skipped"),
        (0, "label is not one of the classes; more than 0 invalid"),
    ],
)
def test_too_many_unusable_rows_are_refused_by_a_cap_that_the_command_can_raise(
    finished, others, cap, message
):
    with pytest.raises(DataError, match=message) as error:
        finished.evaluate(others, max_invalid_records=cap)
    assert "Or raise the cap: data.max_invalid_records=N" in str(error.value)
    assert "--set" not in str(error.value)
    assert finished.evaluate(others, max_invalid_records=0.4).scored == 6


def test_without_the_training_data_the_baselines_that_learn_are_left_out_and_that_is_said(
    finished, others, tmp_path
):
    shutil.copytree(finished.folder, tmp_path / "run")
    recipe = (tmp_path / "run" / "recipe.yaml").read_text()
    recipe = recipe.replace("source: sample", "source: files").replace("path: null", "path: gone.csv")
    (tmp_path / "run" / "recipe.yaml").write_text(recipe)
    found = rnn_apps.open_run(tmp_path / "run").evaluate(others)
    assert found.baselines == {"majority": {"accuracy": pytest.approx(4 / 6)}}
    assert "left out: the training data of the run, gone.csv, is not available" in found.baselines_left_out


def test_the_data_of_the_run_itself_is_noted(finished, others, tmp_path, capsys):
    run = shutil.copytree(finished.folder, tmp_path / "run")
    recipe = (run / "recipe.yaml").read_text().replace("source: sample", "source: files")
    (run / "recipe.yaml").write_text(recipe.replace("path: null", f"path: {others}"))
    other = shutil.copy(others, tmp_path / "copy.csv")
    for data, is_noted in (
        (others, True),
        (others.parent / "run" / ".." / others.name, True),
        (other, False),
    ):
        assert call(["evaluate", str(run), "--data", str(data), "--json"]) == 0
        out, err = capsys.readouterr()
        assert json.loads(out)["scored"] == 6
        assert (f"{data}: the network was trained on it" in err) == is_noted


def test_texts_that_are_read_in_part_are_counted_and_say_so(finished, tmp_path, capsys):
    most = finished.recipe.data.max_length
    words = "good " * (most + 12)
    (answer,) = finished.predict([words])
    assert answer["truncated"] == f"read {most:,} of {most + 12:,} words"
    assert "truncated" not in finished.predict(["good"])[0]
    assert finished.predictor.answer_line(answer).endswith(f"({answer['truncated']})")
    (tmp_path / "long.csv").write_text(f"text,label\n{words},positive\ngood,positive\n")
    sentence = f"1 of 2 texts are longer than {most:,} words; the rest of each is not read"
    assert finished.evaluate(tmp_path / "long.csv").truncation == sentence


def test_a_table_is_read_by_its_column_and_a_text_file_by_its_lines(finished, others, tmp_path, capsys):
    (tmp_path / "two.txt").write_text("good\nbad\n")
    texts = [GOOD] * 4 + [BAD] * 2 + ["a parcel"] * 3 + [" "]
    assert finished.predict(others) == finished.predict(str(others)) == finished.predict(texts)
    both = finished.predict([tmp_path / "two.txt", "more"])
    assert [answer["text"] for answer in both] == ["good", "bad", "more"]
    for arguments in ([str(others)], ["--file", str(others)]):
        assert call(["predict", str(finished.folder), *arguments, "--json"]) == 0
        said = [json.loads(line)["text"] for line in capsys.readouterr().out.splitlines()]
        assert said == texts


def test_a_path_is_a_text_only_if_that_is_said(finished, tmp_path, capsys):
    (tmp_path / "mail.eml").write_text("good")
    for path, kind in (
        (tmp_path / "mail.eml", "a file of another kind"),
        (tmp_path, "is a folder, not a text"),
    ):
        with pytest.raises(UserError, match=f"{kind}.*add: as_text=True"):
            finished.predict(str(path))
        assert call(["predict", str(finished.folder), "--text", str(path), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["text"] == str(path)
    assert [answer["text"] for answer in finished.predict(["", ".", "a\0b", "x" * 5000])][:2] == ["", "."]
    (tmp_path / "pairs.tsv").write_text("a\tb\n")
    with pytest.raises(UserError, match=r"no column for the texts of one. Give a .txt file .*line.$"):
        read_file(tmp_path / "pairs.tsv", None)  # of --file, next to which --text changes nothing
    with pytest.raises(UserError, match="nope.csv: no such file. .*add: as_text=True"):
        finished.predict(str(tmp_path / "nope.csv"))
    assert finished.predict(["see notes.txt"])[0]["text"] == "see notes.txt"
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04\0\0")
    with pytest.raises(UserError, match="not a text file.*save the sheet as"):
        finished.inputs_of(tmp_path / "book.xlsx")
    (tmp_path / "b.csv").write_text("body\nx\n")
    with pytest.raises(
        DataError, match='no column "text"; the columns are "body".*Rename the column'
    ) as error:
        finished.predict(tmp_path / "b.csv")
    assert "--set" not in str(error.value)
    assert finished.predict("")[0]["empty"] == "no word was read"


def test_what_the_readers_leave_out_is_said_beside_the_scores_and_never_in_the_json(
    finished, others, tmp_path, capsys
):
    folder = tmp_path / "data"
    folder.mkdir()
    _, *rows = others.read_text().splitlines()
    table = ["Reviews of May", "", "text,label,stars", *(f"{row},5" for row in rows)]
    (folder / "test.csv").write_text("\n".join(table))
    (folder / "notes.csv").write_text("text,label\ngood,positive\n")
    above = f"{folder / 'test.csv'}: the columns are named on line 3; nothing above it is read"
    assert call(["evaluate", str(finished.folder), "--data", str(folder), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["scored"] == 6
    assert f"Not read: notes.csv in {folder}" in said.err.splitlines()
    assert above in said.err.splitlines()
    assert "path" not in said.err  # of the layers, which is no matter of the data
    assert call(["predict", str(finished.folder), str(folder / "test.csv"), "--json"]) == 0
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 10
    assert above in said.err.splitlines()
