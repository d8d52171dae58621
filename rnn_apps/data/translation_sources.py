"""Where sentence pairs come from: TFDS, the user's folder, or the generated sample; one interface."""

from itertools import islice

from rnn_apps.data import tfds_source
from rnn_apps.data.parallel import Pairs, load_parallel, pairs_in_splits
from rnn_apps.data.samples.bilingual import bilingual
from rnn_apps.data.splits import SPLIT_NAMES, split_generated
from rnn_apps.errors import DataError, Setting


def load_pairs(source, request, bad, languages, max_examples=None, named=None):
    """Read the sentence pairs of a source in their splits.

    Args:
        source: `DataSource`.
        request: `SplitRequest`; train is split by a hash of the source sentence.
        bad: `BadRecords`.
        languages: (source, target), as the files end or as TFDS calls the features.
        max_examples: pairs of train that are kept, the first ones; None for all.
        named: names of the two files, as in `load_parallel`.

    Returns:
        Name of the source, and split name to `Pairs`.

    Raises:
        SourceUnavailable: a set of TFDS is neither here nor reachable.
        DataError: as `load_parallel`, or a set of TFDS without these languages.
    """
    if source.name == "files":
        name = str(source.path)
        splits = load_parallel(source.path, request, bad, languages, named)
    elif source.name == "sample":
        name = "sample:bilingual"
        pairs = split_generated(bilingual(source.sample_size, source.seed))
        splits = {split: Pairs.of(rows) for split, rows in pairs.items()}
    else:
        name = source.name
        found = dict(_from_tfds(name.removeprefix("tfds:"), request, languages, max_examples))
        splits = pairs_in_splits(name, found, request, bad)
    if max_examples is not None and "train" in splits:
        train = splits["train"]
        splits["train"] = Pairs(train.sources[:max_examples], train.targets[:max_examples])
    return name, splits


def _from_tfds(name, request, languages, max_examples):
    """Yield split name and pairs of a set of TFDS; of train the first ones only."""
    builder = tfds_source.open_builder(name)
    missing = [language for language in languages if language not in builder.info.features]
    if missing:
        there = ", ".join(builder.info.features)
        fix = Setting("Name two of them", "data.source_language=CODE", "data.target_language=CODE")
        raise DataError(f"tfds:{name}", f"no language {missing[0]}; there are {there}", fix=fix)
    for split in request.read_from([split for split in SPLIT_NAMES if split in builder.info.splits]):
        pairs = islice(
            tfds_source.read_texts(builder, split, languages), max_examples if split == "train" else None
        )
        yield split, [pair for pair in pairs if all(text.strip() for text in pair)]
