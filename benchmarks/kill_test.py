"""Runs killed at random instants and resumed, beside stock `BackupAndRestore` on the same network.

    python benchmarks/kill_test.py
    python benchmarks/kill_test.py --kills 60 --recipes imdb

Of ours it is `rnn-apps kill-test` over five recipes on small generated samples. The peer is `model.fit` of
the sentiment network with `keras.callbacks.BackupAndRestore`, by epoch and every 5 batches, on the same
batches in the same order, begun again by the same script after each kill; its final weights are held against
those of a process that was left alone, and so are the steps that went into them.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from peers import table

from rnn_apps.recipe import load_recipe
from rnn_apps.runs.kill_test import kill_test

SMALL = {"source": "sample", "sample": {"size": 200}}
RECIPES = {
    "imdb": {
        "data": {**SMALL, "vocabulary_size": 60},
        "model": {"embedding": 3, "units": [3], "dropout": 0.3},
        "training": {"epochs": 3, "batch_size": 16, "early_stopping": 2, "schedule": "cosine"},
    },
    "translation": {
        "data": {**SMALL, "vocabulary_size": 300},
        "model": {"embedding": 4, "units": [6], "encoder_units": [3], "dropout": 0.2},
        "training": {"epochs": 2, "batch_size": 16},
    },
    "language_model": {
        "data": SMALL,
        "model": {"embedding": 4, "units": [8], "dropout": 0.2},
        "training": {"epochs": 2, "batch_size": 16, "tbptt": {"steps": 20}},
    },
    "tagging": {
        "data": SMALL,
        "model": {"embedding": 4, "units": [8], "bidirectional": False, "dropout": 0.2},
        "training": {"epochs": 2, "batch_size": 8, "tbptt": {"steps": 5}},
    },
    "forecasting": {
        "data": {"source": "sample", "sample": {"size": 1000}},
        "model": {"units": [6], "dropout": 0.2, "window": 48},
        "training": {"epochs": 2, "batch_size": 8, "tbptt": {"steps": 10}},
    },
}


def recipe(name):
    """The recipe, small, with a checkpoint every 3 steps."""
    settings = RECIPES[name]
    return load_recipe(
        name, {**settings, "training": {**settings["training"], "checkpoint_every": {"steps": 3}}}
    )


# The peer, in a process of its own


def train_stock(folder, save_freq):
    """Train with model.fit and BackupAndRestore; writes the weights and counts the steps."""
    import keras
    import tensorflow as tf

    from rnn_apps.tasks import find_task

    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(1)
    settings = recipe("imdb")
    task = find_task("text_classification").prepare(settings)
    model, loss, batches = task.trained, task.objective.loss, task.dataset.training_batches()
    model.compile("adam", lambda y, x: loss(x, tf.cast(y, tf.int32)))  # Keras makes floats of them
    backup = keras.callbacks.BackupAndRestore(folder / "backup", save_freq=save_freq)
    print("Training", flush=True)
    model.fit(batches.epoch(0), epochs=settings.training.epochs, callbacks=[backup], verbose=0)
    np.savez(folder / "weights.npz", *model.get_weights())
    (folder / "steps").write_text(str(int(model.optimizer.iterations)))


def stock_run(folder, save_freq, kill_after=None):
    """Run the peer once; whether it came to its end, and the seconds that its training took."""
    command = [sys.executable, __file__, "--stock", folder, "--save-freq", str(save_freq)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        start = time.monotonic()
        try:
            process.wait(kill_after)
        except subprocess.TimeoutExpired:
            process.kill()
            return False, None
        return process.returncode == 0, time.monotonic() - start


def stock_row(kills, save_freq, folder):
    """Kill the peer so many times."""
    rng, whole = random.Random(0), folder / "whole"
    whole.mkdir()
    ended, seconds = stock_run(whole, save_freq)
    if not ended:
        raise SystemExit("the peer failed of itself, without a kill")
    done = runs = unequal = failed = extra = 0
    while done < kills:
        runs += 1
        out = folder / f"run-{runs}"
        out.mkdir()
        ended = False
        while done < kills and not ended:
            ended, took = stock_run(out, save_freq, rng.uniform(0, seconds))
            done += took is None
            if took is not None and not ended:
                break
        if not ended:
            ended, _ = stock_run(out, save_freq)
        if not ended:
            failed += 1
            continue
        weights = [np.load(place / "weights.npz") for place in (whole, out)]
        unequal += any(not np.array_equal(weights[0][name], weights[1][name]) for name in weights[0].files)
        extra += int((out / "steps").read_text()) - int((whole / "steps").read_text())
    return [f"BackupAndRestore, save_freq={save_freq}", done, runs, unequal, failed, extra]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20, help="of each")
    parser.add_argument("--recipes", nargs="*", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--stock", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--save-freq", default="epoch", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    save_freq = int(arguments.save_freq) if arguments.save_freq.isdigit() else arguments.save_freq
    if arguments.stock:
        train_stock(arguments.stock, save_freq)
        return
    rows = []
    for name in arguments.recipes:
        with tempfile.TemporaryDirectory() as folder:
            found = kill_test(recipe(name), arguments.kills, Path(folder) / "kills")
        rows.append([f"rnn-apps, {name}", found.kills, found.runs, len(found.unequal), 0, found.extra_steps])
    for save_freq in ("epoch", 5):
        with tempfile.TemporaryDirectory() as folder:
            rows.append(stock_row(arguments.kills, save_freq, Path(folder)))
    print(table(["what", "kills", "runs", "unequal", "failed", "steps too many"], rows))


if __name__ == "__main__":
    main()
