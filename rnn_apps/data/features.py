"""Caches arrays that are computed once per input, features or pixels, on disk in shards."""

import hashlib
import json
import os
import time
from functools import lru_cache
from pathlib import Path

import numpy as np

from rnn_apps.disk import to_disk
from rnn_apps.errors import UserError

_INPUTS_PER_SHARD = 256
_MAX_OPEN_SHARDS = 128  # each holds a file open


def cache_folder():
    """Return the folder of the cache: ``$RNN_APPS_CACHE``, else ``$XDG_CACHE_HOME`` or ``~/.cache``.

    Raises:
        UserError: none of them is set, and there is no home folder.
    """
    if folder := os.environ.get("RNN_APPS_CACHE"):
        return Path(folder)
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError as error:
        problem, fix = "not set, and there is no home folder for features", "Set RNN_APPS_CACHE to a folder."
        raise UserError("RNN_APPS_CACHE", problem, fix=fix) from error
    return base / "rnn-apps" / "features"


def fingerprint(*values):
    """Return a hash of any values that can be written as JSON."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class FeatureCache:
    """Holds arrays of one shape for many inputs in shards, each written completely or not at all.

    Args:
        folder: Used by this cache only; name it by the `fingerprint` of encoder, weights and inputs, so that
            another encoder or a changed image uses another folder.
        count: Number of inputs.
        shape: Shape of one array, such as (positions, features).
        dtype: Data type of the arrays: float16 for features, uint8 for pixels.
    """

    def __init__(self, folder, count, shape, dtype=np.float16):
        self.folder, self.count, self.shape = Path(folder), count, tuple(shape)
        self.dtype = np.dtype(dtype)
        self._num_shards = -(-count // _INPUTS_PER_SHARD)
        self._open = lru_cache(_MAX_OPEN_SHARDS)(self._load)

    @property
    def bytes(self):
        """Size of all shards on disk without their headers."""
        return self.dtype.itemsize * self.count * int(np.prod(self.shape))

    def fill(self, compute, log=lambda text: None):
        """Compute the missing shards; an interrupted fill resumes where it stopped.

        Args:
            compute: ``compute(start, stop)`` returns the arrays of these inputs, (stop - start, *shape).
            log: Called with the size and the expected time after the first of several shards.

        Raises:
            OSError: the disk is full or the folder cannot be written; finished shards are kept.
        """
        missing = [shard for shard in range(self._num_shards) if not self._exists(shard)]
        if missing:
            self.folder.mkdir(parents=True, exist_ok=True)
        begin = time.perf_counter()
        for number, shard in enumerate(missing):
            self._write(shard, np.asarray(compute(*self._range(shard)), self.dtype))
            if number == 0 and len(missing) > 1:
                minutes = (time.perf_counter() - begin) * (len(missing) - 1) / 60
                num_inputs = sum(np.diff(self._range(s))[0] for s in missing)
                log(
                    f"Preparing {num_inputs:,} inputs once: {self.bytes / 1e6:,.0f} MB in "
                    f"{self.folder}, about {minutes:.1f} minutes"
                )

    def __getitem__(self, inputs):
        """Return (len(inputs), *shape) for an array of input indices, in their order."""
        inputs = np.asarray(inputs)
        result = np.empty((len(inputs), *self.shape), self.dtype)
        shards = inputs // _INPUTS_PER_SHARD
        for shard in np.unique(shards):
            selected = shards == shard
            result[selected] = self._open(int(shard))[inputs[selected] % _INPUTS_PER_SHARD]
        return result

    def empty(self):
        """Return the indices of the inputs whose first entry, along the first axis, is all zeros."""
        shards = (self._open(shard)[:, 0] for shard in range(self._num_shards))
        is_zero = [~shard.reshape(len(shard), -1).any(axis=1) for shard in shards]
        return np.flatnonzero(np.concatenate(is_zero)) if is_zero else np.zeros(0, np.int64)

    def _range(self, shard):
        start = shard * _INPUTS_PER_SHARD
        return start, min(start + _INPUTS_PER_SHARD, self.count)

    def _path(self, shard):
        return self.folder / f"{shard:05}.npy"

    def _exists(self, shard):
        """Whether a shard is on disk, complete and of the right shape."""
        try:
            self._load(shard)
        except (OSError, ValueError, EOFError):
            return False
        return True

    def _load(self, shard):
        start, stop = self._range(shard)
        array = np.load(self._path(shard), mmap_mode="r", allow_pickle=False)
        if array.shape != (stop - start, *self.shape) or array.dtype != self.dtype:
            raise ValueError(f"{self._path(shard)}: received {array.dtype} {array.shape}")
        return array

    def _write(self, shard, array):
        start, stop = self._range(shard)
        expected = (stop - start, *self.shape)
        if array.shape != expected:
            raise ValueError(f"compute({start}, {stop}): received {array.shape}, expected {expected}.")
        temporary = self._path(shard).with_suffix(f".{os.getpid()}.part")
        try:
            with open(temporary, "wb") as file:
                np.save(file, array, allow_pickle=False)
            to_disk(temporary)
            os.replace(temporary, self._path(shard))
        finally:
            temporary.unlink(missing_ok=True)
