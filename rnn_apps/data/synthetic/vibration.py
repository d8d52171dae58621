"""Synthetic vibration of a machine, with its condition at every step."""

import numpy as np

CHANNELS = ("x", "y", "z")
CONDITIONS = ("off", "normal", "unbalanced", "worn")
_STEPS, _SEGMENT = (120, 241), (20, 61)
_RAMP = 4  # steps in which the amplitude follows a change
_NOISE = 0.12


def vibration_streams(count, seed):
    """Return a list of streams: accelerations float32 (steps, 3), and a list of conditions.

    A machine turns at its own speed. Out of balance, it shakes more in x and y; with a worn bearing, it
    knocks in z. A single step rarely shows which, because every oscillation passes through zero.

    Args:
        count: Number of streams, of 120 to 240 steps; the first ones do not depend on it.
        seed: Random seed.
    """
    return [_stream(np.random.default_rng([seed, number])) for number in range(count)]


def _stream(rng):
    steps = int(rng.integers(*_STEPS))
    lengths = rng.integers(*_SEGMENT, size=steps // _SEGMENT[0] + 1)
    order = [int(rng.integers(len(CONDITIONS)))]
    while len(order) < len(lengths):  # never the same condition twice in a row
        order.append((order[-1] + int(rng.integers(1, len(CONDITIONS)))) % len(CONDITIONS))
    condition = np.repeat(order, lengths)[:steps]
    smooth = np.ones(_RAMP) / _RAMP
    share = [
        np.convolve(np.r_[[c == condition[0]] * (_RAMP - 1), c == condition], smooth, "valid")
        for c in range(4)
    ]
    _, normal, unbalanced, worn = share
    phase = 2 * np.pi * (rng.uniform(0.08, 0.14) * np.arange(steps) + rng.uniform())
    amplitude = 0.35 * (normal + worn) + 0.9 * unbalanced
    since_knock = (np.arange(steps) + int(rng.integers(7))) % int(rng.integers(6, 9))
    knock = np.exp(-0.6 * since_knock) * np.cos(2.4 * since_knock)
    x, y = amplitude * np.sin(phase), amplitude * np.cos(phase)
    z = 0.2 * (1 - share[0]) * np.sin(2 * phase) + 0.9 * worn * knock
    values = np.stack([x, y, z], axis=-1) + _NOISE * rng.normal(size=(steps, len(CHANNELS)))
    return values.astype(np.float32), [CONDITIONS[c] for c in condition]
