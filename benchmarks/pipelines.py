"""Images and frames a second from disk, decoded and resized, beside reading the files alone.

    python benchmarks/pipelines.py --images FOLDER --clips FOLDER

FOLDER is a data folder of image captioning or video captioning. Each number is the median of the rounds over
the first inputs of train.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from peers import table

from rnn_apps.data.captions import load_captioned_folder
from rnn_apps.data.images import read_image
from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.video import map_in_threads

SIZE = (160, 160)


def rate(store, inputs, work, workers):
    """Images a second."""
    names = [frame for one in inputs for frame in one.frames]
    begin = time.perf_counter()
    for _ in map_in_threads(names, lambda name: work(store.read(name)), workers):
        pass
    return len(names) / (time.perf_counter() - begin)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images")
    parser.add_argument("--clips")
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    rows = []
    for kind, folder in (("images", arguments.images), ("clips", arguments.clips)):
        if folder is None:
            continue
        parts, store = load_captioned_folder(folder, InvalidRecords("skip", 10_000))
        inputs = parts["train"][: arguments.inputs]
        ways = {
            "file alone": (len, 1),
            "pixels, 1 thread": (lambda encoded: read_image(encoded, SIZE), 1),
            "pixels, 2 threads": (lambda encoded: read_image(encoded, SIZE), 2),
        }
        found = {name: [] for name in ways}
        for _ in range(arguments.rounds):
            for name, (work, workers) in ways.items():
                found[name].append(rate(store, inputs, work, workers))
        rows += [[kind, name, f"{np.median(rates):,.0f}"] for name, rates in found.items()]
    print(table(["data", "what", "images a second"], rows))


if __name__ == "__main__":
    main()
