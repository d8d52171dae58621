"""Kills runs at random times, resumes them, and compares them with an uninterrupted run."""

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from rnn_apps.checkpoint import Checkpoints
from rnn_apps.errors import RnnAppsError
from rnn_apps.recipe import apply_overrides, dump_recipe
from rnn_apps.run_folder import CHECKPOINTS, RunFolder

STARTS = "Network:"  # printed when training starts
UNTIMED = ("seconds", "examples_per_second")


class KillTest(NamedTuple):
    """The result of a kill test.

    Args:
        kills: number of processes killed during training, evaluation or export.
        runs: number of runs completed in spite of the kills.
        unequal: runs that differ from the uninterrupted run, with the differences.
        extra_steps: number of training steps in the resumed runs beyond those of the uninterrupted run.
    """

    kills: int
    runs: int
    unequal: list
    extra_steps: int


def kill_test(recipe, kills, folder, seed=0, log=print):
    """Kill runs of a recipe with SIGKILL, resume them, and compare each with an uninterrupted run.

    All operations are deterministic. Every second kill is at a random time during training, the others at any
    time after the start of training, including evaluation and export.

    Args:
        recipe: `Recipe`.
        kills: number of kills.
        folder: new folder for the runs.
        seed: random seed of the times.
        log: receives a line for every kill and every run.

    Returns:
        `KillTest`.

    Raises:
        RnnAppsError: if a run fails by itself.
    """
    folder, rng = Path(folder), random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "recipe.yaml"
    recipe = apply_overrides(recipe, ["training.deterministic=true", "views=false"])  # they change no weight
    file.write_text(dump_recipe(recipe), encoding="utf-8")
    whole = _Process(file, folder / "whole")
    seconds = whole.wait_for_end()
    training = RunFolder(folder / "whole").read_json("metrics.json")["seconds"]["training"]
    log(f"Uninterrupted run: {training:.1f} s of training, {seconds:.1f} s in total")
    done, unequal, runs, extra = 0, [], 0, 0
    while done < kills:
        runs += 1
        out = folder / f"killed-{runs}"
        while done < kills:
            process = _Process(file, out)
            if not process.kill_after(rng.uniform(0, seconds if done % 2 else training)):
                break
            done += 1
            log(f"Kill {done} of {kills}: run {runs}, {process.place()}")
        else:
            _Process(file, out).wait_for_end()
        found = differences(folder / "whole", out)
        unequal += [f"run {runs}: {', '.join(found)}"] if found else []
        log(f"Run {runs}: {'differs in ' + ', '.join(found) if found else 'bit-equal'}")
        extra += _final(out).step - _final(folder / "whole").step
        if not found:
            shutil.rmtree(out)
    return KillTest(done, runs, unequal, extra)


def differences(first, second):
    """Return the names of arrays and facts that differ between two finished runs, except for times."""
    one, other = _final(first), _final(second)
    names = {*one.state, *other.state}
    found = [f"state {name}" for name in sorted(names) if not _equal(one.state, other.state, name)]
    names = {*one.best, *other.best}
    found += [f"best {name}" for name in sorted(names) if not _equal(one.best, other.best, name)]
    facts = [_timeless(checkpoint.facts["progress"]) for checkpoint in (one, other)]
    return found + [name for name in facts[0] if facts[0][name] != facts[1][name]]


def _final(folder):
    return Checkpoints(Path(folder) / CHECKPOINTS).newest()


def _equal(one, other, name):
    return name in one and name in other and one[name].tobytes() == other[name].tobytes()


def _timeless(position):
    rows = [{k: v for k, v in row.items() if k not in UNTIMED} for row in position["history"]]
    return {**position, "history": rows}


class _Process:
    """A run in a separate process, started or resumed."""

    def __init__(self, recipe, out):
        self._log = out.with_suffix(".log")
        where = ["--resume" if (out / "recipe.yaml").exists() else "--out", out]
        if where[0] == "--out":
            shutil.rmtree(out, ignore_errors=True)
        with open(self._log, "w", encoding="utf-8") as log:
            command = [sys.executable, "-m", "rnn_apps", "run", recipe, *where]
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def _said(self):
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _wait_for_start(self):
        while STARTS not in self._said() and self._process.poll() is None:
            time.sleep(0.01)

    def _check(self):
        if self._process.returncode:
            raise RnnAppsError(f"kill-test: a run failed of itself:\n{self._said()[-2000:]}")

    def wait_for_end(self):
        """Return the seconds from the start of training to the end."""
        self._wait_for_start()
        start = time.monotonic()
        self._process.wait()
        self._check()
        return time.monotonic() - start

    def kill_after(self, seconds):
        """Kill the process some seconds after training starts; return whether it was still running."""
        self._wait_for_start()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return True
        self._check()
        return False

    def place(self):
        """The last line of its output about its progress."""
        of_its_course = [line for line in self._said().splitlines() if line and not line[0].isspace()]
        return (of_its_course or [""])[-1][:100]
