"""Renders answers as HTML; every text from a visitor or a network is escaped with `safe`."""

import html
import math
import re

from rnn_apps.errors import printable

# Control characters, bidirectional controls and lone surrogates: shown by their code points.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_TEMPLATE_CHARACTERS = {ord(c): f"&#{ord(c)};" for c in "{}$`"}  # gradio evaluates answers as templates
MAX_LENGTH = 20_000  # characters of one text


def safe(value):
    """Return a text, given as str or bytes, escaped for HTML and for gradio's templates."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    if len(text) > MAX_LENGTH:
        text = f"{text[:MAX_LENGTH]} ... and {len(text) - MAX_LENGTH:,} more characters"
    escaped = html.escape(_HIDDEN.sub(lambda match: printable(match[0]), text))
    return escaped.translate(_TEMPLATE_CHARACTERS)


def texts(arrays):
    """Return the texts of a nested array of bytes as nested lists."""
    if isinstance(arrays, bytes):
        return arrays.decode("utf-8", "replace")
    return [texts(array) for array in arrays]


def table(caption, head, rows, numbers=()):
    """Return a table whose first column holds the row headers.

    Args:
        caption: caption.
        head: names of the columns.
        rows: one list of values per row.
        numbers: indices of the columns that are aligned as numbers.
    """
    kinds = [' class="n"' if index in numbers else "" for index in range(len(head))]
    names = "".join(f'<th scope="col"{kind}>{safe(name)}</th>' for name, kind in zip(head, kinds))
    lines = []
    for first, *rest in rows:
        cells = "".join(f"<td{kind}>{safe(cell)}</td>" for cell, kind in zip(rest, kinds[1:]))
        lines.append(f'<tr><th scope="row"{kinds[0]}><bdi>{safe(first)}</bdi></th>{cells}</tr>')
    body = f"<thead><tr>{names}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return _scrolling(caption, f"<table><caption>{safe(caption)}</caption>{body}</table>")


def bars(caption, shares):
    """Return a bar chart as a table of names, bars and numbers.

    Args:
        caption: caption.
        shares: list of (name, number from 0 to 1).
    """
    rows = [
        f'<tr><th scope="row"><bdi>{safe(name)}</bdi></th>'
        f'<td><div class="track" aria-hidden="true">'
        f'<div style="width:{100 * _finite(share):.1f}%"></div></div></td>'
        f'<td class="n">{share:.3f}</td></tr>'
        for name, share in shares
    ]
    return f'<table class="bars"><caption>{safe(caption)}</caption><tbody>{"".join(rows)}</tbody></table>'


def heat(caption, rows, columns, weights):
    """Return a heat map as a table of percentages.

    Args:
        caption: caption.
        rows, columns: names of the rows and columns.
        weights: (rows, columns) numbers from 0 to 1.
    """
    names = "".join(f'<th scope="col"><bdi>{safe(name)}</bdi></th>' for name in columns)
    lines = [
        f'<tr><th scope="row"><bdi>{safe(name)}</bdi></th>'
        f"{''.join(map(_heat_cell, row[: len(columns)]))}</tr>"
        for name, row in zip(rows, weights)
    ]
    head = f"<thead><tr><td></td>{names}</tr></thead>"
    inner = f"<caption>{safe(caption)}</caption>{head}<tbody>{''.join(lines)}</tbody>"
    return _scrolling(caption, f'<table class="heat">{inner}</table>')


def _finite(share):
    """Return a share that can be drawn: 0 if it is not finite."""
    return share if math.isfinite(share) else 0.0


def _heat_cell(weight):
    return f'<td style="--share:{_finite(weight):.2f}">{100 * weight:.0f}</td>'


def _scrolling(name, inner):
    """Wrap content that may be wider than the page, so that the keyboard can scroll it too."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{safe(name)}">{inner}</div>'


def numbered(title, candidates, note=""):
    """Return a numbered list of candidates, best first.

    Args:
        title: heading.
        candidates: list of (text, score).
        note: what the score is.
    """
    items = "".join(
        f'<li><bdi class="written">{safe(text) or "(nothing)"}</bdi> '
        f'<span class="quiet">{score:.3f}</span></li>'
        for text, score in candidates
    )
    about = f'<p class="quiet">{safe(note)}</p>' if note else ""
    return f"<h3>{safe(title)}</h3>{about}<ol>{items}</ol>"


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


def details(title, inner):
    """Return content that a click unfolds."""
    return f"<details><summary>{safe(title)}</summary>{inner}</details>"
