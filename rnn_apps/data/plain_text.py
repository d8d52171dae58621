"""Loads text for language models, splits it by position, and batches it as consecutive windows."""

import io
import math
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from rnn_apps.data import tfds_source
from rnn_apps.data.batches import map_batches
from rnn_apps.data.files import open_lines
from rnn_apps.data.records import INVALID_UTF8, find_surrogate
from rnn_apps.data.split_files import find_splits, log_unread
from rnn_apps.data.splits import SPLIT_NAMES
from rnn_apps.data.synthetic.text import synthetic_text
from rnn_apps.errors import DataError

TEST_FRACTION = 0.1
MIN_TOKENS = 2  # one to read and one to predict
TEXT_ENDINGS = (".txt", ".txt.gz")


def load_texts(source, request, invalid, unit="character"):
    """Read the text of a source and split it.

    A folder holds one text per split, ``train.txt``, ``validation.txt`` (or another name in `SPLIT_NAMES`)
    and ``test.txt``, also with a prefix before a dot, dash or underscore (``ptb.train.txt``); or it holds a
    single text of any name. Each may be gzipped. README and licence files are ignored.

    Missing splits are cut off train. Of a single text, the last 10 % become the test split and the first
    `request.validation_fraction` the validation split, so that each borders on train and the text before the
    test split has been read. With a validation split but no test split, the validation split becomes the
    test split and another one is cut off train. Each cut is at the nearest line end; if lines are too long,
    at the nearest space, or else at the exact character.

    Line ends are read as ``\\n``; everything else is unchanged.

    Args:
        source: `DataSource`; a TFDS data set needs the feature ``text``.
        request: `SplitRequest`; if all of a single text is for the test, the other splits are "".
        invalid: `InvalidRecords`, for lines that are not valid UTF-8.
        unit: Token unit; for ``"word"``, the minimum length of a split is counted in words.

    Returns:
        Name of the source, and split name to str for train, validation and test.

    Raises:
        SourceUnavailable: a TFDS data set is neither on this machine nor reachable.
        DataError: a text is missing, cannot be read, or a split is too short.
    """
    use_all_for_test = request.use_all_for_test and source.name != "sample"
    if source.name == "files":
        files = find_splits(source.path, None if use_all_for_test else "train", TEXT_ENDINGS)
        log_unread(source.path, files.values())
        name, texts = str(source.path), {split: _read(file, invalid) for split, file in files.items()}
    elif source.name == "sample":
        name, texts = "sample:sayings", {"train": synthetic_text(source.sample_size, source.seed)}
    else:
        name, texts = source.name, dict(_read_tfds(source.name.removeprefix("tfds:"), invalid))
    splits = _split(texts, request.validation_fraction, use_all_for_test)
    for split, text in splits.items():
        if split == "test" or not use_all_for_test:
            check_length(name, split, text, unit)
    return name, splits


def _read(file, invalid):
    with open_text_lines(file, invalid) as lines:
        text = "".join(lines)
    if not text.strip():
        raise DataError(str(file), "empty", fix="Give a text, or move the file away.")
    return text


@contextmanager
def open_text_lines(file, invalid):
    """Open a text file as its valid lines, as `load_texts` reads them."""
    with open_lines(file) as lines:
        yield _valid_lines(file, lines, invalid)


def _valid_lines(location, lines, invalid):
    """Yield the lines, each ended by a newline; lines that are not UTF-8 are reported to `invalid`."""
    for number, line in enumerate(lines, start=1):
        if surrogate := find_surrogate(line):
            received = f"the byte 0x{ord(surrogate) & 0xFF:02X}"
            invalid.report(f"{location}:{number}", *INVALID_UTF8, received)
        else:
            text = line.rstrip("\r\n")
            yield text if text == line else text + "\n"


def _read_tfds(name, invalid):
    """Yield split name and text of a TFDS data set; its examples are concatenated, each on its own lines."""
    builder = tfds_source.open_builder(name)
    if "text" not in builder.info.features:
        received = f"the features {', '.join(builder.info.features)}"
        raise DataError(f"tfds:{name}", received=received, expected="one called text")
    for split in tfds_source.splits_with_train(builder, name):
        yield split, _join(tfds_source.read_examples(builder, split, {"text": "text"}), invalid)


def _join(examples, invalid):
    lines = []
    for location, text in examples:
        if lines and not lines[-1].endswith("\n"):
            lines.append("\n")
        lines += _valid_lines(location, io.StringIO(text, newline=""), invalid)
    return "".join(lines)


def _split(texts, validation_fraction, use_all_for_test):
    """Split name to text for all splits, from those that exist."""
    if use_all_for_test and len(texts) == 1:
        return {"train": "", "validation": "", "test": next(iter(texts.values()))}
    if "validation" in texts and "test" not in texts:
        texts = {"train": texts["train"], "test": texts["validation"]}
    train, length = texts.get("train", ""), len(texts.get("train", ""))
    splits = dict.fromkeys(SPLIT_NAMES, "") | texts
    if "test" not in texts:
        size = round(TEST_FRACTION * length)
        cut = _cut(train, len(train) - size, size)
        train, splits["test"] = train[:cut], train[cut:]
    if "validation" not in texts:
        size = round(validation_fraction * length)
        cut = _cut(train, size, size)
        splits["validation"], train = train[:cut], train[cut:]
    return splits | {"train": train}


def _cut(text, position, size):
    """The line end or else space nearest to a position, within half of the cut size; or the position."""
    for separator in "\n ":
        ends = text.rfind(separator, 0, position) + 1, text.find(separator, position) + 1
        nearest = min((end for end in ends if end), key=lambda end: abs(end - position), default=len(text))
        if abs(nearest - position) <= size / 2:
            return nearest
    return position


def check_length(name, split, text, unit):
    """Raise DataError if the text of a split is too short."""
    unit = "word" if unit == "word" else "character"
    count = len(text.split(maxsplit=MIN_TOKENS)) + text.count("\n") if unit == "word" else len(text)
    if count < MIN_TOKENS:
        received = f"{count} {unit}{'' if count == 1 else 's'} for {split}"
        fix = f"Give more text, or a file for {split}."
        raise DataError(name, received=received, expected=f"at least {MIN_TOKENS}", fix=fix)


def num_windows(num_targets, streams, steps):
    """Return the number of windows of the longest stream; the arguments are those of `window_positions`."""
    return math.ceil(math.ceil(num_targets / streams) / steps)


def window_positions(num_targets, streams, steps, number, shift):
    """Return where a window of parallel streams is in a text, as arrays, or as tensors for a tensor `number`.

    Args:
        num_targets: Number of tokens that are predicted, all except the first.
        streams: Number of streams that the text is cut into.
        steps: Tokens of a window.
        number: Number of the window.
        shift: Tokens by which the text is rotated.

    Returns:
        Which steps are not padding, and the position of each token that is read, both (streams, steps).
    """
    bounds = np.arange(streams + 1, dtype=np.int64) * num_targets // streams
    positions = bounds[:-1, None] + number * steps + np.arange(steps, dtype=np.int64)
    return positions < bounds[1:, None], (positions + shift) % num_targets


class StreamBatches:
    """Batches windows of one long text in parallel streams, for truncated backpropagation through time.

    The text is cut into streams whose lengths differ by at most one token; each is a row of every batch.
    Consecutive batches hold consecutive windows, so a state carried from batch to batch has read its stream
    from the start. Every token except the first of the text is a target once per epoch. The last windows are
    padded with 0 in tokens and targets; padding is not counted.

    With a seed, the text is rotated by a number of tokens that depends on (seed, epoch), so that windows
    begin elsewhere in each epoch: every target still occurs once, after its preceding token, in the same
    number of windows. At one point in one stream, the text then continues from its end to its start.

    Args:
        tokens: int (tokens,), ids from 1, at least two.
        streams: Rows of a batch.
        steps: Tokens of a window.
        seed: None begins every epoch with the first token.
    """

    def __init__(self, tokens, streams, steps, seed=None):
        tokens = np.asarray(tokens, np.int32)
        if len(tokens) < MIN_TOKENS or tokens.min() < 1:
            received = f"{len(tokens)} ids, the smallest {min(tokens, default='none')}"
            raise ValueError(f"StreamBatches: tokens: received {received}, expected two or more, from 1 on.")
        self.streams, self.steps, self.seed = streams, steps, seed
        self._tokens, self._num_targets = tf.constant(tokens), len(tokens) - 1

    def __len__(self):
        """Number of batches per epoch, the same in every epoch."""
        return num_windows(self._num_targets, self.streams, self.steps)

    @property
    def num_examples(self):
        """Number of windows per epoch, over all streams."""
        return len(self) * self.streams

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of (tokens, targets), each int32 (streams, steps), from `start` on."""
        shift = 0
        if self.seed is not None:
            shift = int(np.random.default_rng([self.seed, epoch]).integers(self._num_targets))

        def make_batch(number):
            mask, source = window_positions(self._num_targets, self.streams, self.steps, number, shift)
            return tuple(tf.where(mask, tf.gather(self._tokens, at), 0) for at in (source, source + 1))

        return map_batches(make_batch, start, len(self))
