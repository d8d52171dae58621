"""Compares folders."""

from pathlib import Path


def files_of(folder):
    """Name to content of the files in a folder."""
    paths = (path for path in sorted(Path(folder).rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}
