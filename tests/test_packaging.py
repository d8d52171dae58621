"""The wheel holds every module and every data file of the package."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
SOURCES = ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
FOLDERS = {"rnn_apps": "rnn_apps", "recipes": "rnn_apps/recipes"}


def wheel_contents(folder):
    subprocess.run([sys.executable, "-c", BUILD, "."], cwd=folder, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture
def checkout(tmp_path):
    """A copy of what a wheel is built from."""
    for name in SOURCES:
        shutil.copy(ROOT / name, tmp_path)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_wheel_holds_every_file_of_the_package(checkout):
    new = checkout / "rnn_apps" / "a_new_package"
    new.mkdir()
    (new / "__init__.py").touch()
    (checkout / "rnn_apps" / "notes.txt").touch()  # a kind of file that nothing declares
    expected = {
        f"{target}/{path.relative_to(checkout / source).as_posix()}"
        for source, target in FOLDERS.items()
        for path in (checkout / source).rglob("*")
        if path.is_file() and path.suffix != ".md"
    }
    assert len(expected) > 300
    found = {name for name in wheel_contents(checkout) if ".dist-info/" not in name}
    assert found == expected - {"rnn_apps/notes.txt"}
