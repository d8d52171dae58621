"""Pictures and clips with their captions, in the user's own folder.

The folder holds the captions and the images. The captions file is ``captions.jsonl`` (an object a line with
``image``, ``frames`` in the order of time, or ``video``, and ``captions`` or ``caption``), ``captions.csv``
or ``.txt`` (``image`` or ``video``, ``caption``), each with ``split`` where there is one, a token file of the
Flickr8k layout (``NAME#0<tab>CAPTION``) beside its lists ``*trainImages.txt``, ``*devImages.txt``,
``*testImages.txt``, or ``captions*.json`` or ``dataset*.json``, in the folder or in ``annotations``, as COCO,
Karpathy or MSR-VTT lay them out; of COCO there may be one per split. The images or videos are in one
``.zip``, in a folder ``images``, ``frames`` or ``videos``, or beside the captions, in folders or not.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from rnn_apps.data.caption_files import SPLIT_LISTS, USUAL, read_captions
from rnn_apps.data.image_store import ImageStore
from rnn_apps.data.splits import SPLITS_BY_NAME, log_unread, make_splits, one_per_split
from rnn_apps.errors import DataError, Setting, shown

_JSON_FILES = ("captions*.json", "dataset*.json")


@dataclass
class Captioned:
    """A picture or clip with all its captions.

    Args:
        name: of the picture or clip.
        frames: names of its images in the order of time; of a picture one, of a video its file.
        captions: its sentences.
    """

    name: str
    frames: tuple
    captions: list = field(default_factory=list)


@dataclass
class _Sorted:
    """An input, and the part that its lines name, None so far."""

    input: Captioned
    part: str | None = None


def find_captions(folder, layout=USUAL):
    """Return captions file to the split that its name says, or None, and the place of the images of a folder.

    Only of several files, one per split as COCO has them, the names say splits.

    Args:
        folder: path.
        layout: `CaptionsLayout`.

    Raises:
        DataError: no such folder, none or several captions files, or several zip files.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise DataError(str(folder), "no such folder", fix=Setting("Check the path", "data.path"))
    named = [None if name is None else folder / name for name in (layout.file, layout.images)]
    for key, path in zip(("captions_file", "images"), named):
        if path is not None and not path.exists():
            raise DataError(str(path), "no such file or folder", fix=f"Check data.{key}.")
    files = {named[0]: None} if named[0] else _captions_files(folder)
    return files, named[1] or _place_of_images(folder)


def used_files(folder, layout=USUAL):
    """Return the files of a data folder that are read, images within folders left out.

    Args:
        folder, layout: as for `find_captions`.
    """
    folder = Path(folder).expanduser()
    files, place = find_captions(folder, layout)
    lists = [file for ending in SPLIT_LISTS.values() for file in folder.glob(f"*{ending}")]
    return [*files, place, *lists]


def _captions_files(folder):
    names = [f"captions.{end}{packed}" for end in ("jsonl", "csv", "tsv", "txt") for packed in ("", ".gz")]
    files = [folder / name for name in names if (folder / name).is_file()]
    files += sorted(f for f in folder.glob("*token.txt") if not f.name.endswith(".lemma.token.txt"))
    places = (folder, folder / "annotations")
    files += [file for place in places for form in _JSON_FILES for file in sorted(place.glob(form))]
    splits = {file: _split_in(file.name) for file in files}
    if len(files) > 1 and None not in splits.values() and all(f.suffix == ".json" for f in files):
        one_per_split(folder, splits)
        return splits
    expected = (
        "captions file: captions.jsonl, .csv or .json, *.token.txt, or captions_*.json as COCO has them"
    )
    return {_the_one(folder, files, expected): None}


def _split_in(name):
    """The split that the name of a file says, as captions_val2017.json does."""
    words = re.split(r"[^a-z]+", name.lower())
    return next((SPLITS_BY_NAME[word] for word in words if word in SPLITS_BY_NAME), None)


def _place_of_images(folder):
    inner = [folder / name for name in ("images", "frames", "videos") if (folder / name).is_dir()]
    zips = [] if inner else sorted(folder.glob("*.zip"))
    if zips:
        return _the_one(folder, zips, "zip file of images")
    return inner[0] if inner else folder


def _the_one(folder, found, what):
    if len(found) == 1:
        return found[0]
    received = ", ".join(f.name for f in found) or "none"
    raise DataError(str(folder), received=received, expected=f"one {what}")


def load_captioned(path, request, bad, layout=USUAL):
    """Read the captions of a data folder and the names of its images.

    Args:
        path: folder in the layout of this module.
        request: `SplitRequest`; train, and what has no split, is split by a hash of the name.
        bad: `BadRecords`.
        layout: `CaptionsLayout`.

    Returns:
        Split name to list of `Captioned`, and the `ImageStore`.

    Raises:
        DataError: a record is bad and not to be skipped, or a part is empty.
    """
    files, place = find_captions(path, layout)
    store = ImageStore(place)
    log_unread(path, used_files(path, layout))
    found = {}
    for record in (one for file, split in files.items() for one in read_captions(file, layout, split)):
        record = record._replace(frames=tuple(map(store.resolve, record.frames)))
        if problem := _problem_of(record, store):
            bad.report(record.place, *problem)
            continue
        one = found.setdefault(record.name, _Sorted(Captioned(record.name, record.frames)))
        part = SPLITS_BY_NAME[record.split.strip().lower()] if record.split else one.part
        if one.part not in (None, part) or one.input.frames != record.frames:
            fix = "Give each picture one split and one list of frames."
            bad.report(record.place, "it contradicts an earlier line about the same picture", fix)
            continue
        one.part = part
        one.input.captions += [" ".join(c.split()) for c in record.captions if c.strip()]
    inputs = {}
    for one in found.values():
        inputs.setdefault(one.part or "train", []).append(one.input)
    inputs = inputs or {"train": []}
    inputs = {split: inputs[split] for split in request.read_from(inputs)}
    return make_splits(str(path), inputs, request, lambda one: one.name, bad), store


def _problem_of(record, store):
    """Return what is wrong with a record and how to fix it, or None."""
    if record.problem:
        return record.problem, "Fix the record."
    if any("\ud800" <= c <= "\udfff" for c in "".join((record.name, *record.frames, *record.captions))):
        return "not valid UTF-8", "Save the file as UTF-8."
    if not any(record.frames):
        return f"names no {record.kind}", "Name one, or remove the record."
    if not any(caption.strip() for caption in record.captions):
        return "caption is empty", "Remove the record."
    if gone := [name for name in record.frames if name not in store.names]:
        return f"its {record.kind} is not there", f"{shown(gone[0])} is not in {store.path}."
    if record.split and record.split.strip().lower() not in SPLITS_BY_NAME:
        return "split is none of train, validation and test", f"It says {shown(record.split)}."
    return None
