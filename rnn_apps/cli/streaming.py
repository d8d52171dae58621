"""Reads lines of pipes and files while they arrive, in constant memory."""

import codecs
import os
import sys
from contextlib import contextmanager

from rnn_apps.errors import DataError, UserError

_BYTES = 1 << 16
_LONGEST = 1 << 24  # letters of a line
_MOST_LINES = 1024  # answered together


def stream_answers(open_stream, sources):
    """Yield (stream, answer) for the lines of all sources, as soon as answers are known.

    Each source begins anew, but where sources are pictures or videos, which follow one another.

    Args:
        open_stream: `Predictor.open_stream`.
        sources: paths, or "-" for standard input.

    Raises:
        UserError: a line cannot be read; the source is named.
    """
    stream = open_stream()
    for number, source in enumerate(sources):
        if stream.reads_paths and source != "-":
            yield from ((stream, answer) for answer in stream.feed([source]))
            continue
        stream = open_stream() if number and not stream.reads_paths else stream
        try:
            for lines in lines_of(source, stream.cuts_at_blanks):
                yield from ((stream, answer) for answer in stream.feed(lines))
        except DataError as error:
            raise error.within("standard input" if source == "-" else source) from error


def lines_of(source, cuts_at_blanks=False):
    """Yield lists of lines, without line ends, as soon as they arrive.

    Args:
        source: path, or "-" for standard input.
        cuts_at_blanks: a line that does not end is given in pieces, cut at blanks.

    Raises:
        UserError: it cannot be read, or a line is too long.
    """
    decoder, rest = codecs.getincrementaldecoder("utf-8-sig")("replace"), ""
    with _opened(source) as file:
        while data := os.read(file, _BYTES):
            *lines, rest = (rest + decoder.decode(data)).replace("\r\n", "\n").split("\n")
            if len(rest) >= _BYTES and cuts_at_blanks:
                piece, blank, after = rest.rpartition(" ")
                if blank:
                    lines, rest = [*lines, piece], after
            if len(rest) > _LONGEST:
                raise UserError(
                    source, received="a line without an end", expected=f"at most {_LONGEST:,} letters"
                )
            for start in range(0, len(lines), _MOST_LINES):
                yield lines[start : start + _MOST_LINES]
    if rest:
        yield [rest]


@contextmanager
def _opened(source):
    if source == "-":
        yield sys.stdin.fileno()
        return
    try:
        file = os.open(source, os.O_RDONLY)
    except OSError as error:
        raise UserError(str(source)[:200], f"cannot be read: {error.strerror}") from error
    try:
        yield file
    except IsADirectoryError as error:
        raise UserError(str(source)[:200], "is a folder", expected="a file") from error
    finally:
        os.close(file)
