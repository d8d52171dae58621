"""Where pictures with captions come from: TFDS, the user's folder, or the generated sample; one interface."""

import hashlib
import io
from typing import NamedTuple

from rnn_apps.data import tfds_source
from rnn_apps.data.captions import Captioned, ImageStore, load_captioned
from rnn_apps.data.samples.scenes import scenes
from rnn_apps.errors import DataError

__all__ = ["CaptionedParts", "EncodedImages", "load_pictures"]

_PARTS_OF_TFDS = {"train": "train", "validation": "validation", "val": "validation", "test": "test"}
_LONGEST_SIDE = 64  # pixels of a generated picture


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
    """

    def __init__(self, path, images):
        self.path, self._images = path, images
        self.names = images.keys()

    def read(self, name):
        """Return the bytes of one of `names`."""
        return self._images[name]

    def mark(self, name):
        """Return what changes when the image changes."""
        return hashlib.sha256(self._images[name]).hexdigest()[:16]


def load_pictures(source, path, sample_size, seed, bad, validation_fraction, whole=False):
    """Read the captions of the source that a recipe names, and where its pictures are.

    Args:
        source: ``tfds:NAME``, ``files`` or ``sample``.
        path: folder, where source is ``files``; see `rnn_apps.data.captions`.
        sample_size, seed: of the generated sample.
        bad, validation_fraction, whole: as in `load_captioned`.

    Returns:
        `CaptionedParts` with train, validation and test.

    Raises:
        SourceUnavailable: a set of TFDS is neither here nor reachable.
        DataError: as `load_captioned`.
    """
    if source == "files":
        return CaptionedParts(str(path), *load_captioned(path, bad, validation_fraction, whole))
    if source == "sample":
        return _sample(sample_size, seed)
    return _from_tfds(source.removeprefix("tfds:"))


def _sample(size, seed):
    """Generated scenes: 80 % train, 10 % validation, 10 % test."""
    images, inputs = {}, []
    for number, scene in enumerate(scenes(size, seed, _LONGEST_SIDE)):
        name = f"scene-{number:05}.png"
        images[name] = _png(scene.image)
        inputs.append(Captioned(name, (name,), scene.captions))
    cuts = (0, round(0.8 * size), round(0.9 * size), size)
    parts = {p: inputs[a:b] for p, a, b in zip(("train", "validation", "test"), cuts, cuts[1:])}
    return CaptionedParts("sample:scenes", parts, EncodedImages("sample:scenes", images))


def _png(pixels):
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def _from_tfds(name):
    builder = tfds_source.open_builder(name)
    splits = {split: _PARTS_OF_TFDS[split] for split in builder.info.splits if split in _PARTS_OF_TFDS}
    if set(splits.values()) != set(_PARTS_OF_TFDS.values()):
        there = ", ".join(builder.info.splits) or "none"
        raise DataError(f"tfds:{name}", received=f"the splits {there}", expected="train, val and test")
    store = tfds_source.EncodedImagesOfSplits(builder)
    parts = {part: store.captioned(split) for split, part in splits.items()}
    return CaptionedParts(f"tfds:{name}", parts, store)
