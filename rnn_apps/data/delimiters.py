"""Finds the delimiter of a CSV file: a comma, a semicolon, a tab or a vertical bar."""

import csv
import re

from rnn_apps.errors import DataError, shown

DELIMITERS = (",", ";", "\t", "|")
NUM_LINES_SAMPLED = 50
_QUOTED = re.compile(r'(?<![^,;\t|\r\n])"[^"]*(?:""[^"]*)*"(?![^,;\t|\r\n])')  # may span several lines


def find_delimiter(location, lines):
    """Return the delimiter of a table.

    The header decides: it is the only delimiter that occurs outside quotes, or a comma if there is none. If
    several occur, it is the one that gives the most rows as many fields as the header; among equals a comma,
    otherwise the most frequent one in the header.

    Args:
        location: Location of the header, for messages.
        lines: First lines of the file, with the header.

    Raises:
        DataError: several delimiters fit every row equally well.
    """
    start = next((i for i, line in enumerate(lines) if line.strip()), None)
    if start is None:
        return ","
    header = re.split("[\r\n]", _QUOTED.sub("", "".join(lines[start:])), maxsplit=1)[0]
    tables = {
        delimiter: sample_rows(lines[start:], delimiter, NUM_LINES_SAMPLED)
        for delimiter in DELIMITERS
        if delimiter in header
    }
    widths = {delimiter: len(rows[0]) for delimiter, rows in tables.items() if rows and len(rows[0]) > 1}
    if len(widths) < 2:
        return next(iter(widths), ",")
    shares = {delimiter: _share_as_wide(tables[delimiter]) for delimiter in widths}
    highest = max(shares.values())
    best = [delimiter for delimiter in widths if shares[delimiter] == highest]
    if len(best) > 1 and highest == 1:
        problem = f"{' and '.join(map(shown, best))} may both separate the columns"
        raise DataError(location, problem, fix="Quote the names that contain one of these characters.")
    return "," if "," in best else max(best, key=widths.get)


def _share_as_wide(rows):
    """Share of the rows below the header with as many fields; 1 if there are none."""
    header, *below = rows
    return sum(len(row) == len(header) for row in below) / len(below) if below else 1


def sample_rows(lines, delimiter, min_lines):
    """Return the records of the first lines of a file, without a last one that is cut off inside quotes.

    Args:
        lines: First lines of the file.
        delimiter: Delimiter of the columns.
        min_lines: Only a sample of at least this many lines can be cut off.
    """
    is_cut = len(lines) >= min_lines and sum(line.count('"') for line in lines) % 2
    lines = (line.replace("\0", "") for line in lines)
    rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    return rows[:-1] if is_cut and len(rows) > 1 else rows
