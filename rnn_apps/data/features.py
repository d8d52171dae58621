"""What is read or computed once for every input, features or pixels, and kept on disk in shards."""

import hashlib
import json
import os
import threading
import time
from pathlib import Path

import numpy as np

from rnn_apps.disk import to_disk
from rnn_apps.errors import UserError

_INPUTS_A_SHARD = 256
_SHARDS_OPEN = 128  # each holds a file open


def cache_folder():
    """Return where features are kept: ``$RNN_APPS_CACHE``, else ``$XDG_CACHE_HOME`` or ``~/.cache``.

    Raises:
        UserError: none of them is set, and there is no home folder.
    """
    if chosen := os.environ.get("RNN_APPS_CACHE"):
        return Path(chosen)
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError as error:
        fix = "Set RNN_APPS_CACHE to a folder."
        raise UserError(
            "RNN_APPS_CACHE", "not set, and there is no home folder for features", fix=fix
        ) from error
    return base / "rnn-apps" / "features"


def fingerprint(*parts):
    """Return a name that changes with any of the parts, which may be anything that JSON can write."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class FeatureCache:
    """Arrays of one shape for many inputs, in shards that are written whole or not at all.

    Args:
        folder: of this cache alone; name it by the `fingerprint` of encoder, weights and inputs, so that
            another encoder or a changed image finds another folder.
        count: inputs.
        shape: of one input, such as (places, features).
        dtype: of the arrays: float16 for features, uint8 for pixels.
    """

    def __init__(self, folder, count, shape, dtype=np.float16):
        self.folder, self.count, self.shape = Path(folder), count, tuple(shape)
        self.dtype = np.dtype(dtype)
        self._shards, self._lock = {}, threading.Lock()

    @property
    def bytes(self):
        """Size of all shards on disk, headers apart."""
        return self.dtype.itemsize * self.count * int(np.prod(self.shape))

    def fill(self, compute, log=lambda text: None):
        """Compute what is missing; a fill that was broken off goes on where it stopped.

        Args:
            compute: ``compute(begin, end)`` gives the arrays of these inputs, (end - begin, *shape).
            say: is told size and time once the first of several shards has shown how long one takes.

        Raises:
            OSError: the disk is full or the folder cannot be written; finished shards stay.
        """
        missing = [shard for shard in range(-(-self.count // _INPUTS_A_SHARD)) if not self._is_there(shard)]
        if not missing:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for done, shard in enumerate(missing):
            begin, end = self._range(shard)
            start = time.perf_counter()
            self._write(shard, np.asarray(compute(begin, end), self.dtype))
            if done == 0 and len(missing) > 1:
                minutes = (time.perf_counter() - start) * (len(missing) - 1) / 60
                left = sum(np.diff(self._range(s))[0] for s in missing)
                log(
                    f"Preparing {left:,} inputs once: {self.bytes / 1e6:,.0f} MB in "
                    f"{self.folder}, about {minutes:.1f} minutes"
                )

    def __getitem__(self, inputs):
        """Return (len(inputs), *shape) for an array of input numbers, in their order."""
        inputs = np.asarray(inputs)
        result = np.empty((len(inputs), *self.shape), self.dtype)
        shards = inputs // _INPUTS_A_SHARD
        for shard in np.unique(shards):
            chosen = shards == shard
            result[chosen] = self._open(int(shard))[inputs[chosen] % _INPUTS_A_SHARD]
        return result

    def empty(self):
        """Return the numbers of the inputs whose array begins with nothing but zeros along its first axis."""
        shards = (self._open(shard)[:, 0] for shard in range(-(-self.count // _INPUTS_A_SHARD)))
        found = [~shard.reshape(len(shard), -1).any(axis=1) for shard in shards]
        return np.flatnonzero(np.concatenate(found)) if found else np.zeros(0, np.int64)

    def _range(self, shard):
        begin = shard * _INPUTS_A_SHARD
        return begin, min(begin + _INPUTS_A_SHARD, self.count)

    def _path(self, shard):
        return self.folder / f"{shard:05}.npy"

    def _is_there(self, shard):
        """Whether a shard is on disk, whole and of the right shape."""
        try:
            self._load(shard)
        except (OSError, ValueError, EOFError):
            return False
        return True

    def _open(self, shard):
        with self._lock:  # batches are read in threads
            if shard not in self._shards:
                while len(self._shards) >= _SHARDS_OPEN:
                    self._shards.pop(next(iter(self._shards)))
                self._shards[shard] = self._load(shard)
            return self._shards[shard]

    def _load(self, shard):
        begin, end = self._range(shard)
        found = np.load(self._path(shard), mmap_mode="r", allow_pickle=False)
        if found.shape != (end - begin, *self.shape) or found.dtype != self.dtype:
            raise ValueError(f"{self._path(shard)}: received {found.dtype} {found.shape}")
        return found

    def _write(self, shard, features):
        begin, end = self._range(shard)
        if features.shape != (end - begin, *self.shape):
            expected = (end - begin, *self.shape)
            raise ValueError(f"compute({begin}, {end}): received {features.shape}, expected {expected}.")
        unfinished = self._path(shard).with_suffix(f".{os.getpid()}.part")
        try:
            with open(unfinished, "wb") as file:
                np.save(file, features, allow_pickle=False)
            to_disk(unfinished)
            os.replace(unfinished, self._path(shard))
        finally:
            unfinished.unlink(missing_ok=True)
