"""Preparing data: interrupted anywhere it ends with the same files, and every wrong folder is named."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from folders import files_of
from PIL import Image

import rnn_apps
from rnn_apps.cli import call
from rnn_apps.data.prepared import MANIFEST, PREPROCESSING, UNFINISHED, PreparedData, is_synthetic
from rnn_apps.errors import DataError, UserError
from rnn_apps.inspecting import guess_task, inspect_data
from rnn_apps.recipe import apply_overrides, load_recipe, with_data
from rnn_apps.runs import blocks
from rnn_apps.tasks import find_task
from rnn_apps.training import Interrupted

LABELS = ("negative", "positive")


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    """A table of 300 texts of 3 to 12 words, 3 of which are empty."""
    path, rng = tmp_path_factory.mktemp("reviews") / "reviews.csv", np.random.default_rng(5)
    rows = ["text,label"]
    for i in range(300):
        words = [f"word{n}" for n in rng.integers(0, 40, 3 + i % 10)]
        rows.append(f"{'' if i % 100 == 50 else ' '.join([*words, LABELS[i % 2]])},{LABELS[i % 2]}")
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def recipe(reviews):
    """A recipe on the table, with shards of a few examples."""
    settings = {
        "data.on_invalid_record": "skip",
        "data.max_length": 8,
        "data.vocabulary_size": 30,
        "model.units": [3],
        "model.embedding": 3,
        "training.epochs": 2,
        "training.batch_size": 8,
        "export": [],
        "views": False,
    }
    return apply_overrides(with_data(load_recipe("imdb"), reviews), settings)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(blocks, "CHUNK_EXAMPLES", 10)
    monkeypatch.setattr(blocks, "SHARD_BYTES", 900)
    monkeypatch.setattr(blocks, "BLOCK_CHUNKS", 8)


@pytest.fixture
def prepared(recipe, tmp_path, new_console):
    rnn_apps.prepare(recipe, tmp_path / "prepared", console=new_console())
    return tmp_path / "prepared"


def test_the_manifest_says_what_the_folder_holds(prepared, recipe):
    found = PreparedData.find(prepared)
    dataset = find_task(recipe.task).prepare(recipe).dataset
    assert {split: values.size for split, values in found.splits.items()} == {
        split: len(examples) for split, examples in dataset.splits.items()
    }
    assert found.skipped == {"text is empty": 3} == dataset.skipped
    assert found.fingerprint == dataset.digest()
    assert {split: values.truncations for split, values in found.splits.items()} == {
        split: [list(one) for one in dataset.truncations(split)] for split in dataset.splits
    }
    assert len(found.splits["train"].shards) > 3
    assert not (prepared / UNFINISHED).exists()
    assert found.source == str(recipe.data.path)


class Killed(Exception):
    """In place of SIGKILL."""


@pytest.mark.parametrize("shards", [0, 1, 3, 6])
def test_an_interrupted_preparation_ends_with_the_same_files(recipe, prepared, tmp_path, new_console, shards):
    other = tmp_path / "other"
    stop_after(shards, recipe, other, new_console())
    with pytest.raises(DataError, match="half prepared.*Run the command that prepares it again"):
        rnn_apps.run(recipe, data=other, out=tmp_path / "run", console=new_console())
    assert not (tmp_path / "run").exists()
    console = new_console()
    rnn_apps.prepare(recipe, other, console=console)
    assert any("are in complete shards" in line for line in console.lines)
    assert not any("Learning" in line for line in console.lines)
    assert files_of(other) == files_of(prepared)


def stop_after(shards, recipe, folder, console):
    """Prepare, and die after a number of shards."""
    write_shard, written = blocks.write_shard, []

    def write_and_die(*args):
        if len(written) == shards:
            raise Killed
        written.append(args)
        return write_shard(*args)

    with pytest.MonkeyPatch.context() as context:
        context.setattr(blocks, "write_shard", write_and_die)
        with pytest.raises(Killed):
            rnn_apps.prepare(recipe, folder, console=console)


def test_a_preparation_that_stops_while_it_writes_the_preprocessing_learns_it_again(
    recipe, prepared, tmp_path, new_console
):
    def save_half(self, folder):
        (folder / "class_names.json").write_text("[")
        raise Killed

    with pytest.MonkeyPatch.context() as context:
        context.setattr("rnn_apps.tasks.preprocessing.Preprocessing.save", save_half)
        with pytest.raises(Killed):
            rnn_apps.prepare(recipe, tmp_path / "half", console=new_console())
    rnn_apps.prepare(recipe, tmp_path / "half", console=new_console())
    assert files_of(tmp_path / "half") == files_of(prepared)


def test_more_synthetic_data_is_not_added_to_less(tmp_path, new_console):
    recipe = load_recipe("imdb", ["data.source=sample", "data.sample.size=100"])
    stop_after(1, recipe, tmp_path / "half", new_console())
    with pytest.raises(UserError, match="half prepared, but the data changed since"):
        rnn_apps.prepare(recipe, tmp_path / "half", console=new_console(), overrides=["data.sample.size=200"])


def test_without_a_complete_shard_other_settings_start_anew(recipe, tmp_path, new_console):
    stop_after(0, recipe, tmp_path / "half", new_console())
    (tmp_path / "half" / ".train-00000-000.tfrecord.gz.part").write_text("half a shard")
    changed, console = apply_overrides(recipe, {"data.max_length": 9}), new_console()
    rnn_apps.prepare(changed, tmp_path / "half", console=console)
    assert any("it has no complete shard, and the settings changed" in line for line in console.lines)
    rnn_apps.prepare(changed, tmp_path / "other", console=new_console())
    assert files_of(tmp_path / "half") == files_of(tmp_path / "other")


def test_a_half_prepared_folder_of_other_data_or_settings_is_refused(recipe, tmp_path, new_console):
    stop_after(1, recipe, tmp_path / "half", new_console())
    before = files_of(tmp_path / "half")
    with pytest.raises(UserError, match="half is half prepared, but the settings changed since"):
        rnn_apps.prepare(recipe, tmp_path / "half", console=new_console(), overrides=["data.max_length=9"])
    os.utime(recipe.data.path, (1, 1))
    with pytest.raises(UserError, match="half is half prepared, but the data changed since"):
        rnn_apps.prepare(recipe, tmp_path / "half", console=new_console())
    assert files_of(tmp_path / "half") == before


@pytest.mark.parametrize("ending", [".tfrecord.gz", ".npy", ".jsonl.gz"])
@pytest.mark.parametrize("is_missing", [True, False])
def test_a_complete_shard_that_is_damaged_since_is_encoded_again(
    recipe, prepared, tmp_path, new_console, ending, is_missing
):
    stop_after(3, recipe, tmp_path / "half", new_console())
    damaged = tmp_path / "half" / f"train-00000-001{ending}"
    damaged.unlink() if is_missing else damaged.write_bytes(b"0" * 1000)
    console = new_console()
    rnn_apps.prepare(recipe, tmp_path / "half", console=console)
    assert f"{damaged} is missing or damaged: it is encoded again" in console.lines
    assert files_of(tmp_path / "half") == files_of(prepared)


def test_prepared_data_without_its_manifest_is_named(prepared, recipe, tmp_path, new_console):
    (prepared / MANIFEST).unlink()
    with pytest.raises(DataError, match="prepared: prepared data whose prepared.json is missing"):
        rnn_apps.run(recipe, data=prepared, out=tmp_path / "run", console=new_console())


def test_a_destination_below_a_file_is_refused_before_anything_is_read(recipe, tmp_path, new_console):
    (tmp_path / "file").write_text("")
    console = new_console()
    with pytest.raises(UserError, match="to: .*file is a file, not a folder"):
        rnn_apps.prepare(recipe, tmp_path / "file" / "prepared", console=console)
    assert console.lines == []


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"state": 1, "examples": {}}', "[" * 100_000], ids=range(5)
)
@pytest.mark.parametrize("name", ["preparing.json", "preparing/train-00000.json"])
def test_a_half_prepared_folder_that_is_damaged_is_refused(recipe, tmp_path, new_console, name, content):
    stop_after(1, recipe, tmp_path / "half", new_console())
    (tmp_path / "half" / name).write_text(content)
    before = files_of(tmp_path / "half")
    with pytest.raises(UserError, match=f"{name}: damaged; expected .* Remove the folder, or name another"):
        rnn_apps.prepare(recipe, tmp_path / "half", console=new_console())
    assert files_of(tmp_path / "half") == before


def test_a_folder_that_is_not_free_is_left_as_it_is(recipe, prepared, tmp_path, new_console):
    before = files_of(prepared)
    with pytest.raises(UserError, match="prepared is prepared already"):
        rnn_apps.prepare(recipe, prepared, console=new_console())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(UserError, match="mine exists and is not empty"):
        rnn_apps.prepare(recipe, tmp_path / "mine", console=new_console())
    with pytest.raises(UserError, match="prepared data for the task text_class.*Give the data that it was"):
        rnn_apps.prepare(recipe, tmp_path / "again", data=prepared, console=new_console())
    assert files_of(prepared) == before
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"data.max_length": 9}, "prepared with data.max_length=8, the recipe has 9"),
        ({"data.validation_fraction": 0.2}, "prepared with data.validation_fraction=0.1, the recipe has 0.2"),
        ({"data.label": "stars"}, 'prepared with data.label="label", the recipe has "stars"'),
    ],
)
def test_a_recipe_that_encodes_otherwise_is_refused(
    recipe, prepared, tmp_path, new_console, changes, problem
):
    with pytest.raises(DataError, match=problem):
        rnn_apps.run(
            apply_overrides(recipe, changes), data=prepared, out=tmp_path / "run", console=new_console()
        )
    with pytest.raises(DataError, match="received data prepared for the task text_classification, expected"):
        rnn_apps.run("tagging", data=prepared, out=tmp_path / "run", console=new_console())
    assert not (tmp_path / "run").exists()


def edited(folder, change):
    content = json.loads((folder / MANIFEST).read_text())
    change(content)
    (folder / MANIFEST).write_text(json.dumps(content))


def first_shard(content):
    return content["splits"]["train"]["shards"][0]


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(format=99),
        lambda content: content.pop("splits"),
        lambda content: content["splits"].pop("test"),
        lambda content: content.update(splits=[1, 2]),
        lambda content: content.update(columns={"ids": ["object", [], True]}),
        lambda content: content.update(columns={"ids": ["int32", [0], True]}),
        lambda content: content.update(columns={"ids": 3}),
        lambda content: content["files"].update({"../../notes.txt": "0"}),
        lambda content: first_shard(content).__setitem__(0, "../train-00000"),
        lambda content: first_shard(content).__setitem__(1, -1),
        lambda content: first_shard(content).__setitem__(2, 10),
        lambda content: first_shard(content).__setitem__(3, 2**40),
        lambda content: first_shard(content).append(1),
    ],
)
def test_a_hostile_manifest_is_refused(prepared, change):
    edited(prepared, change)
    with pytest.raises(DataError, match=str(prepared)):
        PreparedData.find(prepared)


def test_a_manifest_that_is_no_json_or_too_large_is_refused(prepared, monkeypatch):
    monkeypatch.setattr("rnn_apps.data.prepared._MAX_MANIFEST", 10)
    with pytest.raises(DataError, match="larger than 10 bytes"):
        PreparedData.find(prepared)
    monkeypatch.undo()
    (prepared / MANIFEST).write_text("[" * 2000)
    with pytest.raises(DataError, match="not a manifest of prepared data"):
        PreparedData.find(prepared)


def test_a_file_that_is_missing_is_named_before_the_run_starts(prepared, recipe, tmp_path, new_console):
    vocabulary = next((prepared / PREPROCESSING).iterdir())
    vocabulary.write_bytes(vocabulary.read_bytes() + b" ")
    with pytest.raises(DataError, match=f"{vocabulary.name}: missing or damaged"):
        rnn_apps.run(recipe, data=prepared, out=tmp_path / "run", console=new_console())
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_shard_that_is_damaged_while_training_is_named_and_the_run_can_be_resumed(
    prepared, recipe, tmp_path, new_console
):
    path = prepared / "train-00000-002.tfrecord.gz"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DataError, match=r"train-00000-002.tfrecord.gz: damaged: its SHA-256"):
        rnn_apps.run(recipe, data=prepared, out=tmp_path / "run", console=new_console())
    path.write_bytes(content)
    assert rnn_apps.run(resume=tmp_path / "run", console=new_console()).is_complete


@pytest.mark.slow
def test_the_command_prepares_trains_and_evaluates(recipe, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yaml").write_text("")
    options = [f"--set={key}={json.dumps(recipe.flat()[key])}" for key in ("model.units", "training.epochs")]
    options += ["--set=data.on_invalid_record=skip", "--set=export=[]", "--set=views=false"]
    assert call(["prepare", "imdb", "--data", str(recipe.data.path), "--to", "my data", *options]) == 0
    out = capsys.readouterr().out
    assert "skipped 3: text is empty" in out
    assert "Train from it with: rnn-apps run imdb --data 'my data' --set 'model.units=[3]' --set" in out
    assert call(["run", "imdb", "--data", "my data", "--out", "run", *options]) == 0
    assert call(["evaluate", "run"]) == 0
    capsys.readouterr()
    assert call(["evaluate", "run", "--data", "my data"]) == 0
    assert "trained on it" not in capsys.readouterr().err
    assert call(["prepare", "forecasting", "--to", "other"]) == 2
    assert "prepare: data of the task forecasting cannot be prepared" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_preparation_is_continued_by_the_same_command(recipe, prepared, tmp_path):
    """Killed by SIGKILL at several times, in processes of its own."""
    script = (
        "import sys, time, rnn_apps\nfrom rnn_apps.recipe import load_recipe\n"
        "from rnn_apps.runs import blocks as p\n"
        "p.CHUNK_EXAMPLES, p.SHARD_BYTES, p.BLOCK_CHUNKS, write = 10, 900, 8, p.write_shard\n"
        "def slow(*args):\n    time.sleep(0.2)\n    return write(*args)\n"
        "p.write_shard = slow\n"
        "rnn_apps.prepare(load_recipe(sys.argv[1]), sys.argv[2])\n"
    )
    from rnn_apps.recipe import dump_recipe

    (tmp_path / "recipe.yaml").write_text(dump_recipe(recipe))
    command = [sys.executable, "-c", script, str(tmp_path / "recipe.yaml"), str(tmp_path / "killed")]
    killed = 0
    for shards in (1, 4):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(list((tmp_path / "killed").glob("train-*.npy"))) < shards:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    assert killed == 2
    assert subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0
    assert files_of(tmp_path / "killed") == files_of(prepared)


@pytest.fixture
def pictures(tmp_path):
    """A recipe for 40 captioned images, 3 of which cannot be read."""
    folder, rng = tmp_path / "pictures", np.random.default_rng(2)
    (folder / "images").mkdir(parents=True)
    lines = []
    for number in range(40):
        path = folder / "images" / f"{number}.png"
        Image.fromarray(rng.integers(0, 255, (9, 9, 3), np.uint8)).save(path)
        if number in (7, 20, 33):
            path.write_bytes(path.read_bytes()[:40])
        lines.append({"image": path.name, "captions": [f"picture {number % 5}", "a small picture"]})
    (folder / "captions.jsonl").write_text("\n".join(map(json.dumps, lines)))
    encoder = {"name": "small_cnn", "weights": None, "options": {}, "image_size": [16, 16]}
    settings = {"model.encoder": encoder, "data.on_invalid_record": "skip", "export": [], "views": False}
    return apply_overrides(with_data(load_recipe("image_captioning"), folder), settings)


def test_unreadable_images_are_left_out_once_if_a_preparation_is_continued(pictures, tmp_path, new_console):
    rnn_apps.prepare(pictures, tmp_path / "prepared", console=new_console())
    found = PreparedData.find(tmp_path / "prepared")
    assert sum(split.size for split in found.splits.values()) == 37
    assert sum(found.skipped.values()) == 3
    stop_after(2, pictures, tmp_path / "other", new_console())
    rnn_apps.prepare(pictures, tmp_path / "other", console=new_console())
    assert files_of(tmp_path / "other") == files_of(tmp_path / "prepared")
    dataset = find_task(pictures.task).prepare(pictures).dataset
    assert (dataset.digest(), dataset.skipped) == (found.fingerprint, found.skipped)


@pytest.mark.slow
def test_only_the_run_of_its_task_evaluates_prepared_data(recipe, prepared, tmp_path, new_console):
    run = rnn_apps.run(recipe, out=tmp_path / "run", console=new_console())
    assert run.evaluate(prepared) == run.evaluate()
    tags = load_recipe("tagging", ["data.source=sample", "data.sample.size=100"])
    rnn_apps.prepare(tags, tmp_path / "tags", console=new_console())
    with pytest.raises(DataError, match="tags: received data prepared for the task tagging, expected data"):
        run.evaluate(tmp_path / "tags")


def test_the_network_of_characters_is_free_but_not_how_many_are_read(tmp_path, new_console):
    tags = load_recipe("tagging", ["data.source=sample", "data.sample.size=100"])
    rnn_apps.prepare(tags, tmp_path / "tags", console=new_console())
    task = find_task("tagging")
    for name, value in (("units", 5), ("embedding", 7)):
        changed = apply_overrides(tags, {f"model.characters.{name}": value})
        assert task.prepare(with_data(changed, tmp_path / "tags")).dataset.count("train") == 80
    for settings in ({"model.characters": None}, {"model.characters.max_length": 5}):
        with pytest.raises(DataError, match="prepared with model.characters.max_length=20, the recipe has"):
            task.prepare(with_data(apply_overrides(tags, settings), tmp_path / "tags"))


def test_raw_data_is_expected_where_prepared_data_is_inspected(prepared):
    for inspect in (guess_task, lambda path: inspect_data("text_classification", path)):
        with pytest.raises(DataError, match="prepared data for the task text_classification. Give the data"):
            inspect(prepared)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_preparation_says_how_to_continue(recipe, tmp_path, new_console, number):
    def stop(*args):
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(143)

    console = new_console()
    with pytest.MonkeyPatch.context() as context:
        context.setattr(blocks, "write_shard", stop)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            rnn_apps.prepare(recipe, tmp_path / "half", console=console)
    assert console.lines[-1] == f"Stopped. The same command continues in {tmp_path / 'half'}."


def test_data_that_is_not_there_leaves_nothing(recipe, tmp_path, new_console):
    with pytest.raises(DataError, match="no such file"):
        rnn_apps.prepare(recipe, tmp_path / "prepared", data=tmp_path / "nowhere", console=new_console())
    assert not (tmp_path / "prepared").exists()


def test_data_prepared_from_synthetic_data_is_marked(tmp_path, new_console):
    recipe = load_recipe("imdb", ["data.source=sample", "data.sample.size=100"])
    rnn_apps.prepare(recipe, tmp_path / "prepared", console=new_console())
    assert is_synthetic(with_data(recipe, tmp_path / "prepared").data)
    assert is_synthetic(recipe.data)
    assert not is_synthetic(with_data(recipe, tmp_path / "elsewhere").data)


@pytest.mark.slow
def test_baselines_use_a_part_of_train_and_say_so(recipe, tmp_path, new_console, monkeypatch):
    monkeypatch.setattr("rnn_apps.tasks.text_classification.dataset.TextDataset.max_raw_train", 50)
    rnn_apps.prepare(recipe, tmp_path / "prepared", console=new_console())
    console = new_console()
    run = rnn_apps.run(recipe, data=tmp_path / "prepared", out=tmp_path / "run", console=console)
    assert any("use one in 5 training examples" in line for line in console.lines)
    assert run.metrics["data"]["train"] > 200
    dataset = find_task(recipe.task).prepare(with_data(recipe, tmp_path / "prepared")).dataset
    assert 40 <= len(dataset.splits["train"]) <= 50
    assert dataset.training_batches().num_examples == run.metrics["data"]["train"]


@pytest.mark.slow
@pytest.mark.parametrize("is_prepared", [True, False])
def test_a_run_is_resumed_after_its_data_has_moved(recipe, prepared, tmp_path, new_console, is_prepared):
    data = prepared
    if not is_prepared:
        data = tmp_path / "copy.csv"
        data.write_bytes(Path(recipe.data.path).read_bytes())
    console = new_console()
    console.step = lambda step, total, logs: signal.raise_signal(signal.SIGTERM) if step == 4 else None
    with pytest.raises(Interrupted):
        rnn_apps.run(recipe, data=data, out=tmp_path / "run", console=console)
    moved = data.rename(tmp_path / f"moved{data.suffix}")
    with pytest.raises(DataError, match="no such file or folder"):
        rnn_apps.run(resume=tmp_path / "run", console=new_console())
    console = new_console()
    run = rnn_apps.run(resume=tmp_path / "run", data=moved, console=console)
    assert f"The data has moved to {moved}" in console.lines
    assert run.is_complete
    assert run.recipe.data.path == str(moved)
    assert run.evaluate() == run.metrics["test"]


@pytest.mark.slow
def test_other_data_at_another_path_is_still_refused(recipe, tmp_path, new_console):
    console = new_console()
    console.step = lambda step, total, logs: signal.raise_signal(signal.SIGTERM) if step == 4 else None
    with pytest.raises(Interrupted):
        rnn_apps.run(recipe, out=tmp_path / "run", console=console)
    other = tmp_path / "other.csv"
    other.write_text(Path(recipe.data.path).read_text().replace("word1 ", "word2 "))
    with pytest.raises(UserError, match="the data has changed: .*fingerprint was"):
        rnn_apps.run(resume=tmp_path / "run", data=other, console=new_console())
