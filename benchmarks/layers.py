"""Forward and backward of one layer beside keras.layers, torch.nn and the bare matrix products.

The layers are called with ``training=True``; the columns `unset` and `False` are ours called so.

python benchmarks/layers.py [--rounds 15] [--cells vanilla lstm gru] [--shapes 0 1 2 3 4] [--no-memory]
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import peers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--cells", nargs="+", choices=peers.CELLS, default=list(peers.CELLS))
    parser.add_argument("--shapes", nargs="+", type=int, default=range(len(peers.SHAPES)))
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--memory-of", nargs=3, metavar=("PEER", "CELL", "SHAPE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory_of:
        peer, cell, shape = given.memory_of
        print(peak_growth(peer, cell, peers.SHAPES[int(shape)]))
        return
    shapes = [peers.SHAPES[i] for i in given.shapes]
    print(f"{peers.cores()} cores, float32, medians of {given.rounds} interleaved rounds, milliseconds\n")
    print(peers.table(*speed(given.cells, shapes, given.rounds)))
    if not given.no_memory:
        print(f"\nPeak resident memory beyond imports, inputs and weights, MB, at {shapes[-1]}\n")
        print(peers.table(*memory(given.cells, peers.SHAPES.index(shapes[-1]))))


def speed(cells, shapes, rounds):
    """Head and rows of the table of times."""
    head = [
        "cell",
        "batch, steps, features, units",
        "rnn_apps",
        "unset",
        "False",
        "keras",
        "torch",
        "products",
    ]
    rows = []
    for cell in cells:
        for shape in shapes:
            times = peers.interleaved_medians(peers.make_peers(cell, shape), rounds)
            rows.append([cell, ", ".join(map(str, shape)), *(_shown(times, name) for name in head[2:])])
            rows[-1] += [_ratio(times, name) for name in head[3:]]
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return [*head, *(f"{name} / ours" for name in head[3:])], rows


def _shown(times, name):
    return f"{times[name]:.1f}" if name in times else "-"


def _ratio(times, name):
    return f"{times[name] / times['rnn_apps']:.2f}" if name in times else "-"


def memory(cells, shape_index):
    """Head and rows of the table of memory, each peer in a process of its own."""
    names = ["rnn_apps", "keras", "torch"]
    rows = []
    for cell in cells:
        commands = [[sys.executable, __file__, "--memory-of", n, cell, str(shape_index)] for n in names]
        answers = [subprocess.run(c, capture_output=True, text=True, check=True).stdout for c in commands]
        rows.append([cell, *(answer.split()[-1] for answer in answers)])
    return ["cell", *names], rows


def peak_growth(peer, cell, shape):
    """MB by which the peak resident memory grows over five runs, compiling included (Linux)."""
    if peer == "torch":
        run = peers.torch_run(cell, shape)
    else:
        run = peers.tf_run(peer, cell, shape)
        peers.tf_run(peer, cell, (2, 2, 2, 2))()  # what a first call of any size takes
    if run is None:
        return "-"
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts from here; see proc(5)
    before = resident("VmRSS")
    for _ in range(5):
        run()
    return round(resident("VmHWM") - before)


def resident(field):
    """MB of this process: VmRSS now, VmHWM at its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


if __name__ == "__main__":
    main()
