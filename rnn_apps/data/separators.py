"""Which mark separates the columns of a CSV file: a comma, a semicolon, a tab or a bar."""

import csv

from rnn_apps.errors import DataError, shown

__all__ = ["LINES_LOOKED_AT", "SEPARATORS", "find_separator"]

SEPARATORS = (",", ";", "\t", "|")
LINES_LOOKED_AT = 50


def find_separator(place, lines):
    """Return the mark that separates the columns of a table.

    The header decides: the one mark that it holds outside of quotes, a comma where it holds none. Where it
    holds several, it is the one by which the rows below have as many fields as the header; a comma, or else
    the mark that comes most often in the header, where no mark gives that.

    Args:
        place: of the header, for messages.
        lines: the first lines of the file, with the header.

    Raises:
        DataError: several marks give rows as wide as the header, or there are no rows to tell.
    """
    begin = next((i for i, line in enumerate(lines) if line.strip()), None)
    if begin is None:
        return ","
    tables = {mark: _rows(lines[begin:], mark) for mark in SEPARATORS}
    widths = {mark: len(rows[0]) for mark, rows in tables.items() if rows and len(rows[0]) > 1}
    if len(widths) < 2:
        return next(iter(widths), ",")
    fitting = [mark for mark in widths if all(len(row) == widths[mark] for row in tables[mark][1:])]
    if len(fitting) > 1:
        marks, fix = " and ".join(map(shown, fitting)), "Put names that hold one of these marks into quotes."
        raise DataError(place, f"{marks} may both separate the columns", fix=fix)
    if fitting:
        return fitting[0]
    return "," if "," in widths else max(widths, key=widths.get)


def _rows(lines, mark):
    """The records of the lines; one that breaks off at their end is left out, if it is not the header."""
    cut = len(lines) == LINES_LOOKED_AT and sum(line.count('"') for line in lines) % 2
    rows = [row for row in csv.reader((line.replace("\0", "") for line in lines), delimiter=mark) if row]
    return rows[:-1] if cut and len(rows) > 1 else rows
