"""Two answers to one question: which of their entries are shared, and whether these say the same."""

import numpy as np

TOLERANCE = 2e-4  # answers are rounded to four digits


def assert_same(found, expected, what):
    """Hold the entries that both have against one another, of which there must be one.

    Args:
        found: name to value.
        expected: name to value.
        what: is compared, for the message.
    """
    shared = found.keys() & expected.keys()
    assert shared, f"{what}: nothing to compare; received {list(found)}, expected some of {list(expected)}"
    for name in sorted(shared):
        problem = difference(found[name], expected[name])
        assert problem is None, f"{what}: {name} differs: {problem}"


def difference(found, expected):
    """What is different in two values: one line; None where nothing is.

    Texts are equal to the letter, numbers to `TOLERANCE`, relative beside large ones.
    """
    if isinstance(expected, dict):
        if not isinstance(found, dict) or list(found) != list(expected):
            return f"{found} in place of {expected}"
        parts = (difference(found[key], value) for key, value in expected.items())
        return next((part for part in parts if part is not None), None)
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return f"shape {found.shape} in place of {expected.shape}"
    if expected.dtype.kind in "US":
        same = (found == expected).all()
    else:
        same = np.allclose(found.astype(float), expected.astype(float), rtol=TOLERANCE, atol=TOLERANCE)
    return None if same else f"{found.tolist()} in place of {expected.tolist()}"[:300]
