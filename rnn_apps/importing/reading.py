"""The process in which a stranger's model file is opened: limits first, then the file, then plain values.

    python -m rnn_apps.importing.reading FILE PLACE FOLDER MEMORY SECONDS BYTES

It needs h5py and numpy alone. What it found lies in FOLDER afterwards: `ANSWER`, JSON, and `NUMBERS`, the
bytes of all arrays one after another. `apart` starts it and reads them.
"""

import contextlib
import json
import os
import sys
from pathlib import Path

import numpy as np

from rnn_apps.errors import UserError, printable, type_and_line
from rnn_apps.importing.allowed import check_allowed, uncompiled
from rnn_apps.importing.archive import opened

try:
    import resource
except ImportError:  # Windows: time is all that `apart` can limit there
    resource = None  # type: ignore[assignment]

ANSWER, NUMBERS = "answer.json", "weights.bin"
AT_ONCE = 16 << 20  # bytes of an array
LONGEST_TEXT = 1 << 20  # letters of all attributes of an object
MOST_FILES = 64
_FORBIDDEN: tuple[str, ...] = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
)
_FORBIDDEN += (
    "os.link",
    "os.symlink",
    "os.chmod",
    "os.remove",
    "os.rename",
    "os.mkdir",
    "ctypes.",
    "shutil.",
)


def main(arguments):
    """Read one file and write down what was found, or why it is refused.

    Args:
        arguments: the file as the user names it, the folder by which that name goes, an empty folder, the
            bytes of memory, the seconds and the bytes written that are allowed.
    """
    path, place, folder, *limits = arguments
    os.chdir(place)
    _limit(*map(int, limits))
    _watch(os.path.realpath(folder))
    try:
        found = _read(path, Path(folder))
    except UserError as error:
        found = {"refused": str(error)}
    except MemoryError:
        found = {"full": True}
    except Exception as error:  # what is wrong in a stranger's file shows itself anywhere
        problem = f"its weights cannot be read ({printable(type_and_line(error, 150))})"
        found = {"refused": str(UserError(path, problem))}
    (Path(folder) / ANSWER).write_text(json.dumps(found), encoding="utf-8")


def _limit(memory, seconds, written):
    if resource is None:
        return
    limits = {"RLIMIT_AS": memory, "RLIMIT_CPU": seconds, "RLIMIT_FSIZE": written}
    limits |= {"RLIMIT_CORE": 0, "RLIMIT_NOFILE": MOST_FILES}
    for name, most in limits.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):  # a system that has not this one
            number = getattr(resource, name)
            hard = resource.getrlimit(number)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(number, (most, most))


def _watch(folder):
    """From here on this process starts nothing, calls nobody, and writes in one folder alone."""

    def refuse(event, arguments):
        if event == "open":
            name, mode, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
            if writes and os.path.dirname(os.path.realpath(name)) != folder:
                raise PermissionError(f"{name} is not to be written")
        elif event.startswith(_FORBIDDEN):
            raise PermissionError(f"{event} is not allowed here")

    sys.addaudithook(refuse)


def _read(path, folder):
    with opened(path, folder) as found:
        config = uncompiled(found.config)
        check_allowed(path, config)
        with open(folder / NUMBERS, "wb") as file:
            items = [_copied(name, item, file) for name, item in found.items.items()]
    facts = {"version": found.version, "layout": found.layout, "size": found.size}
    return {**facts, "config": config, "items": items}


def _copied(name, item, file):
    """What is to be known of a group or an array, whose numbers go into a file."""
    known = {"name": name, "texts": _texts(item)}
    if not hasattr(item, "shape"):
        return known
    rows = max(1, AT_ONCE // max(1, item.nbytes // max(1, len(item)))) if item.shape else 1
    starts = range(0, len(item), rows) if item.shape else (None,)
    for start in starts:
        part = item[()] if start is None else item[start : start + rows]
        file.write(np.ascontiguousarray(part).tobytes())
    return {**known, "dtype": item.dtype.str, "shape": list(item.shape)}


def _texts(item):
    """The attributes that are text, or lists of it: by these Keras finds the weights of a layer."""
    found, left = {}, LONGEST_TEXT
    for name in item.attrs:
        if name in ("model_config", "training_config"):
            continue
        value = item.attrs[name]
        several = isinstance(value, np.ndarray) and value.ndim == 1
        texts = [_text(one) for one in (value if several else [value])]
        if None in texts:
            continue
        left -= len(name) + sum(map(len, texts))
        if left < 0:
            raise ValueError("attributes that are far too long")
        found[name] = texts if several else texts[0]
    return found


def _text(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None


if __name__ == "__main__":
    main(sys.argv[1:])
