"""Renders answers as HTML; every text from a visitor or a network is escaped by `safe`."""

import base64
import html
import io
import math
import re

from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from PIL import Image

from rnn_apps.errors import printable

# Control characters, bidirectional controls and lone surrogates: shown by their code points.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_TEMPLATE_CHARACTERS = {ord(c): f"&#{ord(c)};" for c in "{}$`"}  # gradio evaluates answers as templates
# Okabe and Ito's colours, lightened for dark text, as in the report of a run.
_COLOURS = ("#9fd0ef", "#f6cf7f", "#8fd6bd", "#e9b4d0", "#f4b183", "#a9bfe8", "#f2eb9b", "#c9ced8")
MAX_LENGTH = 20_000  # characters of one text
MAX_STRIP_FRAMES = 64
THUMBNAIL_SIZE = 160  # pixels of the longer side


def safe(value):
    """Return a text, given as str or bytes, escaped for HTML and for gradio's templates."""
    if isinstance(value, Markup):
        return value
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    if len(text) > MAX_LENGTH:
        text = f"{text[:MAX_LENGTH]} ... and {len(text) - MAX_LENGTH:,} more characters"
    escaped = html.escape(_HIDDEN.sub(lambda match: printable(match[0]), text))
    return Markup(escaped.translate(_TEMPLATE_CHARACTERS))


def render(macro, *values):
    """Return the HTML of a macro of `answers.html` for these arguments."""
    return getattr(_TEMPLATES.get_template("answers.html").module, macro)(*values)


def encode(pixels, kind, **options):
    """Return the bytes of an image file."""
    stream = io.BytesIO()
    pixels.save(stream, kind, **options)
    return stream.getvalue()


def data_url(kind, content):
    """Return the bytes of an image file as a data URL, which needs no escaping."""
    return Markup(f"data:image/{kind};base64,{base64.b64encode(content).decode()}")


def _thumbnail(pixels):
    """Return the data URL of a thumbnail of an image."""
    scale = THUMBNAIL_SIZE / max(pixels.size)
    size = [max(1, round(side * scale)) for side in pixels.size]
    small = pixels.resize(size, Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.BICUBIC)
    return data_url("jpeg", encode(small, "JPEG", quality=85))


_TEMPLATES = Environment(
    loader=PackageLoader("rnn_apps.serving.demo", ""),
    autoescape=True,
    finalize=safe,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals |= {"zip": zip, "MAX_STRIP_FRAMES": MAX_STRIP_FRAMES}
_TEMPLATES.filters |= {
    "thumbnail": _thumbnail,
    "drawable": lambda share: share if math.isfinite(share) else 0.0,
    "three_digits": "{:.3f}".format,
}


def palette(names):
    """Return name to colour; after eight names the colours repeat."""
    return {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(names)}


def texts(arrays):
    """Return the texts of a nested array of bytes as nested lists."""
    if isinstance(arrays, bytes):
        return arrays.decode("utf-8", "replace")
    return [texts(array) for array in arrays]


def truncation_note(outputs):
    """Return ``read 400 of 1,012 words`` if the network truncated the text, else ``""``.

    Args:
        outputs: output name to array, for one text.
    """
    for unit in ("words", "tokens"):
        if f"{unit}_read" in outputs:
            read, length = int(outputs[f"{unit}_read"][0]), int(outputs[unit][0])
            return f"read {read:,} of {length:,} {unit}" if read < length else ""
    return ""
