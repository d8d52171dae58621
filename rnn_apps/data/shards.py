"""Examples in shards: compressed TFRecord files, read by index through a cache of bounded size.

A shard has three files: ``train-00000.tfrecord.gz`` with one `tf.train.Example` per example, whose features
are the columns; ``train-00000.npy``, int32 (examples, columns), the number of steps of each sequence, or the
value itself of a column without steps; and ``train-00000.jsonl.gz``, examples before encoding as JSON.
"""

import gzip
import io
import json
import zlib
from pathlib import Path

import numpy as np
import tensorflow as tf

from rnn_apps.data.columns import Column
from rnn_apps.data.prepared import ENDINGS, ColumnSpec, Shard
from rnn_apps.disk import has_digest, sha256_of, to_disk
from rnn_apps.errors import DataError

MAX_RAW = 2**26  # bytes of a raw example
_EXAMPLES_PER_CALL = 2048
_DAMAGED = "Prepare the data again into another folder, or copy the file again."


def write_shard(folder, name, columns, raw):
    """Write a shard under temporary names, rename it, and return its `Shard`.

    Args:
        folder: Path.
        name: As of `Shard`.
        columns: Column name to `Column`, all of equally many examples.
        raw: JSON texts of examples before encoding, of all or some.
    """
    count = len(next(iter(columns.values())))
    specs = {key: ColumnSpec.of(column) for key, column in columns.items()}
    flat, bounds = {}, {}
    for key, (values, lengths) in columns.items():
        stops = np.arange(1, count + 1) if lengths is None else np.cumsum(lengths)
        size = int(np.prod(specs[key].shape))
        values = values.view(np.int8) if values.dtype == bool else values
        flat[key], bounds[key] = values.reshape(-1), [0, *(stops * size).tolist()]
    paths = [folder / f"{name}{ending}" for ending in ENDINGS]
    temporary = [path.with_name(f".{path.name}.part") for path in paths]
    with tf.io.TFRecordWriter(str(temporary[0]), tf.io.TFRecordOptions(compression_type="GZIP")) as writer:
        for row in range(count):
            example = tf.train.Example()
            features = example.features.feature
            for key, spec in specs.items():
                part = flat[key][bounds[key][row] : bounds[key][row + 1]]
                if spec.is_bytes:
                    features[key].bytes_list.value.append(part.tobytes())
                    continue
                target = features[key].float_list if spec.is_float else features[key].int64_list
                target.value.extend(part.tolist())
            writer.write(example.SerializeToString(deterministic=True))
    index = np.zeros((count, len(specs)), np.int32)
    for number, (key, spec) in enumerate(specs.items()):
        if spec.has_steps or spec.is_in_index:
            index[:, number] = columns[key].lengths if spec.has_steps else columns[key].values
    content = io.BytesIO()
    np.save(content, index, allow_pickle=False)
    temporary[1].write_bytes(content.getvalue())
    with gzip.GzipFile(temporary[2], "wb", compresslevel=6, mtime=0) as file:
        file.writelines(text.encode() + b"\n" for text in raw)
    for part, path in zip(temporary, paths):
        to_disk(part)
        part.replace(path)
    decoded = sum(column.values.nbytes for column in columns.values())
    return Shard(name, count, paths[0].stat().st_size, decoded, len(raw), *map(sha256_of, paths))


def find_damage(folder, shard):
    """Return the path of the first file of a shard that is missing or has another content, or None."""
    digests = (shard.sha256, shard.index_sha256, shard.raw_sha256)
    for ending, sha256 in zip(ENDINGS, digests, strict=True):
        path = Path(folder) / f"{shard.name}{ending}"
        if not has_digest(path, sha256):
            return path
    return None


def _check(path, sha256):
    """Raise DataError if a file is missing or has another content."""
    try:
        found = sha256_of(path)
    except OSError as error:
        raise DataError(str(path), f"cannot be read: {error.strerror}", fix=_DAMAGED) from error
    if found != sha256:
        problem = "damaged: its SHA-256 is not that of the manifest"
        raise DataError(str(path), problem, fix=_DAMAGED)


def read_index(folder, shard, num_columns):
    """Return the index of a shard, int32 (examples, columns).

    Raises:
        DataError: it is missing or damaged.
    """
    path = Path(folder) / f"{shard.name}{ENDINGS[1]}"
    _check(path, shard.index_sha256)
    try:
        index = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(str(path), f"cannot be read: {error}", fix=_DAMAGED) from error
    if index.shape != (shard.examples, num_columns) or index.dtype != np.int32:
        received = f"{index.dtype} {index.shape}"
        raise DataError(str(path), received=received, expected=f"int32 {(shard.examples, num_columns)}")
    return np.array(index)


def read_shard(folder, shard, specs):
    """Return the columns of a shard, column name to `Column`.

    Args:
        folder: Path.
        shard: `Shard`.
        specs: Column name to `ColumnSpec`.

    Raises:
        DataError: the file is missing, damaged, or larger than the manifest says.
    """
    path = Path(folder) / f"{shard.name}{ENDINGS[0]}"
    _check(path, shard.sha256)
    batches = tf.data.TFRecordDataset(str(path), compression_type="GZIP").batch(_EXAMPLES_PER_CALL)
    kinds = {
        key: tf.string if spec.is_bytes else tf.float32 if spec.is_float else tf.int64
        for key, spec in specs.items()
    }
    features = {key: tf.io.RaggedFeature(kind, row_splits_dtype=tf.int64) for key, kind in kinds.items()}
    values, counts, decoded = {key: [] for key in specs}, {key: [] for key in specs}, 0
    with _reading(path):
        for serialized in batches:
            parsed = tf.io.parse_example(serialized, features)
            for key, spec in specs.items():
                part, lengths = parsed[key].values.numpy(), parsed[key].row_lengths().numpy()
                if spec.is_bytes:
                    lengths = np.array([len(content) for content in part], np.int64)
                    part = np.frombuffer(b"".join(part), np.uint8)
                part = part.astype(spec.dtype)
                decoded += part.nbytes
                values[key].append(part)
                counts[key].append(lengths)
            if decoded > shard.decoded:
                raise DataError(str(path), "holds more than the manifest says", fix=_DAMAGED)
    columns = {}
    for key, spec in specs.items():
        lengths = np.concatenate([*counts[key], np.zeros(0, np.int64)])
        if len(lengths) != shard.examples:
            received, expected = f"{len(lengths):,} examples", f"{shard.examples:,}"
            raise DataError(str(path), received=received, expected=expected, fix=_DAMAGED)
        flat = np.concatenate([*values[key], np.zeros(0, spec.dtype)]).reshape(-1, *spec.shape)
        columns[key] = Column(flat, lengths // int(np.prod(spec.shape)) if spec.has_steps else None)
    return columns


def read_raw(folder, shard):
    """Yield the raw examples of a shard, as JSON values.

    Raises:
        DataError: the file is missing or damaged.
    """
    path = Path(folder) / f"{shard.name}{ENDINGS[2]}"
    _check(path, shard.raw_sha256)
    with _reading(path), gzip.open(path, "rb") as lines:
        for _ in range(shard.raw):
            yield json.loads(lines.readline(MAX_RAW))


class _reading:
    """Context manager that turns the errors of TensorFlow and JSON into a `DataError`."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if isinstance(error, (tf.errors.OpError, ValueError, OSError, EOFError, zlib.error)):
            raise DataError(str(self._path), "cannot be decoded", fix=_DAMAGED) from error
