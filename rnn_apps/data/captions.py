"""Pictures and clips with their captions, in the user's own folder.

The folder holds one captions file and the images. The captions file is ``captions.jsonl`` (an object a line
with ``image``, ``frames`` in the order of time, or ``video``, and ``captions`` or ``caption``),
``captions.csv`` (``image`` or ``video``, ``caption``), each with ``split`` where there is one, or a token
file of the Flickr8k layout (``NAME#0<tab>CAPTION``) beside its lists ``*trainImages.txt``,
``*devImages.txt``, ``*testImages.txt``. The images or videos lie in one ``.zip``, in a folder ``images``,
``frames`` or ``videos``, or beside the captions.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from rnn_apps.data.files import csv_rows, json_object, open_lines, wrong_width
from rnn_apps.data.image_store import ImageStore
from rnn_apps.data.records import carved_fractions
from rnn_apps.data.splits import PART_NAMES, PARTS_BY_NAME, log_unread, splitter
from rnn_apps.data.video import VIDEO_SUFFIXES
from rnn_apps.errors import DataError, shown

__all__ = [
    "USUAL",
    "Captioned",
    "CaptionRecord",
    "CaptionsLayout",
    "find_captions",
    "load_captioned",
    "read_captions",
    "used_files",
]

_LISTS = {"train": "trainImages.txt", "validation": "devImages.txt", "test": "testImages.txt"}


class CaptionsLayout(NamedTuple):
    """What a recipe says of a folder that is not laid out as this module expects.

    Args:
        file: name of the captions file; None looks for the usual ones.
        images: folder or zip file of the images, from the data folder on; None looks for the usual ones.
        input: column of a CSV file with the names of pictures or clips; None: ``image``, or ``video``.
        captions: columns of a CSV file with a caption each; None: ``caption``.
        split: column of a CSV file with the part.
    """

    file: str | None = None
    images: str | None = None
    input: str | None = None
    captions: tuple | None = None
    split: str = "split"


USUAL = CaptionsLayout()


class CaptionRecord(NamedTuple):
    """One line of a captions file.

    Args:
        place: file:line, which names it to the user.
        name: of the picture or clip.
        frames: names of its images in the order of time; of a picture one, of a video its file.
        captions: one or more sentences.
        split: as it is written, or None.
        problem: why the line cannot be read, or None.
        kind: ``"image"``, or ``"video"``.
    """

    place: str
    name: str = ""
    frames: tuple = ()
    captions: tuple = ()
    split: str | None = None
    problem: str | None = None
    kind: str = "image"


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
    """Return the captions file of a data folder and the place of its images.

    Args:
        folder: path.
        layout: `CaptionsLayout`.

    Raises:
        DataError: no such folder, none or several captions files, or several zip files.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise DataError(str(folder), "no such folder", fix="Check the path after --data or data.path.")
    named = [None if name is None else folder / name for name in (layout.file, layout.images)]
    for key, path in zip(("captions_file", "images"), named):
        if path is not None and not path.exists():
            raise DataError(str(path), "no such file or folder", fix=f"Check data.{key}.")
    return named[0] or _captions_file(folder), named[1] or _place_of_images(folder)


def used_files(folder, layout=USUAL):
    """Return the files of a data folder that are read, images within folders left out.

    Args:
        folder, layout: as for `find_captions`.
    """
    folder = Path(folder).expanduser()
    lists = [file for ending in _LISTS.values() for file in folder.glob(f"*{ending}")]
    return [*find_captions(folder, layout), *lists]


def _captions_file(folder):
    names = [p for end in ("", ".gz") for p in (f"captions.jsonl{end}", f"captions.csv{end}")]
    files = [folder / name for name in names if (folder / name).is_file()]
    files += sorted(f for f in folder.glob("*token.txt") if not f.name.endswith(".lemma.token.txt"))
    return _the_one(folder, files, "captions file: captions.jsonl, captions.csv or *.token.txt")


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


def read_captions(file, layout=USUAL):
    """Yield a `CaptionRecord` for every line of a captions file, in its order.

    Args:
        file: path, as `find_captions` gives it.
        layout: `CaptionsLayout`.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    name = file.name.lower().removesuffix(".gz")
    ending = name.rpartition(".")[2]
    with open_lines(file) as lines:
        if ending in ("csv", "tsv") or layout.input is not None:
            yield from _csv_records(file, lines, layout)
        else:
            yield from (_json_lines if ending == "jsonl" else _token_lines)(file, lines)


def _json_lines(file, lines):
    for number, line in enumerate(lines, start=1):
        if line.strip():
            record, problem = json_object(line)
            place = f"{file}:{number}"
            yield CaptionRecord(place, problem=problem) if problem else _from_json(place, record)


def _from_json(place, record):
    frames, captions = record.get("frames"), record.get("captions")
    image, video, caption, split = (record.get(key) for key in ("image", "video", "caption", "split"))
    frames = [image] if frames is None and image is not None else frames
    kind = "video" if frames is None and video is not None else "image"
    if kind == "video":
        if problem := _wrong_video(video):
            return CaptionRecord(place, problem=problem)
        frames = [video]
    captions = [caption] if captions is None and caption is not None else captions
    for key, value in (("image or frames", frames), ("captions", captions)):
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            return CaptionRecord(place, problem=f"{key}: expected a string or a list of strings")
    if not isinstance(split, (str, type(None))):
        return CaptionRecord(place, problem="split: expected a string")
    name = record.get("video_id") or record.get("name") or (frames[0] if frames else "")
    return CaptionRecord(place, str(name), tuple(frames), tuple(captions), split, kind=kind)


def _wrong_video(name):
    """What is wrong with the name of a video, or None."""
    if isinstance(name, str) and (not name or name.lower().endswith(VIDEO_SUFFIXES)):
        return None
    return f"video: expected a file name that ends in {', '.join(VIDEO_SUFFIXES)}"


def _csv_records(file, lines, layout):
    rows = csv_rows(file, lines)
    _, columns = next(rows, (1, []))
    usual = "video" if "video" in columns and "image" not in columns else "image"
    name, captions = layout.input or usual, layout.captions or ("caption",)
    for column in (name, *captions):
        if column not in columns:
            there = ", ".join(map(shown, columns)) or "none"
            raise DataError(str(file), f"no column {shown(column)}; the columns are {there}")
    for begin, row in rows:
        place, problem = f"{file}:{begin}", wrong_width(row, columns)
        values = dict(zip(columns, row))
        file_name, split = (values.get(key, "").strip() for key in (name, layout.split))
        is_video = name == "video" or (name != "image" and file_name.lower().endswith(VIDEO_SUFFIXES))
        if is_video:
            problem = problem or _wrong_video(file_name)
        kind, texts = "video" if is_video else "image", tuple(values.get(c, "") for c in captions)
        yield CaptionRecord(place, file_name, (file_name,), texts, split or None, problem, kind)


def _token_lines(file, lines):
    splits = _split_lists(file.parent)
    for number, line in enumerate(lines, start=1):
        place = f"{file}:{number}"
        name, tab, caption = line.rstrip("\r\n").partition("\t")
        name = name.rpartition("#")[0]
        if not line.strip():
            continue
        if not tab or not name:
            yield CaptionRecord(place, problem="expected NAME#NUMBER, a tab and a caption")
        elif not splits or name in splits:
            yield CaptionRecord(place, name, (name,), (caption,), splits.get(name))


def _split_lists(folder):
    """Image name to part, from lists in the Flickr8k layout; an image in no list belongs to no part."""
    splits = {}
    for part, ending in _LISTS.items():
        for file in sorted(folder.glob(f"*{ending}")):
            with open_lines(file) as lines:
                splits |= {line.strip(): part for line in lines if line.strip()}
    return splits


def load_captioned(path, bad, validation_fraction=0.1, whole=False, layout=USUAL):
    """Read the captions of a data folder and the names of its images.

    Splits are those of the data, else made by a hash of the name, so that no picture stands on both sides.

    Args:
        path: folder in the layout of this module.
        bad: `BadRecords`.
        validation_fraction: of train, where validation has to be carved.
        whole: only the test part is wanted; where the data names none to test on, it is all of it.
        layout: `CaptionsLayout`.

    Returns:
        Part name to list of `Captioned` for train, validation and test, and the `ImageStore`.

    Raises:
        DataError: a record is bad and not to be skipped, or a part is empty.
    """
    file, place = find_captions(path, layout)
    store = ImageStore(place)
    log_unread(path, used_files(path, layout))
    found = {}
    for record in read_captions(file, layout):
        record = record._replace(frames=tuple(map(store.resolve, record.frames)))
        if problem := _problem_of(record, store):
            bad.report(record.place, *problem)
            continue
        one = found.setdefault(record.name, _Sorted(Captioned(record.name, record.frames)))
        part = PARTS_BY_NAME[record.split.strip().lower()] if record.split else one.part
        if one.part not in (None, part) or one.input.frames != record.frames:
            fix = "Give each picture one split and one list of frames."
            bad.report(record.place, "it contradicts an earlier line about the same picture", fix)
            continue
        one.part = part
        one.input.captions += [" ".join(c.split()) for c in record.captions if c.strip()]
    return _in_parts(str(path), found, validation_fraction, whole), store


def _problem_of(record, store):
    """Return what is wrong with a record and how to mend it, or None."""
    if record.problem:
        return record.problem, "Mend the record."
    if any("\ud800" <= c <= "\udfff" for c in "".join((record.name, *record.frames, *record.captions))):
        return "not valid UTF-8", "Save the file as UTF-8."
    if not any(record.frames):
        return f"names no {record.kind}", "Name one, or remove the record."
    if not any(caption.strip() for caption in record.captions):
        return "caption is empty", "Remove the record."
    if gone := [name for name in record.frames if name not in store.names]:
        return f"its {record.kind} is not there", f"{shown(gone[0])} is not in {store.path}."
    if record.split and record.split.strip().lower() not in PARTS_BY_NAME:
        return "split is none of train, validation and test", f"It says {shown(record.split)}."
    return None


def _in_parts(path, found, validation_fraction, whole):
    there = {one.part for one in found.values() if one.part}
    if whole and found:
        tested = next((part for part in ("test", "validation") if part in there), None)
        return {"test": [one.input for one in found.values() if tested in (None, one.part)]}
    parts = {part: [] for part in PART_NAMES}
    fractions = carved_fractions(there, validation_fraction)
    split_of = splitter((one.input.name for one in found.values() if one.part in (None, "train")), fractions)
    for one in found.values():
        part = "test" if one.part == "validation" and "test" not in there else one.part
        part = split_of(one.input.name) if part in (None, "train") else part
        parts[part].append(one.input)
    for part, inputs in parts.items():
        if not inputs:
            total = sum(map(len, parts.values()))
            raise DataError(path, f"no usable example for {part}, {total} in all", fix="Give more.")
    return parts
