"""Files that are to be there when the power comes back, and to be known when they have changed."""

import errno
import hashlib
import os
from pathlib import Path


def sha256_of(path):
    """Return the SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sha256_of_texts(texts):
    """Return the SHA-256 of texts one after the other, in hexadecimal digits."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def to_disk(path):
    """Wait until a file, or a folder with all that is in it, is on the disk."""
    path = Path(path)
    if not path.is_dir():
        with open(path, "rb+") as file:
            os.fsync(file.fileno())
        return
    for inner in path.iterdir():
        to_disk(inner)
    names_to_disk(path)


def names_to_disk(folder):
    """Wait until the names in a folder are on the disk, where the system can do that."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems know no such thing
            raise
    finally:
        os.close(descriptor)
