"""Which task some data is for, by what lies there."""

from pathlib import Path

from rnn_apps.data.splits import conversion_advice
from rnn_apps.data.tagged_files import TAGGED_ENDINGS
from rnn_apps.data.video import VIDEO_SUFFIXES
from rnn_apps.errors import Argument, DataError, Setting, shown
from rnn_apps.inspecting.captions import PICTURE_SUFFIXES
from rnn_apps.inspecting.classification import (
    find_label_column,
    find_tables,
    find_text_column,
    is_called_label,
)
from rnn_apps.inspecting.parallel import find_pair, is_of_sentences
from rnn_apps.inspecting.tables import TABLE_ENDINGS, read_table

_TAGGED = tuple(end for end in TAGGED_ENDINGS if not end.startswith((".tsv", ".txt", ".jsonl")))
_TEXTS = (".txt", ".txt.gz")
_MOST_FILES = 10_000
_WORDS_OF_A_TEXT = 3


def guess_task(path):
    """Return the name of the task that data is most likely for, and a sentence that says why.

    Args:
        path: folder or file.

    Raises:
        DataError: nothing is there, or nothing that can be recognised.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise DataError(str(path)[:300], "no such file or folder", fix="Check the path.")
    found = _of_file(path) if path.is_file() else _of_folder(path)
    if found is None:
        names = sorted(f.name for f in path.iterdir())[:8] if path.is_dir() else [path.name]
        expected = "tables, texts, tagged sentences, or pictures or videos with their captions"
        there = sorted(path.iterdir()) if path.is_dir() else [path]
        fix = conversion_advice(there) or Argument("Name the task", "task=TASK")
        received = ", ".join(names) or "an empty folder"
        raise DataError(str(path), received=received, expected=expected, fix=fix)
    return found


def _of_file(path):
    name = path.name.lower()
    if name.endswith(_TAGGED):
        return "tagging", "a file of tagged sentences"
    if is_of_sentences(path):
        return "translation", "a table of sentences and translations"
    if name.endswith(_TEXTS):
        return "language_model", "a text"
    return _of_table(path) if name.endswith(TABLE_ENDINGS) else None


def _of_table(file):
    table = read_table(file)
    columns, header = table.columns(), set(table.header)
    if table.separator is None and {"tokens", "words"} & header and any("tags" in name for name in header):
        return "tagging", "JSON lines with words and tags"
    if {"caption", "captions"} & header and {"image", "frames", "video"} & header:
        kind = "image" if "image" in header else "video"
        return f"{kind}_captioning", f"a file of captions with {kind}s"
    dates, numbers = ([c for c in columns if c.kind == kind] for kind in ("date", "number"))
    label = find_label_column(columns)
    text = find_text_column(columns, label) if label else None
    is_labelled = label is not None and text is None and is_called_label(label)
    if dates and numbers and not is_labelled and (text is None or text.mean_words < _WORDS_OF_A_TEXT):
        return "forecasting", f"a table with dates in {dates[0].name!r} and numbers"
    if label and text:
        return "text_classification", f"a table with texts in {text.name!r} and labels in {label.name!r}"
    if label and len(numbers) > (label.kind == "number"):
        return "frame_labelling", f"a table of numbers with labels in {label.name!r}"
    names = ", ".join(shown(column.name) for column in columns[:12])
    received, expected = (
        f"a table with the columns {names}",
        "dates with numbers, texts with labels, or labels",
    )
    fix = [
        Argument("Name the task", "task=TASK"),
        Setting("And a column where it needs one, such as", "data.label=COLUMN"),
    ]
    raise DataError(str(file), received=received, expected=expected, fix=fix)


def _of_folder(path):
    files = [f for _, f in zip(range(_MOST_FILES), path.rglob("*")) if f.is_file()]
    endings = {suffix: sum(f.name.lower().endswith(suffix) for f in files) for suffix in _SUFFIXES}
    videos, images = (sum(endings[s] for s in of) for of in (VIDEO_SUFFIXES, PICTURE_SUFFIXES))
    zips, tokens = any(f.suffix == ".zip" for f in files), any(f.name.endswith("token.txt") for f in files)
    captions = tokens or any(
        f.name.lower().endswith((*TABLE_ENDINGS, ".json", "captions.txt")) for f in files
    )
    if (videos or images or zips) and captions:
        many = videos or (path / "frames").is_dir()
        if many:
            return "video_captioning", f"videos or frames ({videos or images:,}) and a file about them"
        return "image_captioning", f"pictures ({images:,}) and a file about them"
    if any(f.parent == path and f.name.lower().endswith(_TAGGED) for f in files):
        return "tagging", "files of tagged sentences"
    pair = find_pair(path)
    if pair is not None and not pair.is_table:
        return "translation", "two texts whose names say their languages"
    tables = [f for f in files if f.parent == path and is_of_sentences(f)] if pair else []
    if tables:
        return "translation", f"a table of sentences and translations, {tables[0].name}"
    if any((path / name).is_dir() for name in ("train", "test")) and captions:
        return "frame_labelling", "folders of tables, a file a stream"
    if captions:
        return _of_table(next(iter(find_tables(path)[1].values())))
    if any(f.name.lower().endswith(_TEXTS) for f in files):
        return "language_model", "texts"
    return None


_SUFFIXES = (*VIDEO_SUFFIXES, *PICTURE_SUFFIXES)
