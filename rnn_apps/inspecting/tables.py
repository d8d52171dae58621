"""Tables that nobody described: read whole, with a guess at what each column holds."""

import re
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from rnn_apps.data.files import csv_rows, json_object, open_lines
from rnn_apps.data.numbers import decimal_marks, is_number
from rnn_apps.data.separators import LINES_LOOKED_AT, find_separator
from rnn_apps.data.splits import PARTS_BY_NAME
from rnn_apps.errors import DataError
from rnn_apps.inspecting.encodings import check_encoding

__all__ = ["TABLE_ENDINGS", "Column", "Table", "describe_table", "is_date", "read_table"]

TABLE_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz")
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_DATE = re.compile(
    r"(\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})([T ]\d{1,2}:\d{2}.*)?"
)
MOST_ROWS = 5_000_000


class Column(NamedTuple):
    """What a column holds.

    Args:
        name: of the column.
        cells: its texts, without blanks around them, those that are not empty.
        mark: what stands before decimals, where they are numbers.
        kind: ``"number"``, ``"date"``, ``"part"`` (train, test, ...), ``"text"``, or ``"empty"``.
    """

    name: str
    cells: list
    mark: str
    kind: str

    @property
    def distinct(self):
        """How many different values it has."""
        return len(set(self.cells))

    @property
    def mean_words(self):
        """Words of a cell, on average."""
        return sum(len(cell.split()) for cell in self.cells) / max(1, len(self.cells))


class Table(NamedTuple):
    """A file of rows.

    Args:
        file: path.
        encoding: as `check_encoding` names it.
        separator: of its columns; None of JSON lines.
        header: names of its columns.
        rows: lists of cells, as wide as the header.
        ragged: rows that were wider or narrower, or no JSON, and are not among `rows`.
    """

    file: Path
    encoding: str
    separator: str | None
    header: list
    rows: list
    ragged: int

    def cells(self, name):
        """Return the cells of a column, one a row."""
        at = self.header.index(name)
        return [row[at] for row in self.rows]

    def columns(self):
        """Return a `Column` for every column."""
        marks = decimal_marks(self.rows, self.separator or ",") or ["."] * len(self.header)
        return [self._column(i, name, marks[i]) for i, name in enumerate(self.header)]

    def _column(self, at, name, mark):
        cells = [cell for row in self.rows if (cell := row[at].strip())]
        return Column(name, cells, mark, _kind(cells, mark))


def _kind(cells, mark):
    if not cells:
        return "empty"
    if {cell.casefold() for cell in set(cells)} <= set(PARTS_BY_NAME):
        return "part"
    for kind, holds in (("number", lambda cell: is_number(cell, mark)), ("date", is_date)):
        if sum(map(holds, cells)) >= 0.9 * len(cells):
            return kind
    return "text"


def is_date(cell):
    """Return whether a cell looks like a date, with a time of day or not."""
    return bool(_DATE.fullmatch(cell.strip()))


def read_table(file):
    """Return a CSV file or JSON lines as a `Table`.

    Raises:
        DataError: it cannot be read, is empty, or its names are not distinct.
    """
    file = Path(file)
    encoding = check_encoding(file)
    with open_lines(file) as lines:
        is_json = file.name.lower().removesuffix(".gz").endswith(".jsonl")
        header, rows, ragged = _json(lines) if is_json else _csv(file, lines)
    if not header:
        raise DataError(str(file), "empty", expected="a line of column names, and rows below it")
    if not rows:
        raise DataError(str(file), "no row below the header", expected="at least one")
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise DataError(str(file), f"two columns are called {twice!r}", fix="Rename one of them.")
    separator = None
    if not is_json:
        with open_lines(file) as lines:
            separator = find_separator(f"{file}:1", list(islice(lines, LINES_LOOKED_AT)))
    return Table(file, encoding, separator, header, rows, ragged)


def _csv(file, lines):
    table = csv_rows(file, lines)
    _, header = next(table, (1, []))
    rows, ragged = [], 0
    for _, row in islice(table, MOST_ROWS):
        if len(row) == len(header):
            rows.append(row)
        else:
            ragged += 1
    return header, rows, ragged


def _json(lines):
    header, rows, ragged = [], [], 0
    for line in islice(lines, MOST_ROWS):
        if not line.strip():
            continue
        record, problem = json_object(line)
        if problem:
            ragged += 1
            continue
        header = header or list(record)
        values = [record.get(name) for name in header]
        rows.append(["" if value is None else str(value) for value in values])
    return header, rows, ragged


def describe_table(inspection, tables):
    """Say how the files of a data set are written, and which columns they have.

    Args:
        inspection: `Inspection`.
        tables: part name to `Table`.
    """
    for part, table in tables.items():
        by = f", columns separated by {_NAMES[table.separator]}" if table.separator else ", JSON lines"
        rows = f"{len(table.rows):,} rows for {part}" if len(tables) > 1 else f"{len(table.rows):,} rows"
        text = f"{table.file.name}: {table.encoding}{by}, {rows}."
        value = {"file": table.file.name, "encoding": table.encoding, "separator": table.separator}
        inspection.found("file", value | {"rows": len(table.rows)}, text)
        if table.ragged:
            wrong = "no JSON objects" if table.separator is None else "wider or narrower than the header"
            inspection.warn(
                "bad_rows", table.ragged, f"{table.ragged:,} rows of {table.file.name} are {wrong}."
            )
    columns = next(iter(tables.values())).columns()
    described = ", ".join(f"{column.name} ({_said(column)})" for column in columns[:20])
    inspection.found("columns", [column.name for column in columns], f"Columns: {described}.")


def _said(column):
    marks = {",": "numbers with decimal commas", ".": "numbers"}
    kinds = {"date": "dates", "part": "names of parts", "empty": "empty", "number": marks[column.mark]}
    if column.kind in kinds:
        return kinds[column.kind]
    return f"texts, {column.distinct:,} distinct"
