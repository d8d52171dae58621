"""What a cell costs beside others: time and memory of one layer, forward and backward."""

import statistics
import subprocess
import sys
import time
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rnn_apps.layers import StackedRNN

SHAPE = (32, 100, 64, 128)  # batch, steps, features, units
WARM_UP, ROUNDS = 4, 9  # XLA compiles on the third use


class Cost(NamedTuple):
    """What one layer of a cell costs.

    Args:
        cell: its name.
        weights: numbers in it.
        milliseconds: forward and backward, median of rounds in which the cells take turns.
        megabytes: by which the peak of the process grows, in a process of its own; None where that cannot be
            known.
    """

    cell: str
    weights: int
    milliseconds: float
    megabytes: float | None


def costs(cells, shape=SHAPE, rounds=ROUNDS, memory=None):
    """Return a `Cost` for every cell.

    Args:
        cells: name to what `StackedRNN` takes as its cell.
        shape: (batch, steps, features, units).
        rounds: of which the median is taken.
        memory: ``memory(name)`` gives the megabytes, or None.
    """
    runs = {name: training(cell, shape) for name, cell in cells.items()}
    times = {name: [] for name in runs}
    for number in range(WARM_UP + rounds):
        for name, (run, _) in runs.items():
            start = time.perf_counter()
            run()
            if number >= WARM_UP:
                times[name].append(1000 * (time.perf_counter() - start))
    return [
        Cost(name, weights, statistics.median(times[name]), memory(name) if memory else None)
        for name, (_, weights) in runs.items()
    ]


def training(cell, shape):
    """Return forward and backward of one layer as a function without arguments, and its number of weights."""
    batch, steps, features, units = shape
    layer = StackedRNN((units,), cell=cell, return_sequences=True, seed=1)
    layer.build((None, None, features))
    inputs = tf.constant(np.random.default_rng(0).normal(size=(batch, steps, features)).astype("float32"))
    variables = [variable.value for variable in layer.trainable_variables]

    @tf.function(autograph=False)
    def train():
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(layer(inputs, training=True))
        return [tf.reduce_sum(tf.convert_to_tensor(g)) for g in tape.gradient(total, variables)]

    return lambda: [part.numpy() for part in train()], int(layer.count_params())


def peak_growth(cell, folder):
    """Return MB by which a process grows at its peak while a layer of a cell trains; None but on Linux.

    Args:
        cell: name, or ``module:Class``.
        folder: in which that module lies.
    """
    command = [sys.executable, "-c", _PROGRAM, cell]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    try:
        return float(done.stdout.split()[-1])
    except (IndexError, ValueError):
        return None


_PROGRAM = """
import re, sys
from pathlib import Path
from rnn_apps.checking.cost import SHAPE, training
from rnn_apps.tasks.cell import resolve_cell

def resident(field):
    return int(re.search(field + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

cell = resolve_cell(sys.argv[1])
run, _ = training(cell, SHAPE)
training(cell, (2, 2, 2, 2))[0]()
Path("/proc/self/clear_refs").write_text("5")  # the peak starts from here
before = resident("VmRSS")
for _ in range(5):
    run()
print(resident("VmHWM") - before)
"""
