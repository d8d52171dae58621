"""Sets of TensorFlow Datasets: read where they are, fetched where they can be."""

import contextlib
import difflib
import io
import logging
import os
import shutil
import threading
from pathlib import Path
from urllib.parse import urlsplit

from rnn_apps.data.captions import Captioned
from rnn_apps.data.records import LabelledText
from rnn_apps.errors import DataError, RnnAppsError, Setting, first_line, shown

PROBE_SECONDS = 5
ALL_PROBES_SECONDS = 12
CATALOG = "All sets: https://www.tensorflow.org/datasets/catalog"
_log = logging.getLogger(__name__)


class SourceUnavailable(RnnAppsError):
    """The set is not on this machine and cannot be fetched now."""


def open_builder(name):
    """Return a prepared TFDS builder, fetching the set if its hosts answer.

    Sets are looked for and kept in the folder TFDS_DATA_DIR, or else where TFDS keeps them.

    Args:
        name: the part after ``tfds:``.

    Raises:
        SourceUnavailable: the set is not here, and a host of it does not answer within 5 s.
        DataError: TFDS knows no such set, or cannot read what it finds.
    """
    with _quiet():
        builder = _builder(name)
        if builder.data_path.exists():
            return builder
        _check_hosts(builder)
        _log.info("Fetching %s (%s) into %s", name, builder.info.download_size, builder.data_dir)
        _fetch(builder)
    return builder


@contextlib.contextmanager
def _quiet():
    """Within this context TFDS neither prints nor logs, errors apart."""
    import tensorflow_datasets as tfds
    from absl import logging as absl_logging

    verbosity = absl_logging.get_verbosity()
    absl_logging.set_verbosity(absl_logging.ERROR)
    tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        absl_logging.set_verbosity(verbosity)


def _builder(name):
    import tensorflow_datasets as tfds

    try:
        return tfds.builder(name, data_dir=os.environ.get("TFDS_DATA_DIR") or None)
    except tfds.core.DatasetNotFoundError as error:
        close = difflib.get_close_matches(name, tfds.list_builders(with_community_datasets=False), n=3)
        guess = f"Did you mean {' or '.join(map(shown, close))}? " if close else ""
        raise DataError(
            "data.source", f"TensorFlow Datasets has no set {shown(name)}", fix=guess + CATALOG
        ) from error
    except Exception as error:  # each builder fails in its own way: a wrong version, configuration, import
        problem = f"TensorFlow Datasets cannot open {shown(name)}: {first_line(error).rstrip('.')}"
        raise DataError("data.source", problem, fix=CATALOG) from error


def _check_hosts(builder):
    """Ask every host of the set for one of its files, side by side, `ALL_PROBES_SECONDS` at most."""
    urls = {urlsplit(url).hostname: url for url in getattr(builder, "url_infos", {})}
    problems = dict.fromkeys(urls, "does not answer")
    threads = [threading.Thread(target=_probe, args=(*item, problems), daemon=True) for item in urls.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(ALL_PROBES_SECONDS / len(threads))
    if problems:
        host, problem = sorted(problems.items())[0]
        raise SourceUnavailable(f"{builder.name} is not in {builder.data_dir_root} and {host} {problem}")


def _probe(host, url, problems):
    """Take the host out of `problems` if it would send the file; only the head of the answer is read."""
    import requests

    try:
        with requests.get(url, stream=True, timeout=PROBE_SECONDS) as response:
            if response.ok:
                del problems[host]
            else:
                problems[host] = f"answers {response.status_code} {response.reason}"
    except requests.RequestException:
        pass


def _fetch(builder):
    """Download and prepare; what a failure leaves is removed."""
    import tensorflow_datasets as tfds

    places = [Path(builder.data_dir_root), Path(builder.data_dir_root) / builder.name]
    new = next((place for place in places if not place.exists()), None)
    config = tfds.download.DownloadConfig(try_download_gcs=False)  # without a network it tries for minutes
    try:
        builder.download_and_prepare(download_config=config)
    except BaseException as error:
        if new is not None:
            shutil.rmtree(new, ignore_errors=True)
        if not isinstance(error, Exception):
            raise
        reason = first_line(error).rstrip(".")
        raise SourceUnavailable(f"{builder.name} could not be fetched: {reason}") from error


def read_split(builder, split, text_column, label_column):
    """Yield `LabelledText` for every example of a split.

    Raises:
        DataError: the set has no such split or feature.
    """
    import tensorflow_datasets as tfds

    _check_features(builder, {"text": text_column, "label": label_column})
    for number, example in enumerate(tfds.as_numpy(builder.as_dataset(split=split))):
        text, label = (_text(example[column]) for column in (text_column, label_column))
        yield LabelledText(f"{builder.name}:{split}:{number}", text, label)


def _check_features(builder, wanted):
    """Raise DataError where one of the features, by the recipe's key, is not there."""
    for key, feature in wanted.items():
        if feature not in builder.info.features:
            fix = Setting("Name the right one", f"data.{key}=FEATURE")
            there = ", ".join(builder.info.features)
            problem = f"no feature {shown(feature)}; its features are {there}"
            raise DataError(builder.name, problem, fix=fix)


def read_sequences(builder, split, wanted):
    """Yield the sequences of every example of a split, each a list of str; classes by their names.

    Args:
        builder: of `open_builder`.
        split: name.
        wanted: key of the recipe to feature.

    Raises:
        DataError: the set has no such feature.
    """
    import tensorflow_datasets as tfds

    _check_features(builder, wanted)
    names = [
        getattr(getattr(builder.info.features[f], "feature", None), "names", None) for f in wanted.values()
    ]
    for example in tfds.as_numpy(builder.as_dataset(split=split)):
        rows = [example[feature] for feature in wanted.values()]
        yield [
            [classes[value] if classes else _text(value) for value in row]
            for classes, row in zip(names, rows)
        ]


def read_texts(builder, split, features):
    """Yield for every example of a split the texts of these features, as a tuple."""
    import tensorflow_datasets as tfds

    for example in tfds.as_numpy(builder.as_dataset(split=split)):
        yield tuple(example[name].decode("utf-8", "replace").strip() for name in features)


def _text(value):
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


class EncodedImagesOfSplits:
    """The encoded images of a captioned set, by name; they are quick to read in the order of the set.

    Args:
        builder: of a set with the features ``image`` and ``captions`` (a sequence with ``text``).

    Attributes:
        workers: threads that may read at once.

    Raises:
        DataError: the set has no such features.
    """

    workers = 1  # two would ask out of order, which starts the reading anew

    def __init__(self, builder):
        self.path, self._builder = builder.info.full_name, builder
        self._at, self._images = (None, -1), None
        if missing := {"image", "captions"} - set(builder.info.features):
            there = ", ".join(builder.info.features)
            raise DataError(
                builder.name, received=f"the features {there}", expected=f"also {' and '.join(missing)}"
            )

    def captioned(self, split):
        """Return a `Captioned` for every example of a split."""
        found = []
        for number, example in enumerate(self._examples(split, "captions")):
            texts = [" ".join(t.decode("utf-8", "replace").split()) for t in example["captions"]["text"]]
            name = f"{split}:{number}"
            found.append(Captioned(name, (name,), [text for text in texts if text]))
        return [one for one in found if one.captions]

    def mark(self, name):
        """Return what changes when the image changes: the set's name and version tell."""
        return f"{self.path}:{name}"

    def read(self, name):
        """Return the bytes of an image."""
        split, _, number = name.rpartition(":")
        if split != self._at[0] or int(number) <= self._at[1]:
            self._at, self._images = (split, -1), self._examples(split, "image")
        while self._at[1] < int(number):
            encoded = next(self._images)["image"]
            self._at = (split, self._at[1] + 1)
        return encoded

    def _examples(self, split, feature):
        import tensorflow_datasets as tfds

        of_captions = self._builder.info.features["captions"]
        wanted = {"captions": of_captions} if feature == "captions" else {"image": tfds.features.Image()}
        decoders = tfds.decode.PartialDecoding(
            wanted, decoders={"image": tfds.decode.SkipDecoding()} if feature == "image" else None
        )
        dataset = self._builder.as_dataset(split=split, decoders=decoders)
        return iter(tfds.as_numpy(dataset))
