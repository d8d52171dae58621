"""Guesses the task of a data set from its files."""

from itertools import islice
from pathlib import Path

from rnn_apps.data.headers import list_columns
from rnn_apps.data.plain_text import TEXT_ENDINGS
from rnn_apps.data.prepared import check_not_prepared
from rnn_apps.data.split_files import ENDINGS, find_splits, no_data
from rnn_apps.data.tagged_files import TAGGED_ENDINGS
from rnn_apps.data.video import VIDEO_SUFFIXES
from rnn_apps.errors import Argument, DataError, Setting
from rnn_apps.inspecting.captions import STILL_SUFFIXES
from rnn_apps.inspecting.classification import find_label_column, find_text_column, has_label_name
from rnn_apps.inspecting.parallel import find_pair, has_sentence_pairs
from rnn_apps.inspecting.tables import read_table

_TAGGED = tuple(end for end in TAGGED_ENDINGS if not end.startswith((".tsv", ".txt", ".jsonl")))
_MAX_FILES = 10_000
_MIN_WORDS = 3  # per cell, on average, of a column of texts in a table with dates
_NAME_THE_TASK = Argument("Name the task", "task=TASK")


def guess_task(path: str | Path) -> tuple[str, str]:
    """Return the name of the task that data is most likely for, and the reason.

    Args:
        path: Folder or file.

    Raises:
        DataError: nothing is there, or nothing that is recognized.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise DataError(str(path)[:300], "no such file or folder", fix="Check the path.")
    check_not_prepared(path)
    guess = _task_of_file(path) if path.is_file() else _task_of_folder(path)
    if guess is None:
        expected = "tables, texts, tagged sentences, or images or videos with their captions"
        raise no_data(path, expected, _NAME_THE_TASK)
    return guess


def _task_of_file(path):
    name = path.name.lower()
    if name.endswith(_TAGGED):
        return "tagging", "a file of tagged sentences"
    if has_sentence_pairs(path):
        return "translation", "a table of sentences and translations"
    if name.endswith(TEXT_ENDINGS):
        return "language_model", "a text"
    return _task_of_table(path) if name.endswith(ENDINGS) else None


def _task_of_table(file):
    table = read_table(file)
    columns, header = table.columns(), set(table.header)
    if table.delimiter is None and {"tokens", "words"} & header and any("tags" in name for name in header):
        return "tagging", "JSON lines with words and tags"
    if {"caption", "captions"} & header and {"image", "frames", "video"} & header:
        kind = "image" if "image" in header else "video"
        return f"{kind}_captioning", f"a file of captions with {kind}s"
    dates, numbers = ([c for c in columns if c.kind == kind] for kind in ("date", "number"))
    label = find_label_column(columns)
    text = find_text_column(columns, label) if label else None
    is_labelled = label is not None and text is None and has_label_name(label)
    if dates and numbers and not is_labelled and (text is None or text.mean_words < _MIN_WORDS):
        or_labels = f" (frame_labelling if {label.name!r} is a label of each row)" if label else ""
        return "forecasting", f"a table with dates in {dates[0].name!r} and numbers{or_labels}"
    if label and text:
        return "text_classification", f"a table with texts in {text.name!r} and labels in {label.name!r}"
    if label and len(numbers) > (label.kind == "number"):
        return "frame_labelling", f"a table of numbers with labels in {label.name!r}"
    received = f"a table with the columns {list_columns([column.name for column in columns])}"
    expected = "dates with numbers, texts with labels, or numbers with labels"
    fix = [_NAME_THE_TASK, Setting("And a column if it needs one, such as", "data.label=COLUMN")]
    raise DataError(str(file), received=received, expected=expected, fix=fix)


def _task_of_folder(path):
    files = [file for file in islice(path.rglob("*"), _MAX_FILES) if file.is_file()]
    top_files = [file for file in files if file.parent == path]
    num_videos, num_images = (_count(files, suffixes) for suffixes in (VIDEO_SUFFIXES, STILL_SUFFIXES))
    has_tables = bool(_count(files, (*ENDINGS, ".json", "captions.txt", "token.txt")))
    if (num_videos or num_images or _count(files, (".zip",))) and has_tables:
        if num_videos or (path / "frames").is_dir():
            count = f"{num_videos or num_images:,}"
            return "video_captioning", f"videos or frames ({count}) and a file about them"
        return "image_captioning", f"images ({num_images:,}) and a file about them"
    if _count(top_files, _TAGGED):
        return "tagging", "files of tagged sentences"
    pair = find_pair(path)
    if pair is not None and not pair.is_table:
        return "translation", "two texts whose names say their languages"
    tables = [file for file in top_files if has_sentence_pairs(file)] if pair else []
    if tables:
        return "translation", f"a table of sentences and translations, {tables[0].name}"
    if any((path / name).is_dir() for name in ("train", "test")) and has_tables:
        return "frame_labelling", "folders of tables, one file per stream"
    if has_tables:
        return _task_of_table(find_splits(path)["train"])
    return ("language_model", "texts") if _count(files, TEXT_ENDINGS) else None


def _count(files, suffixes):
    return sum(file.name.lower().endswith(suffixes) for file in files)
