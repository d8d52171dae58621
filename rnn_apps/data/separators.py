"""Which mark separates the columns of a CSV file: a comma, a semicolon, a tab or a bar."""

import csv
import re

from rnn_apps.errors import DataError, shown

SEPARATORS = (",", ";", "\t", "|")
LINES_LOOKED_AT = 50
_QUOTED = re.compile(r'(?<![^,;\t|\r\n])"[^"]*(?:""[^"]*)*"(?![^,;\t|\r\n])')  # a whole field, over lines too


def find_separator(place, lines):
    """Return the mark that separates the columns of a table.

    The header decides: the one mark that it holds outside of quotes, a comma where it holds none. Where it
    holds several, it is the one by which the most rows below have as many fields as the header; of those
    that are equal in this, a comma, or else the mark that comes most often in the header.

    Args:
        place: of the header, for messages.
        lines: the first lines of the file, with the header.

    Raises:
        DataError: several marks give rows all as wide as the header, or there are no rows to tell.
    """
    begin = next((i for i, line in enumerate(lines) if line.strip()), None)
    if begin is None:
        return ","
    tables = {mark: _rows(lines[begin:], mark) for mark in _marks_outside_quotes(lines[begin:])}
    widths = {mark: len(rows[0]) for mark, rows in tables.items() if rows and len(rows[0]) > 1}
    if len(widths) < 2:
        return next(iter(widths), ",")
    shares = {mark: _share_as_wide(tables[mark]) for mark in widths}
    most = max(shares.values())
    best = [mark for mark in widths if shares[mark] == most]
    if len(best) > 1 and most == 1:
        marks, fix = " and ".join(map(shown, best)), "Put names that hold one of these marks into quotes."
        raise DataError(place, f"{marks} may both separate the columns", fix=fix)
    return "," if "," in best else max(best, key=widths.get)


def _marks_outside_quotes(lines):
    """The marks that the header, the first of the lines, holds outside of fields in quotes."""
    header = re.split("[\r\n]", _QUOTED.sub("", "".join(lines)), maxsplit=1)[0]
    return [mark for mark in SEPARATORS if mark in header]


def _share_as_wide(rows):
    """Of the rows below the header, the share with as many fields; 1 where there are none."""
    header, *below = rows
    return sum(len(row) == len(header) for row in below) / len(below) if below else 1


def _rows(lines, mark):
    """The records of the lines; one that breaks off at their end is left out, if it is not the header."""
    cut = len(lines) == LINES_LOOKED_AT and sum(line.count('"') for line in lines) % 2
    rows = [row for row in csv.reader((line.replace("\0", "") for line in lines), delimiter=mark) if row]
    return rows[:-1] if cut and len(rows) > 1 else rows
