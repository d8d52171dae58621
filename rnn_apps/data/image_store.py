"""Images by name, from a folder or a zip file."""

import zipfile
import zlib
from pathlib import Path, PurePosixPath

from rnn_apps.errors import DataError

_BROKEN = (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


class ImageStore:
    """Images by name, from a folder or a zip file; one folder around all of a zip file is not in the names.

    Args:
        path: folder, or zip file.

    Attributes:
        workers: threads that may read at once.

    Raises:
        DataError: the zip file cannot be opened.
    """

    workers = 2

    def __init__(self, path):
        self.path = Path(path)
        self._zip = None
        if self.path.is_file():
            try:
                self._zip = zipfile.ZipFile(self.path)
            except (OSError, zipfile.BadZipFile) as error:
                raise DataError(str(path), f"cannot be read: {error}", fix="Fetch it again.") from error
            there = [m.filename for m in self._zip.infolist() if not m.is_dir()]
        else:
            there = [p.relative_to(self.path).as_posix() for p in self.path.rglob("*") if p.is_file()]
        top = _common_top(there) if self._zip else ""
        self._full = {name.removeprefix(top): name for name in there}
        self.names = self._full.keys()
        self._short = None

    def resolve(self, name):
        """Return the name of an image that is written otherwise, or the name itself where there is none.

        A folder before it may be missing or too much, and so may its ending; capitals do not matter. Where
        this leaves several images, none is taken.
        """
        if name in self.names or not name.strip():
            return name
        if self._short is None:
            self._short = {}
            for one in self.names:
                for short in {_last(one), _last(one).rpartition(".")[0]}:
                    self._short.setdefault(short, []).append(one)
        found = self._short.get(_last(name), [])
        return found[0] if len(found) == 1 else name

    def size(self, name):
        """Bytes of an image, before it is read."""
        if self._zip:
            return self._zip.getinfo(self._full[name]).file_size
        return (self.path / self._full[name]).stat().st_size

    def mark(self, name):
        """Return what changes when the image changes, without reading it: size and checksum or time."""
        if self._zip:
            member = self._zip.getinfo(self._full[name])
            return [name, member.file_size, member.CRC]
        status = (self.path / self._full[name]).stat()
        return [name, status.st_size, status.st_mtime_ns]

    def read(self, name):
        """Return the bytes of one of `names`.

        Raises:
            DataError: the member of the zip file, or the file, is broken.
        """
        try:
            full = self._full[name]
            return self._zip.read(full) if self._zip else (self.path / full).read_bytes()
        except _BROKEN as error:
            raise DataError(
                f"{self.path}: {name}", f"cannot be read: {error}", fix="Fetch it again."
            ) from error


def _common_top(names):
    """The folder, with its slash, that opens the name of every image of a zip file, or an empty text."""
    tops = {name.partition("/")[0] for name in names if not name.startswith("__MACOSX/")}
    only = tops.pop() + "/" if len(tops) == 1 else ""
    return only if all(name.startswith((only, "__MACOSX/")) for name in names) else ""


def _last(name):
    """The last part of a path, however its folders are separated, in small letters."""
    return PurePosixPath(name.strip().replace("\\", "/")).name.casefold()
