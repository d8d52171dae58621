"""Colours of labels, always shown with the label's name."""

from rnn_apps.serving.demo.html import safe

# Okabe and Ito's colours, lightened for dark text, as in the report of a run.
_COLOURS = ("#9fd0ef", "#f6cf7f", "#8fd6bd", "#e9b4d0", "#f4b183", "#a9bfe8", "#f2eb9b", "#c9ced8")


def palette(names):
    """Return name to colour; after eight names the colours repeat."""
    return {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(names)}


def legend(colours, used):
    """Return the names that are in `used`, each in its colour."""
    used = set(used)
    chips = " ".join(
        f'<span class="chip" style="background:{colour}">{safe(name)}</span>'
        for name, colour in colours.items()
        if name in used
    )
    return f'<p class="legend">{chips}</p>'
