"""Inspects a text for language models: its length, its letters and words, and what a token should be."""

from collections import Counter

from rnn_apps.data.plain_text import find_texts, load_texts
from rnn_apps.data.records import BadRecords
from rnn_apps.errors import printable
from rnn_apps.inspecting.encodings import check_encoding
from rnn_apps.inspecting.findings import Inspection
from rnn_apps.inspecting.measures import (
    decide_bad_records,
    describe_leakage,
    describe_unread,
    percent,
    unknown_rate,
)
from rnn_apps.inspecting.sizes import decide_training, rounded_up

_UNKNOWN_WORD = "<unk>"
_LONG_LINE = 40  # letters from which on a line that stands in two parts is no coincidence
_MOST_LETTERS = 500  # distinct ones, with which characters are good tokens


def inspect_text(path, given=None):
    """Return the `Inspection` of a text, or of a folder with train.txt and further parts.

    Args:
        path: file or folder.
        given: settings that the user has chosen, dotted path to value.

    Raises:
        DataError: no text is there, or it is too short.
    """
    bad = BadRecords("skip", 10**9)
    fraction = 0.05
    files = list(find_texts(path).values())
    encodings = {file.name: check_encoding(file) for file in files}
    _, parts = load_texts("files", path, 0, 1, bad, fraction)
    train = parts["train"]
    is_tokens = _UNKNOWN_WORD in train.split()
    inspection = Inspection(
        "language_model", str(path), "word_language_model" if is_tokens else "language_model", given or {}
    )
    for name, encoding in encodings.items():
        inspection.found("file", {"file": name, "encoding": encoding}, f"{name}: {encoding}.")
    describe_unread(inspection, path, files)
    decide_bad_records(inspection, bad, sum(text.count("\n") for text in parts.values()))
    _describe(inspection, parts)
    inspection.decide("data.validation_fraction", fraction, "of train, where it has no file of its own")
    (_decide_tokens if is_tokens else _decide_characters)(inspection, train)
    return inspection


def _describe(inspection, parts):
    sizes = {part: len(text) for part, text in parts.items()}
    listed = ", ".join(f"{part} {size:,}" for part, size in sizes.items())
    inspection.found("parts", sizes, f"Characters: {listed}.")
    train = parts["train"]
    letters, words = Counter(train), train.split()
    rare = "".join(sorted(letter for letter, count in letters.items() if count == 1))
    said = f"{len(letters):,} distinct characters, {len(rare)} of them once"
    inspection.found("letters", len(letters), f"{said}{': ' + printable(rare[:40]) if rare else ''}.")
    counts = Counter(words)
    said = f"{len(words):,} words between blanks, {len(counts):,} distinct."
    inspection.found("vocabulary", {"words": len(words), "distinct": len(counts)}, said)
    unknown_rate(inspection, counts, parts["test"].split())
    lines = [line for line in train.splitlines() if line.strip()]
    repeats = len(lines) - len(set(lines))
    share = percent(repeats, len(lines))
    inspection.found(
        "repeats", repeats, f"{repeats:,} of {len(lines):,} lines repeat an earlier one ({share})."
    )
    long = {part: [ln for ln in text.splitlines() if len(ln) >= _LONG_LINE] for part, text in parts.items()}
    describe_leakage(
        inspection, {p: lines for p, lines in long.items() if lines}, f"lines of {_LONG_LINE} letters"
    )


def _decide_characters(inspection, train):
    letters = len(set(train))
    why = f"{letters:,} distinct characters; no {_UNKNOWN_WORD}, so words were not prepared"
    inspection.decide("data.unit", "character", why)
    inspection.decide("data.vocabulary_size", max(100, rounded_up(letters + 4, 100)), "all of them")
    if letters > _MOST_LETTERS:
        said = f"{letters:,} distinct characters are many; rare ones are read as unknown."
        inspection.warn("many_letters", letters, said)
    if len(train) < 300_000:
        why = f"a smaller network for {len(train):,} characters"
        inspection.decide("model.embedding", 64, why)
        inspection.decide("model.units", [128 if len(train) < 50_000 else 256], why)
    _decide_windows(inspection, len(train), 100, "characters", steps=3000)


def _decide_tokens(inspection, train):
    words = train.split()
    distinct = len(set(words)) + 5  # the reserved ones, and the end of a line
    inspection.decide("data.unit", "token", f"the text has {_UNKNOWN_WORD}: its words were prepared")
    inspection.decide(
        "data.vocabulary_size", max(100, min(50_000, distinct)), f"{distinct - 5:,} distinct words"
    )
    if len(words) < 200_000:
        why = f"a smaller network for {len(words):,} words"
        inspection.decide("model.embedding", 128, why)
        inspection.decide("model.units", [128], why)
    _decide_windows(inspection, len(words), 35, "words", steps=2000)


def _decide_windows(inspection, tokens, steps_of_window, unit, steps):
    """Windows, and as many streams that each is some windows long."""
    windows = max(1, tokens // steps_of_window)
    inspection.decide("training.tbptt.steps", steps_of_window, f"{unit} through which gradients go back")
    most = next((batch for batch in (64, 32, 16, 8, 4) if windows >= 4 * batch), 1)
    what = f"windows of {steps_of_window} {unit}"
    decide_training(inspection, windows, least_epochs=8, steps=steps, most_batch=most, unit=what)
