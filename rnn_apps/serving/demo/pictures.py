"""Pictures within an answer, as data in the page itself."""

import base64

from PIL import Image

from rnn_apps.serving.demo.marking import safe
from rnn_apps.serving.demo.uploads import encoded

SHOWN = 320  # pixels of the longer side
_SMALL = 160
MOST_SHOWN = 64  # frames of a strip


def source_of(pixels, longest=SHOWN):
    """Return the address of a picture that holds the picture itself."""
    scale = longest / max(pixels.size)
    size = [max(1, round(side * scale)) for side in pixels.size]
    small = pixels.resize(size, Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.BICUBIC)
    return "data:image/jpeg;base64," + base64.b64encode(encoded(small, "JPEG", quality=85)).decode()


def film_strip(frames, captions=None):
    """Return frames side by side, numbered; of many those at even distances.

    Args:
        frames: list of pictures.
        captions: of each, in place of its number alone.
    """
    count = len(frames)
    step = -(-count // MOST_SHOWN)
    figures = "".join(
        f'<figure><img src="{source_of(frames[i], _SMALL)}" alt="frame {i + 1}">'
        f"<figcaption>{safe(captions[i] if captions else i + 1)}</figcaption></figure>"
        for i in range(0, count, step)
    )
    label = f"Film strip of {count} frames" + (f", every {step}th shown" if step > 1 else "")
    return f'<div class="strip scroll" tabindex="0" role="region" aria-label="{label}">{figures}</div>'


def looked_at(pixels, tokens, weights, grid):
    """Return the picture once a token, dark where the network did not look as it wrote it.

    Args:
        pixels: the picture.
        tokens: list of text.
        weights: for each token a number for each place, row by row.
        grid: (rows, columns) of the places.
    """
    rows, columns = grid
    width, height = 100 / columns, 100 / rows
    figures = []
    for token, line in zip(tokens, weights):
        most = max(line) or 1.0
        cells = "".join(
            f'<rect x="{i % columns * width:.2f}" y="{i // columns * height:.2f}" width="{width:.2f}" '
            f'height="{height:.2f}" opacity="{0.75 * (1 - weight / most):.2f}"/>'
            for i, weight in enumerate(line[: rows * columns])
        )
        place = _place(line.index(max(line)), rows, columns)
        figures.append(
            f'<figure><svg viewBox="0 0 100 100" role="img" aria-label="{safe(token)}: it looks most at the '
            f'{place}"><use href="#looked"/>{cells}</svg>'
            f"<figcaption><bdi>{safe(token)}</bdi></figcaption></figure>"
        )
    image = (
        f'<image id="looked" href="{source_of(pixels, _SMALL)}" width="100" height="100" '
        'preserveAspectRatio="none"/>'
    )
    hidden = f'<svg width="0" height="0" aria-hidden="true"><defs>{image}</defs></svg>'
    said = ", ".join(
        f"{token} at the {_place(line.index(max(line)), rows, columns)}"
        for token, line in zip(tokens, weights)
    )
    words = f'<p class="quiet">It looks most: {safe(said)}.</p>'
    return f'{hidden}<div class="looks">{"".join(figures)}</div>{words}'


def _place(index, rows, columns):
    """Where in a picture a cell is, in words."""
    down = ("top", "middle", "bottom")[3 * (2 * (index // columns) + 1) // (2 * rows)]
    across = ("left", "middle", "right")[3 * (2 * (index % columns) + 1) // (2 * columns)]
    return "middle" if down == across == "middle" else f"{down} {across}"
