"""Opens untrusted Keras model files and checks every part of them.

Only `reader_process` opens them; other code calls `subprocess_reader`.
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

MAX_FILE_SIZE = 4 << 30
MAX_CONFIG_SIZE = 16 << 20
MAX_MEMBERS, MAX_OBJECTS = 16, 100_000
MAX_COMPRESSION = 8  # ratio; Keras itself does not compress
MAX_DEPTH = 64
_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_WHOLE_MODEL = "model.h5"
_MAGIC_ZIP, _MAGIC_HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
_EXPECTED = "a model that Keras saved as .keras or .h5"


class ModelFile(NamedTuple):
    """An open model file.

    Args:
        config: configuration of the model, plain values.
        version: Keras version that wrote it, or "" if unknown.
        layout: file name whose suffix tells Keras the layout of the weights.
        items: path to HDF5 group or array, a group before its members; "" is the file.
        size: number of values in all weights.
    """

    config: dict
    version: str
    layout: str
    items: dict
    size: int


@contextmanager
def open_model(path, folder):
    """Open a model file and check all of its parts.

    Args:
        path: .keras archive or HDF5 file.
        folder: empty folder for unpacked files.

    Yields:
        `ModelFile`.

    Raises:
        UserError: the file is not a model file, or holds something that no model needs.
    """
    path, folder = Path(path), Path(folder)
    try:
        if other := other_format(path):
            raise UserError(str(path), other[0], expected=_EXPECTED, fix=other[1])
        if path.is_dir():
            raise UserError(str(path), "a folder", expected=_EXPECTED)
        size = path.stat().st_size
        if size > MAX_FILE_SIZE:
            raise UserError(str(path), received=f"{size:,} bytes", expected=f"at most {MAX_FILE_SIZE:,}")
        with open(path, "rb") as file:
            magic = file.read(8)
        if magic[:4] == _MAGIC_ZIP:
            with _open_archive(path, folder) as model:
                yield model
        elif magic == _MAGIC_HDF5:
            with _open_hdf5(path) as model:
                yield model
        else:
            raise UserError(str(path), "neither an archive nor an HDF5 file", expected=_EXPECTED)
    except FileNotFoundError as error:
        raise UserError(str(path), "no such file", expected=_EXPECTED) from error
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(str(path), f"cannot be read ({str(reason)[:150]})", expected=_EXPECTED) from error


@contextmanager
def _open_archive(path, folder):
    with zipfile.ZipFile(path) as archive:
        members = _check_members(path, archive)
        config = _parse_json(path, _CONFIG, _read_json(path, archive, members[_CONFIG]))
        metadata = {}
        if _METADATA in members:
            metadata = _parse_json(path, _METADATA, _read_json(path, archive, members[_METADATA]))
        weights = folder / _WEIGHTS
        with archive.open(members[_WEIGHTS]) as packed, open(weights, "wb") as file:
            shutil.copyfileobj(packed, file)
    version = metadata.get("keras_version", "") if isinstance(metadata, dict) else ""
    with _open_weights(path, weights) as file:
        yield ModelFile(config, str(version)[:20], _WEIGHTS, *_check_weights(path, file))


def _check_members(path, archive):
    """Return name to archive member; raise UserError if the archive holds anything but a model."""
    entries = archive.infolist()
    if len(entries) > MAX_MEMBERS:
        expected = f"only {_CONFIG}, {_METADATA} and {_WEIGHTS}"
        raise UserError(str(path), received=f"an archive of {len(entries)} files", expected=expected)
    for entry in entries:
        name = entry.filename
        if name not in (_CONFIG, _METADATA, _WEIGHTS):
            fix = "Layers that have files of their own, such as TextVectorization, cannot be imported."
            raise UserError(str(path), f"holds {shown(name)}, which a numeric model does not need", fix=fix)
        if stat.S_ISLNK(entry.external_attr >> 16) or entry.flag_bits & 1:
            raise UserError(str(path), f"{name} is a link or encrypted", expected="a plain file")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UserError(str(path), f"{name} is compressed", expected="no compression, or deflate")
        allowed = min(MAX_FILE_SIZE, MAX_COMPRESSION * entry.compress_size + (1 << 20))
        if entry.file_size > allowed:
            problem = f"{name} unpacks from {entry.compress_size:,} to {entry.file_size:,} bytes"
            raise UserError(str(path), problem, expected=f"at most {allowed:,}")
    members = {entry.filename: entry for entry in entries}
    missing = {_CONFIG, _WEIGHTS} - set(members)
    if missing or len(members) < len(entries):
        problem = f"{min(missing)} is missing" if missing else "two files have the same name"
        raise UserError(str(path), problem, expected=_EXPECTED)
    return members


def _read_json(path, archive, entry):
    if entry.file_size > MAX_CONFIG_SIZE:
        received = f"{entry.file_size:,} bytes of {entry.filename}"
        raise UserError(str(path), received=received, expected=f"at most {MAX_CONFIG_SIZE:,}")
    with archive.open(entry) as file:
        return file.read(MAX_CONFIG_SIZE)


def _parse_json(path, name, text):
    """Parse JSON within limits; infinities are allowed here and checked later."""

    def parse_constant(name):
        if name == "NaN":
            raise ValueError("NaN is not a number")
        return float(name)

    if isinstance(text, str):
        text = text.encode()
    depth = max_depth = 0
    for byte in text:  # brackets in strings count too, which does no harm
        depth += (byte in b"[{") - (byte in b"]}")
        max_depth = max(max_depth, depth)
    try:
        if max_depth > MAX_DEPTH:
            raise ValueError(f"nested {max_depth} levels deep, more than {MAX_DEPTH}")
        return json.loads(text, parse_constant=parse_constant)
    except (ValueError, RecursionError) as error:
        raise UserError(str(path), f"{name} cannot be read ({str(error)[:150]})") from error


@contextmanager
def _open_hdf5(path):
    with _open_weights(path, path) as file:
        if "model_config" not in file.attrs:
            fix = "Save the whole model, model.save(...), not only its weights."
            raise UserError(str(path), "holds weights and no model", expected=_EXPECTED, fix=fix)
        config = file.attrs["model_config"]
        if not isinstance(config, (str, bytes)) or len(config) > MAX_CONFIG_SIZE:
            raise UserError(str(path), "model_config is not a text, or far too long", expected=_EXPECTED)
        version = file.attrs.get("keras_version", "")
        version = version.decode("ascii", "replace") if isinstance(version, bytes) else version
        config = _parse_json(path, "model_config", config)
        yield ModelFile(config, str(version)[:20], _WHOLE_MODEL, *_check_weights(path, file))


@contextmanager
def _open_weights(path, weights):
    try:
        with h5py.File(weights, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:  # h5py, for damaged files
        raise UserError(str(path), f"its weights cannot be read ({str(error)[:150]})") from error


def _check_weights(path, file):
    """Return all items of an HDF5 file and the number of their values.

    Raises:
        UserError: something in it is not a plain array of numbers in this file.
    """
    num_values, num_bytes, file_size = 0, 0, Path(file.filename).stat().st_size
    seen, todo, items = {h5py.h5o.get_info(file.id).addr}, [""], {"": file}
    while todo:
        parent = todo.pop()
        group = items[parent]
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise UserError(str(path), f"{shown(name)} is a link", expected="weights")
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                raise UserError(str(path), f"{shown(name)} occurs twice", expected="a tree of weights")
            if len(seen) > MAX_OBJECTS:
                raise UserError(str(path), "too many objects", expected=f"at most {MAX_OBJECTS:,}")
            seen.add(address)
            full_name = f"{parent}/{name}".lstrip("/")
            items[full_name] = item
            if isinstance(item, h5py.Group):
                todo.append(full_name)
            else:
                size = _check_array(path, name, item)
                num_values, num_bytes = num_values + size, num_bytes + size * item.dtype.itemsize
                if num_bytes > file_size:
                    raise UserError(str(path), "its arrays share bytes", expected="separate weights")
    return items, num_values


def _check_array(path, name, item):
    """Return the number of values of an array."""
    if not isinstance(item, h5py.Dataset):
        raise UserError(str(path), f"{shown(name)} is not an array of numbers")
    size = int(np.prod(item.shape, dtype=object)) if item.shape else 1
    if item.dtype.kind not in "fiub" or item.is_virtual or item.external:
        problem = f"{shown(name)} does not consist of plain numbers in this file"
        raise UserError(str(path), problem, received=shown(str(item.dtype)))
    if item.id.get_storage_size() < size * item.dtype.itemsize:
        problem = f"{shown(name)} has fewer than its declared {size:,} numbers, or is compressed"
        raise UserError(str(path), problem, expected="weights as Keras writes them")
    return size
