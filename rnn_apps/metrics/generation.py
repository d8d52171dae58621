"""Scores of generated text: BLEU, chrF, ROUGE-L and CIDEr-D with references, and perplexity."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import NamedTuple

import numpy as np
from sacrebleu.metrics import BLEU, CHRF

ORDERS = (1, 2, 3, 4)  # tokens in an n-gram, of BLEU and of CIDEr-D
ROUGE_BETA = 1.2  # weight of recall against precision, as in the COCO evaluation
CIDER_SIGMA = 6.0  # width of the penalty on the difference in length, in tokens
CIDER_FACTOR = 10.0


class _Weighted(NamedTuple):
    """A text for CIDEr-D: number of tokens, and for each order the weighted counts (g_n) and their norm."""

    length: int
    vectors: list[dict[tuple[str, ...], float]]
    norms: list[float]


def corpus_bleu_scores(
    answers: Sequence[str],
    references: Sequence[Sequence[str]],
    tokenize: str = "13a",
    lowercase: bool = False,
) -> dict[str, float | dict[str, str]]:
    """Return the standard scores of translations, as sacrebleu computes them from plain text.

    | name | meaning |
    |---|---|
    | `bleu` | corpus BLEU, 0 to 100, zero counts smoothed by "exp"; the same as `bleu_4` |
    | `bleu_1` .. `bleu_4` | the same for n-grams of at most 1 .. 4 tokens |
    | `chrf` | chrF2 of n-grams of at most 6 characters, 0 to 100, with the best reference of each input |
    | `signatures` | sacrebleu's signatures of `bleu` and `chrf`, to be quoted with the scores |

    If no reference of an input has anything in common with its answer, chrF takes the first one; if that is
    empty, it leaves the input out.

    Args:
        answers: One text per input (inputs,), not tokenized.
        references: Correct texts (inputs, references); their number may differ by input.
        tokenize: Name of a tokenizer of sacrebleu, for BLEU. Some need more packages or a download ("spm").
        lowercase: Whether BLEU and chrF ignore case.

    Raises:
        ValueError: no inputs; different numbers of answers and lists of references; an input without
            references; a value that is not a text; a tokenizer that sacrebleu does not have.

    References:
        Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation".
        Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation".
        Post 2018, "A Call for Clarity in Reporting BLEU Scores".
    """
    _check(answers, references)
    if tokenize not in BLEU.TOKENIZERS:
        known = ", ".join(BLEU.TOKENIZERS)
        raise ValueError(f"tokenize: received {tokenize!r}, expected one of {known}.")
    bleu = BLEU(tokenize=tokenize, lowercase=lowercase)
    chrf = CHRF(lowercase=lowercase)
    scores = _bleu_by_order(bleu, answers, references)
    return {
        "bleu": scores["bleu_4"],
        **scores,
        "chrf": chrf.corpus_score(list(answers), _streams(references)).score,
        "signatures": {"bleu": str(bleu.get_signature()), "chrf": str(chrf.get_signature())},
    }


def caption_scores(answers: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the scores of tokenized captions, as in the COCO evaluation.

    | name | meaning |
    |---|---|
    | `bleu_1` .. `bleu_4` | corpus BLEU of n-grams of at most 1 .. 4 tokens, not smoothed, 0 to 100 |
    | `rouge_l` | mean over inputs of the F-score of the longest common subsequence, 0 to 100 |
    | `cider_d` | mean of `sentence_cider_d`, 0 to 10 |

    BLEU uses the reference length that is closest to the answer's, the shorter one in a tie. ROUGE-L uses
    the best precision P and the best recall R over the references; F = (1 + beta^2) P R / (R + beta^2 P)
    with beta = 1.2.

    The COCO code differs only in degenerate cases, because it adds tiny constants to its divisors: if no
    n-gram of an order matches in the whole corpus, BLEU is 0 here but up to 0.02 there, or up to 3.2 if no
    answer is that long. An empty answer to an empty reference has ROUGE-L 0 here and 100 there.

    Args:
        answers: One text per input (inputs,), tokens separated by spaces; in lower case to ignore case.
        references: Correct texts in this form (inputs, references); their number may differ by input.

    Raises:
        ValueError: no inputs; different numbers of answers and lists of references; an input without
            references; a value that is not a text.

    References:
        Chen et al. 2015, "Microsoft COCO Captions: Data Collection and Evaluation Server".
        Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries".
    """
    _check(answers, references)
    bleu = BLEU(tokenize="none", smooth_method="none", force=True)  # force: no warning about a final "."
    return {
        **_bleu_by_order(bleu, answers, references),
        "rouge_l": 100 * float(np.mean([_rouge_l(*pair) for pair in zip(answers, references)])),
        "cider_d": float(sentence_cider_d(answers, references).mean()),
    }


def sentence_cider_d(answers: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Return the CIDEr-D of each answer (inputs,), 0 to 10: its agreement with the references.

    For n = 1 to 4, g_n(text) is the count of each n-gram times ln(inputs / inputs whose references contain
    it). The score is

        10 / references * sum over references r of exp(-(|a| - |r|)^2 / (2 * 6^2))
            * min(g_n(a), g_n(r)) . g_n(r) / (||g_n(a)|| ||g_n(r)||)

    averaged over n, where a is the answer, |a| its number of tokens and min is taken per n-gram. As in the
    COCO evaluation, g_n uses counts, which the paper divides by the length, and an n-gram that is in no
    reference is weighted like one in the references of one input.

    The weights come from the references of this corpus: scores of different corpora are not comparable, an
    n-gram in the references of every input has weight 0, and a single input always scores 0. An answer equal
    to its only reference scores 10 if for each n it has an n-gram with a weight above 0, so at least 4
    tokens.

    Args:
        answers: One text per input (inputs,), tokens separated by spaces.
        references: Correct texts in this form (inputs, references); their number may differ by input.

    Raises:
        ValueError: no inputs; different numbers of answers and lists of references; an input without
            references; a value that is not a text.

    References:
        Vedantam, Zitnick, Parikh 2015, "CIDEr: Consensus-based Image Description Evaluation".
    """
    _check(answers, references)
    document_counts = Counter(chain.from_iterable(map(_distinct_ngrams, references)))
    max_idf = math.log(len(answers))
    idf = {ngram: math.log(len(answers) / count) for ngram, count in document_counts.items()}
    scores = []
    for answer, texts in zip(answers, references):
        vector = _weighted(answer, idf, max_idf)
        similarities = [_similarity(vector, _weighted(text, idf, max_idf)) for text in texts]
        scores.append(CIDER_FACTOR * sum(similarities) / len(texts))
    return np.array(scores)


def perplexity(nats: float) -> float:
    """Return exp(nats), the number of equally likely tokens with this loss; infinite above 709 nats.

    Args:
        nats: Mean of -ln(probability of the true token).

    Examples:
        >>> round(perplexity(math.log(50)), 6)
        50.0
    """
    with np.errstate(over="ignore"):
        return float(np.exp(np.float64(nats)))


def bits_per_character(nats_per_character: float) -> float:
    """Return the loss in bits: nats / ln 2.

    Args:
        nats_per_character: Mean of -ln(probability of the true character). For a model of words or bytes,
            the sum over its tokens divided by the number of characters.

    Examples:
        >>> bits_per_character(math.log(8))
        3.0
    """
    return float(nats_per_character) / math.log(2)


def _check(answers: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    if not len(answers):
        raise ValueError("answers: received none, expected at least 1.")
    if len(references) != len(answers):
        expected = f"{len(answers)}, one per answer"
        raise ValueError(f"references: received {len(references)} lists, expected {expected}.")
    for index, (answer, texts) in enumerate(zip(answers, references)):
        if isinstance(texts, str):
            raise ValueError(f"references[{index}]: received a single text, expected a list of texts.")
        if not len(texts):
            raise ValueError(f"references[{index}]: received no reference, expected at least 1.")
        invalid = [value for value in (answer, *texts) if not isinstance(value, str)]
        if invalid:
            kind = type(invalid[0]).__name__
            raise ValueError(f"answers[{index}], references[{index}]: received {kind}, expected texts (str).")


def _streams(references: Sequence[Sequence[str]]) -> list[tuple[str | None, ...]]:
    """Transpose to (references, inputs) with None for missing ones, which sacrebleu ignores.

    An empty text would count as a reference of length 0, which may be the closest length.
    """
    return list(zip_longest(*references))


def _bleu_by_order(
    metric: BLEU, answers: Sequence[str], references: Sequence[Sequence[str]]
) -> dict[str, float]:
    """`bleu_1` .. `bleu_4` from one count of the n-grams of all orders."""
    corpus = metric.corpus_score(list(answers), _streams(references))
    return {
        f"bleu_{order}": BLEU.compute_bleu(
            corpus.counts[:order],
            corpus.totals[:order],
            corpus.sys_len,
            corpus.ref_len,
            smooth_method=metric.smooth_method,
            max_ngram_order=order,
        ).score
        for order in ORDERS
    }


def _rouge_l(answer: str, references: Sequence[str]) -> float:
    tokens = answer.split()
    others = [other for other in (text.split() for text in references) if other]
    common = [_longest_common_subsequence(tokens, other) for other in others]
    if not any(common):
        return 0.0
    precision = max(common) / len(tokens)
    recall = max(count / len(other) for count, other in zip(common, others))
    return (1 + ROUGE_BETA**2) * precision * recall / (recall + ROUGE_BETA**2 * precision)


def _longest_common_subsequence(tokens: Sequence[str], others: Sequence[str]) -> int:
    """Length of the longest common subsequence; a row of the standard table is the bits of one integer.

    Bit i of `row` is 0 where the table grows by one from tokens[:i] to tokens[:i + 1]; adding carries each
    match to the end of its run of ones (Hyyrö 2004, "Bit-Parallel LCS-length Computation Revisited").
    """
    positions: dict[str, int] = {}
    for position, token in enumerate(tokens):
        positions[token] = positions.get(token, 0) | 1 << position
    all_bits = (1 << len(tokens)) - 1
    row = all_bits
    for other in others:
        matches = row & positions.get(other, 0)
        row = (row + matches | row - matches) & all_bits
    return len(tokens) - row.bit_count()


def _ngrams(tokens: Sequence[str], order: int) -> Iterator[tuple[str, ...]]:
    return zip(*(tokens[start:] for start in range(order)))


def _distinct_ngrams(texts: Sequence[str]) -> set[tuple[str, ...]]:
    return {ngram for text in texts for order in ORDERS for ngram in _ngrams(text.split(), order)}


def _weighted(text: str, idf: Mapping[tuple[str, ...], float], max_idf: float) -> _Weighted:
    tokens = text.split()
    vectors = [
        {ngram: count * idf.get(ngram, max_idf) for ngram, count in Counter(_ngrams(tokens, order)).items()}
        for order in ORDERS
    ]
    norms = [math.sqrt(sum(weight * weight for weight in vector.values())) for vector in vectors]
    return _Weighted(len(tokens), vectors, norms)


def _similarity(answer: _Weighted, reference: _Weighted) -> float:
    """Mean over the orders of the clipped cosine, reduced for a difference in length."""
    cosines = [
        sum(min(weight, other[ngram]) * other[ngram] for ngram, weight in vector.items() if ngram in other)
        / (norm * other_norm)
        for vector, norm, other, other_norm in zip(
            answer.vectors, answer.norms, reference.vectors, reference.norms
        )
        if norm and other_norm
    ]
    gap = answer.length - reference.length
    return sum(cosines) / len(ORDERS) * math.exp(-(gap**2) / (2 * CIDER_SIGMA**2))
