"""The inputs of batch prediction: rows of tables, lines of text files, or files such as images."""

import fnmatch
import glob
import os
from pathlib import Path
from typing import NamedTuple

from rnn_apps.data.files import json_lines_with_text, open_lines, open_table
from rnn_apps.data.records import INVALID_UTF8, find_surrogate
from rnn_apps.data.split_files import ENDINGS
from rnn_apps.errors import Argument, UserError, shown
from rnn_apps.runs.inputs import LINES, read_file

MAX_FILES = 1_000_000
TEXT = "text"  # name of the column of lines
FILE = "file"  # name of the column of files that are inputs themselves


class BatchInput(NamedTuple):
    """One input of a batch prediction.

    Args:
        location: file and line, for messages.
        columns: dict of column names to values, which are repeated in the output.
        raw: input of `Predictor.predict`, or None if it is invalid.
        problem: why it is invalid, or None.
    """

    location: str
    columns: dict
    raw: str | None
    problem: str | None = None


class BatchInputs:
    """Reads inputs from files, again and again in the same order.

    Args:
        patterns: list of paths or patterns such as ``data/*.jsonl``.
        predictor: `Predictor`.
        column: name of the column with the texts; None where the files have none.

    Attributes:
        files: list of Path, without duplicates, sorted within each pattern.

    Raises:
        UserError: if a pattern matches nothing, or a table has no known column of texts.
    """

    def __init__(self, patterns, predictor, column=None):
        self._patterns, self.files, self._column = list(map(str, patterns)), _find(patterns), column
        self._reads_text, self._readers = predictor.reads_text, predictor.text_readers
        self._reads_lines = not predictor.reads_files
        for file in self.files if self._reads_text else ():
            if file.is_dir():
                raise UserError(str(file), "is a folder", expected="files of texts", fix='Add "/*" to it.')
            if self._is_table(file) and column is None:
                fix = "Name the column of the texts."
                raise UserError(str(file), "the task has no usual column of texts", fix=fix, option="column")

    def facts(self):
        """Return what identifies the inputs, a list of [path, bytes, time of the last change]."""
        return [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in self.files]

    def check_outside(self, name):
        """Raise UserError if a file that is written would match the patterns of the inputs."""
        for pattern in self._patterns:
            if fnmatch.fnmatchcase(os.path.abspath(name), os.path.abspath(pattern)):
                problem = f"the answers would match {pattern} as inputs"
                raise UserError(problem=problem, fix="Write them to another folder.", option="out")

    @property
    def are_csv(self):
        """Whether the first file is CSV."""
        return self._reads_text and self.files[0].name.lower().removesuffix(".gz").endswith((".csv", ".tsv"))

    def _is_table(self, file):
        return self._reads_text and file.name.lower().endswith(ENDINGS)

    def _is_input(self, file):
        """Whether a file is one input by itself, as an image is."""
        return not (self._reads_text or (self._reads_lines and file.name.lower().endswith(LINES)))

    def column_names(self):
        """Return the names of the columns of all files; of JSON lines those of the first objects."""
        names = {}
        for file in self.files:
            if self._is_input(file):
                names[FILE] = None
            elif self._is_table(file):
                with open_table(file) as table:
                    names |= dict.fromkeys(table.columns)
                    if table.columns:  # an empty file has no inputs
                        self._check_column(file, table)
            else:
                names[TEXT] = None
        return list(names)

    def _check_column(self, file, table):
        if self._column not in table.columns:
            received, expected = ", ".join(map(shown, table.columns)) or "no columns", shown(self._column)
            fix = Argument("Name the column of the texts, the same in all files", "column=NAME")
            details = {"received": received, "expected": expected, "fix": fix}
            raise UserError(str(file), "lacks the column of the texts", **details)
        doubled = next((name for name in table.columns if table.columns.count(name) > 1), None)
        if doubled is not None:
            raise UserError(str(file), f"has several columns {shown(doubled)}", fix="Rename one of them.")

    def __iter__(self):
        for file in self.files:
            if self._is_input(file):
                yield BatchInput(str(file), {FILE: str(file)}, str(file))
            elif self._is_table(file):
                yield from self._rows(file)
            else:
                yield from self._lines(file)

    def _lines(self, file):
        """The lines of a text file, or the texts of a file with a reader of its own, which is read whole."""
        if self._reads_text and not file.name.lower().endswith(LINES):
            for number, text in enumerate(read_file(file, None, self._readers), start=1):
                yield BatchInput(f"{file}, text {number}", {TEXT: text}, text)
            return
        with open_lines(file) as lines:
            for number, line in enumerate(lines, start=1):
                text = line.rstrip("\r\n")
                problem = INVALID_UTF8[0] if find_surrogate(text) else None
                problem = "a byte of zero: not a text" if "\0" in text else problem
                yield BatchInput(f"{file}:{number}", {TEXT: text}, None if problem else text, problem)

    def _rows(self, file):
        if file.name.lower().removesuffix(".gz").endswith(".jsonl"):
            with open_lines(file) as lines:
                for number, line, record, problem in json_lines_with_text(lines):
                    yield self._row(f"{file}:{number}", {"line": line} if problem else record, problem)
            return
        with open_table(file) as table:
            for number, cells, problem in table.rows:
                columns = {"cells": list(cells)} if problem else dict(zip(table.columns, cells))
                yield self._row(f"{file}:{number}", columns, problem)

    def _row(self, location, columns, problem):
        text = columns.get(self._column)
        if problem is None and (text is None or isinstance(text, (dict, list, bool))):
            received = "nothing" if text is None else shown(text)
            problem = f"{self._column}: received {received}, expected a text"
        if problem is None and find_surrogate(*(v for v in columns.values() if isinstance(v, str))):
            problem = INVALID_UTF8[0]
        return BatchInput(location, columns, None if problem else str(text), problem)


def _find(patterns):
    files = {}
    for pattern in patterns:
        path = Path(pattern)
        found = [path] if path.exists() else sorted(map(Path, glob.glob(str(pattern), recursive=True)))
        if not found:
            raise UserError(str(pattern), "no such file", expected="a path, or a pattern that matches files")
        files |= dict.fromkeys(found)
    if len(files) > MAX_FILES:
        raise UserError("inputs", received=f"{len(files):,} files", expected=f"at most {MAX_FILES:,}")
    return list(files)
