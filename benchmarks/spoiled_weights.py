"""What becomes of weight files with a few bytes changed at random, read as `rnn-apps import` reads them.

    python benchmarks/spoiled_weights.py --files 8000

The files are those in tests/golden; in each copy 1 to 8 bytes of its HDF5 part are replaced, most of them in
the first 4 KiB and others anywhere, by a generator whose seed is the number of the copy. The wall clock, the
outcome in words and the largest memory of any reader are counted; `--show crash` lists the numbers of a kind.
"""

import argparse
import collections
import random
import resource
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rnn_apps.errors import UserError
from rnn_apps.importing.subprocess_reader import MIN_SECONDS, read_in_subprocess

GOLDEN = sorted(p for p in (Path(__file__).parent.parent / "tests/golden").iterdir() if p.suffix != ".npz")
WEIGHTS = "model.weights.h5"
HEAD = 4096
KINDS = {"ended by": "crash", "longer than": "hang, stopped", "MB)": "too much memory, stopped"}


def spoiled(number, folder):
    """Path of the copy of that number."""
    rng = random.Random(number)
    source = GOLDEN[number % len(GOLDEN)]
    path = Path(folder) / f"{number}{source.suffix}"
    if source.suffix == ".h5":
        path.write_bytes(_changed(source.read_bytes(), rng))
        return path
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, _changed(content, rng) if name == WEIGHTS else content)
    return path


def _changed(content, rng):
    content = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        last = min(HEAD, len(content)) if rng.random() < 0.7 else len(content)
        content[rng.randrange(8, last)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(content)


def outcome(number, folder):
    """Kind and seconds of one copy, and what was said."""
    path, start, said = spoiled(number, folder), time.perf_counter(), ""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        try:
            read_in_subprocess(path, place)
            kind = "taken"
        except UserError as error:
            said = str(error)
            kind = next((kind for mark, kind in KINDS.items() if mark in said), "refused")
        except Exception as error:  # which import_model says in one line
            kind, said = "no answer", f"{type(error).__name__}: {error}"
    path.unlink()
    return kind, time.perf_counter() - start, said


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=8000)
    parser.add_argument("--first", type=int, default=0, help="number of the first copy")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--show", help="a kind whose numbers are listed")
    arguments = parser.parse_args()
    numbers = range(arguments.first, arguments.first + arguments.files)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(arguments.jobs) as threads:
        found = []
        for one in threads.map(lambda number: outcome(number, folder), numbers):
            found.append(one)
            if len(found) % 1000 == 0:
                print(len(found), dict(collections.Counter(kind for kind, _, _ in found)), flush=True)
    kinds = collections.Counter(kind for kind, _, _ in found)
    slowest = {kind: max(seconds for k, seconds, _ in found if k == kind) for kind in kinds}
    rows = [[kind, count, f"{slowest[kind]:.1f}"] for kind, count in kinds.most_common()]
    for row in (["outcome", "files", "slowest, s"], ["---"] * 3, *rows):
        print("| " + " | ".join(map(str, row)) + " |")
    late = sum(seconds > MIN_SECONDS + 2 for _, seconds, _ in found)
    own, readers = (
        resource.getrusage(who).ru_maxrss / 1e3 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"Answered after more than {MIN_SECONDS + 2} s: {late}")
    print(f"Largest memory of a reader: {readers:.0f} MB; of this process: {own:.0f} MB")
    for number, (kind, seconds, said) in zip(numbers, found):
        if kind == arguments.show:
            print(f"  {number}: {seconds:.1f} s {said}")


if __name__ == "__main__":
    main()
