"""Training in several processes of this machine: kills and resumes, and how speed grows with processes.

With --kills N, runs of two processes are killed N times: at a random time, one of the processes gets SIGKILL.
Measured is how long the other one takes to stop; then all are restarted with --resume, and the finished run
must have exactly the steps of an uninterrupted run, and scores within the seed range.

With --counts 1 2 4, an epoch is trained by that many processes, all of them together on all cores, so that
the number of threads is the same. Printed is the median over rounds of the examples per second, next to one
process.

python benchmarks/workers.py [--recipe imdb] [--data FOLDER] [--set KEY=VALUE ...] [--kills 10]
    [--counts 1 2 4] [--rounds 3]
"""

import argparse
import csv
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

QUICK = ["export=[]", "views=false"]
EVERY = ["training.checkpoint_every={steps: 20, minutes: null}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="imdb")
    parser.add_argument("--data", help="folder or file; synthetic data by default")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--counts", nargs="+", type=int, default=[])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    data = ["--data", given.data] if given.data else ["--set", "data.source=sample"]
    options = [*data, *(part for text in [*QUICK, *given.overrides] for part in ("--set", text))]
    with tempfile.TemporaryDirectory() as folder:
        if given.kills:
            measure_kills(given.recipe, options, given.kills, Path(folder), random.Random(given.seed))
        if given.counts:
            measure_speed(given.recipe, options, given.counts, given.rounds, Path(folder))


def command(count, *arguments):
    start = ["workers", "--workers", str(count)] if count > 1 else ["run"]
    return [sys.executable, "-m", "rnn_apps", *start, *map(str, arguments)]


def measure_kills(recipe, options, kills, folder, rng):
    """Kill runs of two processes, resume them, and print a row for each kill."""
    options = [*options, *(part for text in EVERY for part in ("--set", text))]
    whole, seconds = folder / "whole", time.monotonic()
    subprocess.run(command(2, recipe, "--out", whole, *options), check=True, capture_output=True)
    seconds = time.monotonic() - seconds
    expected = facts_of(whole)
    print(f"Uninterrupted: {expected['steps']} steps, {seconds:.0f} s, test {expected['score']:.4f}")
    print("| killed | at step | others stopped after, s | exit code | steps in the end | test score |")
    print("|---|---|---|---|---|---|", flush=True)
    for number in range(kills):
        out, victim = folder / f"killed-{number}", number % 2
        log = open(folder / f"{number}.log", "w+")  # noqa: SIM115
        process = subprocess.Popen(
            command(2, recipe, "--out", out, *options), stdout=log, stderr=subprocess.STDOUT
        )
        while not list(out.glob("checkpoints/checkpoint-*")) and process.poll() is None:
            time.sleep(0.05)
        time.sleep(rng.uniform(0, max(1, seconds - 25)))
        workers = children_of(process.pid)
        if len(workers) < 2:
            print(f"| none: the run had ended with {process.wait()} | | | | | |", flush=True)
            continue
        os.kill(workers[victim], signal.SIGKILL)
        start = time.monotonic()
        while len([pid for pid in workers if is_running(pid)]) > 0:
            time.sleep(0.02)
        stopped, code = time.monotonic() - start, process.wait()
        step = last_step(out)
        subprocess.run(command(2, "--resume", out), check=True, capture_output=True)
        found = facts_of(out)
        who = "the chief" if victim == 0 else "worker 1"
        cells = [who, step, f"{stopped:.1f}", code, found["steps"], f"{found['score']:.4f}"]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


def children_of(pid):
    """The processes that a process has started, in the order of their numbers."""
    tasks = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sorted(map(int, tasks))


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def last_step(out):
    newest = max(out.glob("checkpoints/checkpoint-*"))
    return json.loads((newest / "manifest.json").read_text())["step"]


def facts_of(out):
    metrics = json.loads((out / "metrics.json").read_text())
    name = next(iter(metrics["test"]))
    return {"steps": metrics["training"]["steps_executed"], "score": metrics["test"][name]}


def measure_speed(recipe, options, counts, rounds, folder):
    """Print the examples per second of each number of processes, interleaved, as medians."""
    speeds = {count: [] for count in counts}
    for number in range(rounds):
        for count in counts:
            out = folder / f"speed-{number}-{count}"
            subprocess.run(command(count, recipe, "--out", out, *options), check=True, capture_output=True)
            with open(out / "history.csv", newline="") as file:
                last = list(csv.DictReader(file))[-1]
            speeds[count].append(float(last["examples_per_second"]))
    print("| processes | examples/s, median (range) | next to the first row |\n|---|---|---|")
    first = statistics.median(speeds[counts[0]])
    for count, found in speeds.items():
        median = statistics.median(found)
        print(f"| {count} | {median:,.0f} ({min(found):,.0f} to {max(found):,.0f}) | {median / first:.2f} |")


if __name__ == "__main__":
    main()
