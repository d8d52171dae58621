"""Tables of sentences and their translations: tabs between columns, no quoting.

The first line may name the languages, in any order and among other columns. Without such a line there are
two columns, source and target, or more, of which all but two are numbers, the same in every row, or licences;
these are left out.
"""

import logging
from itertools import chain, islice
from typing import NamedTuple

from rnn_apps.data.files import open_lines
from rnn_apps.errors import DataError, shown

_log = logging.getLogger(__name__)
_ROWS_LOOKED_AT = 200
_LICENCES = ("CC-BY", "CC BY", "CC0")


class WrongWidth(NamedTuple):
    """A row that cannot be read.

    Args:
        received: its columns.
        expected: those of the table.
    """

    received: int
    expected: int


class TableColumns(NamedTuple):
    """Which columns of a table are read.

    Args:
        source, target: numbers of the columns, from 0.
        width: columns of a row.
        has_names: whether the first line names the languages.
    """

    source: int
    target: int
    width: int
    has_names: bool

    @property
    def left_out(self):
        """Numbers of the columns that are not read, from 1."""
        return [i + 1 for i in range(self.width) if i not in (self.source, self.target)]


def find_text_columns(place, rows, languages):
    """Return the `TableColumns` of a table.

    Args:
        place: of the first row, for messages.
        rows: its first rows, lists of cells.
        languages: names of source and target language, as the first line may have them.

    Raises:
        DataError: the first line names one language but not the other.
    """
    first = [cell.strip().casefold() for cell in rows[0]] if rows else []
    if any(language.casefold() in first for language in languages):
        return TableColumns(*(_column(place, first, one) for one in languages), len(first), True)
    widths = [len(row) for row in rows]
    usual = max(widths, key=widths.count, default=2)
    whole = [[cell.strip() for cell in row] for row in rows if len(row) == usual]
    texts = [i for i, cells in enumerate(zip(*whole)) if _are_texts(cells)]
    if usual > 2 and len(texts) == 2:
        return TableColumns(*texts, usual, False)
    return TableColumns(0, 1, 2, False)


def _are_texts(cells):
    if len(cells) > 1 and len(set(cells)) == 1:
        return False
    return not all(cell.isdigit() or cell.startswith(_LICENCES) or not cell for cell in cells)


def _column(place, names, language):
    if language.casefold() not in names:
        received = f"the columns {', '.join(map(shown, names))}"
        raise DataError(place, received=received, expected=f"one of them {shown(language)}")
    return names.index(language.casefold())


def table_rows(file, languages):
    """Yield the places and texts of source and target, row by row; a `WrongWidth` in place of the texts.

    Args:
        file: path.
        languages: names of source and target language, as the first line may have them.

    Raises:
        DataError: the first line names one language but not the other.
    """
    with open_lines(file) as lines:
        rows = _numbered_rows(lines)
        ahead = list(islice(rows, _ROWS_LOOKED_AT))
        columns = find_text_columns(f"{file}:1", [row for _, row in ahead], languages)
        if columns.left_out:
            numbers = ", ".join(map(str, columns.left_out))
            _log.info("%s: column %s left out, which holds no sentences", file, numbers)
        if columns.has_names:
            del ahead[0]
        for number, row in chain(ahead, rows):
            if len(row) == columns.width:
                texts = [row[columns.source], row[columns.target]]
            else:
                texts = WrongWidth(len(row), columns.width)
            yield [f"{file}:{number}"] * 2, texts


def _numbered_rows(lines):
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, line.rstrip("\r\n").split("\t")
