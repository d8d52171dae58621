"""Checkpoints damaged in every way that a file can be, and which one a run then goes on from.

    python benchmarks/damaged_checkpoints.py --times 50

Two checkpoints are saved and one file of the newer is damaged, at a place drawn anew each time. Counted is
how often the older is taken whole, array by array; anything else, an error or other numbers, counts as wrong.
As a control the newer is left as it is and must be taken.
"""

import argparse
import random
import tempfile
from pathlib import Path

import numpy as np

from rnn_apps.checkpoint import Checkpoint, Checkpoints

FILES = ("state.npz", "best.npz", "facts.json", "manifest.json")
DAMAGES = {
    "a bit flipped": lambda content, place, rng: _put(content, place, content[place] ^ 1 << rng.randrange(8)),
    "a byte replaced": lambda content, place, rng: _put(content, place, (content[place] + 97) % 256),
    "cut": lambda content, place, rng: content[:place],
    "a byte more": lambda content, place, rng: content[:place] + b"0" + content[place:],
    "512 bytes of zeros": lambda content, place, rng: (
        content[:place] + bytes(len(content[place : place + 512])) + content[place + 512 :]
    ),
    "empty": lambda content, place, rng: b"",
    "missing": lambda content, place, rng: None,
    "none (control)": lambda content, place, rng: content,
}


def _put(content, place, byte):
    return content[:place] + bytes([byte]) + content[place + 1 :]


def checkpoint(step):
    """One whose arrays say which it is."""
    rng = np.random.default_rng(step)
    state = {"model.0": rng.random((40, 30), "float32"), "optimizer.0": np.array(step)}
    return Checkpoint(step, {"epoch": step, "loss": step / 3}, state, {"0": rng.random(200)})


def is_whole(found, step):
    """Whether a checkpoint is the one of that step, to the last bit."""
    expected = checkpoint(step)
    pairs = [(found.state, expected.state), (found.best, expected.best)]
    same = all(np.array_equal(one[name], other[name]) for one, other in pairs for name in other)
    return same and (found.step, found.facts) == (step, expected.facts)


def goes_on_from(name, damage, rng, folder):
    """The step that is taken after the damage, or what went wrong."""
    with Checkpoints(folder).locked() as checkpoints:
        checkpoints.save(checkpoint(1))
        checkpoints.save(checkpoint(2))
        path = checkpoints.folder / "checkpoint-000002" / name
        content = path.read_bytes()
        damaged = DAMAGES[damage](content, rng.randrange(len(content)), rng)
        if damaged is None:
            path.unlink()
        else:
            path.write_bytes(damaged)
        try:
            found = checkpoints.newest()
        except Exception as error:  # which no damage is to end in
            return type(error).__name__
    return next((step for step in (1, 2) if is_whole(found, step)), "other numbers")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=50)
    arguments, rng = parser.parse_args(), random.Random(0)
    for row in (["damage", *FILES], ["---"] * 5):
        print("| " + " | ".join(row) + " |")
    for damage in DAMAGES:
        cells = []
        for name in FILES:
            found = []
            for _ in range(arguments.times):
                with tempfile.TemporaryDirectory() as folder:
                    found.append(goes_on_from(name, damage, rng, Path(folder) / "checkpoints"))
            counts = {1: "the one before", 2: "the newest"}
            cells.append(", ".join(f"{counts.get(x, x)} {found.count(x)}" for x in dict.fromkeys(found)))
        print("| " + " | ".join([damage, *cells]) + " |", flush=True)


if __name__ == "__main__":
    main()
