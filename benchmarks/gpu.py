"""On a machine with a GPU: every path of every layer against the CPU's answers, then times beside the peers.

    python benchmarks/gpu.py [--rounds 15]

Without a GPU it says so and ends well. Answers are outputs, final states, and the gradients of inputs,
initial states and weights. Paths: cuDNN, XLA, and the plain graph.
"""

import argparse
import contextlib
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import peers
import tensorflow as tf

from rnn_apps.layers import GRU, LSTM, VanillaRNN, graph_form

TOLERANCE = 1e-4  # relative to the scale of each array, float32 without TensorFloat-32
BATCH, STEPS, FEATURES, UNITS = 6, 20, 16, 32
LAYERS = {"vanilla": VanillaRNN, "vanilla, W_hy": VanillaRNN, "lstm": LSTM, "gru": GRU}
LENGTHS = np.array([20, 0, 7, 1, 19, 20])
STEP = np.arange(STEPS)[None, :]
MASKS = {
    "no mask": None,
    "right-padded": LENGTHS[:, None] > STEP,
    "left-padded": LENGTHS[:, None] >= STEPS - STEP,
    "inner holes": (STEP + LENGTHS[:, None]) % 3 > 0,
}
PATHS = {"cudnn": {}, "xla": {"compile": True}, "graph": {}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    if not tf.config.list_logical_devices("GPU"):
        print("No GPU here: nothing to check and nothing to time.")
        return 0
    tf.config.experimental.enable_tensor_float_32_execution(False)
    rows = check(PATHS)
    print(
        peers.table(
            ["layer", "reading", "mask", "path asked", "path taken", "worst difference", "agrees"], rows
        )
    )
    wrong = [row for row in rows if row[-1] != "yes"]
    print(f"\n{len(rows) - len(wrong)} of {len(rows)} agree with the CPU to {TOLERANCE}.\n")
    print(f"float32, medians of {given.rounds} interleaved rounds, milliseconds\n")
    print(peers.table(*times(given.rounds)))
    return 1 if wrong else 0


def check(paths):
    """One row for every layer, direction, mask and path: the largest difference from the CPU's answers."""
    rows = []
    for name in LAYERS:
        for backwards in (False, True):
            reference = make(name, go_backwards=backwards, compile=False, device="CPU:0")
            for mask in MASKS:
                expected = answers(reference, mask, training=False, device="CPU:0")
                for path in paths:
                    layer = make(name, go_backwards=backwards, **paths[path])
                    layer.set_weights(reference.get_weights())
                    with graph_form() if path == "graph" else contextlib.nullcontext():
                        found = answers(layer, mask, training=True)
                    worst = max(difference(a, b) for a, b in zip(found, expected, strict=True))
                    taken = layer.engine_path[0]
                    agrees = "yes" if worst <= TOLERANCE and taken == path else "NO"
                    reading = "backwards" if backwards else "forwards"
                    rows.append([name, reading, mask, path, taken, f"{worst:.1e}", agrees])
    return rows


def make(name, device=None, **options):
    if "W_hy" in name:
        options["output_units"] = 8
    with tf.device(device):
        layer = LAYERS[name](UNITS, return_sequences=True, return_state=True, **options)
        layer.build((None, None, FEATURES))
        rng = np.random.default_rng(1)
        layer.set_weights([rng.normal(size=w.shape) * 0.2 for w in layer.get_weights()])
    return layer


def answers(layer, mask, training, device=None):
    """All results and all gradients of one loss, as NumPy arrays; traced, as a training step is."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(BATCH, STEPS, FEATURES)).astype("float32")
    starts = [rng.normal(size=(BATCH, UNITS)).astype("float32") for _ in layer.cell.state_sizes]
    mask = None if MASKS[mask] is None else tf.constant(MASKS[mask])

    @tf.function
    def run(x, starts):
        with tf.GradientTape() as tape:
            tape.watch([x, *starts])
            results = layer(x, initial_state=starts, mask=mask, training=training)
            loss = tf.add_n([tf.reduce_sum(tf.sin(result + i)) for i, result in enumerate(results)])
        return [*results, *tape.gradient(loss, [x, *starts, *(w.value for w in layer.trainable_variables)])]

    with tf.device(device):
        return [np.asarray(a) for a in run(tf.constant(x), [tf.constant(s) for s in starts])]


def difference(found, expected):
    return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))


def times(rounds):
    """Head and rows: our layer as it chooses, and by XLA, beside Keras and torch on the same GPU."""
    names = ["rnn_apps", "rnn_apps, XLA", "keras", "torch"]
    rows = []
    for cell in peers.CELLS:
        for shape in peers.SHAPES:
            runs = peers.make_peers(cell, shape, torch_device="cuda")
            runs["rnn_apps, XLA"] = peers.tf_run("rnn_apps", cell, shape, compile=True)
            found = peers.interleaved_medians({n: runs[n] for n in names if n in runs}, rounds)
            rows.append(
                [cell, ", ".join(map(str, shape)), *(f"{found[n]:.1f}" if n in found else "-" for n in names)]
            )
    return ["cell", "batch, steps, features, units", *names], rows


if __name__ == "__main__":
    sys.exit(main())
