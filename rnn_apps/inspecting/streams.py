"""Inspects tables with a label at every step: streams, features, missing numbers, classes."""

from collections import Counter

from rnn_apps.data.headers import list_columns
from rnn_apps.data.splits import DataSource
from rnn_apps.data.step_tables import Columns, find_stream_files, load_streams
from rnn_apps.errors import DataError, Setting, shown
from rnn_apps.inspecting.captions import STILL_SUFFIXES
from rnn_apps.inspecting.classification import find_label_column, no_labels
from rnn_apps.inspecting.inspection import Inspection
from rnn_apps.inspecting.measures import count_of, quantile
from rnn_apps.inspecting.tables import (
    column_of_setting,
    describe_table,
    named_column,
    read_table,
    warn_of_sentinels,
)

_STREAM_NAMES = (
    "stream", "session", "subject", "machine", "device", "sensor", "clip", "run", "person", "id", "user",
    "patient", "participant", "recording", "trial",
)  # fmt: skip
_COUNTER_NAMES = (
    "time", "timestamp", "step", "index", "frame", "row", "t", "nr", "no", "zeit", "schritt",
)  # fmt: skip
_MIN_STREAMS = 3  # one for each split
_MAX_FULL_BPTT = 200  # steps of a stream from which truncated backpropagation is worth it
_IMAGE_SIZE = (160, 160)
_VALIDATION_FRACTION = 0.15


def inspect_streams(path, overrides):
    """Return the `Inspection` of tables with a label at every step.

    Args:
        path: File or folder.
        overrides: As for `inspect_data`.

    Raises:
        DataError: no column looks like labels, or there are too few streams for train, validation and test.
    """
    files_of = find_stream_files(path, "train")
    table, num_splits = read_table(files_of["train"][0]), len(files_of)
    inspection = Inspection("frame_labelling", str(path), "frame_labelling", overrides)
    describe_table(inspection, {"train": table})
    inspection.describe_unread(path, [file for files in files_of.values() for file in files])
    columns = _decide_columns(inspection, table, num_splits)
    source = DataSource("files", path, 0, 1)
    splits = inspection.load_splits(
        lambda *args: load_streams(source, *args, columns)[2], (_VALIDATION_FRACTION,), _count_rows
    )
    inspection.describe_splits(splits, num_splits, "Streams")
    _describe(inspection, splits["train"], columns.features)
    return inspection


def _count_rows(streams):
    return sum(len(stream.labels) for stream in streams)


def _decide_columns(inspection, table, num_splits):
    columns = table.columns()
    stream = column_of_setting(inspection, table, columns, "data.stream")
    if stream is None and num_splits == 1:
        stream = _find_stream_column(columns, table)
    label = column_of_setting(inspection, table, columns, "data.label")
    others = [column for column in columns if column is not stream]
    label = label or find_label_column([c for c in others if c.kind == "text"] or others)
    if label is None:
        raise no_labels(table, columns)
    if num_splits == 1 and stream is None:
        name = Setting("Name the column that says which stream a row belongs to", "data.stream=COLUMN")
        fix = [name, "Or add one, or give a folder train with one file per stream."]
        problem = "no column looks like names of streams, and a single stream is never cut between splits"
        raise DataError(str(table.file), f"{problem}; the columns are {list_columns(table.header)}", fix=fix)
    inspection.decide("data.label", label.name, f"{label.distinct} values, each in several rows")
    if stream:
        _decide_stream(inspection, table, stream)
    stream_name = stream.name if stream else None
    frames = next((column for column in columns if _are_image_paths(column)), None)
    if frames:
        inspection.decide("data.frames", frames.name, "paths of images")
        return Columns(label.name, stream_name, None, frames.name, _IMAGE_SIZE, "fail")
    others = [column for column in columns if column is not stream and column.name != label.name]
    names, on_missing = _decide_features(inspection, table, columns, others)
    return Columns(label.name, stream_name, names, None, _IMAGE_SIZE, on_missing)


def _decide_stream(inspection, table, stream):
    blocks = _count_blocks(table.cells(stream.name))
    order = "with consecutive rows" if blocks == stream.distinct else f"in {blocks:,} blocks of rows"
    inspection.decide("data.stream", stream.name, f"{stream.distinct:,} values, {order}")
    if blocks > stream.distinct:
        text = f"The rows of a stream, {shown(stream.name)}, are not all consecutive"
        text = f"{text}: its {blocks:,} blocks are joined in the order of the file."
        inspection.add("blocks", blocks, text)


def _decide_features(inspection, table, columns, others):
    """Decide the features and what to do about missing numbers; returns both."""
    features = [column for column in others if column.kind == "number" and not _counts_steps(column)]
    if given := inspection.overrides.get("data.features"):
        features = [named_column(table, columns, "data.features", name) for name in given]
    if not features:
        raise DataError(str(table.file), "no column of numbers", expected="features next to the label")
    ignored = [column.name for column in others if column not in features]
    why = f"the columns of numbers{'; ignored: ' + ', '.join(ignored) if ignored else ''}"
    inspection.decide("data.features", [column.name for column in features], why)
    missing, file = sum(len(table.rows) - len(column.cells) for column in features), table.file.name
    if missing:
        inspection.warn("missing", missing, f"{count_of(missing, 'cell')} without a number in {file}.")
    fix = "If it stands for a missing value, leave it empty."
    for column in features:
        warn_of_sentinels(inspection, column, lambda value: fix)
    on_missing = "previous" if missing else "fail"
    inspection.decide("data.on_missing", on_missing, f"{count_of(missing, 'missing number')} in {file}")
    return [column.name for column in features], on_missing


def _counts_steps(column):
    return column.is_index or column.name.strip().casefold() in _COUNTER_NAMES


def _are_image_paths(column):
    count = sum(cell.lower().endswith(STILL_SUFFIXES) for cell in column.cells)
    return column.kind == "text" and count > len(column.cells) / 2


def _find_stream_column(columns, table):
    """The column of stream names: it has a common name, or rows with one value are consecutive."""
    candidates = []
    for column in columns:
        cells = table.cells(column.name)
        blocks = _count_blocks(cells)
        has_streams = len(cells) >= 5 * column.distinct and column.distinct >= _MIN_STREAMS
        has_name = any(name in column.name.casefold() for name in _STREAM_NAMES)
        is_complete = len(column.cells) == len(cells)
        if is_complete and has_streams and (has_name or blocks == column.distinct):
            candidates.append((not has_name, blocks, column))
    return min(candidates, key=lambda candidate: candidate[:2], default=(None,))[-1]


def _count_blocks(cells):
    """Number of blocks of equal consecutive cells."""
    return 1 + sum(a != b for a, b in zip(cells, cells[1:]))


def _describe(inspection, train, names):
    labels = Counter(label for stream in train for label in stream.labels)
    inspection.describe_classes(Counter(dict(labels.most_common())), "label")
    lengths = [len(stream.labels) for stream in train]
    inspection.describe_lengths(lengths, "lengths", "Steps of a stream")
    inspection.add("features", names, f"{len(names or [])} features per step.")
    why = "it only looks back, so that it can label a stream as it arrives"
    inspection.decide("model.bidirectional", False, why)
    if sum(lengths) < 50_000:
        inspection.decide("model.units", [64], f"a smaller network for {sum(lengths):,} steps")
    count, noun = len(train), "streams or windows"
    if quantile(lengths, 0.95) > _MAX_FULL_BPTT:
        why = "truncated backpropagation: streams are long"
        inspection.decide("training.tbptt", {"steps": _MAX_FULL_BPTT}, why)
        count = max(1, sum(lengths) // _MAX_FULL_BPTT)
    inspection.decide_training(count, min_epochs=10, steps=500, max_batch_size=16, noun=noun)
