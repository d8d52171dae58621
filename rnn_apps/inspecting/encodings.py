"""Detects the encoding of text files; for all but UTF-8 names the command that converts the file."""

import codecs
from pathlib import Path

from rnn_apps.data.files import open_bytes
from rnn_apps.errors import DataError, shown

_BLOCK_SIZE = 1 << 20
_MARKS = {codecs.BOM_UTF8: "UTF-8 with a byte-order mark", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_CONTEXT = 20  # bytes shown before and after an invalid one


def check_encoding(file):
    """Return the encoding of a file: ``UTF-8`` or ``UTF-8 with a byte-order mark``.

    Args:
        file: Path, may be gzipped.

    Raises:
        DataError: it is UTF-16, Windows-1252 or not a text, or it cannot be read.
    """
    file = Path(file)
    with open_bytes(file) as content:
        return _detect(file, content)


def _detect(file, content):
    decoder, num_lines, block = codecs.getincrementaldecoder("utf-8")(), 0, content.read(_BLOCK_SIZE)
    encoding = next((name for mark, name in _MARKS.items() if block.startswith(mark)), "UTF-8")
    start = block[:200]
    if encoding == "UTF-16" or start.count(b"\0") * 4 > len(start) > 0:
        if encoding == "UTF-8" and b"\0\0" in start:
            raise DataError(str(file), "contains zero bytes, so it is not a text", expected="a UTF-8 file")
        raise DataError(str(file), received="UTF-16", expected="UTF-8", fix=_conversion(file, "UTF-16"))
    while block:
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            line = num_lines + error.object.count(b"\n", 0, error.start) + 1
            raise _invalid_byte(file, f"{file}:{line}", error.object, error.start) from None
        num_lines += block.count(b"\n")
        block = content.read(_BLOCK_SIZE)
    return encoding


def _invalid_byte(file, location, block, index):
    problem = f"the byte 0x{block[index]:02X} is not UTF-8"
    try:
        lines = block[max(0, index - _CONTEXT) : index + _CONTEXT].decode("cp1252").splitlines()
    except UnicodeDecodeError:
        return DataError(location, problem, fix="Save the file as UTF-8.")
    example = next((line for line in lines if not line.isascii()), "").strip()
    problem = f"{problem}; as Windows-1252 it reads {shown(example)}"
    return DataError(location, problem, fix=_conversion(file, "WINDOWS-1252"))


def _conversion(file, encoding):
    name, iconv = shown(file.name)[1:-1], f"iconv -f {encoding} -t UTF-8"
    is_gzipped = name.endswith(".gz")
    command = f"gzip -dc {name} | {iconv} | gzip > NEW.gz" if is_gzipped else f"{iconv} {name} > NEW"
    return f'Save it as UTF-8 ("CSV UTF-8" in spreadsheets), or: {command}'
