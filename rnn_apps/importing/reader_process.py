"""The process that opens an untrusted model file: sets limits, then reads the file into plain values.

    python -m rnn_apps.importing.reader_process FILE CWD FOLDER MEMORY SECONDS FILE_SIZE

It needs only h5py and numpy. It writes two files into FOLDER, which `subprocess_reader` reads: `RESULT`, JSON
text, and `ARRAYS`, the bytes of all arrays one after another.
"""

import contextlib
import json
import os
import sys
from pathlib import Path

import numpy as np

from rnn_apps.errors import UserError, printable, type_and_line
from rnn_apps.importing.allowlist import check_allowed, names, without_training
from rnn_apps.importing.archive import open_model

try:
    import resource
except ImportError:  # Windows, where only the time can be limited
    resource = None  # type: ignore[assignment]

RESULT, ARRAYS = "answer.json", "weights.bin"
CHUNK_SIZE = 16 << 20  # bytes of an array
MAX_ATTRIBUTES_LENGTH = 1 << 20  # characters of all attributes of an object
MAX_OPEN_FILES = 64
_FORBIDDEN_EVENTS = tuple(
    names(
        "socket. subprocess. os.exec os.fork os.posix_spawn os.spawn os.system os.link os.symlink os.chmod "
        "os.remove os.rename os.mkdir ctypes. shutil."
    )
)


def main(arguments):
    """Read one file, and write its contents or an error.

    Args:
        arguments: path of the file, folder to which the path is relative, empty folder for the results, and
            the limits: bytes of memory, seconds, and bytes of a written file.
    """
    path, cwd, folder, *limits = arguments
    os.chdir(cwd)
    _set_limits(*map(int, limits))
    _forbid_side_effects(os.path.realpath(folder))
    try:
        result = _read(path, Path(folder))
    except UserError as error:
        result = {"error": str(error)}
    except MemoryError:
        result = {"out_of_memory": True}
    except Exception as error:  # an invalid file can cause an error anywhere
        problem = f"its weights cannot be read ({printable(type_and_line(error, 150))})"
        result = {"error": str(UserError(path, problem))}
    (Path(folder) / RESULT).write_text(json.dumps(result), encoding="utf-8")


def _set_limits(memory, seconds, file_size):
    if resource is None:
        return
    limits = {"RLIMIT_AS": memory, "RLIMIT_CPU": seconds, "RLIMIT_FSIZE": file_size}
    limits |= {"RLIMIT_CORE": 0, "RLIMIT_NOFILE": MAX_OPEN_FILES}
    for name, limit in limits.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):  # not every system has every limit
            number = getattr(resource, name)
            hard = resource.getrlimit(number)[1]
            limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
            resource.setrlimit(number, (limit, limit))


def _forbid_side_effects(folder):
    """From now on, refuse to start processes, use the network, or write outside a folder."""

    def check(event, arguments):
        if event == "open":
            name, mode, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
            if writes and os.path.dirname(os.path.realpath(name)) != folder:
                raise PermissionError(f"{name} must not be written")
        elif event.startswith(_FORBIDDEN_EVENTS):
            raise PermissionError(f"{event} is not allowed here")

    sys.addaudithook(check)


def _read(path, folder):
    with open_model(path, folder) as model:
        config = without_training(model.config)
        check_allowed(path, config)
        with open(folder / ARRAYS, "wb") as file:
            items = [_copy(name, item, file) for name, item in model.items.items()]
    details = {"version": model.version, "layout": model.layout, "size": model.size}
    return {**details, "config": config, "items": items}


def _copy(name, item, file):
    """Describe a group or an array, and write the values of an array to a file."""
    description = {"name": name, "attributes": _text_attributes(item)}
    if not hasattr(item, "shape"):
        return description
    if item.shape:
        rows = max(1, CHUNK_SIZE // max(1, item.nbytes // max(1, len(item))))
        chunks = (item[start : start + rows] for start in range(0, len(item), rows))
    else:
        chunks = (item[()],)
    for chunk in chunks:
        file.write(np.ascontiguousarray(chunk).tobytes())
    return {**description, "dtype": item.dtype.str, "shape": list(item.shape)}


def _text_attributes(item):
    """Return the attributes that are texts or lists of texts, by which Keras finds the weights of a layer."""
    attributes, remaining = {}, MAX_ATTRIBUTES_LENGTH
    for name in item.attrs:
        if name in ("model_config", "training_config"):
            continue
        value = item.attrs[name]
        is_list = isinstance(value, np.ndarray) and value.ndim == 1
        texts = [_to_text(element) for element in (value if is_list else [value])]
        if None in texts:
            continue
        remaining -= len(name) + sum(map(len, texts))
        if remaining < 0:
            raise ValueError("attributes are far too long")
        attributes[name] = texts if is_list else texts[0]
    return attributes


def _to_text(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None


if __name__ == "__main__":
    main(sys.argv[1:])
