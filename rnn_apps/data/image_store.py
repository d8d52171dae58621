"""Reads images by name from a folder or a zip file."""

import zipfile
import zlib
from pathlib import Path, PurePosixPath

from rnn_apps.errors import DataError

_READ_ERRORS = (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


class ImageStore:
    """Reads images by name from a folder or a zip file.

    If all files of a zip file are in one folder, its name is not part of their names.

    Args:
        path: Folder or zip file.

    Attributes:
        names: Names of all files.
        workers: Number of threads that may read at once.

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
                raise _unreadable(path, error) from error
            paths = [member.filename for member in self._zip.infolist() if not member.is_dir()]
            top = _common_folder(paths)
        else:
            files = (path for path in self.path.rglob("*") if path.is_file())
            paths = [path.relative_to(self.path).as_posix() for path in files]
            top = ""
        self._path_of = {path.removeprefix(top): path for path in paths}
        self.names = self._path_of.keys()
        self._by_short_name = None

    def resolve(self, name):
        """Return the name of the image that `name` means, or `name` itself if there is none or several.

        Folders may be missing or different, the file extension may be missing, and capitals are ignored.
        """
        if name in self.names or not name.strip():
            return name
        if self._by_short_name is None:
            self._by_short_name = {}
            for known in self.names:
                for short in {_file_name(known), _file_name(known).rpartition(".")[0]}:
                    self._by_short_name.setdefault(short, []).append(known)
        matches = self._by_short_name.get(_file_name(name), [])
        return matches[0] if len(matches) == 1 else name

    def fingerprint(self, name):
        """Return a value that changes with the image, without reading it: size and checksum or time."""
        if self._zip:
            member = self._zip.getinfo(self._path_of[name])
            return [name, member.file_size, member.CRC]
        status = (self.path / self._path_of[name]).stat()
        return [name, status.st_size, status.st_mtime_ns]

    def read(self, name):
        """Return the bytes of one of `names`.

        Raises:
            DataError: the file or the member of the zip file is damaged.
        """
        try:
            path = self._path_of[name]
            return self._zip.read(path) if self._zip else (self.path / path).read_bytes()
        except _READ_ERRORS as error:
            raise _unreadable(f"{self.path}: {name}", error) from error


def _unreadable(location, error):
    return DataError(str(location), f"cannot be read: {error}", fix="Download it again.")


def _common_folder(names):
    """The folder, with its slash, that holds every image of a zip file, or an empty string."""
    tops = {name.partition("/")[0] for name in names if not name.startswith("__MACOSX/")}
    folder = tops.pop() + "/" if len(tops) == 1 else ""
    return folder if all(name.startswith((folder, "__MACOSX/")) for name in names) else ""


def _file_name(path):
    """The last component of a path, whatever separates its folders, in lower case."""
    return PurePosixPath(path.strip().replace("\\", "/")).name.casefold()
