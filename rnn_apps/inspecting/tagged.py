"""Inspects sentences with a tag for every word: tags, lengths, repeats, leakage, unknown words."""

from collections import Counter

from rnn_apps.data.files import json_object, open_lines
from rnn_apps.data.splits import DataSource, find_splits
from rnn_apps.data.tagged_files import TAGGED_ENDINGS, load_tagged
from rnn_apps.errors import DataError, Setting, shown
from rnn_apps.inspecting.encodings import check_encoding
from rnn_apps.inspecting.findings import Inspection
from rnn_apps.inspecting.measures import (
    describe_leakage,
    describe_lengths,
    describe_parts,
    describe_repeats,
    describe_unread,
    percent,
    unknown_rate,
)
from rnn_apps.inspecting.sizes import decide_training, load_with_room, rounded_up

_MOST_TAGS = 1000
_TAGS = ("ner", "tag", "label", "pos")  # what keys of tags are called, in order of preference
_TAGS_LISTED = 20


def inspect_sentences(path, given=None):
    """Return the `Inspection` of a CoNLL file, JSON lines, or a folder with train.* and further parts.

    Args:
        path: file or folder.
        given: settings that the user has chosen, dotted path to value.

    Raises:
        DataError: no tagged sentences are there, or what would be tags are not.
    """
    files = find_splits(path, "train", TAGGED_ENDINGS)
    inspection = Inspection("tagging", str(path), "tagging", given or {})
    for file in files.values():
        value = {"file": file.name, "encoding": check_encoding(file)}
        inspection.found("file", value, f"{file.name}: {value['encoding']}.")
    describe_unread(inspection, path, files.values())
    keys = _keys(inspection, files["train"])
    source = DataSource("files", path, 0, 1)
    parts = load_with_room(inspection, lambda *read: load_tagged(source, *read, keys)[1])
    describe_parts(inspection, parts, carved=len(files) < 3, what="Sentences")
    _describe_tags(inspection, path, parts["train"])
    texts = {part: [" ".join(one.tokens) for one in found] for part, found in parts.items()}
    describe_lengths(
        inspection, [len(one.tokens) for one in parts["train"]], "lengths", "Words of a sentence"
    )
    describe_repeats(inspection, texts["train"], "sentences")
    describe_leakage(inspection, texts, "sentences", len(files))
    _decide(inspection, parts)
    return inspection


def _keys(inspection, file):
    """Decide which keys of JSON lines hold words and tags, or which column holds tags; returns both."""
    tokens, tags = inspection.given.get("data.tokens", "tokens"), inspection.given.get("data.tags")
    if not file.name.lower().removesuffix(".gz").endswith(".jsonl"):
        return tokens, tags
    with open_lines(file) as lines:
        record = json_object(next((line for line in lines if line.strip()), ""))[0] or {}
    lists = {key: value for key, value in record.items() if isinstance(value, list)}
    if tokens not in record and "data.tokens" not in inspection.given and "words" in lists:
        tokens = "words"
        inspection.decide("data.tokens", tokens, "a list of words")
    words = record.get(tokens, ())
    words = words.split() if isinstance(words, str) else words
    fit = [key for key, value in lists.items() if key != tokens and len(value) == len(words)]
    if tags is None and "tags" not in record and fit:
        tags = next((key for name in _TAGS for key in fit if name in key.casefold()), fit[0])
        others = [shown(key) for key in fit if key != tags]
        more = f"; others as long: {', '.join(others)}" if others else ""
        inspection.decide("data.tags", tags, f"a list as long as that of the words{more}")
    if all(isinstance(tag, int) for tag in record.get(tags or "tags", ("",))):
        said = "Tags are whole numbers, whose names are not in the file: the numbers are the names."
        inspection.warn("numbered_tags", True, f"{said} Scores are of words, not of spans.")
    return tokens, tags


def _describe_tags(inspection, path, train):
    tags = Counter(tag for one in train for tag in one.labels)
    if len(tags) > _MOST_TAGS or len(tags) < 2:
        fix = Setting("Name their column or key", "data.tags=NAME")
        expected = f"2 to {_MOST_TAGS:,}, a few of them again and again"
        raise DataError(str(path), received=f"{len(tags):,} distinct tags", expected=expected, fix=fix)
    total = tags.total()
    listed = ", ".join(f"{t} {percent(n, total)}" for t, n in tags.most_common(_TAGS_LISTED))
    more = f", and {len(tags) - _TAGS_LISTED} more" if len(tags) > _TAGS_LISTED else ""
    inspection.found("classes", dict(tags.most_common()), f"{len(tags):,} tags in train: {listed}{more}.")
    rare = [tag for tag, count in tags.items() if count < 5]
    if rare:
        said = f"Tags with fewer than 5 words in train: {', '.join(map(shown, rare[:_TAGS_LISTED]))}."
        inspection.warn("rare_classes", rare, said)


def _decide(inspection, parts):
    train = parts["train"]
    counts = Counter(word for one in train for word in one.tokens)
    once = sum(count == 1 for count in counts.values())
    said = f"{len(counts):,} distinct words in train, {once:,} of them once."
    inspection.found("vocabulary", {"words": len(counts), "once": once}, said)
    unknown_rate(inspection, counts, [word for one in parts["test"] for word in one.tokens])
    why = "a guess for unknown words comes from their letters"
    inspection.decide(
        "data.vocabulary_size", min(50_000, rounded_up(len(counts) + 2, 100)), f"all words; {why}"
    )
    inspection.decide("model.bidirectional", True, "the whole sentence is there before the answer")
    if len(train) < 4000:
        why = f"a smaller network for {len(train):,} sentences"
        inspection.decide("model.embedding", 64, why)
        inspection.decide("model.units", [64], why)
        inspection.decide("model.characters.units", 32, why)
        inspection.decide("training.learning_rate", 0.004, "small networks take larger steps")
    decide_training(inspection, len(train), least_epochs=8, steps=1000, most_batch=32, unit="sentences")
