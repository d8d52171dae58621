"""Reads inputs of `predict`: texts, or files of texts."""

import os
from pathlib import Path

from rnn_apps.data.files import open_lines, read_records
from rnn_apps.data.split_files import ENDINGS, conversion_advice
from rnn_apps.errors import Argument, DataError, UserError

LINES = (".txt", ".txt.gz")
_SEPARATORS = {os.sep, os.altsep or os.sep}
AS_TEXT = Argument("To answer the words themselves, add", "as_text=True")


def read_inputs(inputs, column, as_text=False, readers=None):
    """Return the texts of inputs: texts themselves, or the texts in files.

    Args:
        inputs: list of texts or paths.
        column: of tables that holds the texts; None where the task has none.
        as_text: whether all inputs are texts, although files may be called so.
        readers: as `rnn_apps.tasks.predictor.Predictor.text_readers`.

    Raises:
        UserError: a path cannot be read as texts.
    """
    if as_text:
        return list(inputs)
    texts, readers = [], readers or {}
    for one in inputs:
        texts += read_file(one, column, readers, AS_TEXT) if _is_path(one, readers) else [str(one)]
    return texts


def read_file(path, column, readers=None, *fixes):
    """Return the texts of a file: those in a table's column, or its lines.

    Args:
        path: .csv, .tsv, .jsonl or text file, gzipped or not.
        column, readers: as of `read_inputs`.
        *fixes: further ways to fix that the file cannot be read.

    Raises:
        UserError: it is a folder or no text, or it lacks the column.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(str(path), "is a folder, not a text", fix=fixes)
    if not path.is_file():
        raise UserError(str(path), "no such file", fix=fixes)
    name = path.name.lower()
    readers = readers or {}
    for ending, reader in readers.items():
        if name.endswith(ending):
            return list(map(_readable, reader(path)))
    if name.endswith(ENDINGS):
        if column is None:
            problem = "is a table, and this task has no column for the texts of one"
            raise UserError(str(path), problem, fix=["Give a .txt file with one text per line.", *fixes])
        return [_text_of(record) for record in read_records(path, column, None)]
    if not name.endswith(LINES):
        kinds = ", ".join((*readers, *(ENDINGS if column is not None else ()), *LINES))
        fix = [conversion_advice([path]) or "Give a .txt file with one text per line.", *fixes]
        raise UserError(str(path), "is a file of another kind", expected=f"a text, or {kinds}", fix=fix)
    return read_lines(path)


def read_lines(path):
    """Return the lines of a text file, gzipped or not; bytes that are not UTF-8 are replaced."""
    with open_lines(Path(path)) as lines:
        texts = [_readable(line.rstrip("\r\n")) for line in lines]
    if any("\0" in text for text in texts):
        fix = conversion_advice([Path(path)]) or "Save it as text in UTF-8."
        raise UserError(str(path), "is not a text file: it holds bytes of zero", fix=fix)
    return texts


def _text_of(record):
    if record.problem:
        raise DataError(record.location, record.problem, fix="Fix the record.")
    return _readable(record.text)


def _readable(text):
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _is_path(text, readers):
    """Whether an input names a file: there is one, or it is one word that ends like the name of one.

    A folder must be named with a separator: any word may be the name of a folder.
    """
    text = str(text)
    try:
        if Path(text).is_file() or (bool(set(text) & _SEPARATORS) and Path(text).is_dir()):
            return True
        return len(text.split()) == 1 and text.lower().endswith((*ENDINGS, *LINES, *readers))
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return False
