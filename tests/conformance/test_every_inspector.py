"""Rule: the recipe that `init` writes for data that nobody prepared is valid, and trains as it is."""

import messy
import pytest
from tiny_tasks import tiny_task

import rnn_apps
from rnn_apps.cli import call
from rnn_apps.errors import UserError
from rnn_apps.inspecting.inspectors import INSPECTORS
from rnn_apps.recipe import load_recipe
from rnn_apps.tasks import TASKS

pytestmark = pytest.mark.slow

DATA = {
    "text_classification": messy.spreadsheet,
    "image_captioning": messy.photographs,
    "video_captioning": messy.clips,
    "translation": messy.parallel_texts,
    "language_model": messy.one_book,
    "tagging": messy.tagged_sentences,
    "frame_labelling": messy.machines,
    "forecasting": messy.sales,
}


def data_of(task, folder):
    """Data for a task as a new user has it."""
    if task not in DATA:
        pytest.fail(
            f'The inspector of "{task}" is registered, but DATA has nothing for it: add it to messy.py.'
        )
    folder.mkdir()
    return DATA[task](folder)


def check_written(task, data, folder, capsys):
    """`init` writes a recipe of the task on files, which `validate` accepts."""
    file = folder / f"{task}.yaml"
    assert call(["init", task, str(data), "--out", str(file)]) == 0, capsys.readouterr().err
    assert call(["validate", str(file)]) == 0, capsys.readouterr().err
    recipe = load_recipe(file)
    assert (recipe.task, recipe.data.source) == (task, "files")
    return file


def check_trains(file, task, folder, console):
    """With a network and a training of seconds the recipe comes to its end, on the data that it names."""
    tiny = tiny_task(task)
    settings = {name: value for name, value in tiny.overrides().items() if name in ("model", "training")}
    settings["training"] = {**settings["training"], "epochs": 1}
    run = rnn_apps.run(file, out=folder, console=console, export=[], views=False, **settings)
    assert run.is_complete
    assert run.metrics["data"]["is_sample"] is False
    assert run.metrics["test"]
    assert all(run.metrics["data"][part] > 0 for part in ("train", "validation", "test"))


@pytest.mark.parametrize("task", INSPECTORS)
def test_what_init_writes_is_valid_and_trains(task, tmp_path, capsys, new_console):
    file = check_written(task, data_of(task, tmp_path / "data"), tmp_path, capsys)
    check_trains(file, task, tmp_path / "run", new_console())


def test_every_task_that_is_trained_has_an_inspector():
    assert [task for task in TASKS if task not in INSPECTORS] == ["imported"]


# Seeded faults


def test_a_column_that_is_not_there_is_caught(tmp_path, capsys, new_console):
    file = check_written(
        "text_classification", data_of("text_classification", tmp_path / "data"), tmp_path, capsys
    )
    assert "label: Wertung" in file.read_text()
    file.write_text(file.read_text().replace("label: Wertung", "label: Preise"))
    with pytest.raises(UserError, match='no column "Preise"'):
        check_trains(file, "text_classification", tmp_path / "run", new_console())


def test_a_recipe_that_is_not_valid_is_caught(tmp_path, capsys, monkeypatch):
    data = data_of("tagging", tmp_path / "data")
    stale = "task: tagging\ndata: {source: files, path: here, column: upos}\n"
    monkeypatch.setattr("rnn_apps.inspecting.recipe_file.recipe_text", lambda *_: stale)
    with pytest.raises(AssertionError, match="data.column: unknown key"):
        check_written("tagging", data, tmp_path, capsys)


def test_an_inspector_without_data_is_told_what_to_add(tmp_path):
    with pytest.raises(pytest.fail.Exception, match='The inspector of "haiku" is registered'):
        data_of("haiku", tmp_path / "data")
