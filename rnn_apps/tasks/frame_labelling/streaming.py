"""Streaming labels of table rows, images, and video frames."""

import csv
import itertools
from pathlib import Path

import numpy as np
import tensorflow as tf

from rnn_apps.data.files import width_problem
from rnn_apps.data.headers import find_delimiter
from rnn_apps.data.images import InvalidImage, encode_png, read_image
from rnn_apps.data.numbers import decimal_marks
from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.step_tables import feature_columns, parse_features
from rnn_apps.data.video import VIDEO_SUFFIXES, InvalidVideo, all_frames
from rnn_apps.errors import DataError, UserError, shown
from rnn_apps.tasks.streaming import Stream

_FRAMES_PER_CHUNK = 16


class _LabelStream(Stream):
    """Counts the steps, and decodes their labels."""

    def __init__(self, labeller):
        super().__init__(labeller.step, labeller.zero_states(1))
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
        labeller: `StepLabeller` with a step.
        columns: `Columns` of a table without labels.
    """

    def __init__(self, labeller, columns):
        super().__init__(labeller)
        self._columns, self._header, self._bad = columns, None, InvalidRecords("refuse", 0)
        self._lines, self._separator = 0, ","
        self._initial, self._progress, self._before = self._states, {}, {}

    def feed(self, lines):
        """Return step, label and score of every row; rows before an invalid one are answered first.

        Rows of several streams may be interleaved: each stream has its own states and steps.
        """
        rows, problem = [], None
        try:
            for row in self._rows(lines):
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

    def _rows(self, lines):
        for line in lines:
            self._lines += 1
            if self._header is None:
                self._separator = find_delimiter("line 1", [line])
            try:
                row = next(csv.reader([line.replace("\0", "")], delimiter=self._separator), None)
            except csv.Error as error:
                raise DataError(f"line {self._lines}", f"not CSV: {error}", fix="Fix the line.") from error
            if not row:
                continue
            if self._header is None:
                self._header = [name.removeprefix("\ufeff") for name in row]
                if self._columns.stream not in self._header:
                    self._columns = self._columns._replace(stream=None)
                self._names = feature_columns("line 1", self._header, self._columns)
                self._places = [self._header.index(name) for name in self._names]
                continue
            if problem := width_problem(row, self._header):
                raise DataError(f"line {self._lines}", problem, fix="Fix the row.")
            yield row

    def _numbers(self, row):
        cells = [row[place] for place in self._places]
        where, missing = f"line {self._lines}", self._columns.on_missing
        marks = decimal_marks([cells], self._separator)
        stream = self._columns.stream and row[self._header.index(self._columns.stream)]
        before = self._before.get(stream)
        self._before[stream] = parse_features(where, self._names, cells, before, missing, self._bad, marks)
        return stream or "", self._before[stream]


def _yield_then_raise(answers, problem):
    yield from answers
    raise problem


class FrameStream(_LabelStream):
    """Labels images, or the frames of video files, whose paths are the lines of the stream.

    Args:
        labeller: `StepLabeller` with a step.
        size: (height, width) to which the frames of a video are decoded.
    """

    reads_paths = True

    def __init__(self, labeller, size):
        super().__init__(labeller)
        self._size = size

    def feed(self, lines):
        """Yield step, label and score of every frame."""
        for line in lines:
            if line.strip():
                yield from self._read_file(Path(line.strip()))

    def _read_file(self, path):
        try:
            if path.suffix.lower() not in VIDEO_SUFFIXES:
                encoded = path.read_bytes()
                read_image(encoded, self._size)
                yield from self._label_chunk(tf.constant([encoded]))
                return
            chunk = []
            for frame in all_frames(path, self._size):
                chunk.append(encode_png(frame))
                if len(chunk) == _FRAMES_PER_CHUNK:
                    yield from self._label_chunk(tf.constant(chunk))
                    chunk = []
            if chunk:
                yield from self._label_chunk(tf.constant(chunk))
        except (InvalidVideo, InvalidImage) as error:
            raise UserError(str(path), str(error)) from error
        except ImportError as error:
            raise UserError("video files", "PyAV is missing", fix="pip install 'rnn-apps[video]'") from error
        except (OSError, ValueError) as error:
            text = getattr(error, "strerror", None) or error
            raise UserError(shown(str(path)), f"cannot be read: {text}") from error
