"""A model file of Keras read in a process of its own, which may crash, hang or grow without harm."""

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
from rnn_apps.importing.reading import ANSWER, NUMBERS

READER = (sys.executable, "-m", "rnn_apps.importing.reading")
SECONDS, BYTES_A_SECOND = 10, 20 << 20
MEMORY = 512 << 20
_LARGEST_ANSWER = 256 << 20
_LARGEST_FILE = 4 << 30
_PLUGINS_OFF = {"HDF5_PLUGIN_PRELOAD": "::"}
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # each more takes addresses


class Limits(NamedTuple):
    """What the reading of a file may take.

    Args:
        memory: bytes.
        seconds: whole ones.
        written: bytes of the largest file that it writes.
    """

    memory: int
    seconds: int
    written: int


class Found(NamedTuple):
    """What is in a model file.

    Args:
        config: of the model, plain values, every name in it allowed.
        version: of the Keras that wrote it, "" where it does not say.
        weights: path of an HDF5 file of our own with the weights, in the layout of the one that came in.
        size: numbers in all weights of the one that came in.
    """

    config: dict
    version: str
    weights: Path
    size: int


def limits_for(path):
    """Return the `Limits` for a file: so much for any, and more for a large one."""
    try:
        size = min(Path(path).stat().st_size, _LARGEST_FILE)
    except OSError:  # which is for the reader to say
        size = 0
    return Limits(MEMORY + 2 * size, SECONDS + size // BYTES_A_SECOND, (64 << 20) + 9 * size)


def read_apart(path, folder, limits=None):
    """Return what is `Found` in a model file, which this process never opens.

    Args:
        path: .keras archive or HDF5 file.
        folder: an empty one, for what the reader leaves and for the weights.
        limits: `Limits`, `limits_for` the file by default.

    Raises:
        UserError: it is no such file, holds what no model needs, or its reading crashed, took too long or too
            much memory.
    """
    path, folder, limits = Path(path), Path(folder), limits or limits_for(path)
    arguments = [str(path), os.getcwd(), str(folder), *map(str, limits)]
    environment = {**os.environ, **_PLUGINS_OFF, **_ONE_THREAD, "PYTHONPATH": _search_path()}
    log = folder / "log.txt"
    with open(log, "wb") as errors:
        options = {"cwd": folder, "env": environment, "stdin": subprocess.DEVNULL, "stdout": errors}
        try:
            done = subprocess.run([*READER, *arguments], stderr=errors, timeout=limits.seconds, **options)
        except subprocess.TimeoutExpired as error:
            raise _unreadable(path, _too_long(limits)) from error
    if done.returncode:
        raise _unreadable(path, _why(done.returncode, limits, log))
    return _found(path, folder, limits)


def _search_path():
    """Where this process finds modules; the reader begins in an empty folder, so that it finds no others."""
    return os.pathsep.join(os.path.abspath(entry) for entry in sys.path)


def _unreadable(path, why):
    return UserError(str(path), f"its weights cannot be read ({why})")


def _too_long(limits):
    return f"that took longer than {limits.seconds} s"


def _why(code, limits, log):
    if code == -getattr(signal, "SIGXCPU", 0):
        return _too_long(limits)
    if code < 0:
        return f"their reader was ended by {signal.Signals(-code).name}"
    with open(log, "rb") as file:
        file.seek(max(0, log.stat().st_size - 1000))
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return printable(f"their reader ended with {code}: {lines[-1][:150] if lines else 'no word'}")


def _found(path, folder, limits):
    answer = folder / ANSWER
    if answer.stat().st_size > _LARGEST_ANSWER:
        raise _unreadable(path, "they are far too many")
    found = json.loads(answer.read_text(encoding="utf-8"))
    if "full" in found:
        raise _unreadable(path, f"that took more than {limits.memory >> 20} MB")
    if "refused" in found:
        raise UserError(found["refused"])
    weights = folder / f"clean.{found['layout']}"
    try:
        _write(weights, found["items"], folder / NUMBERS)
    except (ValueError, TypeError, KeyError, OSError, RuntimeError) as error:  # what h5py makes of odd names
        raise _unreadable(path, printable(type_and_line(error, 150))) from error
    return Found(found["config"], found["version"], weights, found["size"])


def _write(target, items, numbers):
    """An HDF5 file of our own with the arrays of another."""
    with h5py.File(target, "w", libver="latest") as file, open(numbers, "rb") as given:
        for item in items:
            dtype = item.get("dtype")
            if dtype is None:
                place = file.require_group(item["name"] or "/")
            else:
                count = int(np.prod(item["shape"], dtype=object))
                array = np.fromfile(given, np.dtype(dtype), count).reshape(item["shape"])
                place = file.create_dataset(item["name"], data=array)
            for name, text in item["texts"].items():
                place.attrs[name] = (
                    text if isinstance(text, str) else np.array([t.encode() for t in text], "S")
                )
    numbers.unlink()
