"""Files that say what is on pictures and clips: JSON lines, CSV, token files, and JSON of known data sets."""

import json
from typing import NamedTuple

from rnn_apps.data.files import csv_rows, json_object, open_lines, refuse_twice, wrong_width
from rnn_apps.data.video import VIDEO_SUFFIXES
from rnn_apps.errors import DataError, shown

SPLIT_LISTS = {"train": "trainImages.txt", "validation": "devImages.txt", "test": "testImages.txt"}
_JSON_EXPECTED = (
    "COCO (images, annotations), Karpathy (images with sentences), MSR-VTT (videos, sentences), a list of "
    "objects with image and captions, or names with their captions"
)


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


def read_captions(file, layout=USUAL, split=None):
    """Yield a `CaptionRecord` for every line of a captions file, in its order.

    Args:
        file: path.
        layout: `CaptionsLayout`.
        split: of what says none itself.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    name = file.name.lower().removesuffix(".gz")
    ending = name.rpartition(".")[2]
    with open_lines(file) as lines:
        if ending == "json":
            found = _json_document(file, lines)
        elif ending in ("csv", "tsv") or layout.input is not None or not name.endswith("token.txt"):
            found = _json_lines(file, lines) if ending == "jsonl" else _csv_records(file, lines, layout)
        else:
            found = _token_lines(file, lines)
        for record in found:
            yield record if record.split else record._replace(split=split)


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
    rows = csv_rows(file, lines, log=True)
    _, columns = next(rows, (1, []))
    usual = "video" if "video" in columns and "image" not in columns else "image"
    name, captions = layout.input or usual, layout.captions or ("caption",)
    for column in (name, *captions):
        if column not in columns:
            there = ", ".join(map(shown, columns)) or "none"
            raise DataError(str(file), f"no column {shown(column)}; the columns are {there}")
        refuse_twice(str(file), columns, column)
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
    for part, ending in SPLIT_LISTS.items():
        for file in sorted(folder.glob(f"*{ending}")):
            with open_lines(file) as lines:
                splits |= {line.strip(): part for line in lines if line.strip()}
    return splits


def _json_document(file, lines):
    """Yield the records of a JSON file in the layout of COCO, Karpathy or MSR-VTT, or of plain entries."""
    try:
        content = json.loads("".join(lines))
    except (ValueError, RecursionError) as error:
        fix = "Of JSON lines, an object per line, call the file captions.jsonl."
        raise DataError(str(file), f"not JSON: {str(error)[:100]}", fix=fix) from error
    if isinstance(content, list) and content and all(isinstance(entry, dict) for entry in content):
        yield from (_from_json(f"{file}, entry {i}", entry) for i, entry in enumerate(content, start=1))
        return
    content = content if isinstance(content, dict) else {}
    images, videos = (_objects(content.get(key)) for key in ("images", "videos"))
    if images and "annotations" in content:
        names = {image.get("id"): image.get("file_name") for image in images}
        yield from _annotated(file, names, _objects(content["annotations"]), "image_id")
    elif images and all("sentences" in image for image in images):
        yield from (_from_karpathy(file, image) for image in images)
    elif videos and "sentences" in content:
        splits = {video.get("video_id"): video.get("split") for video in videos}
        names = {name: name for name in splits}
        for one in _annotated(file, names, _objects(content["sentences"]), "video_id"):
            yield one._replace(split=_known_split(splits[one.name]), kind="video")
    elif content and all(isinstance(value, (str, list)) for value in content.values()):
        for name, captions in content.items():
            entry = {"image": name, "captions": [captions] if isinstance(captions, str) else captions}
            yield _from_json(f"{file}, {shown(name)}", entry)
    else:
        raise DataError(str(file), "JSON in a layout that is not read", expected=_JSON_EXPECTED)


def _objects(value):
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _annotated(file, names, annotations, key):
    """Yield a record for every caption that names its picture or clip by an id."""
    for number, one in enumerate(annotations, start=1):
        place, name, caption = f"{file}, caption {number}", names.get(one.get(key)), one.get("caption")
        if not isinstance(name, str):
            yield CaptionRecord(place, problem=f"{key} {shown(one.get(key))} is none of those listed")
        elif not isinstance(caption, str):
            yield CaptionRecord(place, problem="caption: expected a string")
        else:
            yield CaptionRecord(place, name, (name,), (caption,))


def _from_karpathy(file, image):
    name, sentences = image.get("filename"), _objects(image.get("sentences"))
    texts = [one.get("raw") or " ".join(map(str, one.get("tokens") or ())) for one in sentences]
    if not isinstance(name, str):
        return CaptionRecord(f"{file}, an image", problem="filename: expected a string")
    return CaptionRecord(f"{file}, {name}", name, (name,), tuple(texts), _known_split(image.get("split")))


def _known_split(written):
    """A split as it is written, but for restval of Karpathy, which is train, and validate of MSR-VTT."""
    written = written if isinstance(written, str) else None
    return {"restval": "train", "validate": "validation"}.get(written, written)
