"""Tables that nobody described: read whole, with a guess at what each column holds."""

import math
import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from rnn_apps.data.files import csv_rows, json_object, open_lines
from rnn_apps.data.headers import find_start, is_unnamed
from rnn_apps.data.numbers import decimal_marks, is_number, number
from rnn_apps.data.separators import LINES_LOOKED_AT
from rnn_apps.data.splits import PARTS_BY_NAME
from rnn_apps.data.time_formats import find_format, is_compact_date, is_time_of_day
from rnn_apps.errors import DataError, did_you_mean, shown
from rnn_apps.inspecting.encodings import check_encoding
from rnn_apps.inspecting.measures import count_of

TABLE_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz")
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_DATE = re.compile(
    r"(\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{1,2}/\d{4}"
    r"|\d{1,2}[- ][A-Za-z]{3,9}[- ]\d{2,4}|[A-Za-z]{3,9} \d{1,2}, \d{4}|[A-Za-z]{3,9}[- ]\d{4})"
    r"([T ]\d{1,2}:\d{2}.*)?"
)
MOST_ROWS = 5_000_000


class Column(NamedTuple):
    """What a column holds.

    Args:
        name: of the column.
        cells: its texts, without blanks around them, those that are not empty.
        mark: what stands before decimals, where they are numbers.
        kind: ``"number"``, ``"date"``, ``"clock"`` (times of day), ``"part"`` (train, test, ...), ``"text"``,
            or ``"empty"``.
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
        above: lines above the names of the columns that are not read.
        left_out: numbers, from 1, of the columns that have neither a name nor a cell.
        unnamed: names that were given to other columns without one.
    """

    file: Path
    encoding: str
    separator: str | None
    header: list
    rows: list
    ragged: int
    above: int = 0
    left_out: tuple = ()
    unnamed: tuple = ()

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
    if sum(map(is_compact_date, cells)) >= 0.9 * len(cells):
        return "date"
    if is_time_of_day("", cells) and (":" in cells[0] or find_format(cells) == ""):
        return "clock"
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
    is_json = file.name.lower().removesuffix(".gz").endswith(".jsonl")
    start = None
    if not is_json:
        with open_lines(file) as lines:
            start = find_start(f"{file}:1", list(islice(lines, LINES_LOOKED_AT)))
    with open_lines(file) as lines:
        header, rows, ragged = _json(lines) if is_json else _csv(file, lines)
    if not header:
        raise DataError(str(file), "empty", expected="a line of column names, and rows below it")
    if not rows:
        raise DataError(str(file), "no row below the header", expected="at least one")
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise DataError(str(file), f"two columns are called {shown(twice)}", fix="Rename one of them.")
    if is_json:
        return Table(file, encoding, None, header, rows, ragged)
    kept = [i for i in range(len(header)) if not _is_nothing(header, rows, i)]
    left_out = tuple(i + 1 for i in range(len(header)) if i not in kept)
    unnamed = tuple(header[i] for i in kept if is_unnamed(header, i))
    if left_out:
        header, rows = [header[i] for i in kept], [[row[i] for i in kept] for row in rows]
    return Table(file, encoding, start.separator, header, rows, ragged, start.above, left_out, unnamed)


def _is_nothing(header, rows, index):
    """Whether a column has neither a name nor a cell."""
    return is_unnamed(header, index) and not any(row[index].strip() for row in rows)


def _csv(file, lines):
    table = csv_rows(file, lines)
    begin, header = next(table, (1, []))
    rows, others = [], Counter()
    for _, row in islice(table, MOST_ROWS):
        if len(row) == len(header):
            rows.append(row)
        else:
            others[len(row)] += 1
    if others and others.total() > len(rows):
        usual = others.most_common(1)[0][0]
        received = f"{count_of(len(header), 'field')}, and {usual} in most of the rows below"
        fix = f"If line {begin} is not the line of column names, remove what is above that line."
        raise DataError(f"{file}:{begin}", received=received, expected="as many names as columns", fix=fix)
    return header, rows, others.total()


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


def find_named(table, columns, key, name):
    """Return the `Column` that a setting names.

    Args:
        table: `Table`, for messages.
        columns: its `Column` list.
        key: of the setting, such as ``data.label``.
        name: of the column.

    Raises:
        DataError: there is no such column.
    """
    found = next((column for column in columns if column.name == name), None)
    if found is None:
        fix = did_you_mean(name, table.header[:20])
        raise DataError(str(table.file), f"no column {shown(name)}, which {key} names", fix=fix)
    return found


def given_column(inspection, table, columns, key):
    """Return the `Column` that a given setting names, or None where the setting is not given.

    Args:
        inspection: `Inspection`.
        table, columns, key: as for `find_named`.
    """
    name = inspection.given.get(key)
    return None if name is None else find_named(table, columns, key, name)


def values_of(inspection, table, column):
    """Return the numbers of a column, NaN where one is missing.

    Args:
        inspection: `Inspection`, whose given ``data.missing_values`` count as missing.
        table: `Table`.
        column: `Column`.
    """
    missing = {float(value) for value in inspection.given.get("data.missing_values", ())}
    cells = table.cells(column.name)
    values = [number(cell, column.mark) if is_number(cell, column.mark) else math.nan for cell in cells]
    return [math.nan if value in missing else value for value in values]


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
        if table.above:
            said = f"{count_of(table.above, 'line')} above the names of the columns in {table.file.name}"
            inspection.warn("lines_above", table.above, f"{said}: not read.")
        if table.left_out:
            said = f"Columns without a name and without a cell in {table.file.name}: left out"
            inspection.found(
                "empty_columns",
                list(table.left_out),
                f"{said}, number {_listed(table.left_out)}.",
            )
        if table.unnamed:
            said = f"Columns without a name in {table.file.name} are called {_listed(table.unnamed)}"
            inspection.found("unnamed", list(table.unnamed), f"{said}.")
        if table.ragged:
            wrong = "no JSON objects" if table.separator is None else "wider or narrower than the header"
            inspection.warn(
                "bad_rows", table.ragged, f"{table.ragged:,} rows of {table.file.name} are {wrong}."
            )
    columns = next(iter(tables.values())).columns()
    described = ", ".join(f"{column.name} ({_said(column)})" for column in columns[:20])
    inspection.found("columns", [column.name for column in columns], f"Columns: {described}.")


def _listed(entries):
    return ", ".join(map(shown, entries))


def _said(column):
    marks = {",": "numbers with decimal commas", ".": "numbers"}
    kinds = {
        "date": "dates",
        "clock": "times of day",
        "part": "names of parts",
        "empty": "empty",
        "number": marks[column.mark],
    }
    if column.kind in kinds:
        return kinds[column.kind]
    return f"texts, {column.distinct:,} distinct"
