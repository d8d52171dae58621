"""A stream of a million steps: trained on by truncated backpropagation, and read as it comes.

    python benchmarks/long_sequences.py
    python benchmarks/long_sequences.py --steps 1000000 --only ours_training
    python benchmarks/long_sequences.py --steps 20000 --only whole recomputed

One stream of four numbers a row, whose label says whether the first has risen; one GRU of 64 units; windows
of 100 steps, batch 1. Ours is `rnn-apps run frame_labelling` on a CSV file with `training.tbptt`, and
`predict --stream` on the same file; the peer is `keras.layers.GRU(stateful=True)` with `model.fit` on the
same windows, and called chunk by chunk, with no file to read and no answer to write. Each row is measured in
a process of its own; memory is what is resident after a hundredth of the steps, in the middle, at the end.

`whole` and `recomputed` go back through the whole stream at once, three times, without and with
`training.recompute_every`; their memory is the peak before the first step, and after the last.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from layers import resident
from peers import table

UNITS, WINDOW, CHUNK = 64, 100, 1000
NAMES = ("ours_training", "keras_training", "ours_streaming", "keras_streaming")
WHOLE = ("whole", "recomputed")


def written(folder, steps):
    """A CSV file of a stream, and a short one to be tested on."""
    rng = np.random.default_rng(0)
    for name, count in (("train", steps), ("validation", 2000), ("test", 2000)):
        level = np.cumsum(rng.normal(size=count))
        numbers = np.column_stack([level - level.mean(), rng.normal(size=(count, 3))])
        labels = np.where(np.diff(level, prepend=level[0]) > 0, "up", "down")
        with open(folder / f"{name}.csv", "w") as file:
            file.write("a,b,c,d,label\n")
            for row, label in zip(numbers, labels):
                file.write(",".join(f"{value:.3f}" for value in row) + f",{label}\n")


class Watch:
    """Notes time and memory after a hundredth, a half and all of the steps."""

    def __init__(self, total):
        self.marks, self.seen = [total // 100, total // 2, total], []

    def at(self, done):
        """So many steps are done."""
        while len(self.seen) < len(self.marks) and done >= self.marks[len(self.seen)]:
            self.seen.append((done, time.perf_counter(), resident("VmRSS")))

    def row(self):
        """Steps a second, and MB three times."""
        (first, start, _), *_, (last, end, _) = self.seen
        return [f"{(last - first) / (end - start):,.0f}", *(f"{mb:.0f}" for *_, mb in self.seen)]


def ours_training(folder, steps):
    """The product's own training on the file."""
    import rnn_apps
    from rnn_apps.recipe import load_recipe, with_data

    watch = Watch(steps)

    class Console:
        def log(self, text):
            print(text, file=sys.stderr)

        def step(self, step, total, logs):
            watch.at(step * WINDOW)

        def close(self):
            pass

    settings = {"model": {"units": [UNITS], "dropout": 0.0}, "training": {"epochs": 1, "batch_size": 1}}
    settings["training"] |= {"tbptt": {"steps": WINDOW}, "checkpoint_every": {"minutes": None}}
    recipe = with_data(load_recipe("frame_labelling", settings), folder)
    rnn_apps.run(recipe, out=folder / "run", console=Console())
    return watch.row()


def whole(folder, steps, every=None):
    """Full backpropagation through the whole stream: steps a second, and peaks before and after."""
    import rnn_apps
    from rnn_apps.recipe import load_recipe, with_data

    peaks, times = [], []

    class Console:
        def log(self, text):
            print(text, file=sys.stderr)

        def step(self, step, total, logs):
            times.append(time.perf_counter())
            peaks.append(resident("VmHWM"))

        def close(self):
            pass

    training = {"epochs": 3, "batch_size": 1, "recompute_every": every, "compile": False}
    settings = {"model": {"units": [UNITS], "dropout": 0.0}, "training": training}
    recipe = with_data(load_recipe("frame_labelling", settings), folder)
    rnn_apps.run(recipe, out=folder / f"whole_{every}", console=Console())
    return [f"{steps / (times[-1] - times[-2]):,.0f}", f"{peaks[0]:.0f}", "-", f"{peaks[-1]:.0f}"]


def recomputed(folder, steps):
    """The same with the states of every 150th step alone."""
    return whole(folder, steps, every=150)


def ours_streaming(folder, steps):
    """`predict --stream` over the file, from the run that `ours_training` left."""
    from rnn_apps.cli.streaming import stream_answers
    from rnn_apps.runs import open_run

    watch, predictor = Watch(steps), open_run(folder / "run").predictor
    for _, answer in stream_answers(predictor.open_stream, [str(folder / "train.csv")]):
        watch.at(answer["step"])
    return watch.row()


def keras_model(window):
    """The same network on stock layers, with a state that stays."""
    import keras

    inputs = keras.Input(batch_shape=(1, window, 4))
    h = keras.layers.GRU(UNITS, return_sequences=True, stateful=True)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(h))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def keras_training(folder, steps):
    """`model.fit` on the same windows."""
    import keras
    import tensorflow as tf

    numbers, labels = arrays(folder)
    watch = Watch(steps)
    windows = tf.data.Dataset.from_tensor_slices(
        (numbers.reshape(-1, 1, WINDOW, 4), labels.reshape(-1, 1, WINDOW))
    )
    noting = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: watch.at((batch + 1) * WINDOW)
    )
    keras_model(WINDOW).fit(windows.prefetch(4), epochs=1, verbose=0, shuffle=False, callbacks=[noting])
    return watch.row()


def keras_streaming(folder, steps):
    """The network called on one chunk after the other, in a `tf.function`."""
    import tensorflow as tf

    numbers, _ = arrays(folder)
    model, watch = keras_model(CHUNK), Watch(steps)
    answer = tf.function(lambda chunk: tf.argmax(model(chunk, training=False), -1))
    for start in range(0, len(numbers), CHUNK):
        answer(numbers[None, start : start + CHUNK]).numpy()
        watch.at(start + CHUNK)
    return watch.row()


def arrays(folder):
    """The numbers and labels of the file, as the peer takes them."""
    rows = np.genfromtxt(
        folder / "train.csv", delimiter=",", skip_header=1, usecols=range(4), dtype="float32"
    )
    with open(folder / "train.csv") as file:
        labels = np.array([line.endswith("up\n") for line in file][1:], "int32")
    return rows, labels


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="+", choices=NAMES + WHOLE, default=list(NAMES))
    parser.add_argument("--one", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        name, folder = given.one
        print(*globals()[name](Path(folder), given.steps))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        written(Path(folder), given.steps)
        for name in given.only:
            command = [sys.executable, __file__, "--steps", str(given.steps), "--one", name, folder]
            answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            rows.append([name.replace("_", " "), *answer.split()[-4:]])
            print(rows[-1], file=sys.stderr, flush=True)
    print(table(["what", "steps a second", "MB after 1 %", "MB in the middle", "MB at the end"], rows))


if __name__ == "__main__":
    main()
