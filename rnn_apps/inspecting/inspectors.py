"""The inspectors: a literal table of which function looks at the data of which task."""

import importlib
from pathlib import Path

from rnn_apps.errors import DataError, UserError, did_you_mean, shown
from rnn_apps.tasks import task_names

# A task that is not among `rnn_apps.tasks.TASKS` is not offered.
INSPECTORS = {
    "sentiment": "rnn_apps.inspecting.classification:inspect_texts",
    "image_captioning": "rnn_apps.inspecting.captions:inspect_pictures",
    "video_captioning": "rnn_apps.inspecting.captions:inspect_clips",
    "translation": "rnn_apps.inspecting.parallel:inspect_pairs",
    "language_model": "rnn_apps.inspecting.plain_text:inspect_text",
    "tagging": "rnn_apps.inspecting.tagged:inspect_sentences",
    "frame_labelling": "rnn_apps.inspecting.streams:inspect_streams",
    "forecasting": "rnn_apps.inspecting.series:inspect_series",
}


def inspectable_tasks():
    """Return the names of the tasks whose data can be looked at."""
    return [name for name in INSPECTORS if name in task_names()]


def inspect_data(task, path, given=None):
    """Return the `Inspection` of a folder or file as data of a task.

    Args:
        task: its name.
        path: folder or file.
        given: settings that the user has chosen, dotted path to value, which inspectors obey.

    Raises:
        UserError: there is no such task, or no such path.
        DataError: the data cannot be used.
    """
    if task not in inspectable_tasks():
        raise UserError(shown(task)[1:-1], "no such task", fix=did_you_mean(task, inspectable_tasks()))
    if not Path(path).exists():
        raise DataError(str(path)[:300], "no such file or folder", fix="Check the path.")
    module, _, name = INSPECTORS[task].partition(":")
    inspection = getattr(importlib.import_module(module), name)(str(path), given)
    inspection.keep_given(*inspection.given)
    return inspection
