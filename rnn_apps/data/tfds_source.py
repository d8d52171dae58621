"""Reads data sets of TensorFlow Datasets (TFDS), and downloads them if their hosts are reachable."""

import contextlib
import difflib
import io
import logging
import os
import shutil
import threading
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock

from rnn_apps.data.captions import CaptionedExample
from rnn_apps.data.splits import SPLIT_NAMES
from rnn_apps.errors import DataError, RnnAppsError, Setting, first_line, shown

PROBE_SECONDS = 5
MAX_PROBE_SECONDS = 12
CATALOG = "All data sets: https://www.tensorflow.org/datasets/catalog"
_log = logging.getLogger(__name__)


class SourceUnavailable(RnnAppsError):
    """The data set is not on this machine and cannot be downloaded now."""


def open_builder(name):
    """Return a prepared TFDS builder, after downloading the data set if necessary.

    Data sets are kept in the folder TFDS_DATA_DIR, or in the default folder of TFDS.

    Args:
        name: The name after ``tfds:``.

    Raises:
        SourceUnavailable: the data set is not on this machine, and one of its hosts does not answer in 5 s.
        DataError: TFDS has no such data set, or cannot open it.
    """
    with _quiet():
        builder = _builder(name)
        if builder.data_path.exists():
            return builder
        _check_hosts(builder)
        _log.info("Downloading %s (%s) into %s", name, builder.info.download_size, builder.data_dir)
        _download(builder)
    return builder


@contextlib.contextmanager
def _quiet():
    """Silence what TFDS prints and logs, except errors."""
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
        names = sorted(set(tfds.list_builders(with_community_datasets=False)))
        close = difflib.get_close_matches(name, names, n=3)
        guess = f"Did you mean {' or '.join(map(shown, close))}? " if close else ""
        problem = f"TensorFlow Datasets has no data set {shown(name)}"
        raise DataError("data.source", problem, fix=guess + CATALOG) from error
    except Exception as error:  # builders fail in many ways: wrong version, configuration, import
        problem = f"TensorFlow Datasets cannot open {shown(name)}: {first_line(error).rstrip('.')}"
        raise DataError("data.source", problem, fix=CATALOG) from error


def _check_hosts(builder):
    """Request one file from every host of the data set in parallel, for at most `MAX_PROBE_SECONDS`."""
    urls = {urlsplit(url).hostname: url for url in getattr(builder, "url_infos", {})}
    problems = dict.fromkeys(urls, "does not answer")
    threads = [threading.Thread(target=_probe, args=(*item, problems), daemon=True) for item in urls.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(MAX_PROBE_SECONDS / len(threads))
    if problems:
        host, problem = sorted(problems.items())[0]
        raise SourceUnavailable(f"{builder.name} is not in {builder.data_dir_root} and {host} {problem}")


def _probe(host, url, problems):
    """Remove the host from `problems` if it would send the file; only the response headers are read."""
    import requests

    try:
        with requests.get(url, stream=True, timeout=PROBE_SECONDS) as response:
            if response.ok:
                del problems[host]
            else:
                problems[host] = f"answers {response.status_code} {response.reason}"
    except requests.RequestException:
        pass


def _download(builder):
    """Download and prepare the data set; after a failure, remove what was written."""
    import tensorflow_datasets as tfds

    folders = [Path(builder.data_dir_root), Path(builder.data_dir_root) / builder.name]
    created = next((folder for folder in folders if not folder.exists()), None)
    config = tfds.download.DownloadConfig(try_download_gcs=False)  # which retries for minutes when offline
    folders[0].parent.mkdir(parents=True, exist_ok=True)
    lock = folders[0].with_name(f".{folders[0].name}.lock")
    try:
        with FileLock(lock):  # several workers on one machine
            _download_locked(builder, config, created)
    finally:
        lock.unlink(missing_ok=True)


def _download_locked(builder, config, created):
    if builder.data_path.exists():  # by another process
        return
    try:
        builder.download_and_prepare(download_config=config)
    except BaseException as error:
        if created is not None:
            shutil.rmtree(created, ignore_errors=True)
        if not isinstance(error, Exception):
            raise
        reason = first_line(error).rstrip(".")
        raise SourceUnavailable(f"{builder.name} could not be downloaded: {reason}") from error


def splits_of(builder):
    """Return the names of the splits of a builder's data set that are read."""
    return [split for split in SPLIT_NAMES if split in builder.info.splits]


def splits_with_train(builder, name):
    """Return `splits_of` the builder of a data set; raise DataError if there is no train split."""
    if "train" not in builder.info.splits:
        received = f"the splits {', '.join(builder.info.splits) or 'none'}"
        raise DataError(f"tfds:{name}", received=received, expected="one called train")
    return splits_of(builder)


def read_examples(builder, split, features):
    """Yield the location and the features of every example of a split.

    A feature is a text; a sequence is a list of texts. Classes are numbers, in sequences names.

    Args:
        builder: Builder from `open_builder`.
        split: Name.
        features: Recipe key to feature.

    Raises:
        DataError: the data set has no such feature.
    """
    for key, feature in features.items():
        if feature not in builder.info.features:
            fix = Setting("Name the right one", f"data.{key}=FEATURE")
            problem = f"no feature {shown(feature)}; its features are {', '.join(builder.info.features)}"
            raise DataError(builder.name, problem, fix=fix)
    elements = {name: getattr(builder.info.features[name], "feature", None) for name in features.values()}
    for number, example in enumerate(_examples(builder, split)):
        values = (
            _text(example[name]) if element is None else _texts(example[name], element)
            for name, element in elements.items()
        )
        yield f"{builder.name}:{split}:{number}", *values


def _examples(builder, split, decoders=None):
    import tensorflow_datasets as tfds

    return iter(tfds.as_numpy(builder.as_dataset(split=split, decoders=decoders)))


def _texts(values, element):
    names = getattr(element, "names", None)
    return [names[value] if names else _text(value) for value in values]


def _text(value):
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


class TfdsImages:
    """Reads the encoded images of a captioned data set by name, fastest in the order of the data set.

    Args:
        builder: A data set with the features ``image`` and ``captions``, a sequence with ``text``.

    Attributes:
        workers: Number of threads that may read at once.

    Raises:
        DataError: the data set has no such features.
    """

    workers = 1  # two would request images out of order, and each would restart the reading

    def __init__(self, builder):
        self.path, self._builder = builder.info.full_name, builder
        self._position, self._images = (None, -1), None
        if missing := {"image", "captions"} - set(builder.info.features):
            received = f"the features {', '.join(builder.info.features)}"
            raise DataError(builder.name, received=received, expected=f"also {' and '.join(missing)}")

    def captioned(self, split):
        """Return a `CaptionedExample` for every example of a split that has captions."""
        captioned = []
        for number, example in enumerate(self._decode_only(split, "captions")):
            texts = [" ".join(t.decode("utf-8", "replace").split()) for t in example["captions"]["text"]]
            name = f"{split}:{number}"
            captioned.append(CaptionedExample(name, (name,), [text for text in texts if text]))
        return [example for example in captioned if example.captions]

    def fingerprint(self, name):
        """Return a value that changes with the image: it holds the version of the data set."""
        return f"{self.path}:{name}"

    def read(self, name):
        """Return the bytes of an image."""
        split, _, number = name.rpartition(":")
        if split != self._position[0] or int(number) <= self._position[1]:
            self._position, self._images = (split, -1), self._decode_only(split, "image")
        while self._position[1] < int(number):
            encoded = next(self._images)["image"]
            self._position = (split, self._position[1] + 1)
        return encoded

    def _decode_only(self, split, feature):
        """Iterate over the examples with one feature, captions decoded and images encoded."""
        import tensorflow_datasets as tfds

        features, decoders = {"image": tfds.features.Image()}, {"image": tfds.decode.SkipDecoding()}
        if feature == "captions":
            features, decoders = {"captions": self._builder.info.features["captions"]}, None
        return _examples(self._builder, split, tfds.decode.PartialDecoding(features, decoders=decoders))
