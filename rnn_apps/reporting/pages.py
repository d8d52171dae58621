"""What the pages have in common: templates, pictures inside them and beside them, files that appear whole."""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader
from matplotlib.figure import Figure

from rnn_apps.reporting import drawing, scores


class Picture(NamedTuple):
    """A figure in the page: name of its files, caption, text for readers who cannot see it, and data."""

    name: str
    caption: str
    alternative: str
    source: str


def environment() -> Environment:
    """Returns the templates, with filters ``number``, ``duration`` and ``plainly``."""
    loader = PackageLoader("rnn_apps.reporting", package_path="")
    made = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    made.filters.update(number=scores.number, duration=scores.duration, plainly=_plainly)
    return made


def save_picture(folder: Path, name: str, figure: Figure, caption: str, alternative: str) -> Picture:
    """Writes a figure into `plots/` of a folder, as PNG and SVG, and returns it for the page."""
    (folder / "plots").mkdir(exist_ok=True)
    bitmap, vectors = drawing.both(figure)
    name = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)
    replace_file(folder / "plots" / f"{name}.png", bitmap)
    replace_file(folder / "plots" / f"{name}.svg", vectors)
    source = "data:image/svg+xml;base64," + base64.b64encode(vectors).decode("ascii")
    return Picture(name, caption, f"{caption}: {alternative}", source)


def write_page(folder: Path, page: str) -> Path:
    """Writes `report.html` of a folder; returns its path."""
    report = folder / "report.html"
    replace_file(report, page.encode("utf-8", errors="replace"))
    return report


def sample_mark(metrics: Mapping[str, Any]) -> str | None:
    """Returns what every score of a sample is marked with, None where the data is real."""
    data = metrics.get("data") or {}
    if not data.get("is_sample"):
        return metrics.get("score_mark")
    stands_for = data.get("sample_of")
    return metrics.get("score_mark") or f"SAMPLE score, not {stands_for or 'a real data set'}"


def _plainly(value: object) -> str:
    """Returns a setting as text; what is nested as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else scores.number(value)


def replace_file(path: Path, content: bytes) -> None:
    """Writes a file beside its place and then renames it, so that it is whole or as it was."""
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content)
    os.replace(beside, path)
