"""Inspects tables with a label at every step: streams, features, missing numbers, classes."""

from collections import Counter
from pathlib import Path

from rnn_apps.data.records import BadRecords
from rnn_apps.data.series_columns import is_called_counter, is_counter
from rnn_apps.data.splits import DataSource, SplitRequest
from rnn_apps.data.step_tables import Columns, load_streams, part_folders
from rnn_apps.errors import DataError, Setting, shown
from rnn_apps.inspecting.captions import PICTURE_SUFFIXES
from rnn_apps.inspecting.classification import find_label_column, find_tables
from rnn_apps.inspecting.findings import Inspection
from rnn_apps.inspecting.measures import (
    decide_bad_records,
    describe_lengths,
    describe_parts,
    describe_unread,
    percent,
    quantile,
)
from rnn_apps.inspecting.sentinels import warn_of_sentinels
from rnn_apps.inspecting.sizes import decide_training
from rnn_apps.inspecting.tables import describe_table, find_named, given_column, read_table, values_of

_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
_STREAMS = (
    *("stream", "session", "subject", "machine", "device", "sensor", "clip", "run", "person", "id", "user"),
    *("patient", "participant", "recording", "trial"),
)
_COUNTERS = ("time", "timestamp", "step", "index", "frame", "row", "t", "nr", "no", "zeit", "schritt")
_LEAST_STREAMS = 3  # so that each split can have one
_LONG = 200  # steps from which on going back through a whole stream costs more than it gives
_SIZE = (160, 160)
_LEAVE_EMPTY = "If it stands for a missing value, leave it empty."


def inspect_streams(path, given=None):
    """Return the `Inspection` of tables with a label at every step.

    Args:
        path: file or folder.
        given: settings that the user has chosen, dotted path to value.

    Raises:
        DataError: no column is like a label, or there are too few streams for train, validation and test.
    """
    folder = path
    path, table, parts, files = _first_table(path)
    inspection = Inspection("frame_labelling", str(path), "frame_labelling", given or {})
    describe_table(inspection, {"train": table})
    describe_unread(inspection, folder, files)
    columns = _columns(inspection, table, is_alone=parts == 1)
    bad = BadRecords("skip", 10**9)
    _, names, streams = load_streams(DataSource("files", path, 0, 1), SplitRequest(0.15), bad, columns)
    inspection.decide(
        "data.validation_fraction", 0.15, "of the streams of train, where it has none of its own"
    )
    rows = sum(len(one.labels) for found in streams.values() for one in found)
    decide_bad_records(inspection, bad, rows)
    describe_parts(inspection, streams, carved=parts < 3, what="Streams")
    _describe(inspection, streams["train"], names)
    return inspection


def _first_table(path):
    """The path that a recipe names, the first table of train, how many splits there are, and lone files."""
    path = Path(path)
    folders = list(part_folders(path).values())
    if folders:
        files = [f for f in sorted(folders[0].iterdir()) if f.name.lower().endswith(_ENDINGS)]
        if not files:
            raise DataError(str(folders[0]), "no table", expected="a CSV file a stream")
        return path, read_table(files[0]), len(folders), []
    path, files = find_tables(path, _ENDINGS)
    return path, read_table(files["train"]), len(files), files.values()


def _columns(inspection, table, is_alone):
    columns = table.columns()
    stream = given_column(inspection, table, columns, "data.stream")
    if stream is None and is_alone:
        stream = _stream_column(columns, table)
    label = given_column(inspection, table, columns, "data.label")
    others = [c for c in columns if c is not stream]
    label = label or find_label_column([c for c in others if c.kind == "text"] or others)
    if label is None:
        fix = [f"The columns are {_listed(table.header)}.", Setting("Name it", "data.label=COLUMN")]
        raise DataError(str(table.file), "no column looks like labels", expected="a few values", fix=fix)
    if is_alone and stream is None:
        fix = [
            Setting("Name the column that says which stream a row belongs to", "data.stream=COLUMN"),
            "Or add one, or give a folder train with one file per stream.",
        ]
        problem = "no column looks like names of streams, and a single stream is never cut between splits"
        raise DataError(str(table.file), f"{problem}; the columns are {_listed(table.header)}", fix=fix)
    inspection.decide("data.label", label.name, f"{label.distinct} values, each in several rows")
    if stream:
        blocks = _blocks(table.cells(stream.name))
        together = (
            "whose rows follow one another" if blocks == stream.distinct else f"in {blocks:,} blocks of rows"
        )
        inspection.decide("data.stream", stream.name, f"{stream.distinct:,} values, {together}")
        if blocks > stream.distinct:
            said = f"The rows of a stream, {shown(stream.name)}, do not all follow one another"
            inspection.found(
                "blocks", blocks, f"{said}: its {blocks:,} blocks are joined in the order of the file."
            )
    frames = next((c for c in columns if _are_pictures(c)), None)
    if frames:
        inspection.decide("data.frames", frames.name, "paths of pictures")
        return Columns(label.name, stream.name if stream else None, None, frames.name, _SIZE, "fail")
    others = [c for c in columns if c is not stream and c.name != label.name]
    features = [c for c in others if c.kind == "number" and not _is_counter(c)]
    given = inspection.given.get("data.features")
    features = [find_named(table, columns, "data.features", name) for name in given] if given else features
    if not features:
        raise DataError(str(table.file), "no column of numbers", expected="features beside the label")
    names = [column.name for column in features]
    left = [column.name for column in others if column not in features]
    why = f"the columns of numbers{'; left out: ' + ', '.join(left) if left else ''}"
    inspection.decide("data.features", names, why)
    missing = sum(len(table.rows) - len(column.cells) for column in features)
    if missing:
        inspection.warn("missing", missing, f"{missing:,} cells without a number in {table.file.name}.")
    for column in features:
        values = values_of(inspection, table, column)
        warn_of_sentinels(inspection, column.name, values, lambda value: _LEAVE_EMPTY)
    on_missing = "previous" if missing else "fail"
    inspection.decide("data.on_missing", on_missing, f"{missing:,} missing numbers in {table.file.name}")
    return Columns(label.name, stream.name if stream else None, names, None, _SIZE, on_missing)


def _is_counter(column):
    """Whether a column counts steps, by its name, or rows, without one."""
    is_index = is_called_counter(column.name) and is_counter(column.cells)
    return is_index or column.name.strip().casefold() in _COUNTERS


def _are_pictures(column):
    named = sum(cell.lower().endswith(PICTURE_SUFFIXES) for cell in column.cells)
    return column.kind == "text" and named > len(column.cells) / 2


def _stream_column(columns, table):
    """The column whose values name streams: rows of one value follow each other, or it is called so."""
    fit = []
    for column in columns:
        cells = table.cells(column.name)
        changes = _blocks(cells)
        long = len(cells) >= 5 * column.distinct and column.distinct >= _LEAST_STREAMS
        called = any(name in column.name.casefold() for name in _STREAMS)
        if len(column.cells) == len(cells) and long and (called or changes == column.distinct):
            fit.append((not called, changes, column))
    return min(fit, key=lambda one: one[:2], default=(None,))[-1]


def _blocks(cells):
    """How many blocks of equal cells follow one another."""
    return 1 + sum(a != b for a, b in zip(cells, cells[1:]))


def _listed(names):
    return ", ".join(map(shown, names[:12]))


def _describe(inspection, train, names):
    labels = Counter(label for one in train for label in one.labels)
    listed = ", ".join(f"{label} {percent(n, labels.total())}" for label, n in labels.most_common(20))
    inspection.found("classes", dict(labels.most_common()), f"{len(labels)} labels in train: {listed}.")
    lengths = [len(one.labels) for one in train]
    describe_lengths(inspection, lengths, "lengths", "Steps of a stream")
    inspection.found("features", names, f"{len(names or [])} features a step.")
    inspection.decide(
        "model.bidirectional", False, "it only looks back, and so can label a stream as it comes"
    )
    if sum(lengths) < 50_000:
        inspection.decide("model.units", [64], f"a smaller network for {sum(lengths):,} steps")
    windows = len(train)
    if quantile(lengths, 0.95) > _LONG:
        inspection.decide("training.tbptt", {"steps": _LONG}, "gradients through windows: streams are long")
        windows = max(1, sum(lengths) // _LONG)
    decide_training(inspection, windows, least_epochs=10, steps=500, most_batch=16, unit="streams or windows")
