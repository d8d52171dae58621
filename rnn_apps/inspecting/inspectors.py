"""The table of inspectors: which function inspects the data of which task."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnn_apps.data.prepared import check_not_prepared
from rnn_apps.errors import DataError, UserError, did_you_mean, shown
from rnn_apps.inspecting.inspection import Inspection
from rnn_apps.tasks import task_names

# A task that is not in `rnn_apps.tasks.TASKS` is not offered.
INSPECTORS = {
    "text_classification": "rnn_apps.inspecting.classification:inspect_texts",
    "image_captioning": "rnn_apps.inspecting.captions:inspect_images",
    "video_captioning": "rnn_apps.inspecting.captions:inspect_clips",
    "translation": "rnn_apps.inspecting.parallel:inspect_pairs",
    "language_model": "rnn_apps.inspecting.plain_text:inspect_text",
    "tagging": "rnn_apps.inspecting.tagged:inspect_sentences",
    "frame_labelling": "rnn_apps.inspecting.streams:inspect_streams",
    "forecasting": "rnn_apps.inspecting.series:inspect_series",
}


def inspectable_tasks() -> list[str]:
    """Return the names of the tasks whose data can be inspected."""
    return [name for name in INSPECTORS if name in task_names()]


def inspect_data(task: str, path: str | Path, overrides: Mapping[str, Any] | None = None) -> Inspection:
    """Return the `Inspection` of a folder or file as data of a task.

    Args:
        task: Its name.
        path: Folder or file.
        overrides: Settings of the user, dotted key to value, which all other decisions follow.

    Raises:
        UserError: there is no such task.
        DataError: there is no such path, or the data cannot be used.
    """
    if task not in inspectable_tasks():
        raise UserError(shown(task)[1:-1], "no such task", fix=did_you_mean(task, inspectable_tasks()))
    if not Path(path).exists():
        raise DataError(str(path)[:300], "no such file or folder", fix="Check the path.")
    check_not_prepared(path)
    module, _, name = INSPECTORS[task].partition(":")
    inspection = getattr(importlib.import_module(module), name)(str(path), dict(overrides or {}))
    inspection.keep_overrides()
    return inspection
