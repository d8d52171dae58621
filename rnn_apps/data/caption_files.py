"""Reads caption files: JSON lines, CSV, Flickr8k token files, and the JSON of COCO, Karpathy and MSR-VTT."""

import json
from typing import NamedTuple

from rnn_apps.data.files import json_lines, open_lines, open_table
from rnn_apps.data.headers import check_unique, missing_column
from rnn_apps.data.video import VIDEO_SUFFIXES
from rnn_apps.errors import DataError, shown

SPLIT_LISTS = {"train": "trainImages.txt", "validation": "devImages.txt", "test": "testImages.txt"}
_JSON_EXPECTED = (
    "COCO (images, annotations), Karpathy (images with sentences), MSR-VTT (videos, sentences), a list of "
    "objects with image and captions, or names with their captions"
)


class CaptionsLayout(NamedTuple):
    """Where a data folder has its captions and images, if not at the default location.

    Args:
        file: Name of the captions file, or None for the default names.
        images: Folder or zip file of the images, relative to the data folder, or None for the default names.
        input: Column of a CSV file with the names of images or clips; None: ``image`` or ``video``.
        captions: Columns of a CSV file with one caption each; None: ``caption``.
        split: Column of a CSV file with the split.
    """

    file: str | None = None
    images: str | None = None
    input: str | None = None
    captions: tuple | None = None
    split: str = "split"


DEFAULT_LAYOUT = CaptionsLayout()


class CaptionRecord(NamedTuple):
    """One record of a captions file.

    Args:
        location: File and line, for messages.
        name: Name of the image or clip.
        frames: Names of its images in temporal order; one for an image; the file of a video.
        captions: One or more sentences.
        split: As written, or None.
        problem: Why the record cannot be read, or None.
        kind: ``"image"`` or ``"video"``.
    """

    location: str
    name: str = ""
    frames: tuple = ()
    captions: tuple = ()
    split: str | None = None
    problem: str | None = None
    kind: str = "image"


def read_captions(file, layout=DEFAULT_LAYOUT, split=None):
    """Yield a `CaptionRecord` for every record of a captions file, in order.

    Args:
        file: Path.
        layout: `CaptionsLayout`.
        split: Split of records that do not name one.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    name = file.name.lower().removesuffix(".gz")
    ending = name.rpartition(".")[2]
    with open_lines(file) as lines:
        if ending == "json":
            records = _json_document(file, lines)
        elif ending == "jsonl":
            records = _json_lines(file, lines)
        elif name.endswith("token.txt") and layout.input is None:
            records = _token_lines(file, lines)
        else:
            records = _table_rows(file, layout)
        for record in records:
            yield record if record.split else record._replace(split=split)


def _json_lines(file, lines):
    for number, record, problem in json_lines(lines):
        location = f"{file}:{number}"
        yield CaptionRecord(location, problem=problem) if problem else _from_json(location, record)


def _from_json(location, record):
    frames, captions = record.get("frames"), record.get("captions")
    image, video, caption, split = (record.get(key) for key in ("image", "video", "caption", "split"))
    if frames is None and image is not None:
        frames = [image]
    kind = "video" if frames is None and video is not None else "image"
    if kind == "video":
        if problem := _video_problem(video):
            return CaptionRecord(location, problem=problem)
        frames = [video]
    if captions is None and caption is not None:
        captions = [caption]
    for key, value in (("image or frames", frames), ("captions", captions)):
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            return CaptionRecord(location, problem=f"{key}: expected a string or a list of strings")
    if not isinstance(split, (str, type(None))):
        return CaptionRecord(location, problem="split: expected a string")
    name = record.get("video_id") or record.get("name") or (frames[0] if frames else "")
    return CaptionRecord(location, str(name), tuple(frames), tuple(captions), split, kind=kind)


def _video_problem(name):
    if isinstance(name, str) and (not name or name.lower().endswith(VIDEO_SUFFIXES)):
        return None
    return f"video: expected a file name that ends in {', '.join(VIDEO_SUFFIXES)}"


def _table_rows(file, layout):
    with open_table(file, log=True) as table:
        columns = table.columns
        default = "video" if "video" in columns and "image" not in columns else "image"
        name_column, caption_columns = layout.input or default, layout.captions or ("caption",)
        for column in (name_column, *caption_columns):
            if column not in columns:
                raise missing_column(file, column, columns)
        check_unique(file, columns, (name_column, *caption_columns))
        for number, cells, problem in table.rows:
            values = dict(zip(columns, cells))
            name, split = (values.get(key, "").strip() for key in (name_column, layout.split))
            has_video_suffix = name_column != "image" and name.lower().endswith(VIDEO_SUFFIXES)
            kind = "video" if name_column == "video" or has_video_suffix else "image"
            if kind == "video":
                problem = problem or _video_problem(name)
            captions = tuple(values.get(column, "") for column in caption_columns)
            yield CaptionRecord(f"{file}:{number}", name, (name,), captions, split or None, problem, kind)


def _token_lines(file, lines):
    splits = _split_lists(file.parent)
    for number, line in enumerate(lines, start=1):
        location = f"{file}:{number}"
        name, tab, caption = line.rstrip("\r\n").partition("\t")
        name = name.rpartition("#")[0]
        if not line.strip():
            continue
        if not tab or not name:
            yield CaptionRecord(location, problem="expected NAME#NUMBER, a tab and a caption")
        elif not splits or name in splits:
            yield CaptionRecord(location, name, (name,), (caption,), splits.get(name))


def _split_lists(folder):
    """Image name to split, from lists in the Flickr8k layout; images that are in no list are not used."""
    splits = {}
    for split, ending in SPLIT_LISTS.items():
        for file in sorted(folder.glob(f"*{ending}")):
            with open_lines(file) as lines:
                splits |= {line.strip(): split for line in lines if line.strip()}
    return splits


def _json_document(file, lines):
    """Yield the records of a JSON file in the layout of COCO, Karpathy or MSR-VTT, or of plain entries."""
    try:
        content = json.loads("".join(lines))
    except (ValueError, RecursionError) as error:
        fix = "If it has one JSON object per line, rename it to captions.jsonl."
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
        for record in _annotated(file, names, _objects(content["sentences"]), "video_id"):
            yield record._replace(split=_standard_split(splits.get(record.name)), kind="video")
    elif content and all(isinstance(value, (str, list)) for value in content.values()):
        for name, captions in content.items():
            entry = {"image": name, "captions": [captions] if isinstance(captions, str) else captions}
            yield _from_json(f"{file}, {shown(name)}", entry)
    else:
        raise DataError(str(file), "unknown JSON layout", expected=_JSON_EXPECTED)


def _objects(value):
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _annotated(file, names, annotations, key):
    """Yield a record for every caption that refers to its image or clip by an id."""
    for number, annotation in enumerate(annotations, start=1):
        location, name = f"{file}, caption {number}", names.get(annotation.get(key))
        caption = annotation.get("caption")
        if not isinstance(name, str):
            yield CaptionRecord(location, problem=f"{key} {shown(annotation.get(key))} is not listed")
        elif not isinstance(caption, str):
            yield CaptionRecord(location, problem="caption: expected a string")
        else:
            yield CaptionRecord(location, name, (name,), (caption,))


def _from_karpathy(file, image):
    name, sentences = image.get("filename"), _objects(image.get("sentences"))
    texts = [entry.get("raw") or " ".join(map(str, entry.get("tokens") or ())) for entry in sentences]
    if not isinstance(name, str):
        return CaptionRecord(f"{file}, an image", problem="filename: expected a string")
    return CaptionRecord(f"{file}, {name}", name, (name,), tuple(texts), _standard_split(image.get("split")))


def _standard_split(name):
    """A split as written, except restval of Karpathy, which is train, and validate of MSR-VTT."""
    name = name if isinstance(name, str) else None
    return {"restval": "train", "validate": "validation"}.get(name, name)
