"""Shared by the pages: templates, plots embedded in the page and saved as files, atomic file writes."""

import base64
import json
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader
from matplotlib.figure import Figure

from rnn_apps.disk import replace_file
from rnn_apps.reporting import drawing, scores
from rnn_apps.reporting.views.recording import describe_layer

LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
Plot = tuple[Figure, str, str]  # figure, caption, description


class Picture(NamedTuple):
    """A plot in the page: name of its files, caption, text for those who cannot see it, and data URI."""

    name: str
    caption: str
    alt_text: str
    source: str


def environment() -> Environment:
    """Return the template environment, with the filters of report.html."""
    loader = PackageLoader("rnn_apps.reporting", package_path="")
    templates = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    templates.filters.update(
        number=scores.format_number,
        duration=scores.format_duration,
        setting=_format_setting,
        score_colour=scores.score_colour,
        without_line_breaks=partial(LINE_BREAK.sub, " "),
        layer=describe_layer,
    )
    return templates


def save_plot(folder: Path, name: str, plot: Plot) -> Picture:
    """Write a plot to `plots/` of a folder, as PNG and SVG, and return it for the page."""
    figure, caption, description = plot
    (folder / "plots").mkdir(exist_ok=True)
    png, svg = drawing.png_and_svg(figure)
    name = "".join(character if character.isalnum() or character in "-_" else "_" for character in name)
    replace_file(folder / "plots" / f"{name}.png", png)
    replace_file(folder / "plots" / f"{name}.svg", svg)
    return Picture(name, caption, f"{caption}: {description}", data_uri("svg+xml", svg))


def data_uri(image_type: str, content: bytes) -> str:
    """Return the bytes of an image as a data URI."""
    return f"data:image/{image_type};base64,{base64.b64encode(content).decode('ascii')}"


def write_page(folder: Path, template: str, content: Mapping[str, Any]) -> Path:
    """Write `report.html` of a folder from a template, and return its path."""
    page = environment().get_template(template).render(content)
    report = folder / "report.html"
    replace_file(report, page.encode("utf-8", errors="replace"))
    return report


def score_mark(metrics: Mapping[str, Any]) -> str | None:
    """Return the mark of scores on synthetic data, or None for real data."""
    data = metrics.get("data") or {}
    if metrics.get("score_mark") or not data.get("is_sample"):
        return metrics.get("score_mark")
    return f"SAMPLE score, not {data.get('sample_of') or 'a real data set'}"


def _format_setting(value: object) -> str:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return scores.format_number(value)
