"""Writes the reviews of a data folder as `imdb_reviews` in TFDS' own on-disk format, to prove that path.

python benchmarks/prepare_tfds.py --data FOLDER --out DATA_DIR
TFDS_DATA_DIR=DATA_DIR rnn-apps run imdb
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow_datasets as tfds

from rnn_apps.data.files import read_records
from rnn_apps.data.split_files import find_splits


def builder_class(parts):
    """A builder under the real one's name, that reads our files in place of the archive."""
    real = tfds.builder_cls("imdb_reviews")
    with tfds.core.registered.skip_registration():

        class ImdbReviews(real):
            name = "imdb_reviews"
            __module__ = real.__module__  # TFDS looks beside the module for the set's metadata

            def _split_generators(self, download_manager):
                return {part: self._generate_examples(file) for part, file in parts.items()}

            def _generate_examples(self, file):
                for number, record in enumerate(read_records(file, "text", "label")):
                    yield number, {"text": record.text, "label": int(record.label)}

    return ImdbReviews


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    builder = builder_class(find_splits(Path(arguments.data)))(data_dir=arguments.out)
    builder.download_and_prepare()
    print(builder.info.splits)


if __name__ == "__main__":
    main()
