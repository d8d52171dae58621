"""Text for language models: read and split by position, and cut into windows that follow one another."""

import io
import re
from pathlib import Path

import numpy as np
import tensorflow as tf

from rnn_apps.data import tfds_source
from rnn_apps.data.files import open_lines
from rnn_apps.data.samples.sayings import sayings
from rnn_apps.data.splits import (
    SPLIT_NAMES,
    SPLITS_BY_NAME,
    conversion_advice,
    listed_files,
    log_unread,
    one_per_split,
)
from rnn_apps.errors import DataError, Setting

TEST_FRACTION = 0.1
LEAST_TOKENS = 2  # one to read and one to predict
_ENDINGS = (".txt", ".txt.gz")
_NO_TEXTS = ("readme", "license", "licence")
_BAD_BYTE = re.compile("[\ud800-\udfff]")  # as `open_lines` keeps them


def load_texts(source, request, bad, unit="character"):
    """Read the text of a source in its splits.

    A folder holds one text per split, ``train.txt``, ``validation.txt`` (or another name of `SPLIT_NAMES`)
    and ``test.txt``, with something in front of a dot, dash or underscore or not (``ptb.train.txt``); or it
    holds one text, of any name. Each may be gzipped. A README or licence is no text.

    Splits that are not there are cut off train: of a single text the last 10 % are the test, and
    `request.validation_fraction` of it, at its start, is the validation, so that both border on train once
    and what precedes the test has been read. With a validation but no test split the validation is the test,
    and another one is cut off train. Each cut is at the nearest line end; where lines are too long for that,
    at the nearest blank, or else to the character.

    Line ends are read as ``\\n``; all else stays as it is.

    Args:
        source: `DataSource`; a set of TFDS has the feature ``text``.
        request: `SplitRequest`; where a single text is all for the test, the other splits are "".
        bad: `BadRecords`, for lines that are not valid UTF-8.
        unit: what the model reads; where it is ``"word"``, `LEAST_TOKENS` of a split are counted in words.

    Returns:
        Name of the source, and split name to str for train, validation and test.

    Raises:
        SourceUnavailable: a set of TFDS is neither here nor reachable.
        DataError: a text cannot be read or is not there, or a part is too short.
    """
    whole = request.use_all_for_test and source.name != "sample"
    if source.name == "files":
        files = find_texts(source.path, whole)
        log_unread(source.path, files.values())
        name, texts = str(source.path), {split: _read(file, bad) for split, file in files.items()}
    elif source.name == "sample":
        name, texts = "sample:sayings", {"train": sayings(source.sample_size, source.seed)}
    else:
        name, texts = source.name, dict(_read_splits(source.name.removeprefix("tfds:"), bad))
    parts = _in_parts(texts, request.validation_fraction, whole)
    for part, text in parts.items():
        if part == "test" or not whole:
            _refuse_short(name, part, text, unit)
    return name, parts


def find_texts(path, whole=False):
    """Return split name to file; a single text, which is split later, counts as train.

    Args:
        path, whole: as for `load_texts`.

    Raises:
        DataError: no text is there, or several for one split.
    """
    path = Path(path).expanduser()
    if path.is_file():
        if not path.name.lower().endswith(_ENDINGS):
            ending = f"a {path.suffix} file" if path.suffix else "a file without an ending"
            raise DataError(
                str(path), received=ending, expected=" or ".join(_ENDINGS), fix=conversion_advice([path])
            )
        return {"train": path}
    if not path.is_dir():
        raise DataError(str(path), "no such file or folder", fix=Setting("Check the path", "data.path"))
    texts = [file for file in sorted(path.iterdir()) if _is_text(file)]
    found = one_per_split(
        path, {file: SPLITS_BY_NAME.get(re.split("[._-]", _stem(file))[-1]) for file in texts}
    )
    if not found and len(texts) == 1:
        return {"train": texts[0]}
    if "train" not in found and not (whole and found):
        raise _no_train(path, texts)
    return found


def _is_text(file):
    is_named = file.name.lower().endswith(_ENDINGS) and not file.name.startswith(".")
    return is_named and file.is_file() and _stem(file) not in _NO_TEXTS


def _stem(file):
    return file.name.lower().removesuffix(".gz").removesuffix(".txt")


def _no_train(folder, texts):
    received = listed_files(texts or sorted(folder.iterdir())) or "an empty folder"
    fix = "Name the parts train.txt, validation.txt and test.txt, or give the path of one file."
    fix = fix if texts else conversion_advice(sorted(folder.iterdir())) or fix
    return DataError(str(folder), received=received, expected="train.txt, or one text alone", fix=fix)


def _read(file, bad):
    with open_lines(file) as lines:
        text = "".join(_good_lines(file, lines, bad))
    if not text.strip():
        raise DataError(str(file), "empty", fix="Give a text, or move the file away.")
    return text


def _good_lines(place, lines, bad):
    """Yield the lines with their ends as a newline; bad ones go to `bad`."""
    for number, line in enumerate(lines, start=1):
        if found := _BAD_BYTE.search(line):
            received = f"the byte 0x{ord(found[0]) & 0xFF:02X}"
            bad.report(f"{place}:{number}", "not valid UTF-8", "Save the file as UTF-8.", received)
        else:
            text = line.rstrip("\r\n")
            yield text if text == line else text + "\n"


def _read_splits(name, bad):
    """Yield part name and text of a set of TFDS; its examples follow one another, each on its own lines."""
    builder = tfds_source.open_builder(name)
    if "text" not in builder.info.features:
        received = f"the features {', '.join(builder.info.features)}"
        raise DataError(f"tfds:{name}", received=received, expected="one called text")
    if "train" not in builder.info.splits:
        received = f"the splits {', '.join(builder.info.splits) or 'none'}"
        raise DataError(f"tfds:{name}", received=received, expected="one called train")
    for part in SPLIT_NAMES:
        if part in builder.info.splits:
            yield part, _joined(tfds_source.read_split(builder, part, "text", "text"), bad)


def _joined(examples, bad):
    lines = []
    for place, text, *_ in examples:
        if lines and not lines[-1].endswith("\n"):
            lines.append("\n")
        lines += _good_lines(place, io.StringIO(text, newline=""), bad)
    return "".join(lines)


def _in_parts(texts, validation_fraction, whole):
    """Part name to text for all parts, from what is there."""
    if whole and len(texts) == 1:
        return {"train": "", "validation": "", "test": next(iter(texts.values()))}
    if "validation" in texts and "test" not in texts:
        texts = {"train": texts["train"], "test": texts["validation"]}
    parts, length = dict.fromkeys(SPLIT_NAMES, "") | texts, len(texts.get("train", ""))
    if "test" not in texts:
        size, train = round(TEST_FRACTION * length), parts["train"]
        cut = _cut(train, len(train) - size, size)
        parts |= {"train": train[:cut], "test": train[cut:]}
    if "validation" not in texts:
        size, train = round(validation_fraction * length), parts["train"]
        cut = _cut(train, size, size)
        parts |= {"train": train[cut:], "validation": train[:cut]}
    return parts


def _cut(text, place, size):
    """The line end nearest to a place, or else blank, within half of what is cut off; or the place itself."""
    for mark in "\n ":
        ends = text.rfind(mark, 0, place) + 1, text.find(mark, place) + 1
        nearest = min((end for end in ends if end), key=lambda end: abs(end - place), default=len(text))
        if abs(nearest - place) <= size / 2:
            return nearest
    return place


def _refuse_short(name, part, text, unit):
    unit = "word" if unit == "word" else "character"
    count = len(text.split(maxsplit=LEAST_TOKENS)) + text.count("\n") if unit == "word" else len(text)
    if count < LEAST_TOKENS:
        received = f"{count} {unit}{'' if count == 1 else 's'} for {part}"
        fix = f"Give more text, or a file for {part}."
        raise DataError(name, received=received, expected=f"at least {LEAST_TOKENS}", fix=fix)


class StreamBatches:
    """Windows of one long text, read in several places at once, for truncated backpropagation through time.

    The text is cut into as many streams, of equal length to one token, which are the rows of every batch. The
    windows of an epoch follow one another: each row goes on where it ended in the batch before, so that a
    state carried from batch to batch has read its stream from the start. Each token but the first of the text
    is a target once an epoch. What is missing of the last windows is 0, in tokens and targets: padding, which
    does not count.

    With a seed, each epoch moves the text by a number of tokens that (seed, epoch) alone decides, what goes
    over the end standing before the start, so that windows begin elsewhere: still every target once, after
    the token that stands before it, in as many windows. In one place of one stream what was read before is
    then the end of the text.

    Args:
        tokens: int (tokens,), numbers from 1, at least two.
        streams: rows of a batch.
        steps: tokens of a window.
        seed: None begins every epoch with the first token.
    """

    def __init__(self, tokens, streams, steps, seed=None):
        tokens = np.asarray(tokens, np.int32)
        if len(tokens) < LEAST_TOKENS or tokens.min() < 1:
            received = f"{len(tokens)} numbers, {min(tokens, default='none')} the least"
            raise ValueError(f"StreamBatches: tokens: received {received}, expected two or more, from 1 on.")
        self.streams, self.steps, self.seed = streams, steps, seed
        self._tokens, self._targets = tf.constant(tokens), len(tokens) - 1
        bounds = np.arange(streams + 1, dtype=np.int64) * self._targets // streams
        self._begins, self._ends = bounds[:-1, None], bounds[1:, None]

    def __len__(self):
        """Batches in an epoch, the same in every epoch."""
        return int(-(-np.max(self._ends - self._begins) // self.steps))

    @property
    def num_examples(self):
        """Windows in an epoch, in all streams."""
        return len(self) * self.streams

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of (tokens, targets), each int32 (streams, steps), from `start` on."""
        moved = 0
        if self.seed is not None:
            moved = int(np.random.default_rng([self.seed, epoch]).integers(self._targets))

        @tf.autograph.experimental.do_not_convert
        def window(number):
            places = self._begins + number * self.steps + tf.range(self.steps, dtype=tf.int64)
            is_there, read = places < self._ends, (places + moved) % self._targets
            return tuple(tf.where(is_there, tf.gather(self._tokens, at), 0) for at in (read, read + 1))

        return tf.data.Dataset.range(start, len(self)).map(window, num_parallel_calls=2).prefetch(4)
