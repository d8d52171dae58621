"""Parses numbers as people and spreadsheets write them: 1234.5, 1,234.5, 1.234,5 or 1 234,5."""

import re

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})  # in small letters
_SPACES = re.compile(r"(?<=\d)[ '\u2019\u00a0\u202f\u2009](?=\d{3}(?!\d))")  # between thousands
_GROUPED = {mark: re.compile(rf"[-+]?\d{{1,3}}(\{mark}\d{{3}})+") for mark in ",."}


def number(text, decimal_mark="."):
    """Return the number in a cell.

    Args:
        text: The cell.
        decimal_mark: ``"."`` or ``","``; the other one separates thousands.

    Raises:
        ValueError: it is not a number, or its thousands are not groups of three digits.
    """
    text = text.strip()
    if decimal_mark == "." and "," not in text and " " not in text:
        try:
            return float(text)
        except ValueError:
            pass  # other kinds of space may separate thousands
    thousands_mark = "," if decimal_mark == "." else "."
    integer, _, decimals = _SPACES.sub("", text).partition(decimal_mark)
    if thousands_mark in integer:
        if not _GROUPED[thousands_mark].fullmatch(integer):
            raise ValueError(f"not a number: {text!r}")
        integer = integer.replace(thousands_mark, "")
    return float(f"{integer}.{decimals}" if decimals else integer)


def is_missing(text):
    """Return whether a cell of a column of numbers marks a missing one."""
    return text.strip().lower() in MISSING


def is_number(text, decimal_mark="."):
    """Return whether a cell holds a number, as `number` parses it."""
    return parses(number, text, decimal_mark)


def parses(parse, *args):
    """Return whether ``parse(*args)`` raises no ValueError."""
    try:
        parse(*args)
    except ValueError:
        return False
    return True


def decimal_marks(rows, delimiter=","):
    """Return the decimal mark of each column of a table: ``"."`` or ``","``.

    All cells of a column vote. A mark is decimal if it is the last of two kinds (``1.234,5``), if other than
    three digits follow it (``1,5``), or if more than three digits (``1234,567``) or a single zero
    (``0,125``) precede it. It separates thousands, which makes the other mark decimal, if it occurs several
    times (``1,234,567``). If cells contradict each other, the mark is a point, and the cells that do not fit
    are not numbers. An ambiguous column (``1,234``) follows the other columns if these agree; otherwise a
    comma is decimal unless it is the delimiter.

    Args:
        rows: Lists of cells, one per column.
        delimiter: Delimiter of the columns.
    """
    votes = None
    for row in rows:
        votes = votes or [set() for _ in row]
        for vote, cell in zip(votes, row):
            vote.add(_evidence(cell))
    decided = [vote & {",", "."} for vote in votes or []]
    agreed = {mark for marks in decided if len(marks) == 1 for mark in marks}
    default = agreed.pop() if len(agreed) == 1 else "." if delimiter == "," else ","
    return [
        next(iter(marks)) if len(marks) == 1 else default if not marks and "ambiguous" in vote else "."
        for marks, vote in zip(decided, votes or [])
    ]


def _evidence(cell):
    """The decimal mark that a cell suggests: ``"."``, ``","``, ``"ambiguous"`` or None."""
    text = cell.strip()
    if "," not in text:  # 1.234 may be a plain number, so it decides nothing
        has_groups = text.count(".") > 1 and _GROUPED["."].fullmatch(text)
        is_decimal = text.count(".") == 1 and len(text.partition(".")[2]) != 3
        return "," if has_groups else "." if is_decimal and is_number(text) else None
    text = _SPACES.sub("", text)
    if not re.fullmatch(r"[-+]?[\d.,]*\d[\d.,]*", text):
        return None
    if "." in text:
        return max(",.", key=text.rfind)
    if text.count(",") > 1:
        return "."
    integer, _, decimals = text.lstrip("+-").partition(",")
    is_ambiguous = len(decimals) == 3 and 1 <= len(integer) <= 3 and integer != "0"
    return "ambiguous" if is_ambiguous else ","
