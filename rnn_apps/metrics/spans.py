"""Spans of tokens in IOB tags, and their precision, recall and F1."""

from collections.abc import Iterable, Sequence

_OUTSIDE = "O"


def are_span_tags(names: Iterable[str]) -> bool:
    """Return whether tags are IOB tags: ``B-kind``, ``I-kind`` and ``O``."""
    names = set(names) - {_OUTSIDE}
    return bool(names) and all(name[:2] in ("B-", "I-") and len(name) > 2 for name in names)


def spans_of(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return (kind, start, stop) of the spans of one sentence, in order.

    ``I-`` continues a span of its kind, or starts one if there is none before it, as in conlleval.

    Examples:
        >>> spans_of(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
        [('PER', 0, 2), ('LOC', 3, 4), ('LOC', 4, 5)]
    """
    spans, kind, start = [], None, 0
    for position, tag in enumerate([*tags, _OUTSIDE]):
        tag_kind = None if tag == _OUTSIDE else tag[2:]
        if kind is not None and (tag_kind != kind or tag.startswith("B-")):
            spans.append((kind, start, position))
            kind = None
        if tag_kind is not None and kind is None:
            kind, start = tag_kind, position
    return spans


def span_f1(truth: Sequence[Sequence[str]], answers: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return precision, recall and F1 of exactly matching spans over all sentences and kinds.

    Args:
        truth, answers: Tags of each sentence.

    Returns:
        `span_precision`, `span_recall` and `span_f1`; 0 if there are no spans.

    Reference:
        Tjong Kim Sang and De Meulder, "Introduction to the CoNLL-2003 Shared Task" (2003).
    """
    true, predicted = ([set(spans_of(tags)) for tags in sentences] for sentences in (truth, answers))
    num_correct = sum(len(one & other) for one, other in zip(true, predicted))
    precision, recall = (num_correct / max(1, sum(map(len, spans))) for spans in (predicted, true))
    total = precision + recall
    return {
        "span_f1": 2 * precision * recall / total if total else 0.0,
        "span_precision": precision,
        "span_recall": recall,
    }
