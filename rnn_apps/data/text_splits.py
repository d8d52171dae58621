"""Reads the text of a language model in blocks of whole lines, split by position."""

from rnn_apps.data.plain_text import (
    TEST_FRACTION,
    TEXT_ENDINGS,
    check_length,
    load_texts,
    open_text_lines,
)
from rnn_apps.data.split_files import find_splits, log_unread
from rnn_apps.data.splits import SPLIT_NAMES

BLOCK = 2**16  # characters


class TextSplits:
    """The splits of a text, with the methods of `rnn_apps.data.splits.SplitReader`.

    Args:
        source, request, invalid, unit: As for `rnn_apps.data.plain_text.load_texts`.
    """

    split_names = tuple(SPLIT_NAMES)

    def __init__(self, source, request, invalid, unit):
        self._source, self._request, self._invalid, self._unit = source, request, invalid, unit
        names = {"sample": "sample:sayings", "files": str(source.path)}
        self.name = names.get(source.name, source.name)

    def lists(self):
        """Return split name to a list with its text; the other texts are "" if all is for the test."""
        _, texts = load_texts(self._source, self._request, self._invalid, self._unit)
        return {split: [text] for split, text in texts.items()}

    def stream(self, invalid):
        """Yield (split, block of whole lines) in the order of the text.

        Files are never in memory as a whole, unless a split has to be cut inside a line.
        """
        self._invalid = invalid
        files, parts = {}, None
        if self._source.name == "files":
            files = find_splits(self._source.path, "train", TEXT_ENDINGS)
            log_unread(self._source.path, files.values())
            parts = self._parts_of_train(files)
        if parts is None:
            for split, (text,) in self.lists().items():
                yield from ((split, block) for _, block in _blocks(text.splitlines(True), [(None, split)]))
            return
        for split, file in files.items():
            own = "test" if split == "validation" and "test" not in files else split
            with open_text_lines(file, invalid) as lines:
                yield from _blocks(lines, parts if split == "train" else [(None, own)])

    def check_sizes(self, sizes):
        """Raise DataError if a split has no text."""
        for split, size in sizes.items():
            check_length(self.name, split, "a b" if size else "", self._unit)

    def _parts_of_train(self, files):
        """The positions where parts of train stop, None for its end, and their splits.

        Returns None if a split cannot be cut at the end of a line.
        """
        if {"validation", "test"} <= set(files):
            return [(None, "train")]
        length = sum(map(len, self._lines(files["train"])))
        size = round(self._request.validation_fraction * length)
        targets = [(size, size)]
        if "validation" not in files and "test" not in files:
            size = round(TEST_FRACTION * length)
            targets.append((length - size, size))
        cuts = self._cuts(files["train"], targets)
        if cuts is None:
            return None
        return list(zip([*cuts, None], ("validation", "train", "test")))

    def _lines(self, file):
        with open_text_lines(file, self._invalid.without_counts()) as lines:
            yield from lines

    def _cuts(self, file, targets):
        """The line end nearest to each (position, size of the split), or None if one is too far away."""
        before, after, position = [0] * len(targets), [None] * len(targets), 0
        for line in self._lines(file):
            position += len(line)
            if not line.endswith("\n"):
                continue
            for number, (target, _) in enumerate(targets):
                if position <= target:
                    before[number] = position
                elif after[number] is None:
                    after[number] = position
        cuts = []
        for (target, size), *ends in zip(targets, before, after):
            nearest = min((end for end in ends if end), key=lambda end: abs(end - target), default=position)
            if abs(nearest - target) > size / 2:
                return None
            cuts.append(nearest)
        return cuts


def _blocks(lines, parts):
    """Yield (split, block) of lines; `parts` are as from `TextSplits._parts_of_train`."""
    parts, position, block, size = iter(parts), 0, [], 0
    stop, split = next(parts)
    for line in lines:
        while stop is not None and position >= stop:
            if block:
                yield split, "".join(block)
            block, size, (stop, split) = [], 0, next(parts)
        block.append(line)
        position, size = position + len(line), size + len(line)
        if size >= BLOCK:
            yield split, "".join(block)
            block, size = [], 0
    if block:
        yield split, "".join(block)
