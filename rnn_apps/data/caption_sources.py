"""Where pictures and clips with captions come from: TFDS, the user's folder, or generated; one interface."""

import hashlib
from typing import NamedTuple

from rnn_apps.data import tfds_source
from rnn_apps.data.caption_files import USUAL
from rnn_apps.data.captions import Captioned, load_captioned
from rnn_apps.data.image_store import ImageStore
from rnn_apps.data.images import encode_png
from rnn_apps.data.records import cut_in_parts
from rnn_apps.data.samples.clips import clips
from rnn_apps.data.samples.scenes import scenes
from rnn_apps.errors import DataError

_PARTS_OF_TFDS = {"train": "train", "validation": "validation", "val": "validation", "test": "test"}
_SCENE_PIXELS, _CLIP_PIXELS, _CLIP_FRAMES = 64, 40, 8  # of what is generated


class CaptionedParts(NamedTuple):
    """A data set of pictures or clips with captions.

    Args:
        name: of its source.
        parts: part name to list of `Captioned`.
        store: where the pictures are read from, by name.
    """

    name: str
    parts: dict
    store: ImageStore


class EncodedImages:
    """Encoded images in memory, by name.

    Args:
        path: what a message calls them.
        images: name to bytes.

    Attributes:
        workers: threads that may read at once.
    """

    workers = 2

    def __init__(self, path, images):
        self.path, self._images = path, images

    def read(self, name):
        """Return the bytes of one of `names`."""
        return self._images[name]

    def mark(self, name):
        """Return what changes when the image changes."""
        return hashlib.sha256(self._images[name]).hexdigest()[:16]


def load_pictures(source, path, sample_size, seed, bad, validation_fraction, whole=False, layout=USUAL):
    """Read the captions of the source that a recipe names, and where its pictures are.

    Args:
        source: ``tfds:NAME``, ``files`` or ``sample``.
        path: folder, where source is ``files``; see `rnn_apps.data.captions`.
        sample_size, seed: of the generated sample.
        bad, validation_fraction, whole, layout: as in `load_captioned`.

    Returns:
        `CaptionedParts` with train, validation and test.

    Raises:
        SourceUnavailable: a set of TFDS is neither here nor reachable.
        DataError: as `load_captioned`.
    """
    if source == "files":
        return CaptionedParts(str(path), *load_captioned(path, bad, validation_fraction, whole, layout))
    if source == "sample":
        return _sample("scenes", [([s.image], s.captions) for s in scenes(sample_size, seed, _SCENE_PIXELS)])
    return _from_tfds(source.removeprefix("tfds:"))


def load_clips(source, path, sample_size, seed, bad, validation_fraction, whole=False, layout=USUAL):
    """Read the captions of the source that a recipe names, and where its clips are.

    Args:
        source: ``files`` or ``sample``; the others as in `load_pictures`.
    """
    if source == "files":
        return CaptionedParts(str(path), *load_captioned(path, bad, validation_fraction, whole, layout))
    made = clips(sample_size, seed, _CLIP_FRAMES, _CLIP_PIXELS)
    return _sample("clips", [(clip.frames, clip.captions) for clip in made])


def _sample(name, made):
    """Generated images with captions: 80 % train, 10 % validation, 10 % test."""
    images, inputs = {}, []
    for number, (frames, captions) in enumerate(made):
        names = [f"{name}-{number:05}-{frame}.png" for frame in range(len(frames))]
        images |= {frame: encode_png(pixels) for frame, pixels in zip(names, frames)}
        inputs.append(Captioned(f"{name}-{number:05}", tuple(names), captions))
    return CaptionedParts(f"sample:{name}", cut_in_parts(inputs), EncodedImages(f"sample:{name}", images))


def _from_tfds(name):
    builder = tfds_source.open_builder(name)
    splits = {split: _PARTS_OF_TFDS[split] for split in builder.info.splits if split in _PARTS_OF_TFDS}
    if set(splits.values()) != set(_PARTS_OF_TFDS.values()):
        there = ", ".join(builder.info.splits) or "none"
        raise DataError(f"tfds:{name}", received=f"the splits {there}", expected="train, val and test")
    store = tfds_source.EncodedImagesOfSplits(builder)
    parts = {part: store.captioned(split) for split, part in splits.items()}
    return CaptionedParts(f"tfds:{name}", parts, store)
