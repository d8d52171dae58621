"""How good generated text is: against references (BLEU, chrF, ROUGE-L, CIDEr-D), and as a likelihood."""

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
    """A text to CIDEr-D: its number of tokens; of each order the weighted counts (g_n) and their norm."""

    length: int
    vectors: list[dict[tuple[str, ...], float]]
    norms: list[float]


def corpus_bleu_scores(
    answers: Sequence[str],
    references: Sequence[Sequence[str]],
    tokenize: str = "13a",
    lowercase: bool = False,
) -> dict[str, float | dict[str, str]]:
    """Returns the scores of plain text by which translations are compared, as sacrebleu computes them.

    | name | is |
    |---|---|
    | `bleu` | corpus BLEU, 0 to 100, zero counts smoothed by "exp"; the same as `bleu_4` |
    | `bleu_1` .. `bleu_4` | the same of n-grams of at most so many tokens |
    | `chrf` | chrF2 of n-grams of at most 6 characters, 0 to 100; of each input the best reference counts |
    | `signatures` | `bleu` and `chrf` -> sacrebleu's signature, to be quoted beside the score |

    Where no reference of an input has anything in common with its answer, chrF takes the first one; if that
    is empty, it leaves the input out.

    Args:
        answers: one text an input (inputs,), not tokenised.
        references: the texts that would be right (inputs, references); their number may differ by input.
        tokenize: sacrebleu's name of a tokeniser, for BLEU. Some need more packages or a download ("spm").
        lowercase: whether case is ignored, in BLEU and chrF.

    Raises:
        ValueError: No inputs; not as many lists of references as answers; an input without references;
            something else than text; `tokenize` that sacrebleu does not know.

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
    """Returns the scores of tokenised text by which captions are compared, those of the COCO evaluation.

    | name | is |
    |---|---|
    | `bleu_1` .. `bleu_4` | corpus BLEU of n-grams of at most so many tokens, not smoothed, 0 to 100 |
    | `rouge_l` | mean over inputs of the F of the longest common subsequence, 0 to 100 |
    | `cider_d` | mean of `sentence_cider_d`, 0 to 10 |

    BLEU takes the reference length that is closest to the answer's, of two the shorter. ROUGE-L takes the
    best precision P and the best recall R over the references; F = (1 + beta^2) P R / (R + beta^2 P) with
    beta = 1.2.

    The COCO code differs in degenerate cases only. It guards its divisions by tiny constants: where no n-gram
    of an order matches in the whole corpus, BLEU is 0 here but up to 0.02 there, up to 3.2 where no answer is
    that long. An empty answer to an empty reference has ROUGE-L 0 here and 100 there.

    Args:
        answers: one text an input (inputs,), tokens between spaces; in lower case, if case is to be ignored.
        references: the same of the texts that would be right (inputs, references); their number may differ.

    Raises:
        ValueError: No inputs; not as many lists of references as answers; an input without references;
            something else than text.

    References:
        Chen et al. 2015, "Microsoft COCO Captions: Data Collection and Evaluation Server".
        Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries".
    """
    _check(answers, references)
    bleu = BLEU(tokenize="none", smooth_method="none", force=True)  # force: a last token "." is meant
    return {
        **_bleu_by_order(bleu, answers, references),
        "rouge_l": 100 * float(np.mean([_rouge_l(*pair) for pair in zip(answers, references)])),
        "cider_d": float(sentence_cider_d(answers, references).mean()),
    }


def sentence_cider_d(answers: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Returns the CIDEr-D of each answer (inputs,), 0 to 10: how far it says what its references agree on.

    For n = 1 to 4, g_n(text) counts each n-gram, times ln(inputs / inputs whose references hold it). Then

        10 / references * sum over references r of exp(-(|a| - |r|)^2 / (2 * 6^2))
            * min(g_n(a), g_n(r)) . g_n(r) / (||g_n(a)|| ||g_n(r)||)

    averaged over n, where a is the answer, |a| its number of tokens and min goes by n-gram. As in the COCO
    evaluation, g_n holds counts, where the paper divides them by the length; and an n-gram that no reference
    holds is taken as in those of one input.

    The weights come from the references of this very corpus: values of different corpora do not compare, what
    every input's references hold counts nothing, and a single input always has 0. An answer equal to its only
    reference has 10, if for each n it holds an n-gram that counts; one of less than 4 tokens cannot.

    Args:
        answers: one text an input (inputs,), tokens between spaces.
        references: the same of the texts that would be right (inputs, references); their number may differ.

    Raises:
        ValueError: No inputs; not as many lists of references as answers; an input without references;
            something else than text.

    References:
        Vedantam, Zitnick, Parikh 2015, "CIDEr: Consensus-based Image Description Evaluation".
    """
    _check(answers, references)
    held_by = Counter(chain.from_iterable(map(_ngrams_of_any, references)))
    rarity = {ngram: math.log(len(answers) / count) for ngram, count in held_by.items()}
    rarest = math.log(len(answers))
    values = []
    for answer, texts in zip(answers, references):
        vector = _weighted(answer, rarity, rarest)
        similarities = [_similarity(vector, _weighted(text, rarity, rarest)) for text in texts]
        values.append(CIDER_FACTOR * sum(similarities) / len(texts))
    return np.array(values)


def perplexity(nats: float) -> float:
    """Returns exp(nats): among how many equally likely tokens a model is left to guess.

    Infinite where that is beyond what a float holds (nats over 709).

    Args:
        nats: mean of -ln(probability of the true token).

    Examples:
        >>> round(perplexity(math.log(50)), 6)
        50.0
    """
    with np.errstate(over="ignore"):
        return float(np.exp(np.float64(nats)))


def bits_per_character(nats_per_character: float) -> float:
    """Returns the bits that a code made from the model spends on a character: nats / ln 2.

    Args:
        nats_per_character: mean of -ln(probability of the true character). Of a model of words or bytes: the
            sum over its tokens, divided by the number of characters.

    Examples:
        >>> bits_per_character(math.log(8))
        3.0
    """
    return float(nats_per_character) / math.log(2)


def _check(answers: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    if not len(answers):
        raise ValueError("answers: received none, expected at least 1.")
    if len(references) != len(answers):
        raise ValueError(
            f"references: received {len(references)} lists, expected {len(answers)}, one an answer."
        )
    for index, (answer, texts) in enumerate(zip(answers, references)):
        if isinstance(texts, str):
            raise ValueError(f"references[{index}]: received a single text, expected a list of texts.")
        if not len(texts):
            raise ValueError(f"references[{index}]: received no reference, expected at least 1.")
        wrong = [value for value in (answer, *texts) if not isinstance(value, str)]
        if wrong:
            kind = type(wrong[0]).__name__
            raise ValueError(f"answers[{index}], references[{index}]: received {kind}, expected texts (str).")


def _streams(references: Sequence[Sequence[str]]) -> list[tuple[str | None, ...]]:
    """Transposes to (references, inputs) with None for those that an input lacks: sacrebleu leaves None out.

    An empty text would not do: it counts as a reference of length 0, which may be the closest length.
    """
    return list(zip_longest(*references))


def _bleu_by_order(
    metric: BLEU, answers: Sequence[str], references: Sequence[Sequence[str]]
) -> dict[str, float]:
    """`bleu_1` .. `bleu_4` from one count of the n-grams of all orders."""
    counted = metric.corpus_score(list(answers), _streams(references))
    return {
        f"bleu_{order}": BLEU.compute_bleu(
            counted.counts[:order],
            counted.totals[:order],
            counted.sys_len,
            counted.ref_len,
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
    """Number of tokens, found a row at a time: a row of the usual table is held as the bits of one integer.

    Bit i of `row` is 0 where the table grows by one from tokens[:i] to tokens[:i + 1]; adding carries each
    match to the end of its run of ones (Hyyrö 2004, "Bit-Parallel LCS-length Computation Revisited").
    """
    places: dict[str, int] = {}
    for place, token in enumerate(tokens):
        places[token] = places.get(token, 0) | 1 << place
    full = (1 << len(tokens)) - 1
    row = full
    for other in others:
        matches = row & places.get(other, 0)
        row = (row + matches | row - matches) & full
    return len(tokens) - row.bit_count()


def _ngrams(tokens: Sequence[str], order: int) -> Iterator[tuple[str, ...]]:
    return zip(*(tokens[start:] for start in range(order)))


def _ngrams_of_any(texts: Sequence[str]) -> set[tuple[str, ...]]:
    return {ngram for text in texts for order in ORDERS for ngram in _ngrams(text.split(), order)}


def _weighted(text: str, rarity: Mapping[tuple[str, ...], float], rarest: float) -> _Weighted:
    tokens = text.split()
    vectors = [
        {ngram: count * rarity.get(ngram, rarest) for ngram, count in Counter(_ngrams(tokens, order)).items()}
        for order in ORDERS
    ]
    norms = [math.sqrt(sum(weight * weight for weight in vector.values())) for vector in vectors]
    return _Weighted(len(tokens), vectors, norms)


def _similarity(answer: _Weighted, reference: _Weighted) -> float:
    """Mean over the orders of the clipped cosine, less for a difference in length."""
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
