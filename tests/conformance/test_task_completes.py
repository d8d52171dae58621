"""Rule: a run of every task with every format ends complete, and writes each format or says why not."""

import json

import pytest
from tiny_tasks import tiny_task

from rnn_apps.export import export_subdir
from rnn_apps.export.formats import FORMATS
from rnn_apps.tasks import find_task


def check_complete(run, tiny):
    """The run came to its end, and what it could not write is what the task is known to have no form of."""
    assert run.is_complete
    missing = run.metrics.get("not_exported", {})
    unexpected = {name: reason for name, reason in missing.items() if name not in tiny.without}
    assert not unexpected, f"formats that were not written: {unexpected}"
    assert all(reason.startswith("format=") for reason in missing.values()), missing


def check_written(run, name, tiny):
    """A format has files where the task has it, and none where it has not."""
    folder = run.folder / export_subdir(name)
    assert folder.is_dir() != (name in tiny.without), f"{folder} is there: {folder.is_dir()}"
    if folder.is_dir():
        recorded = json.loads((run.folder / "manifest.json").read_text())["sha256"]
        assert [file for file in recorded if file.startswith(f"{export_subdir(name)}/")]


def test_a_run_with_every_format_comes_to_its_end(run, tiny):
    check_complete(run, tiny)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_or_known_to_have_no_form(run, tiny, name):
    check_written(run, name, tiny)


# Seeded faults


@pytest.mark.parametrize("task", ["text_classification"], indirect=True)
def test_a_task_that_shadows_its_method_is_caught(task, tiny, tmp_path, new_console, monkeypatch):
    cls = find_task(task).predictor
    original = cls.__init__

    def shadowing(self, *arguments):
        original(self, *arguments)
        self.network_parts = {"train": None}

    monkeypatch.setattr(cls, "__init__", shadowing)
    changes = {"export": ["onnx"], "views": False}
    run = tiny.make(tmp_path / "run", new_console(), **changes)
    with pytest.raises(AssertionError, match="'dict' object is not callable"):
        check_complete(run, tiny)
    with pytest.raises(AssertionError, match="is there: False"):
        check_written(run, "onnx", tiny)


def test_a_task_without_a_tiny_run_is_told_what_to_add():
    with pytest.raises(pytest.fail.Exception, match='"haiku" is registered.*add a subclass of TinyTask'):
        tiny_task("haiku")
