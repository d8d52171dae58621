"""Labelled texts of TensorFlow Datasets: read where they are, fetched where they can be."""

import socket
from urllib.parse import urlsplit

from rnn_apps.data.records import LabelledText
from rnn_apps.errors import DataError, RnnAppsError, did_you_mean

__all__ = ["SourceUnavailable", "open_builder", "read_split"]

PROBE_SECONDS = 5


class SourceUnavailable(RnnAppsError):
    """The set is not on this machine and cannot be fetched now."""


def open_builder(name):
    """Return a prepared TFDS builder, fetching the set if its host answers.

    Args:
        name: the part after ``tfds:``.

    Raises:
        SourceUnavailable: the set is not here and its host does not answer within 5 s.
        DataError: TFDS knows no such set.
    """
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name)
    except tfds.core.DatasetNotFoundError as error:
        known = did_you_mean(name, tfds.list_builders(with_community_datasets=False))
        raise DataError("data.source", f"TensorFlow Datasets has no set {name!r}", fix=known) from error
    if builder.data_path.exists():
        return builder
    _probe(builder)
    try:
        builder.download_and_prepare()
    except Exception as error:  # TFDS lets through whatever its network and file layers raise
        raise SourceUnavailable(f"{name} could not be fetched: {_first_line(error)}") from error
    return builder


def _first_line(error):
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _probe(builder):
    hosts = {urlsplit(url).hostname for url in getattr(builder, "url_infos", {})} - {None}
    for host in sorted(hosts):
        try:
            socket.create_connection((host, 443), timeout=PROBE_SECONDS).close()
        except OSError as error:
            raise SourceUnavailable(
                f"{builder.name} is not in {builder.data_dir.rsplit('/', 3)[0]} and {host} does not answer ({error})"
            ) from error


def read_split(builder, split, text_column, label_column):
    """Yield `LabelledText` for every example of a split.

    Raises:
        DataError: the set has no such feature.
    """
    import tensorflow_datasets as tfds

    features = builder.info.features
    for key, column in (("text", text_column), ("label", label_column)):
        if column not in features:
            names = ", ".join(features)
            fix = f"Name the right one: --set data.{key}=FEATURE"
            raise DataError(builder.name, f"no feature {column!r}; its features are {names}", fix=fix)
    for number, example in enumerate(tfds.as_numpy(builder.as_dataset(split=split))):
        text, label = example[text_column], example[label_column]
        text = text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else str(text)
        label = label.decode("utf-8", "surrogateescape") if isinstance(label, bytes) else str(label)
        yield LabelledText(f"{builder.name}:{split}:{number}", text, label)
