"""Score, peak memory and speed of a recipe by `training.precision` and `training.accumulate_steps`.

Each run is a process of its own; runs are interleaved, and medians over rounds are printed. On a CPU, lower
precision is emulated and slower; the table is for comparing scores there, and speed on a GPU.

python benchmarks/precision.py [--recipe imdb] [--data FOLDER] [--set KEY=VALUE ...] [--rounds 1]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
PARTS = (1, 4)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="imdb")
    parser.add_argument("--data", help="folder or file; synthetic data by default")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    data = ["--data", given.data] if given.data else ["--set", "data.source=sample"]
    settings = ["export=[]", "views=false", *given.overrides]
    cases = [(precision, 1) for precision in PRECISIONS] + [("float32", parts) for parts in PARTS[1:]]
    found = {case: [] for case in cases}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(given.rounds):
            for precision, parts in cases:
                out = Path(folder) / f"{number}-{precision}-{parts}"
                own = [f"training.precision={precision}", f"training.accumulate_steps={parts}"]
                options = [part for text in (*settings, *own) for part in ("--set", text)]
                command = [sys.executable, "-m", "rnn_apps", "run", given.recipe, "--out", str(out)]
                subprocess.run([*command, *data, *options], check=True, capture_output=True)
                found[precision, parts].append(json.loads((out / "metrics.json").read_text()))
    name = next(iter(found[cases[0]][0]["test"]))
    print(f"| precision | parts | test {name} | peak memory, MB | examples/s |\n|---|---|---|---|---|")
    for (precision, parts), runs in found.items():
        score = statistics.median(run["test"][name] for run in runs)
        memory, speed = (
            statistics.median(run["training"][key] for run in runs)
            for key in ("peak_memory_mb", "examples_per_second")
        )
        print(f"| {precision} | {parts} | {score:.4f} | {memory:,.0f} | {speed:,.0f} |")


if __name__ == "__main__":
    main()
