"""Files that are to be there when the power comes back, and to be known when they have changed."""

import hashlib
import os

__all__ = ["sha256_of", "to_disk"]


def sha256_of(path):
    """Return the SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def to_disk(path):
    """Wait until the content of a file, or the names in a folder, are on the disk."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:
        if os.name == "nt":  # which cannot open a folder, nor needs it
            return
        raise
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
