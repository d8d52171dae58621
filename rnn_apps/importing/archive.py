"""The files in which Keras keeps a model, opened as if a stranger had made them to do harm.

Only the process that `reading` is opens them; `apart` is what the others call.
"""

import json
import shutil
import stat
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from rnn_apps.errors import UserError, shown
from rnn_apps.importing.other_formats import other_format

LARGEST_FILE = 4 << 30
LARGEST_CONFIG = 16 << 20
MOST_MEMBERS, MOST_OBJECTS = 16, 100_000
MOST_PACKED = 8  # times smaller; Keras does not pack at all
DEEPEST = 64
_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_WHOLE = "model.h5"
_MAGIC_ZIP, _MAGIC_HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
_EXPECTED = "a model that Keras saved as .keras or .h5"


class Opened(NamedTuple):
    """A model file of Keras, taken apart.

    Args:
        config: of the model, plain values.
        version: of the Keras that wrote it, "" where it does not say.
        layout: name of a file by whose ending Keras knows how its weights lie in it.
        items: name to group or array of numbers, with slashes, a group before what is in it; "" is the file.
        size: numbers in all its weights.
    """

    config: dict
    version: str
    layout: str
    items: dict
    size: int


@contextmanager
def opened(path, folder):
    """Within this context a model file lies taken apart in `folder`, every part of it vetted.

    Args:
        path: .keras archive or HDF5 file.
        folder: an empty one, for what is unpacked.

    Yields:
        `Opened`.

    Raises:
        UserError: it is no such file, or holds what no model needs.
    """
    path, folder = Path(path), Path(folder)
    try:
        if other := other_format(path):
            raise UserError(str(path), other[0], expected=_EXPECTED, fix=other[1])
        if path.is_dir():
            raise UserError(str(path), "a folder", expected=_EXPECTED)
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise UserError(str(path), received=f"{size:,} bytes", expected=f"at most {LARGEST_FILE:,}")
        with open(path, "rb") as file:
            magic = file.read(8)
        if magic[:4] == _MAGIC_ZIP:
            with _from_archive(path, folder) as found:
                yield found
        elif magic == _MAGIC_HDF5:
            with _from_hdf5(path) as found:
                yield found
        else:
            raise UserError(str(path), "neither an archive nor an HDF5 file", expected=_EXPECTED)
    except FileNotFoundError as error:
        raise UserError(str(path), "no such file", expected=_EXPECTED) from error
    except (zipfile.BadZipFile, EOFError) as error:
        raise _damaged(path, error) from error
    except OSError as error:
        raise _damaged(path, error.strerror or error) from error


def _damaged(path, error):
    return UserError(str(path), f"cannot be read ({str(error)[:150]})", expected=_EXPECTED)


@contextmanager
def _from_archive(path, folder):
    with zipfile.ZipFile(path) as archive:
        members = _members(path, archive)
        config = _parsed(path, _CONFIG, _small(archive, members[_CONFIG], path))
        metadata = {}
        if _METADATA in members:
            metadata = _parsed(path, _METADATA, _small(archive, members[_METADATA], path))
        weights = folder / _WEIGHTS
        with archive.open(members[_WEIGHTS]) as packed, open(weights, "wb") as file:
            shutil.copyfileobj(packed, file)
    version = metadata.get("keras_version", "") if isinstance(metadata, dict) else ""
    with _weights_file(path, weights) as file:
        yield Opened(config, str(version)[:20], _WEIGHTS, *_vetted(path, file))


def _members(path, archive):
    """Name to entry of the archive; UserError where it holds anything but a model."""
    entries = archive.infolist()
    if len(entries) > MOST_MEMBERS:
        raise UserError(
            str(path), f"{len(entries)} files in it, expected {_CONFIG}, {_WEIGHTS} and little else"
        )
    for entry in entries:
        if entry.filename not in (_CONFIG, _METADATA, _WEIGHTS):
            fix = "Layers that keep files of their own, such as TextVectorization, are not imported."
            problem = f"holds {shown(entry.filename)}, which no model of numbers needs"
            raise UserError(str(path), problem, fix=fix)
        if stat.S_ISLNK(entry.external_attr >> 16) or entry.flag_bits & 1:
            raise UserError(str(path), f"{entry.filename} is a link or encrypted, expected a plain file")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UserError(str(path), f"{entry.filename} is packed in a way that is not unpacked here")
        allowed = min(LARGEST_FILE, MOST_PACKED * entry.compress_size + (1 << 20))
        if entry.file_size > allowed:
            problem = f"{entry.filename} unpacks from {entry.compress_size:,} to {entry.file_size:,} bytes"
            raise UserError(str(path), problem, expected=f"at most {allowed:,}")
    members = {entry.filename: entry for entry in entries}
    missing = {_CONFIG, _WEIGHTS} - set(members)
    if missing or len(members) < len(entries):
        problem = f"{sorted(missing)[0]} is not in it" if missing else "two files of one name"
        raise UserError(str(path), problem, expected=_EXPECTED)
    return members


def _small(archive, entry, path):
    if entry.file_size > LARGEST_CONFIG:
        received = f"{entry.file_size:,} bytes of {entry.filename}"
        raise UserError(str(path), received=received, expected=f"at most {LARGEST_CONFIG:,}")
    with archive.open(entry) as file:
        return file.read(LARGEST_CONFIG)


def _parsed(path, name, text):
    """JSON within limits. Attention masks may hold infinity; whether it is in its place is checked later."""

    def constant(name):
        if name == "NaN":
            raise ValueError("NaN is no number")
        return float(name)

    if isinstance(text, str):
        text = text.encode()
    depth = deepest = 0
    for byte in text:  # brackets within strings count too, which does no harm
        depth += (byte in b"[{") - (byte in b"]}")
        deepest = max(deepest, depth)
    try:
        if deepest > DEEPEST:
            raise ValueError(f"nested {deepest} deep, more than {DEEPEST}")
        return json.loads(text, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise UserError(str(path), f"{name} cannot be read ({str(error)[:150]})") from error


@contextmanager
def _from_hdf5(path):
    with _weights_file(path, path) as file:
        if "model_config" not in file.attrs:
            fix = "Save the whole model, model.save(...), not its weights alone."
            raise UserError(str(path), "it holds weights and no model", expected=_EXPECTED, fix=fix)
        config = file.attrs["model_config"]
        if not isinstance(config, (str, bytes)) or len(config) > LARGEST_CONFIG:
            raise UserError(str(path), "model_config is no text, or far too long", expected=_EXPECTED)
        version = file.attrs.get("keras_version", "")
        version = version.decode("ascii", "replace") if isinstance(version, bytes) else version
        config = _parsed(path, "model_config", config)
        yield Opened(config, str(version)[:20], _WHOLE, *_vetted(path, file))


@contextmanager
def _weights_file(path, weights):
    try:
        file = h5py.File(weights, "r")
    except OSError as error:
        raise UserError(str(path), f"its weights cannot be read ({str(error)[:150]})") from error
    with file:
        try:
            yield file
        except (KeyError, RuntimeError, ValueError, TypeError) as error:  # what h5py makes of a damaged file
            raise UserError(str(path), f"its weights cannot be read ({str(error)[:150]})") from error


def _vetted(path, file):
    """All that is in an HDF5 file, and its numbers; UserError for what is not plain numbers in this file."""
    total, held, largest = 0, 0, Path(file.filename).stat().st_size
    seen, todo, items = {h5py.h5o.get_info(file.id).addr}, [""], {"": file}
    while todo:
        parent = todo.pop()
        group = items[parent]
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise UserError(str(path), f"{shown(name)} is a link to another place, expected weights")
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen or len(seen) > MOST_OBJECTS:
                raise UserError(
                    str(path), f"{shown(name)} comes twice, or there are too many, expected a tree"
                )
            seen.add(address)
            whole = f"{parent}/{name}".lstrip("/")
            items[whole] = item
            if isinstance(item, h5py.Group):
                todo.append(whole)
            else:
                size = _numbers(path, name, item)
                total, held = total + size, held + size * item.dtype.itemsize
                if held > largest:
                    raise UserError(str(path), "its arrays share their bytes, expected weights")
    return items, total


def _numbers(path, name, item):
    if not isinstance(item, h5py.Dataset):
        raise UserError(str(path), f"{shown(name)} is no array of numbers")
    size = int(np.prod(item.shape, dtype=object)) if item.shape else 1
    if item.dtype.kind not in "fiub" or item.is_virtual or item.external:
        problem = f"{shown(name)} is not made of plain numbers in this file"
        raise UserError(str(path), problem, received=shown(str(item.dtype)))
    if item.id.get_storage_size() < size * item.dtype.itemsize:
        problem = f"{shown(name)} says that it has {size:,} numbers and holds fewer, or it is compressed"
        raise UserError(str(path), problem, expected="weights as Keras writes them")
    return size
