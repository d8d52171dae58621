"""Measures the time and memory of one layer of a cell, forward and backward."""

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
    """The cost of one layer of a cell.

    Args:
        cell: name of the cell.
        weights: number of values in its weights.
        milliseconds: median time of a forward and backward pass, with the cells measured in turn.
        megabytes: growth of the peak memory of a separate process, or None if unknown.
    """

    cell: str
    weights: int
    milliseconds: float
    megabytes: float | None


def measure_costs(cells, shape=SHAPE, rounds=ROUNDS, memory=None) -> list[Cost]:
    """Return a `Cost` for every cell.

    Args:
        cells: name to cell, as for `StackedRNN`.
        shape: (batch, steps, features, units).
        rounds: number of measurements.
        memory: function from the name of a cell to megabytes, or None.
    """
    steps = {name: make_training_step(cell, shape) for name, cell in cells.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(WARM_UP + rounds):
        for name, (run, _) in steps.items():
            start = time.perf_counter()
            run()
            if number >= WARM_UP:
                times[name].append(1000 * (time.perf_counter() - start))
    return [
        Cost(name, weights, statistics.median(times[name]), memory(name) if memory else None)
        for name, (_, weights) in steps.items()
    ]


def make_training_step(cell, shape):
    """Return a function that runs one layer forward and backward, and the number of its weights.

    Args:
        cell: a cell, as for `StackedRNN`.
        shape: (batch, steps, features, units).
    """
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

    return lambda: [value.numpy() for value in train()], int(layer.count_params())


def measure_peak_memory(cell, folder):
    """Return the MB by which a process grows at its peak while a layer trains, or None except on Linux.

    Args:
        cell: name, or ``module:Class``.
        folder: folder with that module.
    """
    command = [sys.executable, "-c", _PROGRAM, cell]
    result = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    try:
        return float(result.stdout.split()[-1])
    except (IndexError, ValueError):
        return None


_PROGRAM = """
import re, sys
from pathlib import Path
from rnn_apps.checking.cost import SHAPE, make_training_step
from rnn_apps.tasks.cell import resolve_cell

def resident(field):
    return int(re.search(field + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

cell = resolve_cell(sys.argv[1])
run, _ = make_training_step(cell, SHAPE)
make_training_step(cell, (2, 2, 2, 2))[0]()
Path("/proc/self/clear_refs").write_text("5")  # resets the peak
before = resident("VmRSS")
for _ in range(5):
    run()
print(resident("VmHWM") - before)
"""
