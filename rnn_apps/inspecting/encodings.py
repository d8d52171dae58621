"""How a text file is encoded: UTF-8 is read, all else is named, with the command that converts it."""

import codecs
import gzip
import zlib
from pathlib import Path

from rnn_apps.errors import DataError, shown

_BLOCK = 1 << 20
_MARKS = {codecs.BOM_UTF8: "UTF-8 with a byte-order mark", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_AROUND = 20  # bytes shown on both sides of a bad one


def check_encoding(file):
    """Return how a file is encoded: ``UTF-8`` or ``UTF-8 with a byte-order mark``.

    Args:
        file: path; may be gzipped.

    Raises:
        DataError: it is UTF-16, Windows-1252 or no text, or it cannot be read.
    """
    file = Path(file)
    opener = gzip.open if file.name.lower().endswith(".gz") else open
    try:
        with opener(file, "rb") as content:
            return _encoding(file, content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(str(file), f"cannot be read: {error}") from error


def _encoding(file, content):
    decoder, lines, block = codecs.getincrementaldecoder("utf-8")(), 0, content.read(_BLOCK)
    found = next((name for mark, name in _MARKS.items() if block.startswith(mark)), "UTF-8")
    if found == "UTF-16" or block[:200].count(b"\0") * 4 > len(block[:200]) > 0:
        raise _to_convert(file, "UTF-16" if found == "UTF-16" or b"\0\0" not in block[:200] else None)
    while block:
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            line, at = lines + error.object.count(b"\n", 0, error.start) + 1, error.start
            raise _not_utf_8(file, line, error.object[max(0, at - _AROUND) : at + _AROUND], at) from None
        lines += block.count(b"\n")
        block = content.read(_BLOCK)
    return found


def _not_utf_8(file, line, around, at):
    bad = around[min(at, _AROUND)]
    try:
        text = around.decode("cp1252").splitlines()
    except UnicodeDecodeError:
        return DataError(
            f"{file}:{line}", f"the byte 0x{bad:02X} is not UTF-8", fix="Save the file as UTF-8."
        )
    as_windows = next((part for part in text if not part.isascii()), "")
    return _to_convert(f"{file}:{line}", "WINDOWS-1252", file, bad, as_windows.strip())


def _to_convert(place, encoding, file=None, bad=None, example=""):
    if encoding is None:
        return DataError(
            str(place), "holds bytes of zero, which no text has", expected="a text file in UTF-8"
        )
    name = shown(Path(file or place).name)[1:-1]
    packed = name.endswith(".gz")
    given = f"gzip -dc {name} | iconv" if packed else "iconv"
    end = "| gzip > NEW.gz" if packed else "> NEW"
    tail = end if packed else f"{name} {end}"
    fix = f'Save it as UTF-8 ("CSV UTF-8" in spreadsheets), or: {given} -f {encoding} -t UTF-8 {tail}'
    if bad is None:
        return DataError(str(place), received=encoding, expected="UTF-8", fix=fix)
    problem = f"the byte 0x{bad:02X} is not UTF-8; as Windows-1252 it reads {shown(example)}"
    return DataError(str(place), problem, fix=fix)
