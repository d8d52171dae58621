"""Ranges of the options of `predict`."""

from rnn_apps.errors import UserError

_MOST_SEED = 2**31 - 1
_RANGES = {
    "beam": (1, 100),
    "nbest": (1, 100),
    "length": (1, 1_000_000),
    "temperature": (0, 100),
    "top_k": (0, 1_000_000),
    "top_p": (0, 1),
    "seed": (-_MOST_SEED, _MOST_SEED),
}


def check_options(**values):
    """Raise UserError for an option that is out of range."""
    for name, value in values.items():
        low, high = _RANGES[name]
        if not low <= value <= high:
            expected = f"a number from {low} to {high}"
            raise UserError(received=str(value), expected=expected, option=name)
