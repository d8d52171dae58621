"""Reads the inputs of frame labelling: tables, images and videos, as a whole or as a stream."""

import itertools
from itertools import islice
from pathlib import Path

import numpy as np
import tensorflow as tf

from rnn_apps.data.files import width_problem
from rnn_apps.data.images import encode_png
from rnn_apps.data.numbers import decimal_marks
from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.step_tables import feature_columns, parse_features, read_streams
from rnn_apps.data.video import VIDEO_SUFFIXES, all_frames
from rnn_apps.errors import Argument, DataError, UserError
from rnn_apps.tasks.streaming import Stream, TableLines
from rnn_apps.tasks.visual import check_clip, input_errors, list_frames, read_checked

MAX_FRAMES = 4_000  # of a video file read in one piece
_FRAMES_PER_CHUNK = 16


def read_inputs(path, are_pictures, size, columns):
    """Return the streams of an input by name, as inputs of the export.

    Frames are strings (frames,), features float32 (steps, features). A single stream has the name "".

    Args:
        path: CSV file, folder of images in the order of their names, or video file.
        are_pictures: whether the network reads frames instead of tables.
        size: (height, width) to which the frames of a video are decoded.
        columns: `Columns` of a table without labels.

    Raises:
        UserError: if the input cannot be read.
    """
    with input_errors(path):
        if not are_pictures:
            return {one.stream: tf.constant(one.steps) for one in read_streams(path, columns)}
        check_clip(path)
        if path.is_dir():
            return {"": tf.constant([read_checked(one, size) for one in list_frames(path)])}
        if path.suffix.lower() in VIDEO_SUFFIXES:
            return {"": _frames(path, size)}
    raise UserError(str(path), "neither a folder of images nor a video file")


def _frames(path, size):
    """All frames of a video, at most `MAX_FRAMES`."""
    encoded = [encode_png(frame) for frame in islice(all_frames(path, size), MAX_FRAMES + 1)]
    if len(encoded) > MAX_FRAMES:
        fix = Argument("Read it frame by frame with", "stream")
        raise UserError(str(path), f"has more than {MAX_FRAMES:,} frames", fix=fix)
    if not encoded:
        raise UserError(str(path), "none of its frames can be decoded")
    return tf.constant(encoded)


class _LabelStream(Stream):
    """Counts the steps, and decodes their labels."""

    def __init__(self, predictor):
        super().__init__(predictor.module.signature("step"), predictor.zero_states(1))
        self._steps = 0

    def _label_chunk(self, chunk):
        outputs = self.read(chunk[None])
        answers = [
            {"step": self._steps + number, "label": label.decode("utf-8"), "score": round(float(score), 4)}
            for number, (label, score) in enumerate(zip(outputs["labels"], outputs["scores"]), start=1)
        ]
        self._steps += len(answers)
        return answers

    def line(self, answer):
        """Number of the step, label and score."""
        return f"{answer['step']}\t{answer['label']}\t{answer['score']:.3f}"


class RowStream(_LabelStream):
    """Labels the rows of a CSV table, whose first line has the column names.

    The first line also determines the delimiter; if it is not a comma, numbers may have a decimal comma.

    Args:
        predictor: `FramePredictor` of a network that can stream.
        columns: `Columns` of a table without labels.
    """

    def __init__(self, predictor, columns):
        super().__init__(predictor)
        self._columns, self._invalid = columns, InvalidRecords("refuse", 0)
        self._table = TableLines("line ", self._start)
        self._initial, self._progress, self._before = self._states, {}, {}

    def feed(self, lines):
        """Return step, label and score of every row; rows before an invalid one are answered first.

        Rows of several streams may be interleaved: each stream has its own states and steps.
        """
        rows, problem = [], None
        try:
            for row in self._table.rows(lines):
                rows.append(self._numbers(row))
        except DataError as error:
            problem = error
        answers = []
        for stream, group in itertools.groupby(rows, key=lambda row: row[0]):
            self._states, self._steps = self._progress.get(stream, (self._initial, 0))
            labelled = self._label_chunk(tf.constant(np.stack([numbers for _, numbers in group])))
            self._progress[stream] = self._states, self._steps
            answers += [{"stream": stream, **answer} for answer in labelled] if stream else labelled
        return answers if problem is None else _yield_then_raise(answers, problem)

    def line(self, answer):
        """Name of the stream if there are several, step, label and score."""
        return "\t".join([*([answer["stream"]] if "stream" in answer else []), super().line(answer)])

    def _start(self, header):
        if self._columns.stream not in header:
            self._columns = self._columns._replace(stream=None)
        self._names = feature_columns(self._table.where, header, self._columns)
        self._places = [header.index(name) for name in self._names]

    def _numbers(self, row):
        header, where = self._table.header, self._table.where
        if problem := width_problem(row, header):
            raise DataError(where, problem, fix="Fix the row.")
        cells, missing = [row[place] for place in self._places], self._columns.on_missing
        marks = decimal_marks([cells], self._table.delimiter)
        stream = self._columns.stream and row[header.index(self._columns.stream)]
        before = self._before.get(stream)
        self._before[stream] = parse_features(
            where, self._names, cells, before, missing, self._invalid, marks
        )
        return stream or "", self._before[stream]


def _yield_then_raise(answers, problem):
    yield from answers
    raise problem


class FrameStream(_LabelStream):
    """Labels images, or the frames of video files, whose paths are the lines of the stream.

    Args:
        predictor: `FramePredictor` of a network that can stream.
        size: (height, width) to which the frames of a video are decoded.
    """

    reads_paths = True

    def __init__(self, predictor, size):
        super().__init__(predictor)
        self._size = size

    def feed(self, lines):
        """Yield step, label and score of every frame."""
        for line in lines:
            if line.strip():
                yield from self._read_file(Path(line.strip()))

    def _read_file(self, path):
        with input_errors(path):
            if path.suffix.lower() not in VIDEO_SUFFIXES:
                yield from self._label_chunk(tf.constant([read_checked(path, self._size)]))
                return
            frames = map(encode_png, all_frames(path, self._size))
            while chunk := list(islice(frames, _FRAMES_PER_CHUNK)):
                yield from self._label_chunk(tf.constant(chunk))
