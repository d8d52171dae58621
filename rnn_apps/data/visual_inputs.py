"""Pictures and clips as arrays, decoded once: pixels, or the features that a frozen network gives of them."""

import logging

import numpy as np
import tensorflow as tf

from rnn_apps.data.features import FeatureCache, cache_folder, fingerprint
from rnn_apps.data.video import read_all
from rnn_apps.errors import DataError, shown

_IMAGES_AT_ONCE = 32
_log = logging.getLogger(__name__)


class VisualInputs:
    """The pictures, or the clips, of one part of a data set, by their number.

    The array of a picture is its pixels, uint8 (height, width, 3), or with `front` what that gives, float16
    (places, features). Those of a clip are the same for each frame, one after the other: (frames, height,
    width, 3) or (frames, places * features); where a clip has fewer frames, zeros follow, and black is 1.

    Args:
        inputs: list of `Captioned`.
        read: ``read(one)`` gives the images of an input, uint8 (images, height, width, 3), one for a picture;
            it raises ValueError or DataError for what cannot be read.
        mark: ``mark(one)`` gives what changes when the images of an input change.
        size: (height, width) in pixels.
        frames: of a clip at most; None for pictures.
        front: `keras.Model` from images (images, height, width, 3) to (images, places, features), or None.
        key: what `front` depends on: anything that JSON can write.
        mirror: keep the mirrored images too.
        workers: threads that read.

    Attributes:
        inputs: those that can be read, once `fill` has run.
    """

    def __init__(self, inputs, read, mark, size, frames=None, front=None, key=None, mirror=False, workers=2):
        self._workers = workers
        self.inputs, self._all, self._read, self.frames = inputs, inputs, read, frames
        self._rows, self._size, self._front = np.arange(len(inputs)), tuple(size), front
        marks = [mark(one) for one in inputs]
        self._caches = [
            self._cache(fingerprint(key, list(size), frames, mirrored, marks))
            for mirrored in ([False, True] if mirror and front else [False])
        ]
        self._run = front and tf.function(lambda images: front(images, training=False), autograph=False)

    def _cache(self, name):
        count = len(self._all)
        if self._front is None:
            shape = (*self._size, 3) if self.frames is None else (self.frames, *self._size, 3)
            return FeatureCache(cache_folder() / name, count, shape, np.uint8)
        places, features = self._front.output_shape[1:]
        shape = (places, features) if self.frames is None else (self.frames, places * features)
        return FeatureCache(cache_folder() / name, count, shape)

    @property
    def shape(self):
        """Shape of one array."""
        return self._caches[0].shape

    @property
    def dtype(self):
        """Type of the arrays."""
        return self._caches[0].dtype

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, numbers):
        """Return the arrays of these inputs, in the order of the numbers."""
        return self._caches[0][self._rows[numbers]]

    def partly_mirrored(self, numbers, mirrored):
        """Return the arrays of these inputs, mirrored where `mirrored`, bool (len(numbers),), says so."""
        arrays = self[numbers]
        if self._front is None:
            arrays[mirrored] = arrays[mirrored][..., ::-1, :]
        elif mirrored.any():
            arrays[mirrored] = self._caches[1][self._rows[numbers[mirrored]]]
        return arrays

    def images(self, number):
        """Return the images of an input, uint8 (images, height, width, 3)."""
        return self._read(self.inputs[number])

    def fill(self, bad):
        """Read what is not on disk yet; inputs that cannot be read are left out.

        Args:
            bad: `BadRecords`, told of them.

        Raises:
            DataError: an input is bad and not to be skipped, or the cache cannot be written.
        """
        for mirrored, cache in enumerate(self._caches):
            try:
                cache.fill(lambda b, e, m=bool(mirrored): self._compute(range(b, e), m, bad), _log.info)
            except OSError as error:
                fix = "Set RNN_APPS_CACHE to a folder of your own with enough space."
                problem = f"cannot be written: {error.strerror or error}"
                raise DataError(str(cache.folder), problem, fix=fix) from error
        lost = {row for row in self._caches[0].empty() if self._images_or_none(row, bad) is None}
        usable = [row for row in range(len(self._all)) if row not in lost]
        self._rows, self.inputs = np.array(usable, np.int64), [self._all[row] for row in usable]

    def _images_or_none(self, row, bad):
        one = self._all[row]
        try:
            return self._read(one)
        except (ValueError, DataError) as error:
            bad.report(
                shown(one.name)[1:-1], "cannot be read", "Save it anew.", received=str(error).rstrip(".")
            )
            return None

    def _compute(self, rows, mirrored, bad):
        """Arrays of these inputs; zeros for bad ones where they are skipped."""
        cache = self._caches[0]
        result = np.zeros((len(rows), *cache.shape), cache.dtype)
        waiting = []
        silent = _Silent(bad)
        all_images = read_all(rows, lambda row: self._images_or_none(row, silent), self._workers)
        for place, images in enumerate(all_images):
            if images is None:
                continue
            images = images if self.frames is None else np.maximum(images, 1)
            images = images[:, :, ::-1] if mirrored else images
            if self._front is None:
                result[place] = self._padded(images)
                continue
            waiting += [(place, frame, image) for frame, image in enumerate(images)]
            if len(waiting) >= _IMAGES_AT_ONCE:
                self._see(waiting, result)
                waiting = []
        if waiting:
            self._see(waiting, result)
        return result

    def _padded(self, images):
        if self.frames is None:
            return images[0]
        missing = self.frames - len(images)
        return np.pad(images, [(0, missing), (0, 0), (0, 0), (0, 0)])

    def _see(self, waiting, result):
        """Put the features of (place, frame, image) into their places."""
        features = self._run(tf.constant(np.stack([image for *_, image in waiting]), tf.float32)).numpy()
        for (place, frame, _), one in zip(waiting, features):
            where = place if self.frames is None else (place, frame)
            result[where] = one.reshape(result[where].shape)


class _Silent:
    """Bad records that are refused at once are reported at once; those that are skipped, once at the end."""

    def __init__(self, bad):
        self._bad = bad

    def report(self, *args, **details):
        if self._bad.action == "fail":
            self._bad.report(*args, **details)
