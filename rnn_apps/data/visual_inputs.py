"""Reads images and clips as arrays, decoded once: pixels, or the features of a frozen network."""

import logging

import numpy as np
import tensorflow as tf

from rnn_apps.data.features import FeatureCache, cache_folder, fingerprint
from rnn_apps.data.threads import map_in_threads
from rnn_apps.errors import DataError, shown

_IMAGE_BATCH = 32
_log = logging.getLogger(__name__)


class StoredInputs:
    """Arrays of the images or clips of a split of prepared data, with the methods of `VisualInputs`.

    Args:
        store: `rnn_apps.data.shard_store.ShardStore` with the columns ``inputs`` and optionally ``mirrored``.
        rows: Index of each example in the store; None for all.
        inputs: List of `CaptionedExample`, if they are in memory.
    """

    def __init__(self, store, rows=None, inputs=()):
        self._store, self.inputs = store, inputs
        self._rows = np.arange(len(store)) if rows is None else rows
        self.dtype, self.shape = store.type_of("inputs")

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, indices):
        """Return the arrays of these inputs, in the order of the indices."""
        return self._store.values("inputs", self._rows[indices])

    def partly_mirrored(self, indices, mirrored):
        """Return the arrays of these inputs, mirrored where `mirrored`, bool (len(indices),), is set."""
        arrays = self[indices]
        if "mirrored" not in self._store.names:
            arrays[mirrored] = arrays[mirrored][..., ::-1, :]
        elif mirrored.any():
            arrays[mirrored] = self._store.values("mirrored", self._rows[indices[mirrored]])
        return arrays


class VisualInputs:
    """Arrays of the images or clips of one split, by index.

    The array of an image is its pixels, uint8 (height, width, 3), or the output of `feature_extractor`,
    float16 (positions, features). The array of a clip is (frames, height, width, 3) or (frames, positions *
    features); shorter clips are padded with zeros, and black pixels become 1.

    Args:
        inputs: List of `CaptionedExample`.
        read: ``read(example)`` returns its images, uint8 (images, height, width, 3), one for an image; it
            raises ValueError or DataError if they cannot be read.
        fingerprint_of: ``fingerprint_of(example)`` returns a value that changes with its images.
        size: (height, width) in pixels.
        frames: Maximum number of frames of a clip, or None for images.
        feature_extractor: Function with an `output_shape`, from images (images, height, width, 3) to
            (images, positions, features), or None.
        key: Whatever `feature_extractor` depends on, as anything that can be written as JSON.
        mirror: Whether to cache the features of mirrored images too.
        workers: Number of threads that read.

    Attributes:
        inputs: The readable examples, after `fill` or `compute`.
        arrays: After `compute`, their arrays, and those of mirrored images if there are any.
    """

    def __init__(
        self,
        inputs,
        read,
        fingerprint_of,
        size,
        frames=None,
        feature_extractor=None,
        key=None,
        mirror=False,
        workers=2,
    ):
        self._workers, self.arrays = workers, []
        self.inputs, self._all, self._read, self.frames = inputs, inputs, read, frames
        self._rows, self._size, self._extractor = np.arange(len(inputs)), tuple(size), feature_extractor
        fingerprints = [fingerprint_of(example) for example in inputs]
        self._caches = [
            self._cache(fingerprint(key, list(size), frames, mirrored, fingerprints))
            for mirrored in ([False, True] if mirror and feature_extractor else [False])
        ]

    def _cache(self, name):
        if self._extractor is None:
            shape, dtype = (*self._size, 3), np.uint8
            shape = shape if self.frames is None else (self.frames, *shape)
        else:
            positions, features = self._extractor.output_shape[1:]
            shape, dtype = (positions, features), np.float16
            shape = shape if self.frames is None else (self.frames, positions * features)
        return FeatureCache(cache_folder() / name, len(self._all), shape, dtype)

    @property
    def shape(self):
        """Shape of one array."""
        return self._caches[0].shape

    @property
    def dtype(self):
        """Data type of the arrays."""
        return self._caches[0].dtype

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, indices):
        """Return the arrays of these inputs, in the order of the indices."""
        return self._caches[0][self._rows[indices]]

    def partly_mirrored(self, indices, mirrored):
        """Return the arrays of these inputs, mirrored where `mirrored`, bool (len(indices),), is set."""
        arrays = self[indices]
        if self._extractor is None:
            arrays[mirrored] = arrays[mirrored][..., ::-1, :]
        elif mirrored.any():
            arrays[mirrored] = self._caches[1][self._rows[indices[mirrored]]]
        return arrays

    def fill(self, invalid):
        """Fill the cache on disk; inputs that cannot be read are left out.

        Args:
            invalid: `InvalidRecords`, which they are reported to.

        Raises:
            DataError: an invalid input that is not to be skipped, or the cache cannot be written.
        """
        for mirrored, cache in enumerate(self._caches):
            try:
                cache.fill(lambda a, b, m=bool(mirrored): self._compute(range(a, b), m, invalid), _log.info)
            except OSError as error:
                fix = "Set RNN_APPS_CACHE to a folder of your own with enough space."
                problem = f"cannot be written: {error.strerror or error}"
                raise DataError(str(cache.folder), problem, fix=fix) from error
        self._leave_out(self._caches[0].empty(), invalid)

    def compute(self, invalid):
        """Compute `arrays` in memory, in place of `fill`; inputs that cannot be read are left out.

        Args:
            invalid: `InvalidRecords`, which they are reported to.

        Raises:
            DataError: an invalid input that is not to be skipped.
        """
        every = range(len(self._all))
        arrays = [self._compute(every, bool(mirrored), invalid) for mirrored in range(len(self._caches))]
        is_empty = ~arrays[0][:, 0].reshape(len(every), -1).any(axis=1)
        self._leave_out(np.flatnonzero(is_empty), invalid)
        self.arrays = [array[self._rows] for array in arrays]

    def _leave_out(self, empty, invalid):
        """Leave out those of the rows with empty arrays that cannot be read."""
        unreadable = {row for row in empty if self._read_or_report(row, invalid) is None}
        rows = [row for row in range(len(self._all)) if row not in unreadable]
        self._rows, self.inputs = np.array(rows, np.int64), [self._all[row] for row in rows]

    def _read_or_report(self, row, invalid):
        """Images of an input, or None if it is invalid and skipped; `invalid` may be None."""
        example = self._all[row]
        try:
            return self._read(example)
        except (ValueError, DataError) as error:
            if invalid is not None:
                received = str(error).rstrip(".")
                invalid.report(
                    shown(example.name)[1:-1], "cannot be read", "Save it again.", received=received
                )
            return None

    def _compute(self, rows, mirrored, invalid):
        """Arrays of these inputs; zeros for invalid ones that are skipped."""
        cache, frames = self._caches[0], self.frames or 1
        result = np.zeros((len(rows), frames, int(np.prod(cache.shape)) // frames), cache.dtype)
        # invalid inputs are reported at once if they are refused, and at the end if they are skipped
        reported_now = invalid if invalid.action == "fail" else None
        inputs = map_in_threads(rows, lambda row: self._read_or_report(row, reported_now), self._workers)
        pending = []
        for position, images in enumerate(inputs):
            if images is None:
                continue
            images = images if self.frames is None else np.maximum(images, 1)
            images = images[:, :, ::-1] if mirrored else images
            if self._extractor is None:
                result[position, : len(images)] = images.reshape(len(images), -1)
                continue
            pending += [(position, frame, image) for frame, image in enumerate(images)]
            if len(pending) >= _IMAGE_BATCH:
                self._extract(pending, result)
                pending = []
        if pending:
            self._extract(pending, result)
        return result.reshape(len(rows), *cache.shape)

    def _extract(self, pending, result):
        """Write the features of (position, frame, image) into the result."""
        features = self._extractor(
            tf.constant(np.stack([image for *_, image in pending]), tf.float32)
        ).numpy()
        for (position, frame, _), array in zip(pending, features):
            result[position, frame] = array.ravel()
