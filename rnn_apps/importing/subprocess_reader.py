"""Reads a Keras model file in a separate process, which may crash, hang or run out of memory."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from rnn_apps.errors import UserError, printable, type_and_line
from rnn_apps.importing.reader_process import ARRAYS, RESULT

READER = (sys.executable, "-m", "rnn_apps.importing.reader_process")
MIN_SECONDS, BYTES_PER_SECOND = 10, 20 << 20
MIN_MEMORY = 512 << 20
_MAX_RESULT_SIZE = 256 << 20
_MAX_FILE_SIZE = 4 << 30
_ENVIRONMENT = {
    "HDF5_PLUGIN_PRELOAD": "::",  # no plugins
    "OPENBLAS_NUM_THREADS": "1",  # every thread takes address space
    "OMP_NUM_THREADS": "1",
}


class Limits(NamedTuple):
    """Resource limits of the reading process.

    Args:
        memory: bytes of memory.
        seconds: whole seconds.
        file_size: bytes of the largest file that it may write.
    """

    memory: int
    seconds: int
    file_size: int


class ModelContents(NamedTuple):
    """The contents of a model file.

    Args:
        config: configuration of the model, plain values, in which every name is allowed.
        version: Keras version that wrote it, or "" if unknown.
        weights: path of an HDF5 file, written by rnn-apps, with the weights in the original layout.
        size: number of values in all original weights.
    """

    config: dict
    version: str
    weights: Path
    size: int


def limits_for(path):
    """Return the `Limits` for a file, which grow with its size."""
    try:
        size = min(Path(path).stat().st_size, _MAX_FILE_SIZE)
    except OSError:  # reported by the reader
        size = 0
    return Limits(MIN_MEMORY + 2 * size, MIN_SECONDS + size // BYTES_PER_SECOND, (64 << 20) + 9 * size)


def read_in_subprocess(path, folder, limits=None):
    """Return the `ModelContents` of a model file, which this process itself never opens.

    Args:
        path: .keras archive or HDF5 file.
        folder: empty folder for the results of the reader and the weights.
        limits: `Limits`; by default `limits_for` the file.

    Raises:
        UserError: the file is not a model file or holds something that is not allowed, or reading it crashed
            or exceeded a limit.
    """
    path, folder, limits = Path(path), Path(folder), limits or limits_for(path)
    arguments = [str(path), os.getcwd(), str(folder), *map(str, limits)]
    # The reader starts in an empty folder, so that it finds no other modules than this process.
    search_path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    environment = {**os.environ, **_ENVIRONMENT, "PYTHONPATH": search_path}
    log = folder / "log.txt"
    with open(log, "wb") as output:
        options = {"cwd": folder, "env": environment, "stdin": subprocess.DEVNULL, "stdout": output}
        try:
            result = subprocess.run([*READER, *arguments], stderr=output, timeout=limits.seconds, **options)
        except subprocess.TimeoutExpired as error:
            raise _unreadable(path, _describe_timeout(limits)) from error
    if result.returncode:
        raise _unreadable(path, _describe_exit(result.returncode, limits, log))
    return _read_result(path, folder, limits)


def _unreadable(path, reason):
    return UserError(str(path), f"its weights cannot be read ({reason})")


def _describe_timeout(limits):
    return f"reading took longer than {limits.seconds} s"


def _describe_exit(code, limits, log):
    if code == -getattr(signal, "SIGXCPU", 0):
        return _describe_timeout(limits)
    if code < 0:
        return f"the reader was ended by {signal.Signals(-code).name}"
    with open(log, "rb") as file:
        file.seek(max(0, log.stat().st_size - 1000))
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return printable(f"the reader exited with {code}: {lines[-1][:150] if lines else 'no message'}")


def _read_result(path, folder, limits):
    result = folder / RESULT
    if result.stat().st_size > _MAX_RESULT_SIZE:
        raise _unreadable(path, "there are far too many")
    found = json.loads(result.read_text(encoding="utf-8"))
    if "out_of_memory" in found:
        raise _unreadable(path, f"reading took more than {limits.memory >> 20} MB")
    if "error" in found:
        raise UserError(found["error"])
    weights = folder / f"clean.{found['layout']}"
    try:
        _write_weights(weights, found["items"], folder / ARRAYS)
    except (ValueError, TypeError, KeyError, OSError, RuntimeError) as error:  # h5py, for odd names
        raise _unreadable(path, printable(type_and_line(error, 150))) from error
    return ModelContents(found["config"], found["version"], weights, found["size"])


def _write_weights(path, items, arrays):
    """Write an HDF5 file with the groups and arrays that the reader found."""
    with h5py.File(path, "w", libver="latest") as file, open(arrays, "rb") as source:
        for item in items:
            dtype = item.get("dtype")
            if dtype is None:
                target = file.require_group(item["name"] or "/")
            else:
                count = int(np.prod(item["shape"], dtype=object))
                array = np.fromfile(source, np.dtype(dtype), count).reshape(item["shape"])
                target = file.create_dataset(item["name"], data=array)
            for name, text in item["attributes"].items():
                is_text = isinstance(text, str)
                target.attrs[name] = text if is_text else np.array([t.encode() for t in text], "S")
    arrays.unlink()
