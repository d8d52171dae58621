"""Memory and speed of preparing data and of training from it, at 1, 10 and 100 times the data.

For each size it generates labelled texts of about 500 bytes, prepares them, starts a run from the prepared
folder, and measures the peak resident memory of each process above what it had after importing TensorFlow and
running one operation, the time of the preparation, and how many examples a second can be read and trained on.

python benchmarks/prepared_data.py [--sizes 100000 1000000 10000000] [--folder FOLDER] [--batches 300]
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

WORDS, VOCABULARY, ROWS = 80, 50_000, 20_000
RECIPE = ["data.vocabulary_size=20000", "data.max_length=200", "data.validation_fraction=0.01"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", type=int, default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    parser.add_argument(
        "--batches", type=int, default=300, help="batches that are trained on; 20 times as many are read"
    )
    parser.add_argument("--part", nargs=3, metavar=("PART", "FOLDER", "BATCHES"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        part, folder, batches = given.part
        print(
            json.dumps({"prepare": measure_prepare, "train": measure_train}[part](Path(folder), int(batches)))
        )
        return
    header = "| examples | raw, MB | shards, MB | prepare, s | peak, MB | start of an epoch, s | peak, MB"
    print(f"{header} | read, examples/s | train, examples/s | ratio |\n|{'---|' * 10}")
    for size in given.sizes:
        with tempfile.TemporaryDirectory(dir=given.folder) as temporary:
            folder = Path(temporary)
            write_texts(folder, size)
            raw = sum(file.stat().st_size for file in (folder / "raw").iterdir()) / 1e6
            prepared, trained = (run_part(part, folder, given.batches) for part in ("prepare", "train"))
            shards = sum(file.stat().st_size for file in (folder / "prepared").rglob("*")) / 1e6
            cells = [f"{size:,}", *(f"{number:,.0f}" for number in (raw, shards, *prepared.values()))]
            cells += [
                f"{trained['start']:.1f}",
                *(f"{trained[key]:,.0f}" for key in ("peak", "read", "train")),
            ]
            print(f"| {' | '.join(cells)} | {trained['read'] / trained['train']:.1f} |", flush=True)


def write_texts(folder, size):
    """Write train.jsonl and test.jsonl: words drawn by Zipf's law, some of which tell the label."""
    rng = np.random.default_rng(0)
    shares = 1 / np.arange(1, VOCABULARY + 1)
    words = np.array([f"w{i:x}" + "aeiou"[i % 5] for i in range(VOCABULARY)])
    (folder / "raw").mkdir()
    for name, count in (("train", size), ("test", max(1000, size // 1000))):
        with open(folder / "raw" / f"{name}.jsonl", "w", encoding="utf-8") as file:
            for start in range(0, count, ROWS):
                rows = min(ROWS, count - start)
                lengths = rng.integers(WORDS // 2, 2 * WORDS, rows)
                drawn = words[np.searchsorted(np.cumsum(shares / shares.sum()), rng.random(lengths.sum()))]
                labels = rng.integers(2, size=rows)
                for label, one in zip(labels, np.split(drawn, np.cumsum(lengths)[:-1])):
                    text = " ".join([*one.tolist(), ("dull", "superb")[label]])
                    file.write(f'{{"text": "{text}", "label": "{("negative", "positive")[label]}"}}\n')


def run_part(part, folder, batches):
    """The measurements of a part in a process of its own."""
    command = [sys.executable, __file__, "--part", part, str(folder), str(batches)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    print(done.stdout[: done.stdout.rindex("{")], file=sys.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def megabytes():
    """Peak resident memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def baseline():
    """Peak memory after importing TensorFlow and the package, and running an operation."""
    import tensorflow as tf

    import rnn_apps.runs

    assert rnn_apps.runs
    tf.function(tf.reduce_sum)(tf.range(10))
    return megabytes()


def measure_prepare(folder, batches):
    before, start = baseline(), time.perf_counter()
    import rnn_apps

    shutil.rmtree(folder / "prepared", ignore_errors=True)
    rnn_apps.prepare("imdb", folder / "prepared", data=folder / "raw", overrides=RECIPE)
    return {"seconds": time.perf_counter() - start, "peak": megabytes() - before}


def measure_train(folder, batches):
    before, start = baseline(), time.perf_counter()
    from rnn_apps.recipe import load_recipe, with_data
    from rnn_apps.tasks import find_task
    from rnn_apps.training import Trainer

    recipe = with_data(load_recipe("imdb", RECIPE), folder / "prepared")
    task = find_task(recipe.task).prepare(recipe)
    data = task.dataset.training_batches()
    next(iter(data.epoch(0)))
    started = time.perf_counter() - start
    read = rate(iter(data.epoch(1)), 20 * batches, lambda batch: None)  # more than the shards of a group
    trainer = Trainer(task.trained, data, task.objective, recipe.training)
    steps = iter(data.epoch(2))
    rate(steps, 60, lambda batch: trainer._step(*batch))  # compiles the loops
    trained = rate(steps, batches, lambda batch: trainer._step(*batch))
    return {"start": started, "peak": megabytes() - before, "read": read, "train": trained}


def rate(batches, count, use):
    """Examples per second of `use` over `count` batches."""
    start, examples = time.perf_counter(), 0
    for _, batch in zip(range(count), batches):
        use(batch)
        examples += int(batch[1].shape[0])
    return examples / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
