"""Tagging and frame labelling: runs of seconds, answers as they come, exports, and bad input."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image

import rnn_apps
from rnn_apps.cli import cli
from rnn_apps.errors import DataError, RecipeError, UserError
from rnn_apps.export.client import Client, InputError
from rnn_apps.recipe import load_recipe, with_data
from rnn_apps.tasks import find_task
from rnn_apps.tasks.frame_labelling.dataset import FrameDataset, FramePreprocessing
from rnn_apps.tasks.frame_labelling.predictor import FramePredictor

pytestmark = pytest.mark.slow

TRAINING = {"epochs": 2, "batch_size": 8, "compile": False, "learning_rate": 0.02}
TRAINING |= {"warmup_steps": 0, "weight_averaging": None}
TAGGER = {
    "embedding": 8,
    "units": [8],
    "dropout": 0.1,
    "characters": {"embedding": 4, "units": 4, "max_length": 8},
}
STREAM = {"bidirectional": False, **TAGGER}
CNN = {"name": "small_cnn", "weights": None, "image_size": [16, 16], "pooled": False}


def tagging(model=TAGGER, export=(), **training):
    data = {"source": "sample", "sample": {"size": 120}}
    settings = {"model": model, "data": data, "export": list(export), "views": False}
    return load_recipe("tagging", {**settings, "training": {**TRAINING, **training}})


def of_sensors(folder, **changes):
    settings = {"model": {"units": [6], "dropout": 0.0}, "data": {"stream": "machine"}}
    settings |= {"export": ["saved_model", "litert"], "views": False}
    settings["training"] = {**TRAINING, "tbptt": {"steps": 10}, **changes}
    return with_data(load_recipe("frame_labelling", settings), folder)


@pytest.fixture(scope="module")
def tagged(tmp_path_factory, new_console):
    """A tagger that only looks back."""
    recipe = tagging(STREAM, export=["saved_model"], tbptt={"steps": 7})
    return rnn_apps.run(recipe, out=tmp_path_factory.mktemp("tagging") / "run", console=new_console())


@pytest.fixture(scope="module")
def sensors(tmp_path_factory):
    """Two numbers a row; the label says whether the first has grown since the row before."""
    folder, rng = tmp_path_factory.mktemp("sensors"), np.random.default_rng(0)
    for part, machines in (("train", 14), ("test", 4)):
        rows = ["machine,heat,noise,label"]
        for machine in range(machines):
            heat = 20 + np.cumsum(rng.normal(size=40))
            grown = np.diff(heat, prepend=heat[0]) > 0
            rows += [
                f"{part}{machine},{h:.3f},{rng.normal():.3f},{'up' if g else 'down'}"
                for h, g in zip(heat, grown)
            ]
        (folder / f"{part}.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def labelled(sensors, tmp_path_factory, new_console):
    recipe = of_sensors(sensors, epochs=10)
    return rnn_apps.run(recipe, out=tmp_path_factory.mktemp("labelling") / "run", console=new_console())


@pytest.fixture(scope="module")
def clips(tmp_path_factory, new_console):
    data = {"source": "sample", "sample": {"size": 100}}
    settings = {"model": {"units": [6], "encoder": CNN}, "data": data, "training": {**TRAINING, "epochs": 1}}
    recipe = load_recipe("frame_labelling", {**settings, "views": False})
    return rnn_apps.run(recipe, out=tmp_path_factory.mktemp("clips") / "run", console=new_console())


def test_a_tagger_that_reads_letters_and_both_sides_learns(new_console, tmp_path):
    run = rnn_apps.run(tagging(epochs=3), out=tmp_path / "run", console=new_console(), views=False)
    test, baseline = run.metrics["test"], run.metrics["baseline"]
    assert test["accuracy"] > baseline["majority"]["accuracy"] + 0.1
    assert baseline["most_frequent_tag"]["accuracy"] > baseline["majority"]["accuracy"]
    with pytest.raises(UserError, match="stream: this network is bidirectional.*bidirectional=false"):
        next(run.stream(["a"]))
    with pytest.raises(
        RecipeError, match="training.tbptt: received windows, but the network is bidirectional"
    ):
        tagging(tbptt={"steps": 4})


def test_a_sentence_is_answered_alone_as_among_others_and_in_the_export(tagged):
    texts = ["They can book that fast train .", "", "a Word nobody wr\u00f6te"]
    together = tagged.predict(texts)
    for text, answer in zip(texts, together):
        (alone,) = tagged.predict([text])
        assert alone["tags"] == answer["tags"]
        assert answer["tokens"] == text.split()
        np.testing.assert_allclose(alone["scores"], answer["scores"], atol=1e-4)
    loaded = tf.saved_model.load(str(tagged.folder / "export" / "1"))
    found = loaded.signatures["serving_default"](text=tf.constant(texts))
    assert found["lengths"].numpy().tolist() == [7, 0, 4]
    assert [t.decode() for t in found["tags"].numpy()[0]] == together[0]["tags"]


def test_words_as_they_come_get_the_tags_of_the_whole_text(tagged):
    text = "They can book that fast train because her plan saw us ."
    (whole,) = tagged.predict([text])
    for lines in (
        text.split(),
        [text],
        ["They can", "", "book that fast train because her plan", "saw us ."],
    ):
        found = list(tagged.stream(lines))
        assert [answer["token"] for answer in found] == whole["tokens"]
        assert [answer["tag"] for answer in found] == whole["tags"]
        np.testing.assert_allclose([a["score"] for a in found], whole["scores"], atol=1.1e-4)


def test_the_step_of_an_export_reads_on_where_nothing_of_ours_is_installed(tagged):
    program = """
import sys, json
import tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
step = loaded.signatures["step"]
states = {k: tf.zeros([1, s.shape[1]]) for k, s in step.structured_input_signature[1].items() if k != "text"}
scores = []
for text in ["They can", "book that fast", "", "train ."]:
    answer = step(text=tf.constant([text]), **states)
    n = int(answer["lengths"][0])
    scores += answer["scores"].numpy()[0, :n].tolist()
    states = {k: answer["next_" + k] for k in states}
assert not any(name.split(".")[0] == "rnn_apps" for name in sys.modules)
print(json.dumps(scores))
"""
    command = [sys.executable, "-c", program, str(tagged.folder / "export" / "1")]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.run(command, capture_output=True, text=True, env=quiet)
    assert process.returncode == 0, process.stderr
    (whole,) = tagged.predict(["They can book that fast train ."])
    np.testing.assert_allclose(json.loads(process.stdout), whole["scores"], atol=1e-4)


def test_the_streams_of_a_table_are_answered_each_by_itself_in_any_order_of_rows(labelled, sensors, tmp_path):
    header, *rows = (sensors / "test.csv").read_text().splitlines()
    streams = {name: [row for row in rows if row.startswith(f"{name},")] for name in ("test0", "test1")}
    mixed = [row for pair in zip(*streams.values()) for row in pair]
    (tmp_path / "mixed.csv").write_text("\n".join([header, *mixed]))
    expected = {}
    for name, own in streams.items():
        alone = "\n".join(line.partition(",")[2] for line in [header, *own])
        (tmp_path / f"{name}.csv").write_text(alone)  # without the column of the streams
        (answer,) = labelled.predict([tmp_path / f"{name}.csv"])
        assert "stream" not in answer
        expected[name] = answer["labels"]
    answers = labelled.predict([tmp_path / "mixed.csv"])
    assert {answer["stream"]: answer["labels"] for answer in answers} == expected
    assert labelled.predictor.answer_line(answers[0]).startswith(f"{tmp_path / 'mixed.csv'}, test0: ")
    found = {name: [] for name in streams}
    for answer in labelled.stream([header, *mixed]):
        found[answer["stream"]].append(answer["label"])
        assert answer["step"] == len(found[answer["stream"]])
    assert found == expected
    client = Client(labelled.folder / "export" / "litert")
    assert client.answer(str(tmp_path / "mixed.csv")) == {"streams": expected}
    (tmp_path / "bad.csv").write_text(f"{header}\nm,1,2,up\nm,,x,up\n")
    with pytest.raises(InputError, match="line 3, heat: received '', expected a number"):
        client.answer(str(tmp_path / "bad.csv"))


@pytest.mark.parametrize(("which", "steps"), [("labelled", None), ("labelled", 7), ("tagged", 4)])
def test_a_file_reads_sequences_of_any_length_or_by_single_steps_what_is_longer_than_a_fixed_one(
    which, steps, request, sensors, tmp_path
):
    run = request.getfixturevalue(which)
    folder = run.folder / "export" / "litert"
    if steps is not None:
        folder, _ = run.export("litert", out=tmp_path / "litert", steps=steps)
    facts = json.loads((folder / "client.json").read_text())
    assert facts["parts"]["network"]["steps"] == steps
    expected = f"a fixed length of {steps} steps" if steps else "can have any length"
    assert expected in (folder / "README.md").read_text()
    given = [" ".join(["They", "can"] * n) for n in (1, 2, 9)]
    if which == "labelled":
        given, lines = [], (sensors / "test.csv").read_text().splitlines()
        lines = [line.partition(",")[2] for line in lines]  # one stream of all rows
        for rows in (1, steps or 32, 80):
            given.append(str(tmp_path / f"{rows}.csv"))
            (tmp_path / f"{rows}.csv").write_text("\n".join(lines[: rows + 1]))
    client, key = Client(folder), "labels" if which == "labelled" else "tags"
    for one, own in zip(given, run.predict(given)):
        assert client.answer(one)[key] == own[key]


def test_spans_are_scored_and_choose_the_best_weights_where_tags_are_spans(tmp_path, new_console):
    rows = "".join(f"met O\nAnna{i} B-PER\nBell I-PER\nin O\nParis B-LOC\n\n" for i in range(60))
    (tmp_path / "train.conll").write_text(rows)
    recipe = with_data(tagging({**STREAM, "characters": None}), tmp_path)
    run = rnn_apps.run(recipe, out=tmp_path / "run", console=new_console(), views=False)
    assert {"span_f1", "span_precision", "span_recall", "accuracy"} <= set(run.metrics["test"])
    assert "val_span_f1" in (run.folder / "history.csv").read_text().splitlines()[0]
    assert "span_f1" in run.metrics["baseline"]["most_frequent_tag"]


def test_a_label_that_train_never_shows_is_named_or_skipped(tmp_path):
    (tmp_path / "train.conll").write_text("".join(f"w{i} X\nv Y\n\n" for i in range(40)))
    (tmp_path / "test.conll").write_text("a X\nb Z\n\nc Y\n")
    said = r'test.conll:1, step 2: a label that is not in train; received "Z", expected X, Y'
    with pytest.raises(UserError, match=said):
        find_task("tagging").prepare(with_data(tagging(), tmp_path))
    recipe = with_data(
        load_recipe("tagging", {"model": TAGGER, "data": {"on_invalid_record": "skip"}}), tmp_path
    )
    dataset = find_task("tagging").prepare(recipe).dataset
    assert [one.tokens for one in dataset.splits["test"]] == [["c"]]
    (tmp_path / "train.conll").write_text("".join(f"w{i} X\n\n" for i in range(40)))
    with pytest.raises(UserError, match='received train with "X" as its only label'):
        find_task("tagging").prepare(recipe)


def test_a_network_with_memory_beats_one_that_sees_each_row_alone(labelled):
    scores = labelled.metrics
    assert scores["test"]["accuracy"] > scores["baseline"]["each_step_alone"]["accuracy"] + 0.05
    assert scores["training"]["steps_executed"] == scores["training"]["steps_planned"]


def test_rows_as_they_come_get_the_labels_of_the_whole_table(labelled, sensors, tmp_path):
    header, *rows = (sensors / "test.csv").read_text().splitlines()
    table = tmp_path / "one.csv"
    table.write_text("\n".join([header, *rows[:40]]) + "\n")
    (whole,) = labelled.predict([str(table)])
    result = CliRunner().invoke(cli, ["predict", str(labelled.folder), "--stream", "--json", str(table)])
    found = [json.loads(line) for line in result.output.splitlines()]
    assert [answer["label"] for answer in found] == whole["labels"]
    assert [answer["step"] for answer in found] == list(range(1, 41))
    np.testing.assert_allclose([a["score"] for a in found], whole["scores"], atol=1.1e-4)
    line = labelled.predictor.answer_line(whole)
    assert line.startswith(f"{table}, test0: 1")


def test_a_pipe_is_read_without_end_in_memory_that_does_not_grow(labelled):
    stream = labelled.predictor.open_stream()
    stream.feed(["heat,noise"])
    rows = ["20.5,0.1", "21.0,-0.3"] * 500
    for _ in range(3):
        assert sum(1 for _ in stream.feed(rows)) == 1000
    tracemalloc.start()
    for _ in range(10):
        assert sum(1 for _ in stream.feed(rows)) == 1000
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 500_000  # bytes; the rows and their answers are several times that
    assert stream.feed(["20,0"])[0]["step"] == 13_001


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["heat"], r'line 1: no column "noise", which holds a feature'),
        (["heat,noise", "1,2", "1"], "line 3: 1 field where the header has 2"),
        (["heat,noise", "1,much"], r'line 2: noise is not a number; received "much"'),
        (["heat,noise", "1,\r2"], "line 2: not CSV"),
        (["heat,noise", "1,inf"], "line 2: noise is infinite"),
        (["heat,noise", "1,"], "line 2: noise has no number in the first row"),
    ],
)
def test_a_bad_row_of_a_stream_is_named(labelled, lines, said):
    with pytest.raises(UserError, match=said):
        list(labelled.stream(lines))


def test_rows_before_a_bad_one_are_answered_and_every_file_begins_anew(labelled, tmp_path):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("heat,noise\n20,0\n21,0\n")
    bad.write_text("heat,noise\n20,0\n20,loud\n")
    arguments = ["predict", str(labelled.folder), "--stream", "--json", str(good), str(bad)]
    result = CliRunner().invoke(cli, arguments)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["step"] for answer in answers] == [1, 2, 1]
    assert answers[0]["score"] == answers[2]["score"]
    assert f'{bad}, line 3: noise is not a number; received "loud"' in result.stderr
    assert "on_invalid_record" not in result.stderr


def test_rows_on_standard_input_are_read_with_stream(labelled, monkeypatch):
    command, rows = ["predict", str(labelled.folder), "-"], "heat,noise\n20,0\n"
    result = CliRunner().invoke(cli, command, input=rows)
    assert result.stderr == (
        'standard input, line 1: received "heat,noise", expected the path of a table on each line. Save the '
        "table as a file and name it. Or, to answer after every row, add: --stream\n"
    )
    monkeypatch.setattr(FramePredictor, "can_stream", False)
    assert (
        CliRunner()
        .invoke(cli, command, input=rows)
        .stderr.endswith("Save the table as a file and name it.\n")
    )


def test_a_table_whose_columns_have_changed_is_refused(labelled, sensors, tmp_path):
    changed = tmp_path / "changed"
    shutil.copytree(sensors, changed)
    text = (changed / "test.csv").read_text()
    (changed / "test.csv").write_text(text.replace("noise", "sound", 1))
    with pytest.raises(UserError, match=r'test.csv:1: no column "noise", which holds a feature'):
        labelled.evaluate(changed)
    (tmp_path / "words.csv").write_text("heat,noise\n1,loud\n")
    with pytest.raises(UserError, match=r"words.csv:2: noise is not a number"):
        labelled.predict([str(tmp_path / "words.csv")])
    with pytest.raises(UserError, match="a folder; expected a CSV file with one row per step"):
        labelled.predict([str(tmp_path)])


def test_what_is_no_clip_is_refused_plainly(clips, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no images in it"):
        clips.predict([str(tmp_path / "empty")])
    with pytest.raises(UserError, match="gone: no such file or folder; expected a video file, or a folder"):
        clips.predict([str(tmp_path / "gone")])
    (tmp_path / "bad.png").write_bytes(base64.b64decode("bm9uZQ=="))
    with pytest.raises(UserError, match="bad.png: begins with"):
        list(clips.stream([str(tmp_path / "bad.png")]))
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "cut.png")
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "clip").mkdir()
    for place in (tmp_path / "cut.png", tmp_path / "clip" / "0.png"):
        place.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cut.png: 40 x 40 pixels that cannot be decoded"):
        list(clips.stream([str(tmp_path / "cut.png")]))
    with pytest.raises(UserError, match="0.png: 40 x 40 pixels that cannot be decoded"):
        clips.predict([str(tmp_path / "clip")])
    with pytest.raises(UserError, match="cannot be read: embedded null byte"):
        list(clips.stream(["a\0b"]))


def test_reports_show_sequences_step_by_step(tagged, clips):
    words, frames = ((run.folder / "report.html").read_text() for run in (tagged, clips))
    assert 'class="tagged"' in words
    assert "Most frequent confusions" in words
    assert 'class="ribbon"' in frames


def test_the_demo_page_labels_the_rows_of_an_example_as_the_run_does(labelled, demo_page):
    page = demo_page(labelled)
    given = page.examples()[0].value
    (own,) = labelled.predict([given])
    begin, spans = 1, []
    for label, same in itertools.groupby(own["labels"]):
        end = begin + len(list(same)) - 1
        spans.append(f"{begin} to {end} {label}" if end > begin else f"{end} {label}")
        begin = end + 1
    assert f"{len(own['labels'])} rows: {', '.join(spans[:20])}" in page.answer(given).summary


def test_a_fraction_of_bad_rows_is_one_of_all_rows_also_where_only_the_test_split_is_scored(tmp_path):
    rows = [f"{m},{i}.5,{'ab'[i % 2]}" for m in range(3) for i in range(20)]
    header = "machine,heat,label"
    (tmp_path / "train.csv").write_text("\n".join([header, *(["0,x,a"] * 6), *rows, ""]))
    (tmp_path / "test.csv").write_text("\n".join([header, *rows[:20], ""]))

    def read(cap):
        settings = {"on_invalid_record": "skip", "max_invalid_records": cap, "stream": "machine"}
        recipe = with_data(load_recipe("frame_labelling", {"data": settings}), tmp_path)
        dataset = FrameDataset(recipe, FramePreprocessing(["a", "b"], features=None, cnn=None))
        dataset.prepare_evaluation()
        return dataset

    assert list(read(0.07).splits) == ["test"]
    with pytest.raises(DataError, match="received 6 of 86 records that cannot be used"):
        read(0.06)
