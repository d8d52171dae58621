"""Where sentence pairs come from: TFDS, the user's folder, or the generated sample; one interface."""

from itertools import islice

from rnn_apps.data import tfds_source
from rnn_apps.data.parallel import Pairs, load_parallel
from rnn_apps.data.records import carved_fractions, cut_in_parts, part_of
from rnn_apps.data.samples.bilingual import bilingual
from rnn_apps.data.splits import PART_NAMES
from rnn_apps.errors import DataError


def load_pairs(
    source,
    path,
    languages,
    sample_size,
    seed,
    bad,
    validation_fraction,
    most=None,
    whole=False,
    named=None,
):
    """Read the sentence pairs of the source that a recipe names.

    Args:
        source: ``tfds:NAME``, ``files`` or ``sample``.
        path: folder, where source is ``files``; see `rnn_apps.data.parallel`.
        languages: (source, target), as the files end or as TFDS calls the features.
        sample_size, seed: of the generated sample.
        bad, validation_fraction: as in `load_parallel`.
        most: pairs of train that are kept, the first ones; None for all.
        whole: of files only the test part is wanted, as in `load_parallel`.
        named: names of the two files, as in `load_parallel`.

    Returns:
        Name of the source, and part name to `Pairs` for train, validation and test.

    Raises:
        SourceUnavailable: a set of TFDS is neither here nor reachable.
        DataError: as `load_parallel`, or a set of TFDS without these languages.
    """
    if source == "files":
        name = str(path)
        parts = load_parallel(path, *languages, bad, validation_fraction, whole, named)
    elif source == "sample":
        name, parts = "sample:bilingual", _sample(sample_size, seed)
    else:
        name, parts = source, _from_tfds(source.removeprefix("tfds:"), languages, validation_fraction, most)
    if most is not None and "train" in parts:
        train = parts["train"]
        parts["train"] = Pairs(train.sources[:most], train.targets[:most])
    return name, parts


def _sample(size, seed):
    """Generated pairs: 80 % train, 10 % validation, 10 % test."""
    parts = cut_in_parts(bilingual(size, seed))
    return {part: Pairs(*map(list, zip(*rows))) for part, rows in parts.items()}


def _from_tfds(name, languages, validation_fraction, most):
    builder = tfds_source.open_builder(name)
    missing = [language for language in languages if language not in builder.info.features]
    if missing:
        there = ", ".join(builder.info.features)
        fix = "Name two of them: --set data.source_language=CODE --set data.target_language=CODE"
        raise DataError(f"tfds:{name}", f"no language {missing[0]}; there are {there}", fix=fix)
    splits = [part for part in PART_NAMES if part in builder.info.splits]
    fractions, parts = carved_fractions(splits, validation_fraction), {part: Pairs() for part in PART_NAMES}
    for split in splits:
        target = "test" if split == "validation" and "test" not in splits else split
        examples = tfds_source.read_texts(builder, split, languages)
        for pair in islice(examples, most if split == "train" else None):
            if all(text.strip() for text in pair):
                parts[part_of(pair[0], fractions) if split == "train" else target].add(*pair)
    for part, pairs in parts.items():
        if not len(pairs):
            raise DataError(f"tfds:{name}", f"no usable example for {part}")
    return parts
