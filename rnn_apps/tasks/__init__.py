"""The tasks: a table of where each one lives, resolved on use."""

import importlib
from dataclasses import dataclass

from rnn_apps.errors import UserError, did_you_mean, shown

__all__ = ["TASKS", "TaskEntry", "find_task", "register_task", "settings_class", "task_names"]


@dataclass(frozen=True)
class TaskEntry:
    """Where a task lives, as "module:name".

    Attributes:
        settings: its settings class, in a module that imports no TensorFlow.
        task: the `Task` record.
    """

    settings: str | type
    task: object


TASKS = {
    "text_classification": TaskEntry(
        settings="rnn_apps.tasks.text_classification.settings:TextClassificationSettings",
        task="rnn_apps.tasks.text_classification.task:TASK",
    ),
    "image_captioning": TaskEntry(
        settings="rnn_apps.tasks.image_captioning.settings:ImageCaptioningSettings",
        task="rnn_apps.tasks.image_captioning.task:TASK",
    ),
    "video_captioning": TaskEntry(
        settings="rnn_apps.tasks.video_captioning.settings:VideoCaptioningSettings",
        task="rnn_apps.tasks.video_captioning.task:TASK",
    ),
    "translation": TaskEntry(
        settings="rnn_apps.tasks.translation.settings:TranslationSettings",
        task="rnn_apps.tasks.translation.task:TASK",
    ),
    "language_model": TaskEntry(
        settings="rnn_apps.tasks.language_model.settings:LanguageModelSettings",
        task="rnn_apps.tasks.language_model.task:TASK",
    ),
    "forecasting": TaskEntry(
        settings="rnn_apps.tasks.forecasting.settings:ForecastingSettings",
        task="rnn_apps.tasks.forecasting.task:TASK",
    ),
    "tagging": TaskEntry(
        settings="rnn_apps.tasks.tagging.settings:TaggingSettings",
        task="rnn_apps.tasks.tagging.task:TASK",
    ),
    "frame_labelling": TaskEntry(
        settings="rnn_apps.tasks.frame_labelling.settings:FrameLabellingSettings",
        task="rnn_apps.tasks.frame_labelling.task:TASK",
    ),
    "imported": TaskEntry(
        settings="rnn_apps.tasks.imported.settings:ImportedSettings",
        task="rnn_apps.tasks.imported.task:TASK",
    ),
}


def task_names() -> list[str]:
    """Returns the name of every task."""
    return list(TASKS)


def settings_class(name: str) -> type:
    """Returns the settings class of a task, without importing TensorFlow."""
    return _resolve(_entry(name).settings)


def find_task(name: str):
    """Returns the `Task` of this name."""
    return _resolve(_entry(name).task)


def register_task(name: str, settings: type, task) -> None:
    """Adds a task of the user's own, for recipes, runs, exports and the command line of this process.

    Args:
        name: as a recipe writes it.
        settings: subclass of `rnn_apps.settings.TaskSettings`.
        task: `rnn_apps.tasks.task.Task`.

    Raises:
        ValueError: the name is taken.
    """
    if name in TASKS:
        raise ValueError(f"register_task: the name {name!r} is taken.")
    TASKS[name] = TaskEntry(settings, task)


def _entry(name: str) -> TaskEntry:
    if not isinstance(name, str) or name not in TASKS:
        advice = did_you_mean(name, TASKS, listing="rnn-apps list")
        raise UserError("task", f"unknown task {shown(name)}", fix=advice)
    return TASKS[name]


def _resolve(target):
    if not isinstance(target, str):
        return target
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
