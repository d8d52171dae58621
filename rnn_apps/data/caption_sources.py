"""Where pictures and clips with captions come from: TFDS, the user's folder, or generated; one interface."""

import hashlib
from typing import NamedTuple

from rnn_apps.data import tfds_source
from rnn_apps.data.caption_files import USUAL
from rnn_apps.data.captions import Captioned, load_captioned
from rnn_apps.data.image_store import ImageStore
from rnn_apps.data.images import encode_png
from rnn_apps.data.samples.clips import clips
from rnn_apps.data.samples.scenes import scenes
from rnn_apps.data.splits import split_generated
from rnn_apps.errors import DataError

_SPLITS_OF_TFDS = {"train": "train", "validation": "validation", "val": "validation", "test": "test"}
_SCENE_PIXELS, _CLIP_PIXELS, _CLIP_FRAMES = 64, 40, 8  # of what is generated


class CaptionedSplits(NamedTuple):
    """A data set of pictures or clips with captions.

    Args:
        name: of its source.
        splits: split name to list of `Captioned`.
        store: where the pictures are read from, by name.
    """

    name: str
    splits: dict
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


def load_pictures(source, request, bad, layout=USUAL):
    """Read the captions of a source, and where its pictures are.

    Args:
        source: `DataSource`; for files see `rnn_apps.data.captions`.
        request, bad, layout: as in `load_captioned`.

    Returns:
        `CaptionedSplits`.

    Raises:
        SourceUnavailable: a set of TFDS is neither here nor reachable.
        DataError: as `load_captioned`.
    """
    if source.name == "files":
        return CaptionedSplits(str(source.path), *load_captioned(source.path, request, bad, layout))
    if source.name == "sample":
        generated = scenes(source.sample_size, source.seed, _SCENE_PIXELS)
        return _sample("scenes", [([scene.image], scene.captions) for scene in generated])
    return _from_tfds(source.name.removeprefix("tfds:"))


def load_clips(source, request, bad, layout=USUAL):
    """Read the captions of a source, files or the sample, and where its clips are; as `load_pictures`."""
    if source.name == "files":
        return CaptionedSplits(str(source.path), *load_captioned(source.path, request, bad, layout))
    made = clips(source.sample_size, source.seed, _CLIP_FRAMES, _CLIP_PIXELS)
    return _sample("clips", [(clip.frames, clip.captions) for clip in made])


def _sample(name, made):
    """Generated images with captions: 80 % train, 10 % validation, 10 % test."""
    images, inputs = {}, []
    for number, (frames, captions) in enumerate(made):
        names = [f"{name}-{number:05}-{frame}.png" for frame in range(len(frames))]
        images |= {frame: encode_png(pixels) for frame, pixels in zip(names, frames)}
        inputs.append(Captioned(f"{name}-{number:05}", tuple(names), captions))
    return CaptionedSplits(f"sample:{name}", split_generated(inputs), EncodedImages(f"sample:{name}", images))


def _from_tfds(name):
    builder = tfds_source.open_builder(name)
    splits = {split: _SPLITS_OF_TFDS[split] for split in builder.info.splits if split in _SPLITS_OF_TFDS}
    if set(splits.values()) != set(_SPLITS_OF_TFDS.values()):
        there = ", ".join(builder.info.splits) or "none"
        raise DataError(f"tfds:{name}", received=f"the splits {there}", expected="train, val and test")
    store = tfds_source.EncodedImagesOfSplits(builder)
    captioned = {name: store.captioned(split) for split, name in splits.items()}
    return CaptionedSplits(f"tfds:{name}", captioned, store)
