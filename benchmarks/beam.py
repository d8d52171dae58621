"""Speed of preparing data and of predicting files: in one process, and in workers of Apache Beam.

Each command runs as a user types it, in processes of its own, one mode after the other in each round. Printed
are the median seconds over the rounds, start included, the examples per second, and the ratio to one process.
The files of all modes must be the same.

python benchmarks/beam.py prepare imdb --texts 1000000
python benchmarks/beam.py prepare image_captioning --data FOLDER --set model.encoder.weights=FILE
python benchmarks/beam.py predict RUN --texts 100000
    [--workers 1 2] [--rounds 3] [--runner DirectRunner]
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from prepared_data import write_texts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["prepare", "predict"])
    parser.add_argument("subject", help="a recipe to prepare data for, or a run that predicts")
    parser.add_argument("--texts", type=int, help="number of generated texts")
    parser.add_argument("--data", help="data to prepare, or a file of inputs, in place of generated texts")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runner", default="DirectRunner")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if given.texts:
            write_texts(folder, given.texts)
            (folder / "raw" / "test.jsonl").rename(folder / "raw" / "validation.jsonl")
        raw = given.data or folder / "raw" / ("" if given.command == "prepare" else "train.jsonl")
        seconds, examples = {count: [] for count in [0, *given.workers]}, None
        for _ in range(given.rounds):
            for count, times in seconds.items():
                times.append(measure(given, raw, count, folder / f"out-{count}"))
                found = read_facts(given.command, folder / f"out-{count}")
                assert examples is None or found == examples, "the files differ"
                examples = found
        print_table(given, seconds, examples[0])


def measure(given, raw, workers, out):
    """Seconds of a command."""
    shutil.rmtree(out, ignore_errors=True)
    if given.command == "prepare":
        command = ["prepare", given.subject, "--data", raw, "--to", out]
        command += [part for text in given.overrides for part in ("--set", text)]
    else:
        command = ["predict", given.subject, raw, "--out", out / "answers"]
    beam = ["--runner", given.runner, "--workers", workers] if workers else []
    start = time.perf_counter()
    line = [sys.executable, "-m", "rnn_apps", *map(str, [*command, *beam])]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode or "No worker has" in done.stdout:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    return time.perf_counter() - start


def read_facts(command, out):
    """The number of examples, and what identifies the files."""
    if command == "predict":
        content = json.loads((out / "answers.json").read_text())
        return content["answered"] + content["invalid"], [shard["files"] for shard in content["shards"]]
    content = json.loads((out / "prepared.json").read_text())
    return sum(split["size"] for split in content["splits"].values()), content["splits"]


def print_table(given, seconds, examples):
    print(f"{given.command} {Path(given.subject).name}, {examples:,} examples, {given.rounds} rounds")
    print("| | seconds, median | range | examples/s | speed-up |\n|---|---|---|---|---|")
    base = statistics.median(seconds[0])
    for count, times in seconds.items():
        median = statistics.median(times)
        name = f"{given.runner}, {count} workers" if count else "one process"
        cells = [f"{median:.1f}", f"{min(times):.1f} to {max(times):.1f}", f"{examples / median:,.0f}"]
        print(f"| {name} | {' | '.join(cells)} | {base / median:.2f} |")


if __name__ == "__main__":
    main()
