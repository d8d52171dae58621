"""Inspects captioned images or clips: which file describes which image, captions, network."""

import os
import zipfile
from collections import Counter
from pathlib import Path

from rnn_apps.data.caption_files import DEFAULT_LAYOUT, CaptionsLayout, read_captions
from rnn_apps.data.captions import find_captions, load_captioned_folder, used_files
from rnn_apps.data.image_store import ImageStore
from rnn_apps.data.images import IMAGE_SUFFIXES
from rnn_apps.data.split_files import no_data, visible_files
from rnn_apps.data.video import VIDEO_SUFFIXES
from rnn_apps.errors import DataError, shown
from rnn_apps.inspecting.image_sizes import describe_duplicate_images, describe_images
from rnn_apps.inspecting.inspection import Inspection
from rnn_apps.inspecting.measures import count_of, quantile, round_up, words_of
from rnn_apps.inspecting.tables import describe_table, read_table

STILL_SUFFIXES = (*IMAGE_SUFFIXES, ".gif")
_TABLE_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt")
_CAPTION_NAMES = ("caption", "description", "text", "sentence", "comment", "title", "alt")
# Recipe key of each field of `CaptionsLayout`, and why an inspection sets it.
_KEYS = {
    "captions_file": "the table that names the images",
    "images": "where these images are",
    "input_column": "most of its cells are names of images",
    "caption_columns": "the columns of sentences",
    "split_column": "it says train, validation or test",
}
_MIN_IMAGES = 0.5  # fraction of the cells of a column that are names of images
_SIDE_WORDS = frozenset(("left", "right", "links", "rechts", "linke", "rechte", "gauche", "droite"))
_MAX_SIZE = {"MobileNetV2": 160, "small_cnn": 64}
_STRIDE = 32  # total stride of MobileNetV2 in pixels


def inspect_images(path, overrides):
    """Return the `Inspection` of a folder with images and a captions file.

    Args:
        path: Folder.
        overrides: As for `inspect_data`.

    Raises:
        DataError: no file names the images, or there is too little data.
    """
    return _inspect("image_captioning", path, overrides)[0]


def inspect_clips(path, overrides):
    """Return the `Inspection` of a folder with clips, as videos or frames, and a captions file.

    Args:
        path: Folder.
        overrides: As for `inspect_data`.

    Raises:
        DataError: no file names the clips, or there is too little data.
    """
    inspection, clips = _inspect("video_captioning", path, overrides)
    counts = [len(clip.frames) for clip in clips if not clip.frames[0].lower().endswith(VIDEO_SUFFIXES)]
    if counts:
        inspection.describe_lengths(counts, "frames", "Frames of a clip")
        frames = quantile(counts, 0.95)
        inspection.decide("model.frames", min(16, frames), f"95 % of the clips have at most {frames} frames")
    return inspection


def _inspect(task, path, overrides):
    inspection = Inspection(task, str(path), task, overrides)
    splits, store = _load(inspection, path)
    words = _describe_captions(inspection, splits)
    examples = [example for split in splits.values() for example in split]
    size = describe_images(inspection, store, [name for example in examples for name in example.frames])
    _decide_encoder(inspection, size, words)
    return inspection, examples


def _load(inspection, path):
    layout, store = _decide_layout(inspection, path), None

    def load(request, invalid):
        nonlocal store
        splits, store = load_captioned_folder(path, request, invalid, layout)
        return splits

    if layout == DEFAULT_LAYOUT:
        names = [file.name for file in find_captions(path)[0]]
        inspection.add("file", {"file": names}, f"Captions: {', '.join(names)}.")
    inspection.describe_unread(path, used_files(path, layout))
    splits = inspection.load_splits(load)
    named = {name for split in splits.values() for example in split for name in example.frames}
    text = f"{count_of(len(named), 'image or video', 'images or videos')} with captions."
    inspection.add("images", len(named), text)
    unnamed = {name for name in store.names if _is_image_name(name)} - named
    if unnamed:
        text = f"{count_of(len(unnamed), 'file')} without a caption: not used."
        inspection.warn("without_caption", len(unnamed), text)
    inspection.describe_splits(splits, num_files=1, noun=_noun(inspection))
    describe_duplicate_images(inspection, store, splits)
    return splits, store


def _is_image_name(name):
    return name.lower().endswith((*STILL_SUFFIXES, *VIDEO_SUFFIXES))


def _noun(inspection):
    return "Images" if inspection.task == "image_captioning" else "Clips"


def _decide_layout(inspection, path):
    """The layout from the overrides, the default one, or one detected from the contents."""
    values = [inspection.overrides.get(f"data.{key}") for key in _KEYS]
    given = {name: value for name, value in zip(CaptionsLayout._fields, values) if value is not None}
    if "captions" in given:
        given["captions"] = tuple(given["captions"])
    if "file" in given:
        return CaptionsLayout(**given)
    if _has_default_layout(path):
        return DEFAULT_LAYOUT._replace(**given)
    layout = _detect_layout(inspection, path)
    for (key, why), value, default in zip(_KEYS.items(), layout, DEFAULT_LAYOUT):
        if value != default:
            inspection.decide(f"data.{key}", list(value) if isinstance(value, tuple) else value, why)
    return layout._replace(**given)


def _has_default_layout(path):
    try:
        file = next(iter(find_captions(path)[0]))
        if file.name.startswith(("captions.csv", "captions.tsv", "captions.txt")):
            columns = set(read_table(file).header)
            return "caption" in columns and bool(columns & {"image", "video"})
    except DataError:
        return False
    return True


def _detect_layout(inspection, path):
    folder = Path(path)
    if not folder.is_dir():
        raise DataError(str(path), "not a folder", expected="a folder with images and a captions file")
    for file in sorted(folder.glob("*.json")):
        if _holds_captions(file):
            return CaptionsLayout(file.name)
    for file in visible_files(folder):
        if not file.name.lower().endswith(_TABLE_SUFFIXES):
            continue
        try:
            table = read_table(file)
        except DataError:
            if file.suffix == ".txt":  # which need not be a table
                continue
            raise
        for name, zip_name, store in _image_columns(folder, table):
            describe_table(inspection, {"all": table})
            captions = _caption_columns(table, name)
            if not captions:
                fix, expected = f"The names of images are in {shown(name)}.", "a column of sentences"
                raise DataError(str(file), "no column looks like captions", expected=expected, fix=fix)
            default = DEFAULT_LAYOUT.split
            split = next((column.name for column in table.columns() if column.kind == "split"), default)
            images = zip_name or _image_folder(folder, store, table.cells(name))
            return CaptionsLayout(file.name, images, name, captions, split)
    expected = "a CSV file with a column of image names and a column of captions, captions.jsonl (a line: "
    expected += '{"image": "a.jpg", "captions": ["A dog."]}), or JSON in the layout of COCO or Karpathy'
    raise no_data(folder, expected, "Are the images in this folder, in a subfolder, or in one zip file?")


def _holds_captions(file):
    """Whether a JSON file has a supported layout."""
    try:
        record = next(read_captions(file), None)
    except DataError:
        return False
    return record is not None and not record.problem


def _image_columns(folder, table):
    """Yield the columns of a table that mostly name images, the zip file of these or None, and the store."""
    zips = [file for file in sorted(folder.glob("*.zip")) if zipfile.is_zipfile(file)]
    stores = [(None, ImageStore(folder)), *((file.name, ImageStore(file)) for file in zips)]
    for column in table.columns():
        for zip_name, store in stores:
            names = [store.resolve(cell) for cell in column.cells[:500]]
            count = sum(name in store.names and _is_image_name(name) for name in names)
            if names and count >= _MIN_IMAGES * len(names):
                yield column.name, zip_name, store


def _image_folder(folder, store, cells):
    """The subfolder that holds all images, or "."."""
    names = {store.resolve(cell) for cell in cells} & set(store.names)
    tops = {name.partition("/")[0] if "/" in name else "." for name in names}
    top = tops.pop() if len(tops) == 1 else "."
    return top if (folder / top).is_dir() else "."


def _caption_columns(table, image_column):
    """The columns of sentences: by their names, or else all texts of several words that mostly differ."""
    texts = [c for c in table.columns() if c.kind == "text" and c.name != image_column]
    named = [c for c in texts if any(name in c.name.casefold() for name in _CAPTION_NAMES)]
    sentences = [c for c in texts if c.mean_words >= 3 and c.distinct > len(c.cells) / 3]
    columns = [c for c in named if c in sentences] or sentences or named
    return tuple(column.name for column in columns)


def _describe_captions(inspection, splits):
    """Describe the captions; returns the words of those of train."""
    counts = Counter(len(example.captions) for split in splits.values() for example in split)
    total = count_of(sum(number * times for number, times in counts.items()), "caption")
    one = _noun(inspection).lower().removesuffix("s")
    listed = ", ".join(
        f"{number} for each of {count_of(times, one)}" for number, times in sorted(counts.items())[:6]
    )
    text = f"{total}: {listed}; all captions of one {one} are its references."
    inspection.add("captions", {str(number): times for number, times in sorted(counts.items())}, text)
    captions = [caption for example in splits["train"] for caption in example.captions]
    words = [words_of(caption) for caption in captions]
    inspection.describe_lengths(list(map(len, words)), "lengths", "Words of a caption")
    inspection.describe_repeats(captions, "captions")
    _decide_words(inspection, words)
    inspection.decide_training(len(captions), min_epochs=8, steps=2000, noun="captions")
    return words


def _decide_words(inspection, words):
    """Decide vocabulary and lengths from the captions of train.

    Args:
        inspection: `Inspection`.
        words: List of lists of words.
    """
    counts = Counter(word for caption in words for word in caption)
    min_count = 1 if len(words) < 500 else 2 if len(words) < 5000 else 3
    num_kept = sum(count >= min_count for count in counts.values())
    frequent = "" if min_count == 1 else f", {num_kept:,} of them at least {min_count} times"
    text = f"{len(counts):,} distinct words in the captions of train{frequent}."
    inspection.add("vocabulary", {"words": len(counts), "kept": num_kept}, text)
    inspection.decide("data.min_count", min_count, f"{len(words):,} captions in train")
    size = min(10_000, round_up(num_kept + 4, 100))
    inspection.decide("data.vocabulary_size", size, f"{num_kept:,} words of train are kept")
    length = quantile(list(map(len, words)), 0.98)
    inspection.decide("data.max_length", max(5, length), f"98 % of the captions have at most {length} words")
    inspection.decide("model.decoding.max_length", max(5, length), "as long as the training captions")


def _decide_encoder(inspection, pixels, words):
    """Decide the image encoder and the size of its images.

    Args:
        inspection: `Inspection`.
        pixels: The smaller dimension of most images.
        words: List of lists of words, the captions of train.
    """
    name, why = "MobileNetV2", "its ImageNet weights are on this machine"
    if not _has_weights():
        name = "small_cnn"
        why = "no ImageNet weights on this machine; MobileNetV2 is better if they can be downloaded"
        weights_why = "random initialization; for MobileNetV2: imagenet, and image_size [160, 160]"
        inspection.decide("model.encoder.weights", None, weights_why)
    inspection.decide("model.encoder.name", name, why)
    size = max(_STRIDE, min(_MAX_SIZE[name], pixels // _STRIDE * _STRIDE))
    why = f"most images are at least {pixels} pixels wide and high"
    inspection.decide("model.encoder.image_size", [size, size], why)
    if name == "small_cnn":
        inspection.decide("model.encoder.pooled", False, "attention over a grid of regions")
    sides = _SIDE_WORDS & {word for caption in words for word in caption}
    why = f"captions say {', '.join(sorted(sides))}" if sides else "no caption says left or right"
    inspection.decide("model.encoder.horizontal_flip", not sides, why)
    if len(words) < 10_000:
        units, embedding = (128, 64) if len(words) < 2000 else (256, 128)
        settings = {"model.units": [units], "model.projection": units, "model.embedding": embedding}
        if inspection.task == "video_captioning":
            settings["model.encoder_units"] = [embedding]
        inspection.decide_all(settings, f"a smaller network for {len(words):,} captions")


def _has_weights():
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    return any((home / "models").glob("mobilenet_v2*1.0_160_no_top.h5"))
