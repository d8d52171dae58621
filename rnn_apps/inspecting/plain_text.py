"""Inspects text for language models: length, characters and words, and the token unit."""

from collections import Counter

from rnn_apps.data.plain_text import TEXT_ENDINGS, load_texts
from rnn_apps.data.split_files import find_splits
from rnn_apps.data.splits import DataSource
from rnn_apps.errors import printable
from rnn_apps.inspecting.inspection import Inspection
from rnn_apps.inspecting.measures import round_up

_UNKNOWN_WORD = "<unk>"
_LONG_LINE = 40  # characters from which a line in two splits is not a coincidence
_MAX_CHARACTERS = 500  # distinct ones that make good tokens
_VALIDATION_FRACTION = 0.05


def inspect_text(path, overrides):
    """Return the `Inspection` of a text, or of a folder with train.txt and other splits.

    Args:
        path: File or folder.
        overrides: As for `inspect_data`.

    Raises:
        DataError: there is no text, or it is too short.
    """
    inspection = Inspection("language_model", str(path), "language_model", overrides)
    files = list(find_splits(path, "train", TEXT_ENDINGS).values())
    inspection.describe_files(path, files)
    source = DataSource("files", path, 0, 1)
    splits = inspection.load_splits(
        lambda *args: load_texts(source, *args)[1], (_VALIDATION_FRACTION,), _count_lines
    )
    has_unknown_words = _UNKNOWN_WORD in splits["train"].split()
    if has_unknown_words:
        inspection.base = "word_language_model"
    _describe(inspection, splits)
    (_decide_tokens if has_unknown_words else _decide_characters)(inspection, splits["train"])
    return inspection


def _count_lines(text):
    return text.count("\n")


def _describe(inspection, splits):
    sizes = {split: len(text) for split, text in splits.items()}
    listed = ", ".join(f"{split} {size:,}" for split, size in sizes.items())
    inspection.add("splits", sizes, f"Characters: {listed}.")
    train = splits["train"]
    characters, words = Counter(train), train.split()
    rare = "".join(sorted(character for character, count in characters.items() if count == 1))
    text = f"{len(characters):,} distinct characters, {len(rare)} of them once"
    inspection.add("letters", len(characters), f"{text}{': ' + printable(rare[:40]) if rare else ''}.")
    counts = Counter(words)
    text = f"{len(words):,} words separated by spaces, {len(counts):,} distinct."
    inspection.add("vocabulary", {"words": len(words), "distinct": len(counts)}, text)
    inspection.describe_unknown_words(counts, splits["test"].split())
    inspection.describe_repeats([line for line in train.splitlines() if line.strip()], "lines")
    long_lines = {}
    for split, text in splits.items():
        if lines := [line for line in text.splitlines() if len(line) >= _LONG_LINE]:
            long_lines[split] = lines
    inspection.describe_leakage(long_lines, f"lines of {_LONG_LINE} or more characters")


def _decide_characters(inspection, train):
    count = len(set(train))
    why = f"{count:,} distinct characters; no {_UNKNOWN_WORD}, so the words were not prepared"
    inspection.decide("data.unit", "character", why)
    inspection.decide("data.vocabulary_size", max(100, round_up(count + 4, 100)), "all of them")
    if count > _MAX_CHARACTERS:
        text = f"{count:,} distinct characters are many; rare ones are read as unknown."
        inspection.warn("many_letters", count, text)
    if len(train) < 300_000:
        settings = {"model.embedding": 64, "model.units": [128 if len(train) < 50_000 else 256]}
        inspection.decide_all(settings, f"a smaller network for {len(train):,} characters")
    _decide_windows(inspection, len(train), 100, "characters", steps=3000)


def _decide_tokens(inspection, train):
    words = train.split()
    count = len(set(words))
    inspection.decide("data.unit", "token", f"the text has {_UNKNOWN_WORD}: its words were prepared")
    size = max(100, min(50_000, count + 5))  # with reserved ids and the end of a line
    inspection.decide("data.vocabulary_size", size, f"{count:,} distinct words")
    if len(words) < 200_000:
        settings = {"model.embedding": 128, "model.units": [128]}
        inspection.decide_all(settings, f"a smaller network for {len(words):,} words")
    _decide_windows(inspection, len(words), 35, "words", steps=2000)


def _decide_windows(inspection, num_tokens, window, noun, steps):
    """Decide the windows, and the batch size so that each stream has several of them."""
    num_windows = max(1, num_tokens // window)
    inspection.decide("training.tbptt.steps", window, f"{noun} that gradients flow back through")
    batch_size = next((size for size in (64, 32, 16, 8, 4) if num_windows >= 4 * size), 1)
    noun = f"windows of {window} {noun}"
    inspection.decide_training(num_windows, min_epochs=8, steps=steps, max_batch_size=batch_size, noun=noun)
