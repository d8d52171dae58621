"""Reads tables of sentences and their translations: tab-separated columns, no quoting.

The first line may name the languages, in any order and among other columns. Otherwise there are two columns,
source and target, or more, if all but two hold only numbers, one constant value, or licences; these are
ignored.
"""

import logging
from itertools import chain, islice
from typing import NamedTuple

from rnn_apps.data.files import open_lines
from rnn_apps.errors import DataError, shown

_log = logging.getLogger(__name__)
_NUM_ROWS_SAMPLED = 200
_LICENCES = ("CC-BY", "CC BY", "CC0")


class TableColumns(NamedTuple):
    """Which columns of a table are read.

    Args:
        source, target: Indices of the columns.
        width: Number of columns of a row.
        has_names: Whether the first line names the languages.
    """

    source: int
    target: int
    width: int
    has_names: bool

    @property
    def ignored(self):
        """Numbers of the columns that are not read, from 1."""
        return [i + 1 for i in range(self.width) if i not in (self.source, self.target)]

    @property
    def ignored_text(self):
        """`ignored` as a text: "column 1", or "columns 1, 4"."""
        return f"column{'s' if len(self.ignored) > 1 else ''} {', '.join(map(str, self.ignored))}"


def find_text_columns(location, rows, languages):
    """Return the `TableColumns` of a table.

    Args:
        location: Location of the first row, for messages.
        rows: Its first rows, lists of cells.
        languages: Names of source and target language, as the first line may have them.

    Raises:
        DataError: the first line names one language but not the other.
    """
    first = [cell.strip().casefold() for cell in rows[0]] if rows else []
    missing = [language for language in languages if language.casefold() not in first]
    if len(missing) == 1:
        received = f"the columns {', '.join(map(shown, first))}"
        raise DataError(location, received=received, expected=f"one of them {shown(missing[0])}")
    if not missing:
        return TableColumns(*(first.index(one.casefold()) for one in languages), len(first), True)
    widths = [len(row) for row in rows]
    width = max(widths, key=widths.count, default=2)
    columns = zip(*([cell.strip() for cell in row] for row in rows if len(row) == width))
    texts = [index for index, cells in enumerate(columns) if _are_texts(cells)]
    if width > 2 and len(texts) == 2:
        return TableColumns(*texts, width, False)
    return TableColumns(0, 1, 2, False)


def _are_texts(cells):
    if len(cells) > 1 and len(set(cells)) == 1:
        return False
    return not all(cell.isdigit() or cell.startswith(_LICENCES) or not cell for cell in cells)


def table_rows(file, languages, invalid):
    """Yield the locations and texts of source and target, row by row.

    Args:
        file: Path.
        languages: Names of source and target language, as the first line may have them.
        invalid: `InvalidRecords`, for rows of the wrong width.

    Raises:
        DataError: the first line names one language but not the other.
    """
    with open_lines(file) as lines:
        rows = _numbered_rows(lines)
        sample = list(islice(rows, _NUM_ROWS_SAMPLED))
        columns = find_text_columns(f"{file}:1", [row for _, row in sample], languages)
        if columns.ignored:
            _log.info("%s: %s not read", file, columns.ignored_text)
        if columns.has_names:
            del sample[0]
        for number, row in chain(sample, rows):
            location = f"{file}:{number}"
            if len(row) == columns.width:
                yield [location] * 2, [row[columns.source], row[columns.target]]
            else:
                received = "1 column" if len(row) == 1 else f"{len(row)} columns"
                fix = "Put one tab between columns, and none inside them."
                invalid.report(location, "a row of the wrong width", fix, received, str(columns.width))


def _numbered_rows(lines):
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, line.rstrip("\r\n").split("\t")
