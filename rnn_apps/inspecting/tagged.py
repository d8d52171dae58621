"""Inspects sentences with one tag per word: tags, lengths, duplicates, leakage, unknown words."""

from collections import Counter

from rnn_apps.data.files import json_lines, open_lines
from rnn_apps.data.split_files import find_splits
from rnn_apps.data.splits import DataSource
from rnn_apps.data.tagged_files import TAGGED_ENDINGS, open_tagged
from rnn_apps.errors import DataError, Setting, shown
from rnn_apps.inspecting.inspection import Inspection
from rnn_apps.inspecting.measures import round_up

_MAX_TAGS = 1000
_TAG_NAMES = ("ner", "tag", "label", "pos")  # names of JSON keys, in order of preference
_MAX_TAGS_LISTED = 20


def inspect_sentences(path, overrides):
    """Return the `Inspection` of a CoNLL file, JSON lines, or a folder with train.* and other splits.

    Args:
        path: File or folder.
        overrides: As for `inspect_data`.

    Raises:
        DataError: there are no tagged sentences, or the labels do not look like tags.
    """
    files = find_splits(path, "train", TAGGED_ENDINGS)
    inspection = Inspection("tagging", str(path), "tagging", overrides)
    inspection.describe_files(path, files.values())
    keys = _decide_keys(inspection, files["train"])
    source = DataSource("files", path, 0, 1)
    splits = inspection.load_splits(lambda *args: open_tagged(source, *args, keys).lists())
    inspection.describe_splits(splits, len(files), "Sentences")
    _describe_tags(inspection, path, splits["train"])
    texts = {split: [" ".join(one.tokens) for one in sentences] for split, sentences in splits.items()}
    lengths = [len(sentence.tokens) for sentence in splits["train"]]
    inspection.describe_lengths(lengths, "lengths", "Words of a sentence")
    inspection.describe_repeats(texts["train"], "sentences")
    inspection.describe_leakage(texts, "sentences", len(files))
    _decide_model(inspection, splits)
    return inspection


def _decide_keys(inspection, file):
    """Decide which keys of JSON lines hold words and tags, or which column holds tags; returns both."""
    tokens, tags = inspection.overrides.get("data.tokens", "tokens"), inspection.overrides.get("data.tags")
    if not file.name.lower().removesuffix(".gz").endswith(".jsonl"):
        return tokens, tags
    with open_lines(file) as lines:
        _, record, _ = next(json_lines(lines), (None, None, None))
    record = record or {}
    lists = {key: value for key, value in record.items() if isinstance(value, list)}
    if tokens not in record and "data.tokens" not in inspection.overrides and "words" in lists:
        tokens = "words"
        inspection.decide("data.tokens", tokens, "a list of words")
    words = record.get(tokens, ())
    words = words.split() if isinstance(words, str) else words
    keys = [key for key, value in lists.items() if key != tokens and len(value) == len(words)]
    if tags is None and "tags" not in record and keys:
        tags = next((key for name in _TAG_NAMES for key in keys if name in key.casefold()), keys[0])
        others = [shown(key) for key in keys if key != tags]
        more = f"; others of this length: {', '.join(others)}" if others else ""
        inspection.decide("data.tags", tags, f"a list as long as the words{more}")
    if all(isinstance(tag, int) for tag in record.get(tags or "tags", ("",))):
        text = "Tags are integers without names in the file, so the integers are used as names."
        inspection.warn("numbered_tags", True, f"{text} Scores are per word, not per span.")
    return tokens, tags


def _describe_tags(inspection, path, train):
    counts = Counter(tag for sentence in train for tag in sentence.labels)
    if not 2 <= len(counts) <= _MAX_TAGS:
        fix = Setting("Name their column or key", "data.tags=NAME")
        expected = f"2 to {_MAX_TAGS:,} recurring ones"
        raise DataError(str(path), received=f"{len(counts):,} distinct tags", expected=expected, fix=fix)
    inspection.describe_classes(Counter(dict(counts.most_common())), "tag")
    rare = [tag for tag, count in counts.items() if count < 5]
    if rare:
        listed = ", ".join(map(shown, rare[:_MAX_TAGS_LISTED]))
        inspection.warn("rare_classes", rare, f"Tags with fewer than 5 words in train: {listed}.")


def _decide_model(inspection, splits):
    train = splits["train"]
    counts = Counter(word for sentence in train for word in sentence.tokens)
    once = sum(count == 1 for count in counts.values())
    text = f"{len(counts):,} distinct words in train, {once:,} of them once."
    inspection.add("vocabulary", {"words": len(counts), "once": once}, text)
    words = [word for sentence in splits["test"] for word in sentence.tokens]
    inspection.describe_unknown_words(counts, words)
    size = min(50_000, round_up(len(counts) + 2, 100))
    why = "all words; tags of unknown words are predicted from their characters"
    inspection.decide("data.vocabulary_size", size, why)
    inspection.decide("model.bidirectional", True, "the whole sentence is available before the answer")
    if len(train) < 4000:
        settings = {"model.embedding": 64, "model.units": [64], "model.characters.units": 32}
        inspection.decide_all(settings, f"a smaller network for {len(train):,} sentences")
        inspection.decide("training.learning_rate", 0.004, "small networks can take larger steps")
    inspection.decide_training(len(train), min_epochs=8, steps=1000, max_batch_size=32, noun="sentences")
