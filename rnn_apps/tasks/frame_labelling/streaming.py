"""Rows of a table, or pictures, as they come, each with its label."""

import csv
import itertools
from pathlib import Path

import numpy as np
import tensorflow as tf

from rnn_apps.data.delimiters import find_delimiter
from rnn_apps.data.files import width_problem
from rnn_apps.data.images import InvalidImage, encode_png, read_image
from rnn_apps.data.numbers import decimal_marks
from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.step_tables import feature_columns, parse_features
from rnn_apps.data.video import VIDEO_SUFFIXES, InvalidVideo, all_frames
from rnn_apps.errors import DataError, UserError, shown
from rnn_apps.tasks.streaming import Stream

_AT_ONCE = 16  # frames of a video


class _Labels(Stream):
    """Numbers the steps and names their labels."""

    def __init__(self, labeller):
        super().__init__(labeller.step, labeller.zero_states(1))
        self._steps = 0

    def _labelled(self, chunk):
        answer = self.read(chunk[None])
        found = [
            {"step": self._steps + number, "label": label.decode("utf-8"), "score": round(float(score), 4)}
            for number, (label, score) in enumerate(zip(answer["labels"], answer["scores"]), start=1)
        ]
        self._steps += len(found)
        return found

    def line(self, answer):
        """Number of the step, label and score."""
        return f"{answer['step']}\t{answer['label']}\t{answer['score']:.3f}"


class RowStream(_Labels):
    """Labels the rows of a table in CSV; the first line names its columns and so shows what separates them.

    Where that is no comma, a cell may have one before its decimals.

    Args:
        labeller: `StepLabeller` with a step.
        columns: `Columns` of a table without labels.
    """

    def __init__(self, labeller, columns):
        super().__init__(labeller)
        self._columns, self._header, self._bad = columns, None, InvalidRecords("refuse", 0)
        self._lines, self._separator = 0, ","
        self._begin, self._left, self._before = self._states, {}, {}

    def feed(self, lines):
        """Return step, label and score of every row; those before a bad one are answered before it is.

        The rows of several streams may come in any order: each stream has its own states and steps.
        """
        rows, problem = [], None
        try:
            for row in self._rows(lines):
                rows.append(self._numbers(row))
        except DataError as error:
            problem = error
        answers = []
        for stream, several in itertools.groupby(rows, key=lambda row: row[0]):
            self._states, self._steps = self._left.get(stream, (self._begin, 0))
            found = self._labelled(tf.constant(np.stack([numbers for _, numbers in several])))
            self._left[stream] = self._states, self._steps
            answers += [{"stream": stream, **one} for one in found] if stream else found
        return answers if problem is None else _then(answers, problem)

    def line(self, answer):
        """Name of the stream where there are several, and the rest of the answer."""
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


def _then(answers, problem):
    """Yield the answers, and then raise."""
    yield from answers
    raise problem


class FrameStream(_Labels):
    """Labels pictures, or the frames of video files, in the order of the lines that give their paths.

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
                yield from self._of(Path(line.strip()))

    def _of(self, path):
        try:
            if path.suffix.lower() not in VIDEO_SUFFIXES:
                encoded = path.read_bytes()
                read_image(encoded, self._size)
                yield from self._labelled(tf.constant([encoded]))
                return
            chunk = []
            for frame in all_frames(path, self._size):
                chunk.append(encode_png(frame))
                if len(chunk) == _AT_ONCE:
                    yield from self._labelled(tf.constant(chunk))
                    chunk = []
            if chunk:
                yield from self._labelled(tf.constant(chunk))
        except (InvalidVideo, InvalidImage) as error:
            raise UserError(str(path), str(error)) from error
        except ImportError as error:
            raise UserError("video files", "PyAV is missing", fix="pip install 'rnn-apps[video]'") from error
        except (OSError, ValueError) as error:
            text = getattr(error, "strerror", None) or error
            raise UserError(shown(str(path)), f"cannot be read: {text}") from error
