"""Answers as HTML: every text of a visitor or of a network goes through `safe`."""

import html
import math
import re

from rnn_apps.errors import printable

# Control letters, orders to turn the direction of writing, halves of letters: shown by their number.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_OF_TEMPLATES = {ord(letter): f"&#{ord(letter)};" for letter in "{}$`"}  # gradio fills templates with answers
LONGEST = 20_000  # letters of one text that are shown


def safe(value):
    """Return a text, or the bytes of one, as HTML that shows it and does nothing."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]} ... and {len(text) - LONGEST:,} letters more"
    escaped = html.escape(_HIDDEN.sub(lambda found: printable(found[0]), text))
    return escaped.translate(_OF_TEMPLATES)


def texts(arrays):
    """Return the strings of an array of bytes, nested as that is."""
    if isinstance(arrays, bytes):
        return arrays.decode("utf-8", "replace")
    return [texts(one) for one in arrays]


def table(caption, head, rows, numbers=()):
    """Return a table whose first column names its rows.

    Args:
        caption: what it shows.
        head: names of the columns.
        rows: lists of values, as many as there are columns.
        numbers: indices of columns that are set as numbers.
    """
    kinds = [' class="n"' if place in numbers else "" for place in range(len(head))]
    names = "".join(f'<th scope="col"{kind}>{safe(name)}</th>' for name, kind in zip(head, kinds))
    lines = []
    for first, *rest in rows:
        cells = "".join(f"<td{kind}>{safe(cell)}</td>" for cell, kind in zip(rest, kinds[1:]))
        lines.append(f'<tr><th scope="row"{kinds[0]}><bdi>{safe(first)}</bdi></th>{cells}</tr>')
    body = f"<thead><tr>{names}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return _scrolling(caption, f"<table><caption>{safe(caption)}</caption>{body}</table>")


def bars(caption, shares):
    """Return a table of names with a bar and a number each.

    Args:
        caption: what it shows.
        shares: list of (name, number from 0 to 1).
    """
    rows = [
        f'<tr><th scope="row"><bdi>{safe(name)}</bdi></th>'
        f'<td><div class="track" aria-hidden="true">'
        f'<div style="width:{100 * _drawn(share):.1f}%"></div></div></td>'
        f'<td class="n">{share:.3f}</td></tr>'
        for name, share in shares
    ]
    return f'<table class="bars"><caption>{safe(caption)}</caption><tbody>{"".join(rows)}</tbody></table>'


def heat(caption, rows, columns, weights):
    """Return a table of weights as colours and per cent.

    Args:
        caption: what it shows.
        rows, columns: their names.
        weights: for each row a number from 0 to 1 for each column.
    """
    names = "".join(f'<th scope="col"><bdi>{safe(name)}</bdi></th>' for name in columns)
    lines = [
        f'<tr><th scope="row"><bdi>{safe(name)}</bdi></th>'
        f"{''.join(map(_heat_cell, line[: len(columns)]))}</tr>"
        for name, line in zip(rows, weights)
    ]
    head = f"<thead><tr><td></td>{names}</tr></thead>"
    inner = f"<caption>{safe(caption)}</caption>{head}<tbody>{''.join(lines)}</tbody>"
    return _scrolling(caption, f'<table class="heat">{inner}</table>')


def _drawn(share):
    """The share as a length or a colour; one that is not finite is written, not drawn."""
    return share if math.isfinite(share) else 0.0


def _heat_cell(weight):
    return f'<td style="--share:{_drawn(weight):.2f}">{100 * weight:.0f}</td>'


def _scrolling(name, inner):
    """What may be wider than the page: reached and moved by the keyboard as well."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{safe(name)}">{inner}</div>'


def numbered(title, lines, note=""):
    """Return candidates, best first.

    Args:
        title: above them.
        lines: list of (text, score).
        note: what the score is.
    """
    items = "".join(
        f'<li><bdi class="written">{safe(text) or "(nothing)"}</bdi> '
        f'<span class="quiet">{score:.3f}</span></li>'
        for text, score in lines
    )
    about = f'<p class="quiet">{safe(note)}</p>' if note else ""
    return f"<h3>{safe(title)}</h3>{about}<ol>{items}</ol>"


def read_in_part(found):
    """Return ``read 400 of 1,012 words`` where a text was longer than what is read of it, else ``""``.

    Args:
        found: outputs of an export for one text, by name.
    """
    for unit in ("words", "tokens"):
        if f"{unit}_read" in found:
            read, length = int(found[f"{unit}_read"][0]), int(found[unit][0])
            return f"read {read:,} of {length:,} {unit}" if read < length else ""
    return ""


def details(title, inner):
    """Return what is unfolded by a click."""
    return f"<details><summary>{safe(title)}</summary>{inner}</details>"
