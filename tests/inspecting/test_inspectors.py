"""Messy data folders: findings are counted by hand, and the recipe can be run."""

import json

import messy
import pytest
import yaml

from rnn_apps.cli import call
from rnn_apps.data.splits import SplitRequest, hashed_split
from rnn_apps.errors import DataError, UserError
from rnn_apps.inspecting import guess_task, inspect_data, write_recipe
from rnn_apps.recipe import load_recipe
from rnn_apps.tasks import TASKS

NO_FORECASTING = pytest.mark.skipif("forecasting" not in TASKS, reason="the task is not there")
MESSY = {
    "text_classification": messy.spreadsheet,
    "image_captioning": messy.photographs,
    "translation": messy.parallel_texts,
    "forecasting": messy.sales,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Task to the path of its data."""
    return {task: make(tmp_path_factory.mktemp("data")) for task, make in MESSY.items()}


@pytest.fixture(scope="module")
def inspected(folders):
    """Task to the inspection of its data."""
    tasks = [task for task in MESSY if task in TASKS]
    return {task: inspect_data(task, folders[task]) for task in tasks}


def texts(inspection):
    return {finding.name: finding.text for finding in inspection.findings}


def decided(inspection):
    return {decision.key: decision.value for decision in inspection.decisions}


def test_the_columns_of_a_spreadsheet_are_known_by_what_they_hold(inspected):
    found, settings = texts(inspected["text_classification"]), decided(inspected["text_classification"])
    assert found["file"] == (
        "kritiken.csv: UTF-8 with a byte-order mark, columns separated by semicolons, 240 rows."
    )
    assert found["columns"] == (
        "Columns: Nr (numbers), Preis (numbers with decimal commas), Wertung (texts, 4 distinct), "
        "Kritik (texts, 237 distinct)."
    )
    assert (settings["data.text"], settings["data.label"]) == ("Kritik", "Wertung")
    assert settings["data.class_names"] == ["gut", "schlecht"]


def test_the_labels_of_a_spreadsheet_are_counted(inspected):
    inspection = inspected["text_classification"]
    assert inspection.value("classes") == {"gut": 160 - 3, "schlecht": 80}  # every third; three lack a label
    assert inspection.value("repeats") == 3  # of 0, 60, 120 and 180
    assert inspection.value("spellings") == ['"SCHLECHT" and "schlecht"', '"GUT" and "gut"']
    assert inspection.value("invalid_records") == {"label is missing": 3}
    assert sum(inspection.value("splits").values()) == 237
    settings = decided(inspection)
    assert (settings["data.on_invalid_record"], settings["data.max_invalid_records"]) == ("skip", 0.03)


def test_photographs_and_the_table_about_them_find_each_other(inspected):
    inspection = inspected["image_captioning"]
    settings = decided(inspection)
    assert settings["data.captions_file"] == "what is on them.csv"
    assert settings["data.images"] == "photos"
    assert settings["data.input_column"] == "file name"
    assert settings["data.caption_columns"] == ["first caption", "second caption"]
    assert inspection.value("captions") == {"2": 80}
    assert inspection.value("without_caption") == 1
    assert inspection.value("invalid_records") == {"its image is missing": 1}
    assert inspection.value("broken_images") == 1
    assert settings["data.max_invalid_records"] == 0.05
    assert inspection.value("sizes") == {"widths": "64 to 96", "heights": "64 to 96"}
    (why,) = (one.why for one in inspection.decisions if one.key == "model.encoder.image_size")
    assert why == "most images are at least 64 pixels wide and high"


def test_two_texts_find_their_languages_and_repeats_across_splits_are_seen(folders, inspected):
    inspection = inspected["translation"]
    settings = decided(inspection)
    assert (settings["data.source_language"], settings["data.target_language"]) == ("en", "de")
    assert settings["data.source_file"] == "letters_english.txt"
    assert settings["data.target_file"] == "letters_german.txt"
    sources = (folders["translation"] / "letters_english.txt").read_text().splitlines()
    fractions, parts = SplitRequest().fractions(["train"]), {"train": [], "validation": [], "test": []}
    for source in sources:
        parts[hashed_split(source, fractions)].append(source)
    assert inspection.value("splits") == {split: len(found) for split, found in parts.items()}
    there = {source.lower() for source in parts["train"]}
    again = [source for source in parts["test"] if source.lower() in there]
    assert again
    warned = [one.value for one in inspection.warnings if one.name == "leakage"]
    assert {
        "split": "test",
        "also_in": "train",
        "equal": 0,
        "equal_but_for_case_and_space": len(again),
    } in warned


def test_a_table_of_translations_named_as_a_file_has_no_unread_neighbours(tmp_path):
    """Of a folder, other files would be named as not read."""
    rows = [f"the {a} sees a {b}\tder {a} sieht ein {b}" for a in "abcdef" for b in "uvwxyz"]
    (tmp_path / "pairs.tsv").write_text("\n".join(rows))
    (tmp_path / "other.csv").write_text("x,y\n1,2\n")
    inspection = inspect_data("translation", tmp_path / "pairs.tsv")
    assert not inspection.warnings
    assert (inspection.path, inspection.setting("data.source_file")) == (str(tmp_path / "pairs.tsv"), None)
    assert any("other.csv" in one.text for one in inspect_data("translation", tmp_path).warnings)


@NO_FORECASTING
def test_the_recipe_of_a_series_is_valid(inspected, tmp_path):
    write_recipe(inspected["forecasting"], tmp_path / "forecasting.yaml")
    assert load_recipe(tmp_path / "forecasting.yaml").data.period == 7


@pytest.mark.parametrize("task", [task for task in MESSY if task in TASKS])
def test_a_recipe_is_valid_says_why_and_is_never_written_over(inspected, tmp_path, task):
    out = tmp_path / f"{task}.yaml"
    text = write_recipe(inspected[task], out)
    recipe = load_recipe(out)
    assert (recipe.task, recipe.data.source) == (task, "files")
    for key, value in decided(inspected[task]).items():
        assert recipe.flat()[key] == value if not isinstance(value, dict) else True, key
    reasons = [one.why for one in inspected[task].decisions if one.why]
    assert all(f"# {why}" in text for why in reasons)
    assert max(map(len, text.splitlines())) <= 140
    with pytest.raises(UserError, match="already exists"):
        write_recipe(inspected[task], out)
    assert out.read_text() == text


# The other tasks


OTHERS = {
    "tagging": (messy.tagged_sentences, {"classes": {"D": 42, "N": 42, "V": 42}}, {}),
    "language_model": (messy.one_book, {"letters": 22}, {"data.unit": "character"}),
    "frame_labelling": (
        messy.machines,
        {"features": ["heat"]},
        {"data.label": "state", "data.stream": "machine", "data.features": ["heat"]},
    ),
    "video_captioning": (
        messy.clips,
        {"captions": {"1": 19}},
        {"model.frames": 2, "model.encoder.horizontal_flip": False},
    ),
}


@pytest.mark.parametrize("task", OTHERS)
def test_every_task_is_guessed_inspected_and_gets_a_valid_recipe(task, tmp_path):
    put, values, settings = OTHERS[task]
    (tmp_path / "data").mkdir()
    path = put(tmp_path / "data")
    assert guess_task(path)[0] == task
    inspection = inspect_data(task, path)
    found = {name: inspection.value(name) for name in values}
    if task == "tagging":
        found["classes"] = {tag: inspection.value("splits")["train"] for tag in "DNV"}
        assert inspection.value("classes") == found["classes"]
        values = found
    assert found == values
    assert {key: decided(inspection)[key] for key in settings} == settings
    write_recipe(inspection, tmp_path / "mine.yaml")
    assert load_recipe(tmp_path / "mine.yaml").task == task


@pytest.mark.parametrize("task", MESSY)
def test_the_task_of_a_messy_folder_is_guessed(folders, task):
    assert guess_task(folders[task])[0] == task


# Through the command line


def test_inspect_warns_and_writes_nothing(folders, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(["inspect", str(folders["text_classification"])]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "Looks like a table with texts in 'Kritik' and labels in 'Wertung': the task text_classification."
    )
    assert "  3 records: label is missing." in out.partition("Look at this before training:")[2]
    assert call(["inspect", str(folders["text_classification"]), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["task"] == "text_classification"
    assert {"name", "value", "text", "is_warning"} == set(said["findings"][0])
    assert list(tmp_path.iterdir()) == []


def test_init_names_the_recipe_that_it_wrote_as_json(folders, tmp_path, capsys):
    out = tmp_path / "mine.yaml"
    assert call(["init", "translation", str(folders["translation"]), "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["recipe"] == str(out)
    assert yaml.safe_load(out.read_text())["data"]["source_file"] == "letters_english.txt"


HOPELESS = {
    "no labels": (b"a,b\n1,2\n3,4\n", "no column looks like labels"),
    "one class": (b"text,label\n" + b"a good film,good\n" * 8, '"label" has one value; received "good" in 8'),
    "an empty column": (b"text,label\n" + b"a good film,\n" * 8, 'column "label" is empty; expected two'),
    "one row": (b"text,label\na good film,good\n", 'labels in column "label"; received 1 value in 1 row'),
    "no two alike": (b"text,label\na b,1\na c,2\na d,3\na e,4\n", "received 4 values in 4 rows, expected"),
    "no texts": (b"a,label\n" + b"1,x\n2,y\n3,x\n4,y\n" * 5, "no column looks like texts"),
    "Windows-1252": ("text;label\nthé;1\n".encode("cp1252"), 'as Windows-1252 it reads "th\u00e9;1"'),
    "UTF-16": ("text;label\nthé;1\n".encode("utf-16"), "received UTF-16, expected UTF-8"),
    "empty": (b"", "empty; expected a line of column names"),
    "a header": (b"text,label\n", "no row below the header"),
    "bytes": (bytes(100), "zero bytes"),
}


@pytest.mark.parametrize(("content", "said"), HOPELESS.values(), ids=list(HOPELESS))
def test_what_is_hopeless_exits_with_2_and_leaves_nothing(tmp_path, monkeypatch, capsys, content, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_bytes(content)
    assert call(["init", "text_classification", "data.csv"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert [file.name for file in tmp_path.iterdir()] == ["data.csv"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["init", "text_clasification", "data.csv"],
            'text_clasification: no such task. Did you mean "text_classification"?',
        ),
        (["init", "text_classification", "nowhere.csv"], "nowhere.csv: no such file or folder"),
        (["init", "text_classification", "data.csv", "--out", "data.csv"], "data.csv: already exists"),
        (
            ["init", "text_classification", "data.csv", "--out", "no/x.yaml"],
            "no/x.yaml: its folder does not exist",
        ),
        (["inspect", "nowhere"], "nowhere: no such file or folder"),
        (["inspect", "empty"], "empty: received an empty folder, expected tables, texts"),
        (["inspect", "empty", "--task", "translation"], "expected a folder with two texts"),
        (
            ["inspect", "empty", "--task", "image_captioning"],
            "expected a CSV file with a column of image names",
        ),
    ],
    ids=str,
)
def test_what_the_user_can_fix_is_said(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "data.csv").write_text("text,label\n")
    assert call(arguments) == 2
    assert said in capsys.readouterr().err
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data.csv", "empty"]


# Leakage


def test_rows_in_two_splits_are_counted_letter_by_letter_and_without_case_and_space(tmp_path):
    rows = [f"text number {i} of many,{'yes' if i % 2 else 'no'}\n" for i in range(40)]
    (tmp_path / "train.csv").write_text("text,label\n" + "".join(rows))
    again = [
        rows[3],
        rows[4],
        rows[5].upper().replace(" ", "  ").replace("YES", "yes"),
        "a new text here,no\n",
    ]
    (tmp_path / "test.csv").write_text("text,label\n" + "".join(again))
    inspection = inspect_data("text_classification", tmp_path)
    (warning,) = [w for w in inspection.warnings if w.name == "leakage"]
    assert warning.value == {
        "split": "test",
        "also_in": "train",
        "equal": 2,
        "equal_but_for_case_and_space": 3,
    }
    assert "3 of 4 texts of test (75 %) also occur in train, 2 of them identical" in warning.text


def test_a_image_in_two_splits_is_warned_of(tmp_path):
    messy.photographs(tmp_path, 20)
    photos = tmp_path / "photos"
    for number in range(1, 20):
        (photos / f"IMG_{number:04}.jpg").write_bytes((photos / "IMG_0000.jpg").read_bytes())
    inspection = inspect_data("image_captioning", tmp_path)
    (warning,) = [w for w in inspection.warnings if w.name == "leakage"]
    parts = inspection.value("splits")
    assert warning.value == 20 - parts["train"]  # all are equal, and train comes first


def test_lines_of_different_number_are_refused(tmp_path):
    (tmp_path / "a_en.txt").write_text("one\ntwo\n")
    (tmp_path / "a_de.txt").write_text("eins\n")
    with pytest.raises(DataError, match="a_en.txt with 2 lines and a_de.txt with 1 lines"):
        inspect_data("translation", tmp_path)
