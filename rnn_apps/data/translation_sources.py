"""Loads sentence pairs from TFDS, the user's folder, or synthetic data."""

from itertools import islice

from rnn_apps.data import tfds_source
from rnn_apps.data.parallel import Pairs, load_parallel, pairs_in_splits
from rnn_apps.data.splits import SPLIT_NAMES, split_generated
from rnn_apps.data.synthetic.translation import sentence_pairs
from rnn_apps.errors import DataError, Setting


def load_pairs(source, request, invalid, languages, max_examples=None, named=None):
    """Read the sentence pairs of a source in their splits.

    Args:
        source: `DataSource`.
        request: `SplitRequest`; train is split by a hash of the source sentence.
        invalid: `InvalidRecords`.
        languages: (source, target), file extensions or TFDS features.
        max_examples: Pairs of train that are kept, the first ones, or None for all.
        named: Names of the two files, as in `load_parallel`.

    Returns:
        Name of the source, and split name to `Pairs`.

    Raises:
        SourceUnavailable: a TFDS data set is neither on this machine nor reachable.
        DataError: as in `load_parallel`, or a TFDS data set lacks these languages.
    """
    if source.name == "files":
        name = str(source.path)
        splits = load_parallel(source.path, request, invalid, languages, named)
    elif source.name == "sample":
        name = "sample:bilingual"
        pairs = split_generated(sentence_pairs(source.sample_size, source.seed))
        splits = {split: Pairs.of(rows) for split, rows in pairs.items()}
    else:
        name = source.name
        found = dict(_from_tfds(name.removeprefix("tfds:"), request, languages, max_examples))
        splits = pairs_in_splits(name, found, request, invalid)
    if "train" in splits:
        train = splits["train"]
        splits["train"] = Pairs(train.sources[:max_examples], train.targets[:max_examples])
    return name, splits


def _from_tfds(name, request, languages, max_examples):
    """Yield split name and pairs of a TFDS data set; of train only the first ones."""
    builder = tfds_source.open_builder(name)
    missing = [language for language in languages if language not in builder.info.features]
    if missing:
        problem = f"no language {missing[0]}; there are {', '.join(builder.info.features)}"
        fix = Setting("Name two of them", "data.source_language=CODE", "data.target_language=CODE")
        raise DataError(f"tfds:{name}", problem, fix=fix)
    for split in request.read_from([split for split in SPLIT_NAMES if split in builder.info.splits]):
        texts = tfds_source.read_texts(builder, split, languages)
        pairs = islice(texts, max_examples if split == "train" else None)
        yield split, [pair for pair in pairs if all(text.strip() for text in pair)]
