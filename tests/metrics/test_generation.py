"""Scores of generated text, against hand counts, published examples, sacrebleu and the COCO evaluation."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF

from rnn_apps.metrics.generation import (
    bits_per_character,
    caption_scores,
    corpus_bleu_scores,
    perplexity,
    sentence_cider_d,
)

BY_ORDER = ["bleu_1", "bleu_2", "bleu_3", "bleu_4"]
FUNCTIONS = [corpus_bleu_scores, caption_scores, sentence_cider_d]
# Papineni et al. 2002, section 2.1: 2 of 7 unigrams, since no reference holds "the" more than twice.
THE_ANSWER = ["the the the the the the the"]
THE_REFERENCES = [["the cat is on the mat", "there is a cat on the mat"]]


def corpus(seed, inputs=60):
    """Answers that are a reference with tokens exchanged or cut off, beside 1 to 5 references an input."""
    rng = np.random.default_rng(seed)
    words = np.array([f"w{index}" for index in range(40)])
    often = 1 / np.arange(1, 41)
    answers, references = [], []
    for _ in range(inputs):
        texts = [
            rng.choice(words, rng.integers(1, 15), p=often / often.sum()) for _ in range(rng.integers(1, 6))
        ]
        answer = texts[rng.integers(len(texts))].copy()
        changed = rng.random(len(answer)) < 0.25
        answer[changed] = rng.choice(words, changed.sum())
        answers.append(" ".join(answer[: rng.integers(1, 15)]))
        references.append([" ".join(text) for text in texts])
    return answers, references


def flat(scores):
    return {name: value for name, value in scores.items() if name != "signatures"}


# BLEU and chrF of plain text


def test_the_example_of_the_bleu_paper():
    scores = corpus_bleu_scores(THE_ANSWER, THE_REFERENCES)
    # The closest reference is as long as the answer: no penalty. No longer n-gram matches, of 6, 5 and 4:
    # "exp" takes 1/2, 1/4 and 1/8 matches instead.
    precisions = [2 / 7, 1 / 2 / 6, 1 / 4 / 5, 1 / 8 / 4]
    expected = [100 * math.prod(precisions[:n]) ** (1 / n) for n in (1, 2, 3, 4)]
    assert [scores[name] for name in BY_ORDER] == pytest.approx(expected)
    assert scores["bleu"] == scores["bleu_4"]
    # Captions are not smoothed.
    assert caption_scores(THE_ANSWER, THE_REFERENCES)["bleu_1"] == pytest.approx(200 / 7)
    assert caption_scores(THE_ANSWER, THE_REFERENCES)["bleu_2"] == 0


@pytest.mark.parametrize("score", [corpus_bleu_scores, caption_scores])
def test_bleu_of_a_varying_number_of_references_by_hand(score):
    scores = score(["a b c", "x"], [["a b d", "a b c e"], ["x y z"]])
    # Matches of 1, 2, 3 tokens: 3 + 1 of 4, 2 of 2, 1 of 1; no answer has 4 tokens. Lengths: 3 against the
    # closest of 3 and 4, 1 against 3 (an empty filler would be closer): 4 against 6, penalty exp(1 - 6/4).
    assert [scores[name] for name in BY_ORDER] == pytest.approx([100 * math.exp(-0.5)] * 3 + [0])


def test_chrf_of_a_varying_number_of_references_by_hand():
    # Matches of "ab" with "ac": 1 of 2 characters, 0 of 1 pairs; of "cd" with its better reference: all.
    # Together 3 of 4 and 1 of 2; longer n-grams do not occur. Precision = recall = F = (3/4 + 1/2) / 2.
    assert corpus_bleu_scores(["ab", "cd"], [["ac"], ["zz", "cd"]])["chrf"] == pytest.approx(62.5)


@pytest.mark.parametrize("options", [{}, {"tokenize": "char"}, {"lowercase": True}])
def test_each_order_is_what_sacrebleu_gives_for_it(options):
    answers, references = corpus(seed=1)
    answers = [f"W{answer[1:]}, done." for answer in answers]
    references = [[f"{text}, (done)." for text in (texts * 3)[:3]] for texts in references]
    streams = list(zip(*references))
    scores = corpus_bleu_scores(answers, references, **options)
    metrics = [BLEU(**{"tokenize": "13a", **options}, max_ngram_order=order) for order in (1, 2, 3, 4)]
    expected = [metric.corpus_score(answers, streams).score for metric in metrics]
    assert [scores[name] for name in BY_ORDER] == pytest.approx(expected)
    assert len({round(value, 3) for value in expected}) == 4
    chrf = CHRF(lowercase="lowercase" in options)
    assert scores["chrf"] == pytest.approx(chrf.corpus_score(answers, streams).score)
    assert scores["signatures"] == {
        "bleu": str(metrics[3].get_signature()),
        "chrf": str(chrf.get_signature()),
    }


def test_signatures_say_how_the_scores_were_made():
    signatures = corpus_bleu_scores(["a", "b"], [["a"], ["b", "c"]], tokenize="intl", lowercase=True)[
        "signatures"
    ]
    assert {"nrefs:var", "case:lc", "tok:intl", "smooth:exp"} <= set(signatures["bleu"].split("|"))
    assert {"nrefs:var", "case:lc", "nc:6", "nw:0"} <= set(signatures["chrf"].split("|"))


def test_case_counts_unless_it_is_switched_off():
    pair = ["The Cat Sat Here"], [["the cat sat here"]]
    exact, ignored = corpus_bleu_scores(*pair), corpus_bleu_scores(*pair, lowercase=True)
    assert exact["bleu"] == 0
    assert exact["chrf"] < 100
    assert ignored["bleu"] == pytest.approx(100)
    assert ignored["chrf"] == pytest.approx(100)


# Captions


def test_rouge_l_of_the_examples_of_its_paper():
    # Lin 2004, section 3.1: LCS "police the gunman" and "the gunman" of 4 tokens each; P = R = F.
    reference = [["police killed the gunman"]]
    assert caption_scores(["police kill the gunman"], reference)["rouge_l"] == pytest.approx(75)
    assert caption_scores(["the gunman kill police"], reference)["rouge_l"] == pytest.approx(50)


def test_rouge_l_takes_the_best_precision_and_the_best_recall():
    scores = caption_scores(["a b c d", "q"], [["a b", "a b c x y z"], ["r"]])
    # Precision 3/4 by the second, recall 2/2 by the first; beta^2 = 1.44. The other input has 0.
    assert scores["rouge_l"] == pytest.approx(100 * 2.44 * 0.75 / (1 + 1.44 * 0.75) / 2)


def test_the_common_subsequence_agrees_with_the_plain_table():
    rng = np.random.default_rng(3)
    for length in (1, 7, 80):  # more tokens than a machine word has bits, too
        for _ in range(10):
            answer, reference = (rng.integers(0, 6, size=length).astype(str).tolist() for _ in range(2))
            table = np.zeros((length + 1, length + 1), dtype=int)
            for i, token in enumerate(answer):
                for j, other in enumerate(reference):
                    longer = max(table[i, j + 1], table[i + 1, j])
                    table[i + 1, j + 1] = table[i, j] + 1 if token == other else longer
            scores = caption_scores([" ".join(answer)], [[" ".join(reference)]])
            assert scores["rouge_l"] == pytest.approx(100 * table[-1, -1] / length)  # P = R = F


def test_cider_d_of_two_short_captions_by_hand():
    # "a" is in the references of both inputs: ln(2/2) = 0. All else counts ln 2. First input: unigrams and
    # bigrams equal, longer there are none: 10 (1 + 1) / 4. Second: only "a" in common.
    assert sentence_cider_d(["a b", "a c"], [["a b"], ["a d"]]) == pytest.approx([5, 0])
    assert caption_scores(["a b", "a c"], [["a b"], ["a d"]])["cider_d"] == pytest.approx(2.5)


def test_cider_d_clips_repetition_and_punishes_length_by_hand():
    values = sentence_cider_d(["b b b", "x"], [["b", "c"], ["y"]])
    # To "b": unigrams min(3, 1) * 1 / (3 * 1), no bigrams, lengths 3 and 1: exp(-4 / 72). To "c": 0.
    assert values == pytest.approx([10 * (1 / 3 * math.exp(-4 / 72) + 0) / 4 / 2, 0])


def test_an_ngram_that_no_reference_holds_counts_as_one_in_one_input():
    values = sentence_cider_d(["b q", "x", "x"], [["b"], ["b"], ["y"]])
    # "b" is in 2 of 3 inputs: u = ln 3/2; "q" counts ln 3. u u / (sqrt(u^2 + ln^2 3) u), lengths 2 and 1.
    cosine = math.log(1.5) / math.hypot(math.log(1.5), math.log(3))
    assert values == pytest.approx([10 / 4 * cosine * math.exp(-1 / 72), 0, 0])


def test_cider_d_is_ten_for_the_only_reference_of_rare_tokens():
    assert sentence_cider_d(["a b c d", "e f g h"], [["a b c d"], ["e f g h"]]) == pytest.approx([10, 10])


def test_a_single_input_has_no_cider_d():
    assert sentence_cider_d(["a b c d"], [["a b c d"]]).tolist() == [0]


def test_caption_cider_d_is_the_mean_over_inputs():
    values = sentence_cider_d(*corpus(seed=4))
    assert values.shape == (60,)
    assert values.dtype == np.float64
    assert values.std() > 0.5
    assert caption_scores(*corpus(seed=4))["cider_d"] == pytest.approx(values.mean())


@pytest.mark.parametrize("seed", range(5))
def test_captions_agree_with_the_code_of_the_coco_evaluation(seed):
    pytest.importorskip("pycocoevalcap", reason="pycocoevalcap, the oracle of this test, is not installed")
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    answers, references = corpus(seed)
    answers[3], references[5] = "", ["", *references[5]]
    given, right = {i: [answer] for i, answer in enumerate(answers)}, dict(enumerate(references))
    scores = caption_scores(answers, references)
    bleu, _ = Bleu(4).compute_score(right, given, verbose=0)
    assert min(bleu) > 0.05
    assert [scores[name] for name in BY_ORDER] == pytest.approx([100 * value for value in bleu], rel=1e-6)
    assert scores["rouge_l"] == pytest.approx(100 * Rouge().compute_score(right, given)[0], rel=1e-6)
    mean, values = Cider().compute_score(right, given)
    assert scores["cider_d"] == pytest.approx(mean, rel=1e-6)
    np.testing.assert_allclose(sentence_cider_d(answers, references), values, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(
    ("answer", "reference", "least", "most"),
    [("a b c", "a b c", 3.1, 3.2), ("a b c q", "a b c d", 0, 0.02), ("q", "a", 0, 0.02)],
)
def test_the_coco_code_gives_a_little_where_bleu_4_is_0(answer, reference, least, most):
    pytest.importorskip("pycocoevalcap", reason="pycocoevalcap, the oracle of this test, is not installed")
    from pycocoevalcap.bleu.bleu import Bleu

    bleu, _ = Bleu(4).compute_score({0: [reference]}, {0: [answer]}, verbose=0)
    assert least < 100 * bleu[3] < most
    assert caption_scores([answer], [[reference]])["bleu_4"] == 0


# What holds for all of them


@pytest.mark.parametrize("score", [corpus_bleu_scores, caption_scores])
def test_the_order_of_references_and_of_inputs_changes_nothing(score):
    answers, references = corpus(seed=6)
    backwards = score(answers[::-1], [texts[::-1] for texts in references[::-1]])
    assert flat(backwards) == pytest.approx(flat(score(answers, references)))


def test_a_reference_given_twice_changes_only_cider_d():
    answers, references = corpus(seed=7)
    twice = [[*texts, texts[0]] for texts in references]
    plain, repeated = flat(corpus_bleu_scores(answers, references)), flat(corpus_bleu_scores(answers, twice))
    assert repeated == pytest.approx(plain)
    plain, repeated = caption_scores(answers, references), caption_scores(answers, twice)
    assert repeated.pop("cider_d") != pytest.approx(plain.pop("cider_d"), abs=1e-3)
    assert repeated == pytest.approx(plain)


def test_an_answer_equal_to_a_reference_is_perfect():
    references = [["one of two short texts", "b"], ["another one of them", "the last of them all"]]
    answers = [references[0][0], references[1][1]]
    assert list(flat(corpus_bleu_scores(answers, references)).values()) == pytest.approx([100] * 6)
    scores = caption_scores(answers, references)
    assert [scores[name] for name in (*BY_ORDER, "rouge_l")] == pytest.approx([100] * 5)


@pytest.mark.parametrize("score", [corpus_bleu_scores, caption_scores])
@pytest.mark.parametrize("references", [[["a b"], ["c", "d e"]], [[""], ["", "c"]], [[""], [""]]])
def test_empty_answers_have_0(score, references):
    assert set(flat(score(["", " "], references)).values()) == {0}


def test_an_empty_reference_counts_as_one_without_tokens():
    answers, references = ["a b c d e", "f g"], [["", "a b c d e"], [""]]
    # Matches: 5 of 5 + 2 tokens, 4 of 4 + 1, 3 of 3, 2 of 2; 7 tokens against 5 + 0, no penalty.
    precisions = [5 / 7, 4 / 5, 1, 1]
    bleu = [100 * math.prod(precisions[:n]) ** (1 / n) for n in (1, 2, 3, 4)]
    captions, plain = caption_scores(answers, references), corpus_bleu_scores(answers, references)
    assert [captions[name] for name in BY_ORDER] == pytest.approx(bleu)
    assert [plain[name] for name in BY_ORDER] == pytest.approx(bleu)
    assert plain["chrf"] == pytest.approx(100)  # the second answer is left out
    assert captions["rouge_l"] == pytest.approx((100 + 0) / 2)
    # All n-grams are in the references of 1 input of 2: 10 to its equal, 0 to the empty one.
    assert sentence_cider_d(answers, references) == pytest.approx([(10 + 0) / 2, 0])


def test_an_empty_reference_matches_nothing():
    assert caption_scores(["a", "b"], [[""], ["", ""]]) == dict.fromkeys([*BY_ORDER, "rouge_l", "cider_d"], 0)


def test_scores_are_plain_floats():
    answers, references = corpus(seed=8)
    scores = [*flat(corpus_bleu_scores(answers, references)).values()]
    scores += [*caption_scores(answers, references).values(), perplexity(np.float32(1))]
    assert {type(value) for value in [*scores, bits_per_character(np.float32(1))]} == {float}


def test_tokens_that_end_in_a_period_raise_no_warning_of_sacrebleu(caplog):
    caption_scores(["a b ."] * 100, [["a b ."]] * 100)
    assert caplog.records == []


def test_cider_d_is_the_same_to_the_last_bit_in_every_process():
    code = (
        "from rnn_apps.metrics.generation import sentence_cider_d as score\n"
        "texts = [' '.join(str(i * j % 7) for j in range(12)) for i in range(1, 9)]\n"
        "print(score(texts[::-1], [texts[i:i + 3] for i in range(8)]).tobytes().hex())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in "123"
    }
    assert len(outputs) == 1


# Likelihood


def test_perplexity_of_an_even_choice_is_the_number_of_choices():
    assert perplexity(math.log(50)) == pytest.approx(50)
    assert perplexity(0) == 1


def test_perplexity_beyond_a_float_is_infinite():
    assert perplexity(1000) == math.inf
    assert perplexity(np.float32(100)) == pytest.approx(math.exp(100))  # beyond single precision only


def test_one_of_eight_characters_takes_three_bits():
    assert bits_per_character(math.log(8)) == pytest.approx(3)


# Messages


@pytest.mark.parametrize("score", FUNCTIONS)
@pytest.mark.parametrize(
    ("answers", "references", "said"),
    [
        ([], [], r"answers: received none, expected at least 1\."),
        (["a"], [["a"], ["b"]], r"references: received 2 lists, expected 1, one per answer\."),
        (["a", "b"], [["a"], []], r"references\[1\]: received no reference, expected at least 1\."),
        (["a", "b"], ["a", ["b"]], r"references\[0\]: received a single text, expected a list of texts\."),
        (["a", None], [["a"], ["b"]], r"\[1\]: received NoneType, expected texts \(str\)\."),
        (["a", "b"], [["a"], ["b", 5]], r"\[1\]: received int, expected texts \(str\)\."),
    ],
)
def test_what_cannot_be_scored_is_refused(score, answers, references, said):
    with pytest.raises(ValueError, match=said):
        score(answers, references)


def test_an_unknown_tokeniser_is_reported_with_the_known_ones():
    with pytest.raises(ValueError, match="tokenize: received '13b', expected one of none, .*13a"):
        corpus_bleu_scores(["a"], [["a"]], tokenize="13b")
