"""The generated samples with the right network and with one that lacks what they need.

    python benchmarks/samples.py
    python benchmarks/samples.py translation

Each run is a whole run of the recipe; the table has its main test score beside the strongest baseline.
"""

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from peers import table

import rnn_apps

WITHOUT_ATTENTION = {"attention": None}
CASES = [
    ("image_captioning", "as it is", {"attention": "additive"}),
    ("image_captioning", "attention off", WITHOUT_ATTENTION),
    ("video_captioning", "as it is", {"frame_order": "kept"}),
    ("video_captioning", "frames shuffled", {"frame_order": "shuffled"}),
    ("translation", "as it is", {"attention": "additive"}),
    ("translation", "attention off", WITHOUT_ATTENTION),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", help="names; all by default")
    wanted = parser.parse_args().recipes
    rows = []
    for recipe, label, model in CASES:
        if wanted and recipe not in wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            run = rnn_apps.run(recipe, out=Path(folder) / "run", data={"source": "sample"}, model=model)
            metrics = run.metrics
        name = next(iter(metrics["test"]))
        best = max(scores[name] for scores in metrics["baseline"].values())
        minutes = sum(metrics["seconds"].values()) / 60
        rows.append([recipe, label, name, *(f"{x:.2f}" for x in (metrics["test"][name], best, minutes))])
    print(table(["recipe", "network", "metric", "score", "best baseline", "minutes"], rows))


if __name__ == "__main__":
    main()
