"""Loads captioned images and clips from TFDS, the user's folder, or synthetic data."""

import hashlib
from typing import NamedTuple

from rnn_apps.data import tfds_source
from rnn_apps.data.caption_files import DEFAULT_LAYOUT
from rnn_apps.data.captions import CaptionedExample, load_captioned_folder
from rnn_apps.data.image_store import ImageStore
from rnn_apps.data.images import encode_png
from rnn_apps.data.splits import SPLITS_BY_NAME, split_generated
from rnn_apps.data.synthetic.captioned_clips import captioned_clips
from rnn_apps.data.synthetic.captioned_images import captioned_images
from rnn_apps.errors import DataError

_IMAGE_PIXELS, _CLIP_PIXELS, _CLIP_FRAMES = 64, 40, 8  # of synthetic data


class CaptionedSplits(NamedTuple):
    """A data set of captioned images or clips.

    Args:
        name: Name of its source.
        splits: Split name to list of `CaptionedExample`.
        store: Reads the images by name.
    """

    name: str
    splits: dict
    store: ImageStore


class InMemoryImages:
    """Holds encoded images in memory, by name.

    Args:
        path: Name of the store in messages.
        images: Name to bytes.

    Attributes:
        workers: Number of threads that may read at once.
    """

    workers = 2

    def __init__(self, path, images):
        self.path, self._images = path, images

    def read(self, name):
        """Return the bytes of an image."""
        return self._images[name]

    def fingerprint(self, name):
        """Return a value that changes with the image."""
        return hashlib.sha256(self._images[name]).hexdigest()[:16]


def load_captioned_images(source, request, invalid, layout=DEFAULT_LAYOUT):
    """Load the captions of a source, and the store of its images.

    Args:
        source: `DataSource`; for files see `rnn_apps.data.captions`.
        request, invalid, layout: As in `load_captioned_folder`.

    Returns:
        `CaptionedSplits`.

    Raises:
        SourceUnavailable: a TFDS data set is neither on this machine nor reachable.
        DataError: as in `load_captioned_folder`.
    """
    if source.name == "files":
        splits, store = load_captioned_folder(source.path, request, invalid, layout)
        return CaptionedSplits(str(source.path), splits, store)
    if source.name == "sample":
        images = captioned_images(source.sample_size, source.seed, _IMAGE_PIXELS)
        return _synthetic("scenes", [([image.pixels], image.captions) for image in images])
    return _from_tfds(source.name.removeprefix("tfds:"))


def load_captioned_clips(source, request, invalid, layout=DEFAULT_LAYOUT):
    """Load the captions of a source, files or synthetic data; as `load_captioned_images`."""
    if source.name == "files":
        return load_captioned_images(source, request, invalid, layout)
    clips = captioned_clips(source.sample_size, source.seed, _CLIP_FRAMES, _CLIP_PIXELS)
    return _synthetic("clips", [(clip.frames, clip.captions) for clip in clips])


def _synthetic(name, generated):
    """Generated images with captions: 80 % train, 10 % validation, 10 % test."""
    images, examples = {}, []
    for number, (frames, captions) in enumerate(generated):
        names = [f"{name}-{number:05}-{frame}.png" for frame in range(len(frames))]
        images |= {frame: encode_png(pixels) for frame, pixels in zip(names, frames)}
        examples.append(CaptionedExample(f"{name}-{number:05}", tuple(names), captions))
    store = InMemoryImages(f"sample:{name}", images)
    return CaptionedSplits(f"sample:{name}", split_generated(examples), store)


def _from_tfds(name):
    builder = tfds_source.open_builder(name)
    names = {split: SPLITS_BY_NAME[split] for split in builder.info.splits if split in SPLITS_BY_NAME}
    if set(names.values()) != set(SPLITS_BY_NAME.values()):
        received = f"the splits {', '.join(builder.info.splits) or 'none'}"
        raise DataError(f"tfds:{name}", received=received, expected="train, val and test")
    store = tfds_source.TfdsImages(builder)
    splits = {name: store.captioned(split) for split, name in names.items()}
    return CaptionedSplits(f"tfds:{name}", splits, store)
