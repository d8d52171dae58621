"""Streaming: answers while the input arrives, in constant memory."""

import csv
from abc import ABC, abstractmethod

from rnn_apps.data.headers import find_delimiter
from rnn_apps.errors import DataError, Setting, UserError


class Stream(ABC):
    """A network with its current states.

    Args:
        step: function of tensors, a chunk of a stream and the states, that returns a dict of tensors with the
            new states as ``next_...``, in order.
        states: list of tensors, the initial states.

    Attributes:
        cuts_at_blanks: whether a long line may arrive in pieces, split at whitespace.
        reads_paths: whether lines are paths of the files to read.
    """

    cuts_at_blanks = reads_paths = False

    def __init__(self, step, states):
        self._step, self._states = step, list(states)

    @abstractmethod
    def feed(self, lines):
        """Read further lines.

        Args:
            lines: list of any number of lines, without line ends.

        Returns:
            An iterable of answers (dicts), one for every step in the lines.
        """

    @abstractmethod
    def line(self, answer):
        """Return an answer as the command line prints it."""

    def read(self, *chunk):
        """Run the network on a chunk of steps, keep the new states, and return the outputs as arrays."""
        outputs = self._step(*chunk, *self._states)
        states = [name for name in outputs if name.startswith("next_")]
        self._states = [outputs[name] for name in sorted(states, key=_state_index)]
        return {name: value.numpy()[0] for name, value in outputs.items() if name not in states}


def _state_index(name):
    """Position of a state among the arguments; states without a number come first."""
    number = name.rpartition("_")[2]
    return int(number) if number.isdecimal() else -1


def needs_whole_input(key="model.bidirectional"):
    """Return the error of a bidirectional network, which cannot stream."""
    problem = "this network is bidirectional, so it needs the whole input"
    fix = Setting("Train one that only reads forward", f"{key}=false")
    return UserError(problem=problem, fix=fix, option="stream")


class TableLines:
    """Splits the lines of a CSV table into cells.

    The first line has the column names and determines the delimiter.

    Args:
        place: location of a line in messages, before its number.
        start: function that is called with the column names.

    Attributes:
        header: column names; None before the first line.
        delimiter: delimiter of the cells.
        number: number of the current line.
    """

    def __init__(self, place, start):
        self._place, self._start, self.number = place, start, 0
        self.header, self.delimiter = None, ","

    @property
    def where(self):
        """The location of the current line, for messages."""
        return f"{self._place}{self.number}"

    def rows(self, lines):
        """Yield the cells of every row, without empty lines."""
        for line in lines:
            self.number += 1
            line = line.replace("\0", "").removeprefix("\ufeff")
            if self.header is None:
                self.delimiter = find_delimiter(self.where, [line])
            try:
                cells = next(csv.reader([line], delimiter=self.delimiter), None)
            except csv.Error as error:
                raise DataError(self.where, f"not CSV: {error}", fix="Fix the line.") from error
            if cells and self.header is None:
                self.header = cells
                self._start(cells)
            elif cells:
                yield cells
