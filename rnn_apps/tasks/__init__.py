"""The table of tasks; TensorFlow is imported only when a task is used."""

import importlib
from dataclasses import dataclass

from rnn_apps.errors import UserError, did_you_mean, shown
from rnn_apps.settings import TaskSettings

# Classes for custom tasks, imported on first use because most of them import TensorFlow.
_PIECES = {
    "ClassObjective": "rnn_apps.tasks.objectives.classes",
    "ClassPredictor": "rnn_apps.tasks.class_predictor",
    "Dataset": "rnn_apps.tasks.dataset",
    "Network": "rnn_apps.tasks.task",
    "Objective": "rnn_apps.tasks.objectives.objective",
    "Predictor": "rnn_apps.tasks.predictor",
    "Preprocessing": "rnn_apps.tasks.preprocessing",
    "QuantileObjective": "rnn_apps.tasks.objectives.quantiles",
    "RecurrentLayers": "rnn_apps.tasks.settings",
    "StepClassObjective": "rnn_apps.tasks.objectives.classes",
    "StepPredictor": "rnn_apps.tasks.step_predictor",
    "Task": "rnn_apps.tasks.task",
    "TokenObjective": "rnn_apps.tasks.objectives.tokens",
    "ViewExamples": "rnn_apps.tasks.viewing",
    "make_recurrent_layers": "rnn_apps.tasks.cell",
    "padded_rows": "rnn_apps.tasks.viewing",
}

__all__ = [  # noqa: PLE0604
    "TASKS",
    "TaskEntry",
    "find_task",
    "register_task",
    "settings_class",
    "task_names",
    *_PIECES,
]


def __getattr__(name: str):
    if name not in _PIECES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PIECES[name]), name)


@dataclass(frozen=True)
class TaskEntry:
    """The location of a task: objects, or "module:name".

    Attributes:
        settings: settings class, in a module that does not import TensorFlow.
        task: `Task`.
    """

    settings: str | type
    task: object


_BUILT_IN = (
    "text_classification",
    "image_captioning",
    "video_captioning",
    "translation",
    "language_model",
    "forecasting",
    "tagging",
    "frame_labelling",
    "imported",
)
# A folder of that name has the task in task.py, and the class TextClassificationSettings in settings.py.
TASKS = {
    name: TaskEntry(
        settings=f"rnn_apps.tasks.{name}.settings:{name.title().replace('_', '')}Settings",
        task=f"rnn_apps.tasks.{name}.task:TASK",
    )
    for name in _BUILT_IN
}


def task_names() -> list[str]:
    """Returns the name of every task."""
    return list(TASKS)


def settings_class(name: str) -> type[TaskSettings]:
    """Returns the settings class of a task, without importing TensorFlow."""
    return _resolve(_entry(name).settings)


def find_task(name: str):
    """Returns the `Task` of this name."""
    return _resolve(_entry(name).task)


def register_task(name: str, settings: type, task) -> None:
    """Registers a custom task for recipes, runs, exports and the command line of this process.

    Args:
        name: name of the task in recipes.
        settings: subclass of `rnn_apps.settings.TaskSettings`.
        task: `rnn_apps.tasks.task.Task`.

    Raises:
        ValueError: if the name is already registered.
    """
    if name in TASKS:
        raise ValueError(f"register_task: the name {name!r} is already registered.")
    TASKS[name] = TaskEntry(settings, task)


def _entry(name: str) -> TaskEntry:
    if not isinstance(name, str) or name not in TASKS:
        raise UserError("task", f"unknown task {shown(name)}", fix=did_you_mean(name, task_names()))
    return TASKS[name]


def _resolve(target):
    if not isinstance(target, str):
        return target
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
