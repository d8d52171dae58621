"""Loads images and clips with their captions from a data folder.

The folder holds the captions and the images. The captions file is one of

- ``captions.jsonl``: one object per line with ``image``, ``frames`` in temporal order, or ``video``, and
  ``captions`` or ``caption``;
- ``captions.csv``, ``.tsv`` or ``.txt`` with the columns ``image`` or ``video`` and ``caption``;
- a token file in the Flickr8k layout (``NAME#0<tab>CAPTION``) next to its lists ``*trainImages.txt``,
  ``*devImages.txt`` and ``*testImages.txt``;
- ``captions*.json`` or ``dataset*.json`` in the layout of COCO, Karpathy or MSR-VTT, in the folder or in
  ``annotations``; COCO may have one file per split.

The first two may name a ``split``. The images or videos are in one ``.zip``, in a folder ``images``,
``frames`` or ``videos``, or next to the captions, in subfolders or not.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from rnn_apps.data.caption_files import DEFAULT_LAYOUT, SPLIT_LISTS, read_captions
from rnn_apps.data.image_store import ImageStore
from rnn_apps.data.records import INVALID_UTF8, find_surrogate
from rnn_apps.data.split_files import check_folder, log_unread, one_per_split
from rnn_apps.data.splits import SPLITS_BY_NAME, SplitReader
from rnn_apps.errors import DataError, shown


@dataclass
class CaptionedExample:
    """An image or clip with all its captions.

    Args:
        name: Name of the image or clip.
        frames: Names of its images in temporal order; one for an image; the file of a video.
        captions: Its sentences.
        images: Its images as PNG files in base64, if it is prepared data of the test split.
    """

    name: str
    frames: tuple
    captions: list = field(default_factory=list)
    images: list = field(default_factory=list)


def find_captions(folder, layout=DEFAULT_LAYOUT):
    """Return the captions files of a folder with their splits, and where the images are.

    Args:
        folder: Path.
        layout: `CaptionsLayout`.

    Returns:
        Captions file to split, and a folder or zip file. The split is None unless there is one file per
        split, as COCO has.

    Raises:
        DataError: no such folder, no or several captions files, or several zip files.
    """
    folder = Path(folder).expanduser()
    check_folder(folder)
    file, images = (None if name is None else folder / name for name in (layout.file, layout.images))
    for key, path in (("captions_file", file), ("images", images)):
        if path is not None and not path.exists():
            raise DataError(str(path), "no such file or folder", fix=f"Check data.{key}.")
    return {file: None} if file else _captions_files(folder), images or _images_path(folder)


def used_files(folder, layout=DEFAULT_LAYOUT):
    """Return the files of a data folder that are read, without images within folders.

    Args:
        folder, layout: As for `find_captions`.
    """
    folder = Path(folder).expanduser()
    files, images = find_captions(folder, layout)
    lists = [file for ending in SPLIT_LISTS.values() for file in folder.glob(f"*{ending}")]
    return [*files, images, *lists]


def _captions_files(folder):
    names = [f"captions.{end}{packed}" for end in ("jsonl", "csv", "tsv", "txt") for packed in ("", ".gz")]
    files = [folder / name for name in names if (folder / name).is_file()]
    files += sorted(f for f in folder.glob("*token.txt") if not f.name.endswith(".lemma.token.txt"))
    for parent in (folder, folder / "annotations"):
        for pattern in ("captions*.json", "dataset*.json"):
            files += sorted(parent.glob(pattern))
    splits = {file: _split_in_name(file.name) for file in files}
    if len(files) > 1 and None not in splits.values() and all(f.suffix == ".json" for f in files):
        one_per_split(folder, splits)
        return splits
    expected = "captions file: captions.jsonl, .csv or .json, *.token.txt, or captions_*.json as in COCO"
    return {_only_file(folder, files, expected): None}


def _split_in_name(name):
    """The split in the name of a file, such as captions_val2017.json, or None."""
    words = re.split(r"[^a-z]+", name.lower())
    return next((SPLITS_BY_NAME[word] for word in words if word in SPLITS_BY_NAME), None)


def _images_path(folder):
    for name in ("images", "frames", "videos"):
        if (folder / name).is_dir():
            return folder / name
    zips = sorted(folder.glob("*.zip"))
    return _only_file(folder, zips, "zip file of images") if zips else folder


def _only_file(folder, files, kind):
    if len(files) == 1:
        return files[0]
    received = ", ".join(file.name for file in files) or "none"
    raise DataError(str(folder), received=received, expected=f"one {kind}")


def load_captioned_folder(path, request, invalid, layout=DEFAULT_LAYOUT):
    """Read the captions of a data folder and the names of its images.

    Args:
        path: Folder in the layout of this module.
        request: `SplitRequest`; train, and what names no split, is split by a hash of the name.
        invalid: `InvalidRecords`.
        layout: `CaptionsLayout`.

    Returns:
        Split name to list of `CaptionedExample`, and the `ImageStore`.

    Raises:
        DataError: an invalid record that is not to be skipped, or an empty split.
    """
    files, images = find_captions(path, layout)
    store = ImageStore(images)
    log_unread(path, used_files(path, layout))
    examples, split_of = {}, {}
    for record in (record for file, split in files.items() for record in read_captions(file, layout, split)):
        record = record._replace(frames=tuple(map(store.resolve, record.frames)))
        if problem := _problem_of(record, store):
            invalid.report(record.location, *problem)
            continue
        example = examples.setdefault(record.name, CaptionedExample(record.name, record.frames))
        known = split_of.get(record.name)
        split = SPLITS_BY_NAME[record.split.strip().lower()] if record.split else known
        if known not in (None, split) or example.frames != record.frames:
            fix = "Give each image one split and one list of frames."
            invalid.report(record.location, "it contradicts an earlier line about the same image", fix)
            continue
        split_of[record.name] = split
        example.captions += [" ".join(caption.split()) for caption in record.captions if caption.strip()]
    by_split = {}
    for name, example in examples.items():
        by_split.setdefault(split_of.get(name) or "train", []).append(example)
    by_split = by_split or {"train": []}

    def read(split, invalid):
        return by_split[split]

    reader = SplitReader(str(path), by_split, read, request, lambda example: example.name, invalid)
    return reader.lists(), store


def _problem_of(record, store):
    """Return what is wrong with a record and how to fix it, or None."""
    if record.problem:
        return record.problem, "Fix the record."
    if find_surrogate(record.name, *record.frames, *record.captions):
        return INVALID_UTF8
    if not any(record.frames):
        return f"names no {record.kind}", "Name one, or remove the record."
    if not any(caption.strip() for caption in record.captions):
        return "caption is empty", "Remove the record."
    if missing := [name for name in record.frames if name not in store.names]:
        return f"its {record.kind} is missing", f"{shown(missing[0])} is not in {store.path}."
    if record.split and record.split.strip().lower() not in SPLITS_BY_NAME:
        return "split is not train, validation or test", f"It says {shown(record.split)}."
    return None
