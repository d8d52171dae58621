"""Finds recipes in the package, or in files."""

import importlib.resources
from pathlib import Path

from rnn_apps.errors import Call, Fixes, UserError, nearest
from rnn_apps.recipe.reading import LARGEST_FILE, parse_document

LISTING = Call("List the packaged ones with", "recipe.packaged_recipes")


def packaged_recipes() -> dict[str, str]:
    """Returns the names of all packaged recipes, with the line that describes each."""
    return {name: _first_line(file) for name, file in _packaged_files().items()}


def packaged_values(name: str) -> dict:
    """Returns the values of a packaged recipe, without defaults."""
    content, path = find_recipe(name)
    return parse_document(content, str(path)).values


def find_recipe(name_or_path: str) -> tuple[bytes, Path]:
    """Returns the content of a recipe, up to one byte more than allowed, and its path.

    Args:
        name_or_path: the name of a packaged recipe, or else the path of a YAML file.
    """
    packaged = _packaged_files().get(name_or_path)
    if packaged:
        return packaged.read_bytes(), Path(str(packaged))
    path = Path(name_or_path)
    try:
        if not path.is_file():
            raise UserError(name_or_path, _what_it_is(path), fix=_advice(path))
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1), path
    except OSError as error:
        raise UserError(str(path)[:200], f"cannot be read ({error.strerror})") from None


def _packaged_files() -> dict:
    folder = importlib.resources.files("rnn_apps.recipes")
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return {file.name.removesuffix(".yaml"): file for file in files if file.name.endswith(".yaml")}


def _first_line(file) -> str:
    for line in file.read_text(encoding="utf-8").splitlines():
        text = line.lstrip("# ").rstrip()
        if text and not text.startswith("yaml-language-server"):
            return text if line.startswith("#") else ""
    return ""


def _what_it_is(path: Path) -> str:
    if path.is_dir():
        return "a folder, not a recipe"
    return "not a regular file" if path.exists() else "no such recipe, and no such file"


def _advice(path: Path) -> Fixes:
    if (path / "recipe.yaml").is_file():
        return f"The recipe of that run is {path / 'recipe.yaml'}."
    guess = nearest(path.stem, _packaged_files())
    return [f'Did you mean "{guess}"?', LISTING] if guess else LISTING
