"""Spans of tokens written as tags, and how many of them are found exactly."""

from collections.abc import Iterable, Sequence

_OUTSIDE = "O"


def are_span_tags(names: Iterable[str]) -> bool:
    """Returns whether tags say where spans begin and go on: ``B-kind``, ``I-kind`` and ``O``."""
    names = set(names) - {_OUTSIDE}
    return bool(names) and all(name[:2] in ("B-", "I-") and len(name) > 2 for name in names)


def spans_of(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Returns (kind, begin, end) of the spans of one sentence, in order; `end` is not in the span.

    ``I-`` goes on with a span of its kind and begins one where none stands before it, as conlleval counts.

    Examples:
        >>> spans_of(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
        [('PER', 0, 2), ('LOC', 3, 4), ('LOC', 4, 5)]
    """
    spans, kind, begin = [], None, 0
    for place, tag in enumerate([*tags, _OUTSIDE]):
        here = None if tag == _OUTSIDE else tag[2:]
        if kind is not None and (here != kind or tag.startswith("B-")):
            spans.append((kind, begin, place))
            kind = None
        if here is not None and kind is None:
            kind, begin = here, place
    return spans


def span_f1(truth: Sequence[Sequence[str]], answers: Sequence[Sequence[str]]) -> dict[str, float]:
    """Returns precision, recall and F1 of exactly right spans over all sentences, kinds counted together.

    Args:
        truth, answers: tags of each sentence.

    Returns:
        `span_precision`, `span_recall` and `span_f1`; 0 where nothing is found or nothing was there.

    Reference:
        Tjong Kim Sang and De Meulder, "Introduction to the CoNLL-2003 Shared Task" (2003).
    """
    true = [set(spans_of(tags)) for tags in truth]
    said = [set(spans_of(tags)) for tags in answers]
    right = sum(len(one & other) for one, other in zip(true, said))
    precision, recall = (right / max(1, sum(map(len, spans))) for spans in (said, true))
    both = precision + recall
    return {
        "span_f1": 2 * precision * recall / both if both else 0.0,
        "span_precision": precision,
        "span_recall": recall,
    }
