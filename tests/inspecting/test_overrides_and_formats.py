"""Settings of the user for `init`, labels and tags in other forms, and common formats."""

import json

import messy
import pytest

from rnn_apps.cli import call
from rnn_apps.errors import DataError
from rnn_apps.inspecting import guess_task, inspect_data, write_recipe
from rnn_apps.recipe import load_recipe


def decided(inspection):
    return {decision.key: decision.value for decision in inspection.decisions}


def write_rows(folder, header, rows):
    (folder / "a.csv").write_text("\n".join([header, *rows, ""]))
    return folder / "a.csv"


def test_labels_may_be_numbers_with_decimals_and_missing_ones_are_counted(tmp_path):
    labels = ["4.0", "5.0", "5.0", "4.0", "nan"]
    path = write_rows(
        tmp_path, "text,stars,price", [f"a fine text {i},{labels[i % 5]},{i}.5" for i in range(60)]
    )
    inspection = inspect_data("text_classification", path)
    assert decided(inspection)["data.label"] == "stars"
    assert inspection.value("classes") == {"4.0": 24, "5.0": 24}
    assert inspection.value("missing_labels") == {"nan": 12}
    assert decided(inspection)["data.max_invalid_records"] == 0.4


def test_what_is_given_is_kept_and_obeyed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [f"short {i},a much longer text {i},{'ab'[i % 2]},{'xyz'[i % 3]}" for i in range(40)]
    write_rows(tmp_path, "title,body,label,topic", rows)
    given = ["--set", "data.label=topic", "--set", "data.text=title", "--set", "training.epochs=3"]
    assert call(["init", "text_classification", "a.csv", *given, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    recipe = load_recipe("text_classification.yaml")
    assert (recipe.data.label, recipe.data.text, recipe.training.epochs) == ("topic", "title", 3)
    assert recipe.data.class_names == ["x", "y", "z"]
    assert {"key": "data.label", "value": "topic", "why": "as given"} in said["decisions"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("data.labl=topic", '--set data.labl: unknown key. Did you mean "label"?'),
        ("data.label=nowhere", 'a.csv: no column "nowhere", which data.label names'),
        ("data.label=[a]", '--set data.label: received ["a"], expected text of 1 to 200 characters'),
        ("data.path=b.csv", "--set data.path: follows from the task and the data"),
    ],
)
def test_what_is_given_and_wrong_is_named(tmp_path, monkeypatch, capsys, given, said):
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path, "text,label", [f"a text {i},{i % 2}" for i in range(40)])
    assert call(["init", "text_classification", "a.csv", "--set", given]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "text_classification.yaml").exists()


def test_keys_of_tags_are_found_and_numbers_are_names(tmp_path):
    lines = [
        {"id": i, "words": ["Anna", f"saw{i}"], "pos": ["N", "V"], "ner_tags": [1, 0]} for i in range(30)
    ]
    (tmp_path / "ner.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert guess_task(tmp_path / "ner.jsonl")[0] == "tagging"
    inspection = inspect_data("tagging", tmp_path / "ner.jsonl")
    settings = decided(inspection)
    assert (settings["data.tokens"], settings["data.tags"]) == ("words", "ner_tags")
    assert set(inspection.value("classes")) == {"0", "1"}
    assert inspection.value("numbered_tags") is True
    assert (
        decided(inspect_data("tagging", tmp_path / "ner.jsonl", {"data.tags": "pos"}))["data.tags"] == "pos"
    )


def test_a_command_that_is_printed_can_be_pasted(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my data").mkdir()
    write_rows(tmp_path / "my data", "text,label", [f"a text {i},{i % 2}" for i in range(40)])
    assert call(["inspect", "my data"]) == 0
    assert (
        capsys.readouterr().out.splitlines()[-1]
        == "A recipe for it: rnn-apps init text_classification 'my data'"
    )


def test_a_recipe_that_would_not_be_valid_is_named_by_its_own_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path, f"text,{'label' * 50}", [f"a text {i},{i % 2}" for i in range(40)])
    assert call(["init", "text_classification", "a.csv"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("text_classification.yaml:")
    assert "data.label: received" in error


# Translations in a table, and formats that are not read


@pytest.mark.parametrize(
    ("header", "languages", "why"),
    [
        ("", ("source", "target"), "default names: the table does not say its languages"),
        ("fr\ten\tby\n", ("fr", "en"), "by the first line of the table; swap"),
    ],
)
@pytest.mark.parametrize("name", ["train.tsv", "deu.txt"])
def test_of_a_table_only_what_it_says_is_said_of_its_languages(tmp_path, header, languages, why, name):
    rows = [f"The dog number {i}.\tLe chien numéro {i}.\tCC-BY 2.0 by {i}" for i in range(60)]
    (tmp_path / name).write_text(header + "\n".join(rows))
    assert guess_task(tmp_path)[0] == guess_task(tmp_path / name)[0] == "translation"
    inspection = inspect_data("translation", tmp_path)
    settings = {one.key: one for one in inspection.decisions}
    assert (settings["data.source_language"].value, settings["data.target_language"].value) == languages
    assert settings["data.source_language"].why.startswith(why)
    assert inspection.value("columns") == {"left_out": [3]}
    assert sum(inspection.value("splits").values()) == 60
    write_recipe(inspection, tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("train.xlsx", 'Spreadsheets are not read: save the sheet as "CSV UTF-8".'),
        ("train.parquet", "Columnar files are not read: convert it to CSV"),
        ("train.json", "write one JSON object per line, as .jsonl"),
        ("train.zip", "Archives are not unpacked: unpack it first."),
    ],
)
@pytest.mark.parametrize(
    "task", ["text_classification", "forecasting", "tagging", "language_model", "translation"]
)
def test_a_format_that_is_not_read_is_named_with_what_to_do(
    tmp_path, monkeypatch, capsys, task, name, advice
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_bytes(b"PK")
    for path in ("data", f"data/{name}"):
        assert call(["init", task, path]) == 2
        error = capsys.readouterr().err
        assert name in error
        assert advice in error


def test_coco_is_found_read_and_makes_a_valid_recipe(tmp_path):
    (tmp_path / "val2017").mkdir()
    (tmp_path / "annotations").mkdir()
    images, notes = [], []
    for i in range(30):
        name = f"{i:06}.png"
        messy.Image.new("RGB", (48, 40), (8 * i, 90, 200)).save(tmp_path / "val2017" / name)
        images.append({"id": i, "file_name": name})
        notes += [{"image_id": i, "caption": f"A thing that is number {i}."}] * 2
    content = json.dumps({"images": images, "annotations": notes})
    (tmp_path / "annotations" / "captions_val2017.json").write_text(content)
    assert guess_task(tmp_path)[0] == "image_captioning"
    inspection = inspect_data("image_captioning", tmp_path)
    assert inspection.value("splits") == {"train": 22, "validation": 2, "test": 6}
    assert inspection.value("captions") == {"2": 30}
    write_recipe(inspection, tmp_path / "mine.yaml")


def test_files_of_a_folder_that_are_not_read_are_named(tmp_path):
    for name in ("train.csv", "valid.csv", "extra.csv", "more.xlsx"):
        rows = [f"a text of {name} {i},{i % 2}" for i in range(40)]
        write_rows(tmp_path, "text,label", rows).rename(tmp_path / name)
    inspection = inspect_data("text_classification", tmp_path)
    assert inspection.value("unread_files") == ["extra.csv", "more.xlsx"]
    assert inspection.value("splits")["test"] == 40  # without a test file, validation is the test


def test_a_table_with_dates_and_a_label_names_both_tasks(tmp_path):
    rows = [f"2024-01-{i:02d},{i % 7}.5" for i in range(1, 29)]
    path = write_rows(tmp_path, "time,x", rows)
    assert guess_task(path) == ("forecasting", "a table with dates in 'time' and numbers")
    path = write_rows(
        tmp_path, "time,x,state", [f"{row},{'on' if i % 3 else 'off'}" for i, row in enumerate(rows)]
    )
    task, why = guess_task(path)
    assert (task, why.partition(" (")[2]) == (
        "forecasting",
        "frame_labelling if 'state' is a label of each row)",
    )


# Streams that come again


def test_a_column_of_users_names_streams_whose_rows_come_again(tmp_path):
    rows = [
        f"{user},{'walks' if half else 'sits'},{step},{-999 if step == 1 else user + step / 10}"
        for half in (0, 1)
        for user in (31, 32, 33)
        for step in range(9)
    ]
    path = write_rows(tmp_path, "user,activity,timestamp,x", rows)
    inspection = inspect_data("frame_labelling", path)
    settings = decided(inspection)
    assert (settings["data.stream"], settings["data.features"]) == ("user", ["x"])
    assert inspection.value("splits") == {"train": 1, "validation": 1, "test": 1}
    assert inspection.value("blocks") == 6
    assert inspection.value("sentinel") == {"column": "x", "value": -999.0, "rows": 6}


def test_streams_that_no_column_seems_to_name_may_be_named(tmp_path):
    rows = [f"{'abc'[i // 10 % 3]},{'on' if i % 3 else 'off'},{i % 7}.5" for i in range(90)]
    path = write_rows(tmp_path, "where,state,x", rows)
    with pytest.raises(DataError, match=r'columns are "where", "state", "x".*data\.stream=COLUMN'):
        inspect_data("frame_labelling", path)
    inspection = inspect_data("frame_labelling", path, {"data.stream": "where", "data.label": "state"})
    assert (decided(inspection)["data.stream"], inspection.value("blocks")) == ("where", 9)


def write_streams(folder, split, names, first=0):
    (folder / split).mkdir()
    for number, name in enumerate(names, start=first):
        rows = (f"{'on' if (i + number) % 20 < 10 else 'off'},{i % 7 + number}.5" for i in range(60))
        write_rows(folder / split, "state,x", rows).rename(folder / split / f"{name}.csv")


def test_a_folder_train_with_one_file_per_stream_needs_no_other_split(tmp_path):
    write_streams(tmp_path, "train", "bcdefg")
    inspection = inspect_data("frame_labelling", tmp_path)
    assert inspection.value("splits") == {"train": 4, "validation": 1, "test": 1}
    assert inspection.setting("data.stream") is None


def test_streams_that_are_in_two_splits_are_warned_of(tmp_path):
    write_streams(tmp_path, "train", "bcdefg")
    write_streams(tmp_path, "test", "xy", first=5)
    (warning,) = inspect_data("frame_labelling", tmp_path).warnings
    assert warning.name == "leakage"
    assert warning.text == (
        '1 stream of a split is identical to one of another split: "/test/x.csv" of test and "/train/g.csv" '
        "of train. They make scores too high."
    )


def test_missing_numbers_of_a_sensor_table_are_counted_however_they_are_written(tmp_path):
    cells = [" ", "nan", "NA"]
    rows = [
        f"{'abcd'[i // 30]},{'on' if i % 4 else 'off'},{cells[i % 10] if 0 < i % 10 < 3 else i}"
        for i in range(120)
    ]
    inspection = inspect_data("frame_labelling", write_rows(tmp_path, "machine,state,x", rows))
    assert inspection.value("missing") == 24
    assert inspection.setting("data.on_missing") == "previous"
    assert inspection.value("invalid_records") is None


@pytest.mark.parametrize(("gaps", "counted"), [(1, "1 missing number in"), (2, "2 missing numbers in")])
def test_missing_numbers_are_counted(gaps, counted, tmp_path):
    rows = [
        f"{'abc'[i // 30]},{'on' if i % 3 else 'off'},{'' if i % 30 < gaps and i < 30 else i}"
        for i in range(90)
    ]
    path = write_rows(tmp_path, "stream,state,x", rows)
    (why,) = (
        one.why for one in inspect_data("frame_labelling", path).decisions if one.key == "data.on_missing"
    )
    assert why.startswith(counted)
