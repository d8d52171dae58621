"""Numbers as people and spreadsheets write them: 1234.5, 1,234.5, 1.234,5 or 1 234,5."""

import re

_SPACES = re.compile(r"(?<=\d)[ '\u2019\u00a0\u202f\u2009](?=\d{3}(?!\d))")  # between thousands
_GROUPED = {mark: re.compile(rf"[-+]?\d{{1,3}}(\{mark}\d{{3}})+") for mark in ",."}


def number(text, mark="."):
    """Return the number that a cell holds.

    Args:
        text: the cell.
        mark: what stands before decimals, ``"."`` or ``","``; the other one separates thousands.

    Raises:
        ValueError: it is no number, or its thousands are not groups of three digits.
    """
    text = text.strip()
    if mark == "." and "," not in text and " " not in text:
        try:
            return float(text)
        except ValueError:
            pass  # other spaces may stand between thousands
    other = "," if mark == "." else "."
    whole, _, decimals = _SPACES.sub("", text).partition(mark)
    if other in whole:
        if not _GROUPED[other].fullmatch(whole):
            raise ValueError(f"no number: {text!r}")
        whole = whole.replace(other, "")
    return float(f"{whole}.{decimals}" if decimals else whole)


def is_number(text, mark="."):
    """Return whether a cell holds a number, as `number` reads it."""
    try:
        number(text, mark)
    except ValueError:
        return False
    return True


def decimal_marks(rows, separator=","):
    """Return what stands before the decimals of each column of a table: ``"."`` or ``","``.

    All cells of a column decide together. A mark stands before decimals where it is the last of two kinds
    (``1.234,5``), or where no three digits follow it (``1,5``), more than three precede it (``1234,567``) or
    a lone zero does (``0,125``). It separates thousands, and so the other one stands before decimals, where
    it comes several times (``1,234,567``). Where cells contradict one another the mark is a point, and the
    cells that do not fit are no numbers. A column whose cells leave it open (``1,234``) goes with the other
    columns, where these agree; else a comma stands before decimals where columns are separated by something
    else, and separates thousands where a comma separates columns too.

    Args:
        rows: lists of cells, one a column.
        separator: of the columns.
    """
    seen = None
    for row in rows:
        seen = seen or [set() for _ in row]
        for said, cell in zip(seen, row):
            said.add(_evidence(cell))
    decided = [said & {",", "."} for said in seen or []]
    sure = {mark for marks in decided if len(marks) == 1 for mark in marks}
    default = sure.pop() if len(sure) == 1 else "." if separator == "," else ","
    return [
        next(iter(marks)) if len(marks) == 1 else default if not marks and "open" in said else "."
        for marks, said in zip(decided, seen or [])
    ]


def _evidence(cell):
    """What a cell says of the mark before decimals: ``"."``, ``","``, ``"open"`` or None."""
    text = cell.strip()
    if "," not in text:  # 1.234 is what a plain number looks like, and decides nothing
        several = text.count(".") > 1 and _GROUPED["."].fullmatch(text)
        is_decimal = text.count(".") == 1 and len(text.partition(".")[2]) != 3
        return "," if several else "." if is_decimal and is_number(text) else None
    text = _SPACES.sub("", text)
    if not re.fullmatch(r"[-+]?[\d.,]*\d[\d.,]*", text):
        return None
    if "." in text:
        return max(",.", key=text.rfind)
    if text.count(",") > 1:
        return "."
    whole, _, decimals = text.lstrip("+-").partition(",")
    is_open = len(decimals) == 3 and 1 <= len(whole) <= 3 and whole != "0"
    return "open" if is_open else ","
