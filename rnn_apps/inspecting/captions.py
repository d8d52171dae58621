"""Inspects pictures or clips with captions: which file says what of which image, sizes, captions, leakage."""

import zipfile
from collections import Counter
from pathlib import Path

from rnn_apps.data.caption_files import USUAL, CaptionsLayout, read_captions
from rnn_apps.data.captions import find_captions, load_captioned, used_files
from rnn_apps.data.image_store import ImageStore
from rnn_apps.data.images import IMAGE_SUFFIXES
from rnn_apps.data.splits import conversion_advice
from rnn_apps.data.video import VIDEO_SUFFIXES
from rnn_apps.errors import DataError, shown
from rnn_apps.inspecting.caption_settings import decide_encoder, decide_words
from rnn_apps.inspecting.findings import Inspection
from rnn_apps.inspecting.image_sizes import describe_images, describe_same_images
from rnn_apps.inspecting.measures import (
    count_of,
    describe_lengths,
    describe_parts,
    describe_repeats,
    describe_unread,
    quantile,
    words_of,
)
from rnn_apps.inspecting.sizes import decide_training, load_with_room
from rnn_apps.inspecting.tables import describe_table, read_table

PICTURE_SUFFIXES = (*IMAGE_SUFFIXES, ".gif")
_TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt")
_CAPTIONS = ("caption", "description", "text", "sentence", "comment", "title", "alt")
_KEYS = ("captions_file", "images", "input_column", "caption_columns", "split_column")
_LEAST_FOUND = 0.5  # of the names of a column that are names of images


def inspect_pictures(path, given=None):
    """Return the `Inspection` of a folder with pictures and a file of captions.

    Args:
        path: file or folder.
        given: settings that the user has chosen, dotted path to value.

    Raises:
        DataError: no file names the pictures, or there is too little to train on.
    """
    return _inspect("image_captioning", path, given)[0]


def inspect_clips(path, given=None):
    """Return the `Inspection` of a folder with clips, as videos or frames, and a file of captions.

    Args:
        path: file or folder.
        given: settings that the user has chosen, dotted path to value.

    Raises:
        DataError: no file names the clips, or there is too little to train on.
    """
    inspection, clips = _inspect("video_captioning", path, given)
    counts = [len(one.frames) for one in clips if not one.frames[0].lower().endswith(VIDEO_SUFFIXES)]
    if counts:
        describe_lengths(inspection, counts, "frames", "Frames of a clip")
        most = min(16, quantile(counts, 0.95))
        inspection.decide(
            "model.frames", most, f"95 % of the clips have at most {quantile(counts, 0.95)} frames"
        )
    return inspection


def _inspect(task, path, given):
    inspection = Inspection(task, str(path), task, given or {})
    parts, store = _load(inspection, path)
    words = _describe_captions(inspection, parts)
    examples = [one for part in parts.values() for one in part]
    size = describe_images(inspection, store, [f for one in examples for f in one.frames])
    decide_encoder(inspection, size, words)
    return inspection, examples


def _load(inspection, path):
    layout, store = _layout(inspection, path), None

    def load(bad, fraction):
        nonlocal store
        parts, store = load_captioned(path, bad, fraction, layout=layout)
        return parts

    if layout == USUAL:
        names = [file.name for file in find_captions(path)[0]]
        inspection.found("file", {"file": names}, f"Captions: {', '.join(names)}.")
    describe_unread(inspection, path, used_files(path, layout or USUAL))
    parts = load_with_room(inspection, load)
    named = {name for part in parts.values() for one in part for name in one.frames}
    described = [name for name in store.names if name.lower().endswith((*PICTURE_SUFFIXES, *VIDEO_SUFFIXES))]
    left = len(set(described) - named)
    inspection.found(
        "images", len(named), f"{count_of(len(named), 'image or video', 'images or videos')} named."
    )
    if left:
        inspection.warn(
            "without_caption", left, f"{count_of(left, 'file')} there without a caption: not used."
        )
    describe_parts(inspection, parts, carved=True, what=_called(inspection.task))
    describe_same_images(inspection, store, parts)
    return parts, store


def _layout(inspection, path):
    """The layout as it is given, usual or found by content; what is found is decided."""
    fields = dict(zip(_KEYS, CaptionsLayout._fields))
    given = {field: inspection.given.get(f"data.{key}") for key, field in fields.items()}
    given = {field: value for field, value in given.items() if value is not None}
    if "captions" in given:
        given["captions"] = tuple(given["captions"])
    if "file" in given:
        return CaptionsLayout(**given)
    layout = _usual(path)
    if layout is None:
        layout = _found_by_content(inspection, path)
        whys = (
            "the table whose names are those of images",
            "where these images are",
            "most of its cells are names of images",
            "the columns of sentences",
        )
        for key, value, why in zip(_KEYS, layout, whys):
            if value is not None:
                inspection.decide(f"data.{key}", list(value) if isinstance(value, tuple) else value, why)
        if layout.split != USUAL.split:
            inspection.decide("data.split_column", layout.split, "it says train, validation or test")
    return layout._replace(**given)


def _called(task):
    return "Pictures" if task == "image_captioning" else "Clips"


def _usual(path):
    """The usual layout where the folder has it, else None."""
    try:
        files, _ = find_captions(path)
        file = next(iter(files))
        if file.name.startswith(("captions.csv", "captions.tsv", "captions.txt")):
            columns = set(read_table(file).header)
            return USUAL if "caption" in columns and columns & {"image", "video"} else None
    except DataError:
        return None
    return USUAL


def _found_by_content(inspection, path):
    folder = Path(path)
    if not folder.is_dir():
        raise DataError(str(path), "not a folder", expected="a folder with images and a file of captions")
    tables = [f for f in sorted(folder.iterdir()) if f.is_file() and f.name.lower().endswith(_TABLES)]
    for file in sorted(folder.glob("*.json")):
        if _holds_captions(file):
            return CaptionsLayout(file.name)
    for file in tables:
        try:
            table = read_table(file)
        except DataError:
            if file.suffix == ".txt":  # which need not be a table
                continue
            raise
        for name, place, store in _columns_of_images(folder, table):
            describe_table(inspection, {"all": table})
            captions = _caption_columns(table, name)
            part = next((c.name for c in table.columns() if c.kind == "part"), USUAL.split)
            if captions:
                return CaptionsLayout(
                    file.name, _place(folder, place, store, table.cells(name)), name, captions, part
                )
            fix = f"The names of images are in {shown(name)}."
            raise DataError(str(file), "no column looks like captions", expected="one of sentences", fix=fix)
    there = ", ".join(f.name for f in tables[:8]) or "no table"
    expected = "a CSV file with a column of the images' names and one of captions, captions.jsonl (a line: "
    expected += '{"image": "a.jpg", "captions": ["A dog."]}), or JSON as COCO or Karpathy have it'
    fix = conversion_advice(sorted(folder.iterdir()))
    fix = fix or "Are the images in this folder, in a folder of it, or in one zip file?"
    raise DataError(str(folder), received=there, expected=expected, fix=fix)


def _holds_captions(file):
    """Whether a JSON file is laid out in a way that is read."""
    try:
        record = next(read_captions(file), None)
    except DataError:
        return False
    return record is not None and not record.problem


def _columns_of_images(folder, table):
    """Yield the columns of a table whose cells are mostly names of images, and where these are."""
    zips = [f for f in sorted(folder.glob("*.zip")) if zipfile.is_zipfile(f)]
    stores = [(None, ImageStore(folder)), *((f.name, ImageStore(f)) for f in zips)]
    for column in table.columns():
        for place, store in stores:
            names = column.cells[:500]
            found = sum(_is_image(store.resolve(name), store) for name in names)
            if names and found >= _LEAST_FOUND * len(names):
                yield column.name, place, store


def _is_image(name, store):
    return name in store.names and name.lower().endswith((*PICTURE_SUFFIXES, *VIDEO_SUFFIXES))


def _place(folder, place, store, cells):
    """What a recipe says of where the images are: a zip file, the one folder that holds them, or None."""
    if place is not None:
        return place
    found = {store.resolve(cell) for cell in cells} & set(store.names)
    tops = {name.partition("/")[0] for name in found if "/" in name}
    only = tops.pop() if len(tops) == 1 and all("/" in name for name in found) else None
    return only if only and (folder / only).is_dir() else "."


def _caption_columns(table, image_column):
    """The columns of sentences: those called so, or else all texts of several words that mostly differ."""
    texts = [c for c in table.columns() if c.kind == "text" and c.name != image_column]
    called = [c for c in texts if any(name in c.name.casefold() for name in _CAPTIONS)]
    long = [c for c in texts if c.mean_words >= 3 and c.distinct > len(c.cells) / 3]
    fit = [c for c in called if c in long] or long or called
    return tuple(column.name for column in fit)


def _describe_captions(inspection, parts):
    """Say what captions are like; returns the words of all of train."""
    inputs = [one for part in parts.values() for one in part]
    counts = Counter(len(one.captions) for one in inputs)
    listed = ", ".join(f"{number} of {times:,}" for number, times in sorted(counts.items())[:6])
    total = count_of(sum(number * times for number, times in counts.items()), "caption")
    value = {str(number): times for number, times in sorted(counts.items())}
    said = f"{total}: {listed} {_called(inspection.task).lower()}; all captions of one are its references."
    inspection.found("captions", value, said)
    captions = [caption for one in parts["train"] for caption in one.captions]
    words = [words_of(caption) for caption in captions]
    describe_lengths(inspection, list(map(len, words)), "lengths", "Words of a caption")
    describe_repeats(inspection, captions, "captions")
    decide_words(inspection, words)
    decide_training(inspection, len(captions), least_epochs=8, steps=2000, unit="captions")
    return words
