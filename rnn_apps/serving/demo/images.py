"""Renders images in an answer as data URLs."""

import base64

from PIL import Image

from rnn_apps.serving.demo.html import safe
from rnn_apps.serving.demo.uploads import encode

THUMBNAIL_SIZE = 160  # pixels of the longer side
MAX_STRIP_FRAMES = 64


def data_url(pixels):
    """Return the data URL of a thumbnail of an image."""
    scale = THUMBNAIL_SIZE / max(pixels.size)
    size = [max(1, round(side * scale)) for side in pixels.size]
    small = pixels.resize(size, Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.BICUBIC)
    return "data:image/jpeg;base64," + base64.b64encode(encode(small, "JPEG", quality=85)).decode()


def film_strip(frames, captions=None):
    """Return numbered frames side by side; of a long clip, frames at even distances.

    Args:
        frames: list of images.
        captions: one caption per frame, instead of its number.
    """
    count = len(frames)
    step = -(-count // MAX_STRIP_FRAMES)
    figures = "".join(
        f'<figure><img src="{data_url(frames[i])}" alt="frame {i + 1}">'
        f"<figcaption>{safe(captions[i] if captions else i + 1)}</figcaption></figure>"
        for i in range(0, count, step)
    )
    label = f"Film strip of {count} frames" + (f", every {step}th shown" if step > 1 else "")
    return f'<div class="strip scroll" tabindex="0" role="region" aria-label="{label}">{figures}</div>'


def attention_maps(pixels, tokens, weights, grid):
    """Return the image once per token, darkened where the attention is low.

    Args:
        pixels: the image.
        tokens: list of str.
        weights: (tokens, positions) attention weights; positions in row-major order.
        grid: (rows, columns) of the positions.
    """
    rows, columns = grid
    width, height = 100 / columns, 100 / rows
    figures, places = [], []
    for token, row in zip(tokens, weights):
        highest = max(row)
        place = _describe_position(row.index(highest), rows, columns)
        places.append(f"{token} at the {place}")
        cells = "".join(
            f'<rect x="{i % columns * width:.2f}" y="{i // columns * height:.2f}" width="{width:.2f}" '
            f'height="{height:.2f}" opacity="{0.75 * (1 - weight / (highest or 1.0)):.2f}"/>'
            for i, weight in enumerate(row[: rows * columns])
        )
        figures.append(
            f'<figure><svg viewBox="0 0 100 100" role="img" aria-label="{safe(token)}: highest attention at '
            f'the {place}"><use href="#attended"/>{cells}</svg>'
            f"<figcaption><bdi>{safe(token)}</bdi></figcaption></figure>"
        )
    size = 'width="100" height="100" preserveAspectRatio="none"'
    image = f'<image id="attended" href="{data_url(pixels)}" {size}/>'
    hidden = f'<svg width="0" height="0" aria-hidden="true"><defs>{image}</defs></svg>'
    summary = f'<p class="quiet">Highest attention: {safe(", ".join(places))}.</p>'
    return f'{hidden}<div class="attention-maps">{"".join(figures)}</div>{summary}'


def _describe_position(index, rows, columns):
    vertical = ("top", "middle", "bottom")[3 * (2 * (index // columns) + 1) // (2 * rows)]
    horizontal = ("left", "middle", "right")[3 * (2 * (index % columns) + 1) // (2 * columns)]
    return "middle" if vertical == horizontal == "middle" else f"{vertical} {horizontal}"
