"""The applications: a literal table of where each one lives, resolved on use."""

import importlib
from dataclasses import dataclass

from rnn_apps.errors import UserError, did_you_mean, shown

__all__ = ["TASKS", "TaskEntry", "settings_class", "task_class", "task_names"]


@dataclass(frozen=True)
class TaskEntry:
    """Where a task lives, as "module:Class".

    Attributes:
        settings: its settings class, in a module that imports no TensorFlow.
        task: the class that carries it out.
    """

    settings: str
    task: str


TASKS = {
    "sentiment": TaskEntry(
        settings="rnn_apps.tasks.sentiment.settings:SentimentSettings",
        task="rnn_apps.tasks.sentiment.task:SentimentTask",
    ),
    "image_captioning": TaskEntry(
        settings="rnn_apps.tasks.image_captioning.settings:ImageCaptioningSettings",
        task="rnn_apps.tasks.image_captioning.task:ImageCaptioningTask",
    ),
    "video_captioning": TaskEntry(
        settings="rnn_apps.tasks.video_captioning.settings:VideoCaptioningSettings",
        task="rnn_apps.tasks.video_captioning.task:VideoCaptioningTask",
    ),
    "translation": TaskEntry(
        settings="rnn_apps.tasks.translation.settings:TranslationSettings",
        task="rnn_apps.tasks.translation.task:TranslationTask",
    ),
    "language_model": TaskEntry(
        settings="rnn_apps.tasks.language_model.settings:LanguageModelSettings",
        task="rnn_apps.tasks.language_model.task:LanguageModelTask",
    ),
    "forecasting": TaskEntry(
        settings="rnn_apps.tasks.forecasting.settings:ForecastingSettings",
        task="rnn_apps.tasks.forecasting.task:ForecastingTask",
    ),
    "tagging": TaskEntry(
        settings="rnn_apps.tasks.tagging.settings:TaggingSettings",
        task="rnn_apps.tasks.tagging.task:TaggingTask",
    ),
    "frame_labelling": TaskEntry(
        settings="rnn_apps.tasks.frame_labelling.settings:FrameLabellingSettings",
        task="rnn_apps.tasks.frame_labelling.task:FrameLabellingTask",
    ),
    "imported": TaskEntry(
        settings="rnn_apps.tasks.imported.settings:ImportedSettings",
        task="rnn_apps.tasks.imported.task:ImportedTask",
    ),
}


def task_names() -> list[str]:
    """Returns the name of every task."""
    return list(TASKS)


def settings_class(name: str) -> type:
    """Returns the settings class of the task called `name`, without importing TensorFlow."""
    return _resolve(_entry(name).settings)


def task_class(name: str) -> type:
    """Returns the class that carries out the task called `name`."""
    return _resolve(_entry(name).task)


def _entry(name: str) -> TaskEntry:
    if not isinstance(name, str) or name not in TASKS:
        advice = did_you_mean(name, TASKS, listing="rnn-apps list")
        raise UserError("task", f"unknown task {shown(name)}", fix=advice)
    return TASKS[name]


def _resolve(target: str) -> type:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
