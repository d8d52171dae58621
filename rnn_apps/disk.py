"""Files on disk: flushing, atomic replacement, and SHA-256 digests."""

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
    """Return the SHA-256 of concatenated texts, in hexadecimal digits."""
    digest = hashlib.sha256()
    update_digest(digest, texts)
    return digest.hexdigest()


def has_digest(path, sha256):
    """Return whether a path is a file with this SHA-256."""
    return Path(path).is_file() and sha256_of(path) == sha256


def update_digest(digest, texts):
    """Add texts to a digest of `hashlib`."""
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass"))


def to_disk(path):
    """Flush a file, or a folder with its content, to disk."""
    path = Path(path)
    if not path.is_dir():
        with open(path, "rb+") as file:
            os.fsync(file.fileno())
        return
    for inner in path.iterdir():
        to_disk(inner)
    names_to_disk(path)


def names_to_disk(folder):
    """Flush the directory entries of a folder to disk, if the system supports it."""
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


def replace_file(path: Path, content: bytes) -> None:
    """Write a file under a temporary name and rename it, so that it is never incomplete."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(content)
    to_disk(temporary)
    os.replace(temporary, path)
